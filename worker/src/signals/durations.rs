//! Observed durations: their number, their sum, the sum of their squares, and their distribution.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use scriptmill_scaling::{BOUNDS, Distribution};

/// The observed durations of one kind. Adding one takes a few additions and no lock.
#[derive(Debug, Default)]
pub(super) struct Durations {
    counts: [AtomicU64; BOUNDS.len() + 1],
    sum_ns: AtomicU64,
    /// The sum of squares, in nanoseconds squared: one second's square fills 60 bits, so it takes two words.
    squares_low: AtomicU64,
    squares_high: AtomicU64,
}

impl Durations {
    pub(super) fn add(&self, duration: Duration) {
        // 2^64 ns are 584 years.
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
        let square = u128::from(ns) * u128::from(ns);
        let before = self.squares_low.fetch_add(square as u64, Ordering::Relaxed);
        let carry = u64::from(before.checked_add(square as u64).is_none());
        let high = (square >> 64) as u64 + carry;
        if high > 0 {
            self.squares_high.fetch_add(high, Ordering::Release);
        }
        self.counts[Distribution::bucket(duration.as_secs_f64())].fetch_add(1, Ordering::Release);
    }

    pub(super) fn distribution(&self) -> Distribution {
        Distribution { counts: self.counts.each_ref().map(|count| count.load(Ordering::Acquire)) }
    }

    /// The sum, in seconds.
    pub(super) fn sum(&self) -> f64 {
        self.sum_ns.load(Ordering::Relaxed) as f64 / 1e9
    }

    /// The sum of squares, in seconds squared. A value that is read between an addition and its carry is too small; none is too large.
    pub(super) fn squares(&self) -> f64 {
        let high = self.squares_high.load(Ordering::Acquire);
        let low = self.squares_low.load(Ordering::Relaxed);
        (high as f64 * 2_f64.powi(64) + low as f64) / 1e18
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_of_long_and_of_short_ones_add_up() {
        let durations = Durations::default();
        for _ in 0..1_000 {
            durations.add(Duration::from_secs(900));
            durations.add(Duration::from_micros(30));
        }
        let squares = 1_000.0 * (900.0 * 900.0 + 30e-6 * 30e-6);
        assert!((durations.squares() / squares - 1.0).abs() < 1e-12, "{}", durations.squares());
        assert!((durations.sum() - 900_000.03).abs() < 1e-6, "{}", durations.sum());
        assert_eq!(durations.distribution().counts[0], 1_000);
        assert_eq!(durations.distribution().count(), 2_000);
    }
}
