//! The process that checks scripts, and the priority at which scripts are prepared.

use std::process::ExitCode;

use scriptmill_child as child;

use super::protocol::{STACK_BYTES, answer};

/// Lets jobs go first: a thread that prepares scripts gets a tenth of a processor that running ones want too, and all of
/// it when they don't.
pub fn defer_to_jobs() {
    const NICENESS: i32 = 10;
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::warn!(%error, "new scripts are prepared at the priority of running ones");
    }
}

/// The child's whole work: checks bundles that its parent sends until the parent is gone.
pub fn serve() -> ExitCode {
    defer_to_jobs();
    child::serve(STACK_BYTES, answer)
}
