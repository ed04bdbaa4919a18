//! What a worker counts. The counts only grow, and those of two workers add up to what one worker would have counted. So
//! a fleet is seen by adding, and a lost message loses nothing, since the next one brings it.

use std::ops::{Add, AddAssign, Mul, Sub};

use serde::{Deserialize, Serialize};

/// Counts since a worker's start; for a fleet or a stretch of time, a sum or a difference of such counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sums {
    /// Jobs received from the queue.
    pub delivered: f64,
    /// Jobs that got a slot.
    pub starts: f64,
    /// Jobs that gave their slot back.
    pub completions: f64,
    /// Slots in use, summed over time, in seconds.
    pub busy_seconds: f64,
    /// Jobs that wait on the host, summed over time, in seconds.
    pub waiting_seconds: f64,
    /// Slot time of the jobs that completed, in seconds.
    pub service_seconds: f64,
    /// The squares of those slot times, in seconds squared.
    pub service_seconds_squared: f64,
}

impl Sums {
    /// Applies `f` to each pair of counts of two sums.
    fn zip(self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            delivered: f(self.delivered, other.delivered),
            starts: f(self.starts, other.starts),
            completions: f(self.completions, other.completions),
            busy_seconds: f(self.busy_seconds, other.busy_seconds),
            waiting_seconds: f(self.waiting_seconds, other.waiting_seconds),
            service_seconds: f(self.service_seconds, other.service_seconds),
            service_seconds_squared: f(self.service_seconds_squared, other.service_seconds_squared),
        }
    }

    /// The sums with negative counts set to zero.
    pub fn at_least_zero(self) -> Self {
        self.zip(Self::default(), f64::max)
    }

    /// Whether every count is a number from 0 to `max`.
    pub(crate) fn within(self, max: f64) -> bool {
        let Self { delivered, starts, completions, busy_seconds, waiting_seconds, service_seconds, .. } = self;
        [delivered, starts, completions, busy_seconds, waiting_seconds, service_seconds, self.service_seconds_squared]
            .iter()
            .all(|count| (0.0..=max).contains(count))
    }
}

impl Add for Sums {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.zip(other, |one, other| one + other)
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Sums {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.zip(other, |one, other| one - other)
    }
}

impl Mul<f64> for Sums {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        self.zip(self, |count, _| count * factor)
    }
}

/// The upper bounds of a [`Distribution`]'s buckets, in seconds, none more than 2.5 times the one before; one more bucket holds the
/// durations above them all.
pub const BOUNDS: [f64; 23] = [
    0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0,
    60.0, 120.0, 300.0, 600.0, 900.0,
];

/// How often a duration fell into each bucket. Two of them merge by addition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Distribution {
    /// The counts, one for each of [`BOUNDS`] and one for what is above.
    pub counts: [u64; BOUNDS.len() + 1],
}

impl Distribution {
    /// The bucket of a duration.
    pub fn bucket(seconds: f64) -> usize {
        BOUNDS.partition_point(|bound| *bound < seconds)
    }

    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The bound of the bucket that holds the quantile `q` (0 to 1), in seconds; infinite above the last bound. Returns
    /// `None` if nothing was counted.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let rank = (q * self.count() as f64).ceil().max(1.0);
        let mut below = 0.0;
        let bucket = self.counts.iter().position(|count| {
            below += *count as f64;
            below >= rank
        })?;
        Some(BOUNDS.get(bucket).copied().unwrap_or(f64::INFINITY))
    }
}

/// What was counted since an earlier state. A count that has become less, which never happens in one process, gives 0.
impl Sub for Distribution {
    type Output = Self;

    fn sub(mut self, earlier: Self) -> Self {
        for (count, before) in self.counts.iter_mut().zip(earlier.counts) {
            *count = count.saturating_sub(before);
        }
        self
    }
}

impl AddAssign for Distribution {
    fn add_assign(&mut self, other: Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count = count.saturating_add(more);
        }
    }
}
