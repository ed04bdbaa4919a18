//! Which outcome belongs to which waiter.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// How many answered jobs are remembered, to tell a second outcome from one that nobody waits for.
const ANSWERED_KEPT: usize = 65_536;

/// What a client saw since it was connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Outcomes handed to the jobs that waited for them.
    pub outcomes: u64,
    /// Outcomes for jobs that had theirs already: those jobs ran more than once.
    pub duplicates: u64,
    /// Outcomes that nobody waits for any more, or never did.
    pub unclaimed: u64,
    /// Connections made to the broker; the first is one of them.
    pub connections: u64,
}

/// The jobs that wait for their outcome, by id.
#[derive(Default)]
pub(super) struct Replies(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    waiting: HashMap<String, Waiter>,
    next_ticket: u64,
    answered: Answered,
    counts: Counts,
    closed: bool,
}

struct Waiter {
    ticket: u64,
    sender: oneshot::Sender<Vec<u8>>,
}

/// The last jobs answered, as hashes: a wrong guess costs a count, not an outcome.
#[derive(Default)]
struct Answered {
    hasher: RandomState,
    hashes: HashSet<u64>,
    order: VecDeque<u64>,
}

impl Answered {
    fn contains(&self, id: &str) -> bool {
        self.hashes.contains(&self.hasher.hash_one(id))
    }

    fn add(&mut self, id: &str) {
        let hash = self.hasher.hash_one(id);
        if self.hashes.insert(hash) {
            self.order.push_back(hash);
        }
        if self.order.len() > ANSWERED_KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.hashes.remove(&oldest);
        }
    }
}

/// A place among the waiters.
pub(super) struct Ticket {
    pub(super) number: u64,
    pub(super) body: oneshot::Receiver<Vec<u8>>,
}

impl Replies {
    /// Begins to wait for the outcome of a job. `None` where one waits for it already, or the client is closed.
    pub(super) fn expect(&self, id: &str) -> Option<Ticket> {
        let mut inner = self.lock();
        if inner.closed {
            return None;
        }
        let number = inner.next_ticket;
        let (sender, body) = oneshot::channel();
        match inner.waiting.entry(id.to_owned()) {
            Entry::Occupied(_) => return None,
            Entry::Vacant(place) => place.insert(Waiter { ticket: number, sender }),
        };
        inner.next_ticket += 1;
        Some(Ticket { number, body })
    }

    /// Hands an outcome to its waiter. `redelivered` says that the broker sent this very message before, so that it is
    /// no second outcome.
    pub(super) fn settle(&self, id: &str, body: Vec<u8>, redelivered: bool) {
        let mut inner = self.lock();
        let known = inner.answered.contains(id);
        let claimed = inner.waiting.remove(id).is_some_and(|waiter| waiter.sender.send(body).is_ok());
        if claimed {
            inner.answered.add(id);
            inner.counts.outcomes += 1;
        } else if known {
            inner.counts.duplicates += u64::from(!redelivered);
        } else {
            inner.counts.unclaimed += 1;
        }
    }

    /// Waits no more, unless the outcome came or another waits under the same id by now.
    pub(super) fn forget(&self, id: &str, ticket: u64) {
        let mut inner = self.lock();
        if inner.waiting.get(id).is_some_and(|waiter| waiter.ticket == ticket) {
            inner.waiting.remove(id);
        }
    }

    /// Ends all waiting, for good.
    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.waiting.clear();
    }

    pub(super) fn connected(&self) {
        self.lock().counts.connections += 1;
    }

    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    pub(super) fn counts(&self) -> Counts {
        self.lock().counts
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn outcomes_are_told_apart() {
        let replies = Replies::default();
        let mut first = replies.expect("a").unwrap();
        assert!(replies.expect("a").is_none(), "one waits for it already");
        replies.settle("a", b"1".to_vec(), false);
        assert_eq!(first.body.try_recv().unwrap(), b"1");
        replies.settle("a", b"2".to_vec(), false);
        replies.settle("a", b"1".to_vec(), true);
        replies.settle("b", b"3".to_vec(), false);
        let counts = Counts { outcomes: 1, duplicates: 1, unclaimed: 1, connections: 0 };
        assert_eq!(replies.counts(), counts);
    }

    #[test]
    fn an_old_ticket_does_not_end_a_new_wait() {
        let replies = Replies::default();
        let old = replies.expect("a").unwrap();
        replies.settle("a", Vec::new(), false);
        let mut new = replies.expect("a").unwrap();
        replies.forget("a", old.number);
        replies.settle("a", b"again".to_vec(), false);
        assert_eq!(new.body.try_recv().unwrap(), b"again");
        assert_eq!(replies.waiting(), 0);
    }

    #[test]
    fn memory_of_answers_is_bounded() {
        let mut answered = Answered::default();
        for n in 0..=ANSWERED_KEPT {
            answered.add(&n.to_string());
        }
        assert_eq!((answered.order.len(), answered.hashes.len()), (ANSWERED_KEPT, ANSWERED_KEPT));
        assert!(!answered.contains("0") && answered.contains("1"));
    }
}
