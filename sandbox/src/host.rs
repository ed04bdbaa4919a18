//! What a sandbox needs of the world around it.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;

/// The clock and the timer of the process. A sandbox knows of no other time.
pub trait Host: Send + Sync {
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

/// The host of a process that runs tokio: sleeps are tokio's timers, wherever they are awaited.
pub struct TokioHost(tokio::runtime::Handle);

impl TokioHost {
    /// The runtime whose timer is used.
    pub fn new(runtime: tokio::runtime::Handle) -> Self {
        Self(runtime)
    }
}

impl Host for TokioHost {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let _entered = self.0.enter();
        Box::pin(tokio::time::sleep(duration))
    }
}
