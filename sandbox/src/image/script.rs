//! A script that is ready to run, or the reason why it cannot.

use scriptmill_sdk::{Diagnostic, Ending, Origin};

use tokio::sync::OwnedSemaphorePermit;

use crate::places::Files;
use crate::snapshot::Snapshot;

/// A script, ready to run.
pub struct Image {
    pub(crate) snapshot: Snapshot,
    /// The files that its errors may name.
    pub(crate) files: Files,
    /// Warnings of the check.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Fuel that the top level took.
    pub(crate) prepare_fuel: u64,
    /// Linear memory that a job begins with, in bytes.
    pub(crate) memory_bytes: u64,
    /// What the image holds, in bytes.
    pub(crate) size: usize,
    /// Its share of the memory that all images may take, for as long as it lives.
    pub(crate) _share: Option<OwnedSemaphorePermit>,
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
    /// Whether the refusal came of the time that the check took.
    pub(crate) is_of_time: bool,
}

/// About how many bytes an ending and the diagnostics of a check take.
pub(crate) fn size_of_words(ending: Option<&Ending>, diagnostics: &[Diagnostic]) -> usize {
    let words = |diagnostic: &Diagnostic| {
        diagnostic.message.len() + diagnostic.excerpt.len() + diagnostic.help.as_ref().map_or(0, String::len)
    };
    let ending = ending.map_or(0, |ending| format!("{ending:?}").len());
    ending + diagnostics.iter().map(|diagnostic| size_of::<Diagnostic>() + words(diagnostic)).sum::<usize>()
}

impl Refusal {
    /// Whether the script itself is the reason, so that the refusal is the same next time, on every machine.
    pub(crate) fn is_final(&self) -> bool {
        match &self.ending {
            _ if self.is_of_time => false,
            Ending::Failed(failure) => failure.origin != Origin::Platform,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use scriptmill_sdk::{LimitKind, Limits};

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
            (super::super::build::unfinished(), false),
            (ended(Trap::NoMemory(String::new())), false),
            (ended(Trap::Fault(String::new())), false),
        ] {
            let refusal = Refusal { ending, diagnostics: Vec::new(), prepare_fuel: 0, is_of_time: false };
            assert_eq!(refusal.is_final(), is_final, "{:?}", refusal.ending);
            assert!(!Refusal { is_of_time: true, ..refusal }.is_final());
        }
    }
}
