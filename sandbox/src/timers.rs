//! Timers, the first kind of host call, and the time that a script sees: nothing else of a run knows about time.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::Clock;
use crate::abi::CallKind;
use crate::calls::{Answer, HostCall, HostCalls};

/// The instant at which the clock stands while a script's top level runs: 2000-01-01T00:00:00Z.
pub const TOP_LEVEL_INSTANT: Duration = Duration::from_secs(946_684_800);

/// The time that a script sees.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ScriptClock {
    /// The machine's time. If the machine's clock is set meanwhile, the script's goes on as before.
    Live,
    /// An instant that moves by waiting alone.
    Fixed(Duration),
}

/// When a timer is due by the script's clock, and the number of its call. Timers are answered in this order, whatever else the
/// machine does, so that a run can be repeated.
type Key = (Duration, u32);

/// The timers of one run, and its time. Clones share them.
#[derive(Clone)]
pub(crate) struct Timers {
    clock: Arc<dyn Clock>,
    /// What the script's clock would show at the beginning of the monotonic time.
    epoch: Duration,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    /// Where a fixed clock stands.
    fixed: Option<Duration>,
    /// Pending timers, each with the waker to call once it is the first.
    pending: BTreeMap<Key, Option<Waker>>,
}

impl Timers {
    /// No timers yet.
    pub(crate) fn new(clock: Arc<dyn Clock>, script_clock: ScriptClock) -> Self {
        let (start, fixed) = match script_clock {
            ScriptClock::Live => (clock.now(), None),
            ScriptClock::Fixed(instant) => (instant, Some(instant)),
        };
        let epoch = start.saturating_sub(clock.monotonic());
        Self { clock, epoch, shared: Arc::new(Mutex::new(Shared { fixed, pending: BTreeMap::new() })) }
    }

    /// The time by the script's clock.
    pub(crate) fn now(&self) -> Duration {
        self.shared().fixed.unwrap_or_else(|| self.elapsed())
    }

    /// What the script's clock would show if it were live.
    fn elapsed(&self) -> Duration {
        self.epoch.saturating_add(self.clock.monotonic())
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HostCalls for Timers {
    fn call(&self, call: HostCall) -> Option<BoxFuture<'static, Answer>> {
        if call.kind != CallKind::Timer as i32 {
            return None;
        }
        let milliseconds = f64::from_le_bytes(call.payload.as_slice().try_into().ok()?);
        let wait = Duration::try_from_secs_f64(milliseconds.max(0.0) / 1_000.0).unwrap_or(Duration::MAX / 4);
        let key = (self.now().saturating_add(wait), call.id);
        self.shared().pending.insert(key, None);
        let place = Place { timers: self.clone(), key };
        Some(Box::pin(async move {
            // A fixed clock moves as fast as the real one while a script waits.
            let pause = place.key.0.saturating_sub(place.timers.elapsed());
            if !pause.is_zero() {
                place.timers.clock.sleep(pause).await;
            }
            poll_fn(|context| place.poll_first(context)).await;
            Ok(Vec::new())
        }))
    }
}

/// A timer's place in the order. Leaving it, answered or cancelled, lets the next one be the first.
struct Place {
    timers: Timers,
    key: Key,
}

impl Place {
    /// Ready once no pending timer is due sooner. A fixed clock then moves to the time at which this one was due.
    fn poll_first(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut shared = self.timers.shared();
        ready!(shared.poll_first(self.key, context));
        if let Some(fixed) = &mut shared.fixed {
            *fixed = self.key.0.max(*fixed);
        }
        Poll::Ready(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let next = {
            let mut shared = self.timers.shared();
            shared.pending.remove(&self.key);
            shared.pending.first_entry().and_then(|mut first| first.get_mut().take())
        };
        if let Some(waker) = next {
            waker.wake();
        }
    }
}

impl Shared {
    fn poll_first(&mut self, key: Key, context: &Context<'_>) -> Poll<()> {
        match self.pending.first_entry() {
            Some(first) if *first.key() != key => {
                self.pending.insert(key, Some(context.waker().clone()));
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }
}
