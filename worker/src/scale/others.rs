//! What a worker must know of the other workers of its fleet.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scriptmill_sandbox::Clock;
use scriptmill_scaling::{BEAT, Beat};

/// A worker with other bounds on jobs counts as gone if it is not heard for this many beats.
const DIFFERED: u32 = 3;
/// A worker that has not said that it leaves counts as dead when it has not been heard for this long.
const SILENCE_MAX: Duration = BEAT.saturating_mul(5);
/// How long a death is remembered. What the broker takes back from a worker that died may stay in its queue before it is delivered again.
const REMEMBERED: Duration = Duration::from_secs(600);
/// How long after an event a heartbeat must be heard to say that its worker outlived the event: one sent before may be on its way.
const ON_ITS_WAY: Duration = BEAT.checked_div(2).expect("2 is not 0");
/// Workers that are remembered at most; anybody who may send heartbeats can make up more.
const WORKERS_MAX: usize = 10_000;
/// How long a process waits at most to learn whether the others live. It holds a job meanwhile, which no other worker has.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a process that waits for heartbeats looks.
const LOOK: Duration = Duration::from_millis(200);

/// What this worker must know of the other workers of the fleet.
pub struct Others {
    clock: Arc<dyn Clock>,
    /// When a worker with other bounds on jobs was last heard, as [`Self::now_ms`] gives it; 0 before that.
    differed_ms: AtomicU64,
    heard: Mutex<Heard>,
}

/// Which workers live.
#[derive(Default)]
struct Heard {
    /// When this process began to listen for the first time.
    first: Option<Duration>,
    /// Since when it listens without a break. `None` while it does not.
    since: Option<Duration>,
    /// When each other worker was last heard. Those that said that they leave are not here.
    workers: HashMap<String, Duration>,
}

impl Others {
    /// Nobody has been heard yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, differed_ms: AtomicU64::new(0), heard: Mutex::default() }
    }

    /// Whether a worker with other bounds on jobs than this one was heard lately, as during a rolling change of the
    /// limits.
    pub fn differ(&self) -> bool {
        let since = self.now_ms().saturating_sub(self.differed_ms.load(Ordering::Relaxed));
        since <= u64::try_from((DIFFERED * BEAT).as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether every worker that this one knows of is alive, and has been for a while. Then what the broker delivers again now comes
    /// from a connection that was lost, and not from a worker that died. Where a worker is silent, this waits until it is heard or
    /// counts as dead, and where nobody can be heard, for [`PATIENCE`].
    pub(crate) async fn live(&self) -> bool {
        let asked = self.clock.monotonic();
        loop {
            match self.live_since(asked) {
                Some(live) => return live,
                None => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Whether every known worker outlived this moment. `None` if that is not known yet.
    fn live_since(&self, asked: Duration) -> Option<bool> {
        let now = self.clock.monotonic();
        let heard = self.heard();
        // A process that has just begun to listen need not have heard all.
        if heard.first.is_none_or(|first| asked < first + SILENCE_MAX) {
            return Some(false);
        }
        if now > asked + PATIENCE {
            return Some(false);
        }
        let since = heard.since?;
        let remembered = heard.workers.values().filter(|heard| now < **heard + REMEMBERED);
        let mut silent = remembered.filter(|heard| **heard < asked + ON_ITS_WAY).peekable();
        match silent.peek() {
            None => Some(true),
            // A process that was paused itself reads first what came meanwhile.
            Some(_) if now < asked + BEAT => None,
            Some(_) => silent.any(|heard| now > since.max(*heard) + SILENCE_MAX).then_some(false),
        }
    }

    /// This process listens from now on, or no longer.
    pub(super) fn listening(&self, is_listening: bool) {
        let now = self.clock.monotonic();
        let mut heard = self.heard();
        heard.since = is_listening.then_some(now);
        heard.first = heard.first.or(heard.since);
    }

    /// A heartbeat of another process came.
    pub(super) fn hear(&self, beat: &Beat) {
        if beat.bounds.is_none() {
            return;
        }
        let now = self.clock.monotonic();
        let mut heard = self.heard();
        if beat.leaving {
            heard.workers.remove(&beat.process);
        } else if let Some(last) = heard.workers.get_mut(&beat.process) {
            *last = now;
        } else {
            heard.workers.retain(|_, last| now < *last + REMEMBERED);
            if heard.workers.len() < WORKERS_MAX {
                heard.workers.insert(beat.process.clone(), now);
            }
        }
    }

    pub(super) fn heard_one_that_differs(&self) {
        self.differed_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    /// The monotonic clock in milliseconds, plus 2^40: a long time after 0, which stands for never.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX).saturating_add(1 << 40)
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::atomic::AtomicU64;

    use futures_util::future::BoxFuture;
    use scriptmill_scaling::{Distribution, Level, Sums, VERSION};

    use super::*;

    /// A clock that stands still but for what a test adds, in milliseconds.
    #[derive(Default)]
    struct Hand(AtomicU64);

    impl Clock for Hand {
        fn monotonic(&self) -> Duration {
            Duration::from_millis(self.0.load(Ordering::Relaxed))
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            Box::pin(std::future::pending())
        }
    }

    struct Case {
        clock: Arc<Hand>,
        others: Others,
    }

    impl Case {
        /// A process that has just begun to listen.
        fn new() -> Self {
            let clock = Arc::new(Hand::default());
            let others = Others::new(clock.clone());
            others.listening(true);
            Self { clock, others }
        }

        fn wait(&self, seconds: f64) {
            self.clock.0.fetch_add((seconds * 1e3) as u64, Ordering::Relaxed);
        }

        fn hears(&self, process: &str, is_leaving: bool, takes_jobs: bool) {
            self.others.hear(&Beat {
                version: VERSION,
                process: process.to_owned(),
                group: "default".to_owned(),
                pod: None,
                bounds: takes_jobs.then(|| "bounds".to_owned()),
                uptime_seconds: 0.0,
                boot_seconds: None,
                leaving: is_leaving,
                sums: Sums::default(),
                level: Level::default(),
                waits: Distribution::default(),
                services: Distribution::default(),
                demand: None,
                raised: false,
            });
        }

        /// Hears these workers every two seconds.
        fn hears_for(&self, seconds: u32, workers: &[&str]) {
            for _ in 0..seconds / 2 {
                workers.iter().for_each(|worker| self.hears(worker, false, true));
                self.wait(2.0);
            }
        }

        /// Asks now, and gets the answer after so long.
        fn answer(&self, seconds: f64, workers: &[&str]) -> Option<bool> {
            let asked = self.clock.monotonic();
            self.wait(seconds);
            workers.iter().for_each(|worker| self.hears(worker, false, true));
            self.others.live_since(asked)
        }
    }

    #[test]
    fn who_is_heard_again_lives_and_who_is_silent_has_died() {
        let case = Case::new();
        case.hears_for(20, &["a", "b"]);
        assert_eq!(case.answer(0.1, &["a", "b"]), None, "what is heard now may have been on its way");
        assert_eq!(case.answer(1.5, &["a", "b"]), Some(true));
        assert_eq!(case.answer(1.5, &["a"]), None, "b may speak yet");
        case.hears_for(12, &["a"]);
        assert_eq!(case.answer(2.5, &["a"]), Some(false));
        case.hears_for(500, &["a"]);
        assert_eq!(case.answer(2.5, &["a"]), Some(false), "what it held may have stayed in the queue");
        case.hears_for(100, &["a"]);
        assert_eq!(case.answer(2.5, &["a"]), Some(true), "long ago");
    }

    #[test]
    fn who_says_that_it_leaves_and_who_takes_no_jobs_is_not_missed() {
        let case = Case::new();
        case.hears_for(20, &["a", "b"]);
        case.hears("scaler", false, false);
        case.hears("b", true, true);
        case.hears_for(20, &["a"]);
        assert_eq!(case.answer(2.5, &["a"]), Some(true));
    }

    #[test]
    fn a_process_that_has_just_begun_to_listen_cannot_say() {
        let case = Case::new();
        case.hears_for(8, &["a"]);
        assert_eq!(case.answer(1.5, &["a"]), Some(false));
        case.hears_for(2, &["a"]);
        assert_eq!(case.answer(1.5, &["a"]), Some(true));
    }

    #[test]
    fn a_process_that_could_not_listen_waits_for_all_others() {
        let case = Case::new();
        case.hears_for(20, &["a", "b"]);
        case.others.listening(false);
        case.wait(60.0);
        assert_eq!(case.answer(2.5, &[]), None);
        case.others.listening(true);
        assert_eq!(case.answer(2.5, &["a"]), None, "b need not have its connection back");
        assert_eq!(case.answer(2.5, &["a", "b"]), Some(true));
        // A process that was paused itself has heard nobody, and reads first what has come.
        case.wait(60.0);
        assert_eq!(case.answer(0.5, &[]), None);
        // It gives up in the end.
        case.others.listening(false);
        assert_eq!(case.answer(31.0, &[]), Some(false));
    }
}
