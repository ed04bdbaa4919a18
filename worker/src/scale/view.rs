//! What is known of the fleet at the moment, for all exporters.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use scriptmill_sandbox::Clock;
use scriptmill_scaling::{BEAT, Demand, State};
use tokio::sync::watch;

use super::signal::{Reading, Signal, Unavailable};

/// A number that is older than this is not shown.
const AGE_MAX: Duration = BEAT.saturating_mul(3);
/// If the state has been unknown for longer than this, the number that is held is not shown any more.
const UNKNOWN_MAX: Duration = Duration::from_secs(60);

/// What is known of the worker group of this process.
pub(super) struct View {
    group: String,
    clock: Arc<dyn Clock>,
    known: RwLock<Known>,
    changed: watch::Sender<()>,
}

/// Instants are those of the monotonic clock.
#[derive(Default)]
struct Known {
    demand: Option<Demand>,
    /// When the state became unknown, if it is.
    unknown_since: Option<Duration>,
    /// What the number follows from.
    heard: Heard,
    /// When it was last computed with a broker connected, and the time of day then.
    computed: Option<(Duration, SystemTime)>,
}

/// What was heard when, by the monotonic clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heard {
    pub(super) is_connected: bool,
    /// The last heartbeat of a process that takes jobs.
    pub(super) worker: Option<Duration>,
    /// The last time that the queue of jobs said what it holds.
    pub(super) depth: Option<Duration>,
}

impl View {
    pub(super) fn new(group: String, clock: Arc<dyn Clock>) -> Self {
        Self { group, clock, known: RwLock::default(), changed: watch::Sender::default() }
    }

    /// Takes in the number that was computed at `now` from what had been heard by then. `demand` is `None` if nothing
    /// has been known yet.
    pub(super) fn computed(&self, now: Duration, demand: Option<Demand>, heard: Heard) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let is_unknown = demand.as_ref().is_none_or(|demand| demand.state == State::Unknown);
        known.unknown_since = if is_unknown { known.unknown_since.or(Some(now)) } else { None };
        if heard.is_connected {
            known.computed = Some((now, UNIX_EPOCH + self.clock.now()));
        }
        (known.demand, known.heard) = (demand, heard);
        drop(known);
        self.changed.send_replace(());
    }

    fn why_unknown(heard: &Heard, computed: Option<Duration>, now: Duration) -> String {
        let is_old = |then: Duration| now.saturating_sub(then) > AGE_MAX;
        let ago = |then: Duration| now.saturating_sub(then).as_secs();
        match (*heard, computed) {
            (Heard { is_connected: false, .. }, _) => "no broker is connected".to_owned(),
            (_, Some(then)) if is_old(then) => format!("the broker has not answered for {} s", ago(then)),
            (Heard { worker: None, .. }, _) => "no worker has been heard yet".to_owned(),
            (Heard { worker: Some(then), .. }, _) if is_old(then) => {
                format!("no worker has been heard for {} s", ago(then))
            }
            (Heard { depth: None, .. }, _) => "the queue of jobs has not said yet what it holds".to_owned(),
            (Heard { depth: Some(then), .. }, _) if is_old(then) => {
                format!("the queue of jobs has not said for {} s what it holds", ago(then))
            }
            _ => "what is heard is too little to go by".to_owned(),
        }
    }
}

impl Signal for View {
    fn groups(&self) -> Vec<String> {
        vec![self.group.clone()]
    }

    fn read(&self, group: &str) -> Result<Reading, Unavailable> {
        if group != self.group {
            return Err(Unavailable::UnknownGroup(group.to_owned()));
        }
        let now = self.clock.monotonic();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let is_held_too_long = known.unknown_since.is_some_and(|since| now.saturating_sub(since) > UNKNOWN_MAX);
        match (&known.demand, known.computed) {
            (Some(demand), Some((at, computed))) if !is_held_too_long && now.saturating_sub(at) <= AGE_MAX => {
                Ok(Reading { demand: demand.clone(), age: now.saturating_sub(at), computed })
            }
            _ => {
                let reason = Self::why_unknown(&known.heard, known.computed.map(|(at, _)| at), now);
                Err(Unavailable::Unknown { group: group.to_owned(), reason })
            }
        }
    }

    fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures_util::future::BoxFuture;
    use scriptmill_scaling::{Observed, Slots, Term};

    use super::*;

    /// A clock that stands still at a second.
    #[derive(Default)]
    pub(in crate::scale) struct Stopped(pub(in crate::scale) AtomicU64);

    impl Clock for Stopped {
        fn monotonic(&self) -> Duration {
            Duration::from_secs(self.0.load(Ordering::SeqCst))
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            Box::pin(std::future::pending())
        }
    }

    fn demand(state: State) -> Demand {
        let (slots, observed) = (Slots::default(), Observed::default());
        Demand { replicas: 7, state, winner: Term::Load, slots, places: 0.0, observed }
    }

    /// What is read, in words, after computing at some seconds with what was heard by then.
    #[test]
    fn a_number_is_told_while_it_is_known_and_the_reason_when_it_is_not() {
        let clock = Arc::<Stopped>::default();
        let view = View::new("default".to_owned(), clock.clone());
        let read = |second: u64| {
            clock.0.store(second, Ordering::SeqCst);
            match view.read("default") {
                Ok(reading) => format!("{} after {:?}", reading.demand.replicas, reading.age),
                Err(Unavailable::Unknown { reason, .. }) => reason,
                Err(other) => panic!("{other}"),
            }
        };
        let at = |second: u64, state, is_connected, worker: Option<u64>, depth: Option<u64>| {
            clock.0.store(second, Ordering::SeqCst);
            let (worker, depth) = (worker.map(Duration::from_secs), depth.map(Duration::from_secs));
            let demand = Some(demand(state));
            view.computed(Duration::from_secs(second), demand, Heard { is_connected, worker, depth });
        };
        assert_eq!(read(0), "no broker is connected");
        view.computed(Duration::ZERO, None, Heard { is_connected: true, ..Heard::default() });
        assert_eq!(read(1), "no worker has been heard yet");
        at(100, State::Ok, true, Some(99), Some(99));
        assert_eq!((read(100), read(106)), ("7 after 0ns".to_owned(), "7 after 6s".to_owned()));
        assert_eq!(read(107), "the broker has not answered for 7 s");
        // Unknown for a short time: the number that was known is shown, with its age.
        at(104, State::Unknown, false, Some(99), Some(99));
        assert_eq!((read(105), read(107)), ("7 after 5s".to_owned(), "no broker is connected".to_owned()));
        // Connected again, and unknown still: since 104.
        at(150, State::Unknown, true, Some(99), Some(149));
        assert_eq!(read(151), "7 after 1s");
        at(165, State::Unknown, true, Some(99), Some(164));
        assert_eq!(read(165), "no worker has been heard for 66 s");
        at(167, State::Unknown, true, Some(166), Some(99));
        assert_eq!(read(167), "the queue of jobs has not said for 68 s what it holds");
        at(169, State::Ok, true, Some(168), Some(168));
        assert_eq!(read(169), "7 after 0ns");
        assert_eq!(view.read("other"), Err(Unavailable::UnknownGroup("other".to_owned())));
    }
}
