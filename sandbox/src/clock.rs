//! The clock that is handed in: neither the sandbox nor the worker reads another.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;

/// The clock and the timer of the process. A sandbox knows no other time.
pub trait Clock: Send + Sync {
    /// The time of day, since the Unix epoch.
    fn now(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    /// Time that only moves forward, since some instant of the past: for limits.
    fn monotonic(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }

    /// A future that is ready once `duration` is over.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The clock of a process that runs tokio: its sleeps are tokio's timers, on whichever thread they are awaited.
pub struct TokioClock(tokio::runtime::Handle);

impl TokioClock {
    /// Uses the timer of this runtime.
    pub fn new(runtime: tokio::runtime::Handle) -> Self {
        Self(runtime)
    }
}

impl Clock for TokioClock {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let _entered = self.0.enter();
        Box::pin(tokio::time::sleep(duration))
    }
}
