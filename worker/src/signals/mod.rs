//! The counts of the jobs that go through the rooms, each taken once. The heartbeat and the metrics are views of these counts. The
//! counts know neither of the two, nor the broker.
//!
//! Counting a job takes a handful of additions to words that all threads share; no lock is taken and nothing is allocated. A snapshot
//! is not of one instant: each count is right by itself, and two counts may differ by the jobs that changed state between their reads.
//! A job that waits on the host keeps its slot, so it counts as busy: jobs that wait on the host are not counted apart.

mod durations;
mod occupancy;
mod oldest;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use scriptmill_sandbox::Clock;
use scriptmill_scaling::{Distribution, Level, Sums};

use durations::Durations;
use occupancy::{Occupancy, growth};
use oldest::{Cell, Oldest};

/// What a worker counts of its jobs.
pub struct Signals {
    clock: Arc<dyn Clock>,
    /// When counting began, by the monotonic clock.
    born: Duration,
    /// When jobs could be taken for the first time, in microseconds since counting began, plus one; 0 before that.
    booted_us: AtomicU64,
    slots: AtomicU32,
    consumers: AtomicU32,
    delivered: AtomicU64,
    unstarted: AtomicU32,
    oldest: Oldest,
    starts: AtomicU64,
    busy: Occupancy,
    unsettled: AtomicU32,
    settlements: AtomicU64,
    waits: Durations,
    services: Durations,
    read: Mutex<Read>,
}

/// The last reading of the sums that must only grow. Only readers take this lock.
#[derive(Default)]
struct Read {
    integral: u64,
    busy_us: u64,
    squares: f64,
}

/// The counts of a worker up to an instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// How long it has counted.
    pub uptime: Duration,
    /// The time from the beginning of counting until jobs could be taken for the first time. `None` before that.
    pub boot: Option<Duration>,
    /// The sums since counting began.
    pub sums: Sums,
    /// What the worker holds now.
    pub level: Level,
    /// How long jobs waited for a slot.
    pub waits: Distribution,
    /// The sum of those waits, in seconds.
    pub wait_seconds: f64,
    /// How long jobs held a slot.
    pub services: Distribution,
}

impl Signals {
    /// Begins to count. Times are those of the monotonic clock.
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            born: clock.monotonic(),
            clock,
            booted_us: AtomicU64::new(0),
            slots: AtomicU32::new(0),
            consumers: AtomicU32::new(0),
            delivered: AtomicU64::new(0),
            unstarted: AtomicU32::new(0),
            oldest: Oldest::new(),
            starts: AtomicU64::new(0),
            busy: Occupancy::default(),
            unsettled: AtomicU32::new(0),
            settlements: AtomicU64::new(0),
            waits: Durations::default(),
            services: Durations::default(),
            read: Mutex::default(),
        })
    }

    /// Sets the number of slots.
    pub fn has_slots(&self, slots: usize) {
        self.slots.store(u32::try_from(slots).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// Sets the number of consumers on the queue; 0 while no jobs are taken.
    pub fn has_consumers(&self, consumers: usize) {
        self.consumers.store(u32::try_from(consumers).unwrap_or(u32::MAX), Ordering::Relaxed);
        if consumers > 0 && self.booted_us.load(Ordering::Relaxed) == 0 {
            self.booted_us.store(self.now_us() + 1, Ordering::Relaxed);
        }
    }

    /// Counts a job that has come. It counts as not begun for as long as the returned guard lives.
    pub fn delivered(self: &Arc<Self>) -> Unstarted {
        self.delivered.fetch_add(1, Ordering::Relaxed);
        self.unstarted.fetch_add(1, Ordering::Relaxed);
        Unstarted { cell: self.oldest.enter(self.now_us()), signals: self.clone() }
    }

    /// Counts a slot as taken for as long as the returned guard lives.
    pub fn occupy(self: &Arc<Self>) -> Occupied {
        let since = self.now();
        self.busy.begin(micros(since));
        Occupied { signals: self.clone(), since, is_begun: false }
    }

    /// Counts an outcome that is known. It counts as not settled for as long as the returned guard lives.
    pub fn settling(&self) -> Unsettled<'_> {
        self.unsettled.fetch_add(1, Ordering::Relaxed);
        Unsettled(self)
    }

    /// The number of outcomes that are known and not settled.
    pub fn unsettled(&self) -> u32 {
        self.unsettled.load(Ordering::Relaxed)
    }

    /// The number of outcomes that have been settled since counting began, or whose delivery died.
    pub fn settlements(&self) -> u64 {
        self.settlements.load(Ordering::Relaxed)
    }

    /// The counts up to now.
    pub fn snapshot(&self) -> Snapshot {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        // Ends are read before beginnings, so that no more jobs have ended than begun.
        let services = self.services.distribution();
        let service_seconds = self.services.sum();
        read.squares = read.squares.max(self.services.squares());
        let starts = self.starts.load(Ordering::Relaxed);
        let delivered = self.delivered.load(Ordering::Relaxed);
        let uptime = self.now();
        let (busy, integral) = self.busy.read(micros(uptime));
        let grown = growth(read.integral, integral);
        if grown > 0 {
            read.integral = integral;
            read.busy_us = read.busy_us.saturating_add(grown);
        }
        let oldest_wait = self.oldest.since_us().map_or(0, |since| micros(uptime).saturating_sub(since));
        let level = |count: &AtomicU32| count.load(Ordering::Relaxed);
        Snapshot {
            uptime,
            boot: self.booted_us.load(Ordering::Relaxed).checked_sub(1).map(Duration::from_micros),
            sums: Sums {
                delivered: delivered as f64,
                starts: starts as f64,
                completions: services.count() as f64,
                busy_seconds: read.busy_us as f64 / 1e6,
                waiting_seconds: 0.0,
                service_seconds,
                service_seconds_squared: read.squares,
            },
            level: Level {
                consumers: level(&self.consumers),
                slots: level(&self.slots),
                places: 0,
                busy,
                waiting: 0,
                unstarted: level(&self.unstarted),
                unsettled: level(&self.unsettled),
                oldest_wait_seconds: oldest_wait as f64 / 1e6,
            },
            waits: self.waits.distribution(),
            wait_seconds: self.waits.sum(),
            services,
        }
    }

    /// The time since counting began.
    fn now(&self) -> Duration {
        self.clock.monotonic().saturating_sub(self.born)
    }

    fn now_us(&self) -> u64 {
        micros(self.now())
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A job that has come and not begun.
pub struct Unstarted {
    signals: Arc<Signals>,
    cell: Cell,
}

impl Drop for Unstarted {
    fn drop(&mut self) {
        self.signals.oldest.leave(&self.cell);
        self.signals.unstarted.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A slot in use.
pub struct Occupied {
    signals: Arc<Signals>,
    since: Duration,
    is_begun: bool,
}

impl Occupied {
    /// Counts that a job begins in this slot, after it `waited` for one. The job has completed when the slot is free again. A slot in
    /// which no job begins counts as busy, but not as a start or a completion.
    pub fn begin(&mut self, waited: Duration) {
        if !std::mem::replace(&mut self.is_begun, true) {
            self.signals.starts.fetch_add(1, Ordering::Relaxed);
            self.signals.waits.add(waited);
        }
    }
}

impl Drop for Occupied {
    fn drop(&mut self) {
        let now = self.signals.now();
        self.signals.busy.end(micros(now));
        if self.is_begun {
            self.signals.services.add(now.saturating_sub(self.since));
        }
    }
}

/// An outcome that is known and not settled.
pub struct Unsettled<'a>(&'a Signals);

impl Drop for Unsettled<'_> {
    fn drop(&mut self) {
        self.0.unsettled.fetch_sub(1, Ordering::Relaxed);
        self.0.settlements.fetch_add(1, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Signals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Signals").field(&self.snapshot()).finish()
    }
}

#[cfg(test)]
mod tests;
