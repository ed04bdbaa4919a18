//! Which outcome belongs to which waiter.
//!
//! Dispatching tasks add and remove waiters by job id, each mostly on a shard of the map of its own. One task hands
//! outcomes in. Of all these only that one uses the history, so that the others don't wait for its lock.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// How many answered jobs are remembered, to tell a second outcome from one that nobody waits for.
const ANSWERED_KEPT: usize = 65_536;

/// What a client saw since it was connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Outcomes handed to the jobs that waited for them.
    pub outcomes: u64,
    /// Outcomes for jobs that had theirs already: those jobs ran more than once.
    pub duplicates: u64,
    /// Outcomes that nobody waits for any more, or never did. Those that [`Unexpected`](super::Unexpected) hands out are among them.
    pub unclaimed: u64,
    /// Connections made to the broker: two at first, one to publish and one for outcomes.
    pub connections: u64,
}

/// The jobs that wait for their outcome, by id. A lock on `history` may be held while `waiting` is used, never the other
/// way round.
#[derive(Default)]
pub(super) struct Replies {
    waiting: DashMap<String, Waiter>,
    next_ticket: AtomicU64,
    history: Mutex<History>,
    closed: AtomicBool,
}

#[derive(Default)]
struct History {
    answered: Answered,
    counts: Counts,
}

struct Waiter {
    ticket: u64,
    sender: oneshot::Sender<Vec<u8>>,
    /// Given back for another job once the outcome has come, even if nobody has awaited it yet.
    _place: Option<OwnedSemaphorePermit>,
}

/// What became of an outcome.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// It was handed to its waiter, or was a second one.
    Taken,
    /// Nobody waits for the outcome. This is its body.
    Unclaimed(Vec<u8>),
}

/// The last jobs answered, as hashes. An unclaimed outcome that has the hash of another job by chance counts as a duplicate,
/// and is not handed out.
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
    /// Begins to wait for the outcome of a job. The waiter holds `place` until the outcome has come. Returns `None` if
    /// somebody waits for that job already, or the client is closed.
    pub(super) fn expect(&self, id: &str, place: Option<OwnedSemaphorePermit>) -> Option<Ticket> {
        match self.waiting.entry(id.to_owned()) {
            // Read under the shard's lock: `close` sets it before it empties the shards.
            Entry::Vacant(vacant) if !self.closed.load(Ordering::SeqCst) => {
                let number = self.next_ticket.fetch_add(1, Ordering::Relaxed);
                let (sender, body) = oneshot::channel();
                vacant.insert(Waiter { ticket: number, sender, _place: place });
                Some(Ticket { number, body })
            }
            Entry::Vacant(_) | Entry::Occupied(_) => None,
        }
    }

    /// Hands an outcome to its waiter. `redelivered` says that the broker has sent this same message before, so that it
    /// is not a second outcome.
    pub(super) fn settle(&self, id: &str, body: Vec<u8>, redelivered: bool) -> Settled {
        let mut history = self.history();
        let History { answered, counts } = &mut *history;
        let sent = match self.waiting.remove(id) {
            Some((_, waiter)) => waiter.sender.send(body),
            None => Err(body),
        };
        match sent {
            Ok(()) => {
                answered.add(id);
                counts.outcomes += 1;
            }
            Err(_) if answered.contains(id) => counts.duplicates += u64::from(!redelivered),
            Err(body) => {
                counts.unclaimed += u64::from(!redelivered);
                return Settled::Unclaimed(body);
            }
        }
        Settled::Taken
    }

    /// Ends a wait. Does nothing if the outcome has come, or if another task waits under the same id by now.
    pub(super) fn forget(&self, id: &str, ticket: u64) {
        self.waiting.remove_if(id, |_, waiter| waiter.ticket == ticket);
    }

    /// Ends all waiting, for good.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.waiting.clear();
    }

    pub(super) fn connected(&self) {
        self.history().counts.connections += 1;
    }

    pub(super) fn counts(&self) -> Counts {
        self.history().counts
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use tokio::sync::oneshot::error::TryRecvError;

    #[test]
    fn outcomes_are_told_apart() {
        let replies = Replies::default();
        let mut first = replies.expect("a", None).unwrap();
        assert!(replies.expect("a", None).is_none(), "one waits for it already");
        assert_eq!(replies.settle("a", b"1".to_vec(), false), Settled::Taken);
        assert_eq!(first.body.try_recv().unwrap(), b"1");
        replies.settle("a", b"2".to_vec(), false);
        replies.settle("a", b"1".to_vec(), true);
        assert_eq!(replies.settle("b", b"3".to_vec(), false), Settled::Unclaimed(b"3".to_vec()));
        let counts = Counts { outcomes: 1, duplicates: 1, unclaimed: 1, connections: 0 };
        assert_eq!(replies.counts(), counts);
    }

    #[test]
    fn an_old_ticket_does_not_end_a_new_wait() {
        let replies = Replies::default();
        let old = replies.expect("a", None).unwrap();
        replies.settle("a", Vec::new(), false);
        let mut new = replies.expect("a", None).unwrap();
        replies.forget("a", old.number);
        replies.settle("a", b"again".to_vec(), false);
        assert_eq!(new.body.try_recv().unwrap(), b"again");
        assert_eq!(replies.waiting.len(), 0);
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

    /// Every ticket gets its outcome or the end of its wait, whichever comes first, and no waiter is left behind.
    #[test]
    fn many_threads_at_the_same_ids() {
        const ROUNDS: u64 = 20_000;
        let replies = Replies::default();
        let dispatch = |replies: &Replies| {
            let (mut answered, mut forgotten) = (0, 0);
            for round in 0..ROUNDS {
                let id = (round % 3).to_string();
                let Some(mut ticket) = replies.expect(&id, None) else { continue };
                if round % 2 == 0 {
                    replies.forget(&id, ticket.number);
                }
                loop {
                    match ticket.body.try_recv() {
                        // The body says for whom it was meant.
                        Ok(body) => break assert_eq!(body, id.as_bytes()),
                        Err(TryRecvError::Closed) if round % 2 == 0 => break forgotten += 1,
                        Err(TryRecvError::Closed) => panic!("a wait ended that nobody ended"),
                        Err(TryRecvError::Empty) => std::hint::spin_loop(),
                    }
                }
                answered += 1;
            }
            answered - forgotten
        };
        let done = AtomicBool::new(false);
        let answered: u64 = std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(Ordering::SeqCst) {
                        for id in ["0", "1", "2"] {
                            replies.settle(id, id.as_bytes().to_vec(), false);
                        }
                    }
                });
            }
            let dispatching: Vec<_> = (0..3).map(|_| scope.spawn(|| dispatch(&replies))).collect();
            let ended: Vec<_> = dispatching.into_iter().map(|thread| thread.join()).collect();
            done.store(true, Ordering::SeqCst);
            ended.into_iter().map(Result::unwrap).sum()
        });
        assert_eq!((replies.waiting.len(), replies.counts().outcomes), (0, answered));
    }

    /// Nobody waits for ever at a client that was closed meanwhile.
    #[test]
    fn closing_ends_every_wait_that_begins_meanwhile() {
        for _ in 0..200 {
            let replies = Replies::default();
            let tickets: Vec<Ticket> = std::thread::scope(|scope| {
                let expect = |thread: u64| {
                    let replies = &replies;
                    move || (0..100).filter_map(|n| replies.expect(&format!("{thread}-{n}"), None)).collect::<Vec<_>>()
                };
                let expecting: Vec<_> = (0..3).map(|thread| scope.spawn(expect(thread))).collect();
                replies.close();
                expecting.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
            });
            assert_eq!(replies.waiting.len(), 0);
            for mut ticket in tickets {
                assert_eq!(ticket.body.try_recv(), Err(TryRecvError::Closed));
            }
        }
    }
}
