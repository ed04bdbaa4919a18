//! The offered load: how many slots the arriving jobs take in the mean, in erlangs.
//!
//! A short window sees a change early, but mistakes noise for a change. A long window is steady, but late. So a short window
//! counts with the lower bound of its confidence interval, and decides only if it is surely above the longer ones. Otherwise
//! the first long window with enough arrivals decides. It may still contain a load that has stopped, so it is cut at the
//! upper bounds of the long windows up to it.

use crate::beat::BEAT;
use crate::history::{History, Service};

/// Windows, in seconds.
const WINDOWS: [f64; 11] = [2.0, 4.0, 6.0, 10.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];
/// Up to this length a window counts as a short one, in seconds.
const SHORT_SECONDS: f64 = 32.0;
/// Intervals over which the dispersion of arrivals is taken: two minutes.
const DISPERSION_INTERVALS: usize = 60;
/// Dispersion is bounded: below, since the depth and the beats are not of one instant; above, so that a single burst does
/// not blind every window.
const DISPERSION: std::ops::RangeInclusive<f64> = 1.0..=30.0;
/// A backlog shrinks if more jobs began than arrived, by more than this many standard deviations of the count.
const SHRINKS: f64 = 4.0;

/// The offered load, and the window in which it was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Load {
    /// Slots.
    pub(crate) erlangs: f64,
    /// The window that decided, in seconds.
    pub(crate) window: f64,
    /// Jobs a second in that window.
    pub(crate) arrivals_per_second: f64,
}

/// The offered load. `certainty` says by how many standard deviations a short window must be sure.
pub(crate) fn offered(history: &History, service: &Service, certainty: f64) -> Load {
    let spread = dispersion(history) + service.variation;
    let margin = certainty / 2.0 * spread.sqrt();
    let enough = 25.0 * (1.0 + service.variation);
    let (mut low, mut last, mut roof) = (Load::default(), None, f64::INFINITY);
    for window in WINDOWS {
        let seen = history.window(window);
        if seen.seconds <= 0.0 || (seen.seconds < window - 1.0 && last.is_some()) {
            break;
        }
        if window < service.seconds / 2.0 {
            continue;
        }
        let per_job = service.of(&seen) / seen.seconds;
        let rate = seen.arrivals / seen.seconds;
        let at = |erlangs| Load { erlangs, window, arrivals_per_second: rate };
        let is_short = window <= SHORT_SECONDS || window < 2.0 * service.seconds;
        if is_short && !begins_in_drain(history, window) {
            let root = (seen.arrivals.sqrt() - margin).max(0.0);
            let erlangs = root * root * per_job;
            if erlangs > low.erlangs {
                low = at(erlangs);
            }
        }
        let is_settled = last.is_some_and(|(_, settled)| settled);
        if window >= SHORT_SECONDS && !is_settled {
            roof = roof.min((seen.arrivals.sqrt() + margin).powi(2) * per_job);
        }
        let settles = window >= SHORT_SECONDS && seen.arrivals >= enough;
        if !is_settled {
            last = Some((at(seen.arrivals * per_job), settles));
        }
    }
    let mut last = last.map(|(load, _)| load).unwrap_or_default();
    last.erlangs = last.erlangs.min(roof);
    if low.erlangs > last.erlangs { low } else { last }
}

/// The index of dispersion of arrivals, within its bounds.
pub(crate) fn dispersion(history: &History) -> f64 {
    history.dispersion(DISPERSION_INTERVALS).clamp(*DISPERSION.start(), *DISPERSION.end())
}

/// Whether a backlog was being worked off when the last `window` seconds began. If so, jobs that had left the queue by then,
/// but whose starts were heard a beat later, would wrongly count as arrivals of the window.
fn begins_in_drain(history: &History, window: f64) -> bool {
    let edge = history.between(window, window + BEAT.as_secs_f64());
    edge.sums.starts - edge.arrivals > SHRINKS * edge.sums.starts.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Interval;
    use crate::sums::Sums;

    /// The load after the given beats, each as (count, arrivals, starts), of jobs of half a second.
    fn after(beats: &[(usize, f64, f64)]) -> f64 {
        let mut history = History::default();
        for (count, arrivals, starts) in beats {
            for _ in 0..*count {
                let sums =
                    Sums { starts: *starts, completions: *starts, service_seconds: starts * 0.5, ..Sums::default() };
                history.push(Interval { seconds: 2.0, arrivals: *arrivals, sums });
            }
        }
        offered(&history, &Service { seconds: 0.5, variation: 1.0 }, 2.0).erlangs
    }

    #[test]
    fn a_load_that_has_risen_is_not_held_down_by_what_was_before() {
        let load = after(&[(450, 200.0, 200.0), (20, 400.0, 400.0)]);
        assert!((load - 100.0).abs() < 1.0, "{load}");
    }

    #[test]
    fn a_load_that_has_stopped_does_not_come_back_as_windows_widen() {
        let load = after(&[(450, 200.0, 200.0), (40, 0.0, 0.0)]);
        assert!(load < 1.0, "{load}");
    }

    #[test]
    fn starts_of_a_backlog_that_are_heard_late_are_no_arrivals() {
        let load = after(&[(60, 200.0, 200.0), (1, -300.0, 500.0), (1, 700.0, 700.0)]);
        assert!(load < 55.0, "{load}");
    }
}
