#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::AtomicU64;
use std::thread;

use futures_util::future::BoxFuture;

use super::*;

/// A clock that stands where it was put.
#[derive(Default)]
struct Stopped(AtomicU64);

impl Stopped {
    fn at(&self, ms: u64) {
        self.0.store(ms, Ordering::SeqCst);
    }
}

impl Clock for Stopped {
    fn monotonic(&self) -> Duration {
        Duration::from_secs(3_600) + Duration::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

fn signals() -> (Arc<Stopped>, Arc<Signals>) {
    let clock = Arc::<Stopped>::default();
    (clock.clone(), Signals::new(clock))
}

#[test]
fn a_job_is_counted_from_its_delivery_to_the_end_of_its_slot() {
    let (clock, signals) = signals();
    signals.has_slots(8);
    clock.at(500);
    signals.has_consumers(2);
    clock.at(1_000);
    let first = signals.delivered();
    clock.at(1_200);
    let second = signals.delivered();
    clock.at(3_000);
    let seen = signals.snapshot();
    assert_eq!((seen.uptime, seen.boot), (Duration::from_secs(3), Some(Duration::from_millis(500))));
    let Level { consumers, slots, busy, unstarted, oldest_wait_seconds, .. } = seen.level;
    assert_eq!((consumers, slots, busy, unstarted, oldest_wait_seconds), (2, 8, 0, 2, 2.0));

    let mut slot = signals.occupy();
    drop(first);
    slot.begin(Duration::from_secs(2));
    clock.at(5_000);
    let seen = signals.snapshot();
    assert_eq!((seen.level.busy, seen.level.unstarted, seen.level.oldest_wait_seconds), (1, 1, 3.8));
    // The job still runs, and its slot was in use for two seconds.
    let expected = Sums { delivered: 2.0, starts: 1.0, busy_seconds: 2.0, ..Sums::default() };
    assert_eq!(seen.sums, expected);
    assert_eq!((seen.waits.count(), seen.wait_seconds, seen.waits.quantile(0.5)), (1, 2.0, Some(2.0)));

    clock.at(7_000);
    drop((slot, second));
    clock.at(60_000);
    let seen = signals.snapshot();
    assert_eq!((seen.level.busy, seen.level.unstarted, seen.level.oldest_wait_seconds), (0, 0, 0.0));
    let ended =
        Sums { completions: 1.0, busy_seconds: 4.0, service_seconds: 4.0, service_seconds_squared: 16.0, ..expected };
    assert_eq!(seen.sums, ended);
    assert_eq!((seen.services.count(), seen.services.quantile(1.0)), (1, Some(5.0)));
}

#[test]
fn a_slot_in_which_no_job_begins_is_neither_a_start_nor_a_completion() {
    let (clock, signals) = signals();
    let slot = signals.occupy();
    clock.at(250);
    drop(slot);
    assert_eq!(signals.snapshot().sums, Sums { busy_seconds: 0.25, ..Sums::default() });
}

#[test]
fn outcomes_are_unsettled_until_they_are_settled() {
    let (_, signals) = signals();
    let settling = (signals.settling(), signals.settling());
    assert_eq!(signals.snapshot().level.unsettled, 2);
    drop(settling);
    assert_eq!(signals.snapshot().level.unsettled, 0);
}

#[test]
fn sums_only_grow_while_many_threads_count() {
    struct Running;
    impl Clock for Running {
        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            Box::pin(std::future::pending())
        }
    }
    const JOBS: usize = 20_000;
    let signals = Signals::new(Arc::new(Running));
    let count = || {
        for _ in 0..JOBS {
            let unstarted = signals.delivered();
            let mut slot = signals.occupy();
            drop(unstarted);
            slot.begin(Duration::ZERO);
        }
    };
    let mut before = signals.snapshot();
    thread::scope(|scope| {
        let counting = [(); 3].map(|()| scope.spawn(count));
        while !counting.iter().all(thread::ScopedJoinHandle::is_finished) {
            let after = signals.snapshot();
            let grown = after.sums - before.sums;
            assert_eq!(grown, grown.at_least_zero(), "{before:?} {after:?}");
            assert!(after.sums.completions <= after.sums.starts && after.level.busy <= 3, "{after:?}");
            // Three threads have at most three slots; a reading may be some microseconds behind.
            let most = 3.0 * (after.uptime - before.uptime).as_secs_f64() + 0.05;
            assert!(grown.busy_seconds <= most, "{before:?} {after:?}");
            before = after;
        }
    });
    let after = signals.snapshot();
    assert_eq!((after.sums.starts, after.sums.completions), (3.0 * JOBS as f64, 3.0 * JOBS as f64));
    assert_eq!((after.level.busy, after.level.unstarted), (0, 0));
}
