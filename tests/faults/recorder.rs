//! Writes the history while it happens.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard};

use tokio::time::Instant;

use crate::history::{Entry, Event};

/// The history so far, and what follows from it at any moment.
pub(crate) struct Recorder {
    began: Instant,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    history: Vec<Entry>,
    confirmed: u64,
    /// Jobs sent that have no outcome yet.
    under_way: HashSet<String>,
    /// Jobs in `under_way` that are confirmed.
    waiting: HashSet<String>,
    answered: HashSet<String>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), seen: Mutex::default() }
    }

    pub(crate) fn note(&self, event: Event) {
        // The time is taken under the lock, so that the history is in the order of time.
        let mut seen = self.seen();
        let at = self.began.elapsed();
        match &event {
            Event::Published { job, .. } if !seen.answered.contains(job) => {
                seen.under_way.insert(job.clone());
            }
            Event::Confirmed { job } => {
                seen.confirmed += 1;
                if !seen.answered.contains(job) {
                    seen.waiting.insert(job.clone());
                }
            }
            Event::Received(receipt) => {
                seen.under_way.remove(&receipt.job);
                seen.waiting.remove(&receipt.job);
                seen.answered.insert(receipt.job.clone());
            }
            _ => {}
        }
        seen.history.push(Entry { at, event });
    }

    /// How many confirms came.
    pub(crate) fn confirmed(&self) -> u64 {
        self.seen().confirmed
    }

    /// How many jobs were sent and have no outcome yet.
    pub(crate) fn under_way(&self) -> usize {
        self.seen().under_way.len()
    }

    /// Jobs that were confirmed and have no outcome yet.
    pub(crate) fn waiting(&self) -> HashSet<String> {
        self.seen().waiting.clone()
    }

    /// How many jobs have an outcome.
    pub(crate) fn answered(&self) -> usize {
        self.seen().answered.len()
    }

    /// Takes the history out. Later notes are not in it.
    pub(crate) fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut self.seen().history)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }
}
