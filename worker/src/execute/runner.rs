//! What runs jobs.

use scriptmill_sandbox::{Execution, Invocation, Prepared, Sandbox};
use scriptmill_sdk::Bundle;

/// What runs jobs: a sandbox, or a stand-in for it in tests of the way to it.
pub trait Runner: Send + Sync + 'static {
    /// A script that was prepared: it can run, or each of its jobs ends as the preparation did.
    type Script: Send + Sync + 'static;

    /// SHA-256 of the engine, in hexadecimal.
    fn engine(&self) -> &str;

    /// The script, if it was prepared before.
    fn ready(&self, bundle: &Bundle) -> impl Future<Output = Option<Self::Script>> + Send;

    /// Prepares a script, which takes as long as many jobs do. Other callers that ask for the same one meanwhile wait for it.
    /// Scripts of one queue wait for each other; queues take turns.
    fn prepare(&self, bundle: &Bundle, queue: u64) -> impl Future<Output = Self::Script> + Send;

    /// Calls an entry of a script once, handing the thread back at every slice.
    fn run(&self, script: &Self::Script, invocation: Invocation<'_>) -> impl Future<Output = Execution> + Send;
}

impl Runner for Sandbox {
    type Script = Prepared;

    fn engine(&self) -> &str {
        self.engine_hash()
    }

    fn ready(&self, bundle: &Bundle) -> impl Future<Output = Option<Prepared>> + Send {
        self.ready(bundle)
    }

    fn prepare(&self, bundle: &Bundle, queue: u64) -> impl Future<Output = Prepared> + Send {
        self.image_in_turn(bundle, queue)
    }

    fn run(&self, script: &Prepared, invocation: Invocation<'_>) -> impl Future<Output = Execution> + Send {
        self.run_prepared(script, invocation)
    }
}
