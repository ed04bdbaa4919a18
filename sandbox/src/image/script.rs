//! A script that is ready to run, or the reason why it cannot.

use scriptmill_sdk::{Diagnostic, Ending, LimitKind, Origin};

use crate::prepare::EmittedModule;
use crate::snapshot::Snapshot;

/// A script, ready to run.
pub struct Image {
    pub(crate) snapshot: Snapshot,
    pub(crate) modules: Vec<EmittedModule>,
    /// Warnings of the check.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Fuel that the top level took.
    pub(crate) prepare_fuel: u64,
    /// Linear memory that a job begins with, in bytes.
    pub(crate) memory_bytes: u64,
    /// What the image holds, in bytes.
    pub(crate) size: usize,
}

/// A script that cannot run, and why: the ending of every job of it.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// How such a job ends.
    pub ending: Ending,
    /// What the check found.
    pub diagnostics: Vec<Diagnostic>,
    /// Fuel that the top level took.
    pub prepare_fuel: u64,
}

impl Refusal {
    /// Whether it is the script's own, and the same next time.
    pub(crate) fn is_final(&self) -> bool {
        match &self.ending {
            Ending::Failed(failure) => failure.origin != Origin::Platform,
            // How far a top level comes in its time is the machine's.
            Ending::Exhausted(exhausted) => exhausted.limit != LimitKind::WallTimeMs,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use scriptmill_sdk::Limits;

    use super::*;
    use crate::ending;
    use crate::trap::Trap;

    #[test]
    fn a_refusal_that_the_machine_may_be_behind_is_not_kept() {
        let limits = Limits::default();
        let ended = |trap| ending::trapped(trap, &limits, Vec::new());
        for (ending, is_final) in [
            (ended(Trap::Limit(LimitKind::PrepareFuel)), true),
            (ended(Trap::Limit(LimitKind::MemoryBytes)), true),
            (ended(Trap::NativeStack), true),
            (ended(Trap::Limit(LimitKind::WallTimeMs)), false),
            (ended(Trap::NoMemory(String::new())), false),
            (ended(Trap::Fault(String::new())), false),
        ] {
            let refusal = Refusal { ending, diagnostics: Vec::new(), prepare_fuel: 0 };
            assert_eq!(refusal.is_final(), is_final, "{:?}", refusal.ending);
        }
    }
}
