//! What the fleet did in the last half hour, by windows.

use std::collections::VecDeque;

use crate::fleet::Interval;
use crate::sums::Sums;

/// Intervals kept: 34 minutes of beats.
const INTERVALS_MAX: usize = 1_024;

/// The last intervals, as running totals, so that a window of any length costs two look-ups.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// Totals after each interval, the oldest first; the first is the total before all of them.
    totals: VecDeque<Interval>,
}

impl Default for History {
    fn default() -> Self {
        Self { totals: VecDeque::from([Interval::default()]) }
    }
}

impl History {
    pub(crate) fn push(&mut self, interval: Interval) {
        let last = self.totals.back().copied().unwrap_or_default();
        self.totals.push_back(Interval {
            seconds: last.seconds + interval.seconds,
            arrivals: last.arrivals + interval.arrivals,
            sums: last.sums + interval.sums,
        });
        if self.totals.len() > INTERVALS_MAX {
            self.totals.pop_front();
        }
    }

    /// What was done in the last `seconds`, in whole intervals, or in all that is kept if that is less.
    pub(crate) fn window(&self, seconds: f64) -> Interval {
        self.between(0.0, seconds)
    }

    /// What was done between `to` and `from` seconds ago.
    pub(crate) fn between(&self, to: f64, from: f64) -> Interval {
        let end = self.totals.back().map_or(0.0, |total| total.seconds);
        // Half of a beat of tolerance, since ticks come a little early or late.
        let at = |ago: f64| self.totals.partition_point(|total| total.seconds < end - ago - 1.0);
        let total = |index: usize| self.totals.get(index).or(self.totals.back()).copied().unwrap_or_default();
        let (early, late) = (total(at(from)), total(at(to)));
        Interval {
            seconds: late.seconds - early.seconds,
            arrivals: (late.arrivals - early.arrivals).max(0.0),
            sums: (late.sums - early.sums).at_least_zero(),
        }
    }

    /// The index of dispersion of arrivals over the last `intervals`: half the mean square of successive differences, over
    /// the mean (von Neumann's estimator of a variance, which a trend hardly disturbs). 1 for a Poisson process.
    pub(crate) fn dispersion(&self, intervals: usize) -> f64 {
        let from = self.totals.len().saturating_sub(intervals + 1);
        let (mut last, mut before) = (None::<f64>, None::<f64>);
        let (mut squares, mut differences, mut sum, mut counted) = (0.0, 0.0, 0.0, 0.0);
        for total in self.totals.iter().skip(from) {
            if let Some(earlier) = last {
                let count = total.arrivals - earlier;
                if let Some(previous) = before {
                    squares += (count - previous).powi(2);
                    differences += 1.0;
                }
                before = Some(count);
                sum += count;
                counted += 1.0;
            }
            last = Some(total.arrivals);
        }
        if sum <= 0.0 || differences < 3.0 { 1.0 } else { squares / (2.0 * differences) / (sum / counted) }
    }
}

/// The mean and the spread of slot times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Service {
    /// The mean over a long window, in seconds.
    pub(crate) seconds: f64,
    /// The squared coefficient of variation.
    pub(crate) variation: f64,
}

/// The slot time that is assumed before any job was seen, in seconds.
const SERVICE_SECONDS: f64 = 1.0;
/// A window tells the mean of slot times only if it is at least this many times as long as the job that an average slot
/// second belongs to, which takes m (1 + c²s). In a shorter window short jobs have ended and long ones have not …
const MEAN_LASTING: f64 = 10.0;
/// … and a window's own completions count beside that mean only if the window is at least this many times as long as
/// that job.
const WINDOW_LASTING: f64 = 2.0;
/// The spread is bounded, so that one very long job among short ones does not blind every window.
const VARIATION_MAX: f64 = 50.0;

impl Service {
    /// Slot times as seen in a history. If few jobs have ended, the jobs that run now are counted as if they ended now.
    pub(crate) fn seen(history: &History, busy: f64) -> Self {
        let quarter = history.window(900.0);
        let Sums { completions, service_seconds, service_seconds_squared, busy_seconds, .. } = quarter.sums;
        let variation = if completions < 20.0 {
            1.0
        } else {
            let mean = service_seconds / completions;
            (service_seconds_squared / completions / (mean * mean) - 1.0).clamp(0.0, VARIATION_MAX)
        };
        let enough = 100.0 * (1.0 + variation);
        let lasting = Self { seconds: service_seconds / completions.max(1.0), variation }.lasting();
        for seconds in [30.0, 60.0, 120.0, 300.0] {
            let sums = history.window(seconds).sums;
            if sums.completions >= enough && seconds >= lasting {
                return Self { seconds: sums.service_seconds / sums.completions, variation };
            }
        }
        let seconds = if completions >= enough.min(busy * 4.0 + 20.0) {
            service_seconds / completions
        } else if completions + busy > 0.0 && busy_seconds > 0.0 {
            busy_seconds / (completions + busy)
        } else {
            SERVICE_SECONDS
        };
        Self { seconds: seconds.max(1e-6), variation }
    }

    /// How long a history must be to tell the mean, in seconds.
    pub(crate) fn lasting(&self) -> f64 {
        MEAN_LASTING * self.seconds * (1.0 + self.variation)
    }

    /// The mean of a window's own completions and of 20 (1 + c²s) further jobs that take the long mean, so that few
    /// completions do not move it far. If the window is too short to have seen long jobs end, it is the long mean
    /// alone.
    pub(crate) fn of(&self, window: &Interval) -> f64 {
        if window.seconds < WINDOW_LASTING * self.seconds * (1.0 + self.variation) {
            return self.seconds;
        }
        let weight = 20.0 * (1.0 + self.variation);
        (window.sums.service_seconds + weight * self.seconds) / (window.sums.completions + weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_that_have_not_ended_yet_are_not_taken_for_none() {
        // Every tenth job takes 20 s and the others 0.1 s; in the last 40 s twice as many arrive, of which no long one has ended.
        let mut history = History::default();
        let mut beats = |count: u32, short: f64, long: f64| {
            for _ in 0..count {
                history.push(Interval {
                    seconds: 2.0,
                    arrivals: short + long,
                    sums: Sums {
                        completions: short + long,
                        service_seconds: 0.1 * short + 20.0 * long,
                        service_seconds_squared: 0.01 * short + 400.0 * long,
                        ..Sums::default()
                    },
                });
            }
        };
        beats(430, 450.0, 50.0);
        beats(20, 900.0, 50.0);
        let service = Service::seen(&history, 1_000.0);
        assert!((service.seconds - 2.09).abs() < 0.3, "{service:?}");
        assert!((service.of(&history.window(32.0)) - service.seconds).abs() < 1e-9);
    }
}
