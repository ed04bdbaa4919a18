//! The interface to what runs jobs.

use scriptmill_sandbox::{Execution, Invocation, Prepared, Sandbox};
use scriptmill_sdk::Bundle;

/// Runs jobs: a sandbox, or a stand-in for it in tests of the worker's other parts.
pub trait Runner: Send + Sync + 'static {
    /// A script that was prepared. If the preparation failed, each of its jobs ends as the preparation did.
    type Script: Send + Sync + 'static;

    /// SHA-256 of the engine, in hexadecimal.
    fn engine(&self) -> &str;

    /// The prepared script. Returns `None` if it was not prepared before.
    fn ready(&self, bundle: &Bundle) -> impl Future<Output = Option<Self::Script>> + Send;

    /// Prepares a script, which takes as long as many jobs. Other callers that ask for the same script meanwhile wait for it.
    /// Scripts of one queue wait for each other; the queues take turns.
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
