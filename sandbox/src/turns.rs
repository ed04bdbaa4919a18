//! Turns at something that few can have at one time. Requests wait in queues, which have numbers and take turns. So however long
//! one queue is, the first request of another waits for one turn and not for the whole queue.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// A request of at most this many bytes is small.
const SMALL: usize = 64 << 10;

/// Which requests may have the last free place, if there are several places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastPlace {
    /// To small requests alone, which are done soon.
    Small,
    /// To a queue that has no other place.
    Newcomer,
}

/// Places, and the queues before them.
#[derive(Clone, Debug)]
pub(crate) struct Turns(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    last_place: LastPlace,
    places: usize,
    /// Places taken: by all, by requests that are not small, and by each queue.
    taken: usize,
    taken_by_large: usize,
    taken_by: HashMap<u64, usize>,
    /// The requests that wait, by queue, then by size and order of coming.
    waiting: BTreeMap<u64, BTreeMap<Ticket, oneshot::Sender<()>>>,
    tickets: u64,
    /// The queue that had the last turn.
    last: u64,
}

/// Small requests first, in the order in which they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ticket {
    is_large: bool,
    number: u64,
}

/// A place, or the wait for one. Dropping it gives up either.
#[derive(Debug)]
pub(crate) struct Place {
    turns: Turns,
    queue: u64,
    ticket: Ticket,
}

impl Turns {
    /// This many places, at least one.
    pub(crate) fn new(places: usize, last_place: LastPlace) -> Self {
        Self(Arc::new(Mutex::new(State {
            last_place,
            places: places.max(1),
            taken: 0,
            taken_by_large: 0,
            taken_by: HashMap::new(),
            waiting: BTreeMap::new(),
            tickets: 0,
            last: 0,
        })))
    }

    /// Waits in a queue for a place, with a request of this many bytes.
    pub(crate) async fn take(&self, queue: u64, bytes: usize) -> Place {
        let (granted, turn) = oneshot::channel();
        let place = {
            let mut state = self.state();
            state.tickets += 1;
            let ticket = Ticket { is_large: bytes > SMALL, number: state.tickets };
            state.waiting.entry(queue).or_default().insert(ticket, granted);
            state.grant();
            Place { turns: self.clone(), queue, ticket }
        };
        // The sender is only dropped with the place itself.
        let _ = turn.await;
        place
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.turns.state();
        if !state.leave_queue(self.queue, self.ticket) {
            state.give_back(self.queue, self.ticket);
        }
        state.grant();
    }
}

impl State {
    /// Gives free places to the requests whose turn it is.
    fn grant(&mut self) {
        while let Some((queue, ticket)) = self.next() {
            self.last = queue;
            self.taken += 1;
            self.taken_by_large += usize::from(ticket.is_large);
            *self.taken_by.entry(queue).or_default() += 1;
            if let Some(granted) = self.waiting.get_mut(&queue).and_then(|waiting| waiting.remove(&ticket)) {
                // One that waits no longer gives its place back when it is dropped.
                let _ = granted.send(());
            }
            if self.waiting.get(&queue).is_some_and(BTreeMap::is_empty) {
                self.waiting.remove(&queue);
            }
        }
    }

    /// The first request of the next queue whose first request may have a place.
    fn next(&self) -> Option<(u64, Ticket)> {
        let after = self.waiting.range(self.last.saturating_add(1)..);
        let queues = after.chain(self.waiting.range(..=self.last));
        let mut firsts = queues.filter_map(|(queue, waiting)| Some((*queue, *waiting.keys().next()?)));
        firsts.find(|(queue, ticket)| self.has_place(*queue, *ticket))
    }

    fn has_place(&self, queue: u64, ticket: Ticket) -> bool {
        let but_the_last = (self.places - 1).max(1);
        self.taken < self.places
            && match self.last_place {
                LastPlace::Small => !ticket.is_large || self.taken_by_large < but_the_last,
                LastPlace::Newcomer => self.taken_by.get(&queue).is_none_or(|taken| *taken < but_the_last),
            }
    }

    /// Takes a request out of its queue. Returns whether it was waiting there.
    fn leave_queue(&mut self, queue: u64, ticket: Ticket) -> bool {
        let Some(waiting) = self.waiting.get_mut(&queue) else { return false };
        let was_there = waiting.remove(&ticket).is_some();
        if waiting.is_empty() {
            self.waiting.remove(&queue);
        }
        was_there
    }

    fn give_back(&mut self, queue: u64, ticket: Ticket) {
        self.taken -= 1;
        self.taken_by_large -= usize::from(ticket.is_large);
        if let Some(taken) = self.taken_by.get_mut(&queue) {
            *taken -= 1;
            if *taken == 0 {
                self.taken_by.remove(&queue);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;

    use super::*;

    const LARGE: usize = SMALL + 1;

    /// The requests that have a place, each time after the first of them gave its place back. `requests` came in this order, each
    /// with its queue and size.
    fn order(turns: &Turns, requests: &[(u64, usize)]) -> Vec<Vec<usize>> {
        let mut waiting: Vec<Option<BoxFuture<'_, Place>>> =
            requests.iter().map(|(queue, bytes)| Some(turns.take(*queue, *bytes).boxed())).collect();
        let mut having: Vec<(usize, Place)> = Vec::new();
        let mut seen = Vec::new();
        loop {
            for (index, request) in waiting.iter_mut().enumerate() {
                if let Some(place) = request.as_mut().and_then(FutureExt::now_or_never) {
                    having.push((index, place));
                    *request = None;
                }
            }
            if having.is_empty() {
                return seen;
            }
            seen.push(having.iter().map(|(index, _)| *index).collect());
            having.remove(0);
        }
    }

    #[test]
    fn queues_take_turns() {
        let turns = Turns::new(1, LastPlace::Small);
        let requests = [(5, LARGE), (5, LARGE), (5, LARGE), (5, 1), (9, LARGE), (2, LARGE)];
        assert_eq!(order(&turns, &requests), [[0], [4], [5], [3], [1], [2]]);
    }

    #[test]
    fn the_last_place_is_not_for_large_requests() {
        let turns = Turns::new(2, LastPlace::Small);
        let requests = [(5, LARGE), (6, LARGE), (5, 1), (5, 2)];
        assert_eq!(order(&turns, &requests), [vec![0, 2], vec![2, 1], vec![1, 3], vec![3]]);
    }

    #[test]
    fn the_last_place_is_not_for_a_queue_that_has_all_others() {
        let turns = Turns::new(2, LastPlace::Newcomer);
        assert_eq!(order(&turns, &[(5, 1), (5, 1), (6, 1)]), [vec![0, 2], vec![2, 1], vec![1]]);
        assert_eq!(order(&Turns::new(1, LastPlace::Newcomer), &[(5, 1), (5, 1)]), [[0], [1]]);
    }

    #[test]
    fn who_waits_no_longer_holds_up_nobody() {
        let turns = Turns::new(1, LastPlace::Small);
        let first = turns.take(1, 1).now_or_never().unwrap();
        let mut second = Box::pin(turns.take(2, 1));
        let mut third = Box::pin(turns.take(3, 1));
        assert!(second.as_mut().now_or_never().is_none() && third.as_mut().now_or_never().is_none());
        drop(second);
        drop(first);
        // The third has a place that it never took up.
        drop(third);
        assert!(turns.take(4, 1).now_or_never().is_some());
    }
}
