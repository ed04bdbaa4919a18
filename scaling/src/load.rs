//! The offered load: how many slots the arriving jobs take in the mean, in erlangs.
//!
//! A short window sees a change first and mistakes noise for one; a long one the other way round. So a short window counts
//! with the lower bound of its confidence interval, and wins only where it is surely above the longer ones. A long window
//! that still remembers a load that has stopped is held down by the upper bounds of the shorter ones.

use crate::history::{History, Service};

/// Windows, in seconds.
const WINDOWS: [f64; 11] = [2.0, 4.0, 6.0, 10.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];
/// Up to here a window counts as a short one.
const SHORT_SECONDS: f64 = 32.0;
/// Intervals over which the dispersion of arrivals is taken: two minutes.
const DISPERSION_INTERVALS: usize = 60;
/// Dispersion is bounded: below, since the depth and the beats are not of one instant; above, so that a single burst does
/// not blind every window.
const DISPERSION: std::ops::RangeInclusive<f64> = 1.0..=30.0;

/// The offered load and where it was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Load {
    /// Slots.
    pub(crate) erlangs: f64,
    /// The window that decided, in seconds.
    pub(crate) window: f64,
    /// Jobs a second in that window.
    pub(crate) arrivals_per_second: f64,
}

/// The offered load. `certainty` is how many standard deviations a short window must be sure.
pub(crate) fn offered(history: &History, service: &Service, certainty: f64) -> Load {
    let dispersion = history.dispersion(DISPERSION_INTERVALS);
    let spread = dispersion.clamp(*DISPERSION.start(), *DISPERSION.end()) + service.variation;
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
        let per_job = service.of(&seen.sums) / seen.seconds;
        let rate = seen.arrivals / seen.seconds;
        let at = |erlangs| Load { erlangs, window, arrivals_per_second: rate };
        if window <= SHORT_SECONDS || window < 2.0 * service.seconds {
            let root = (seen.arrivals.sqrt() - margin).max(0.0);
            let erlangs = root * root * per_job;
            if erlangs > low.erlangs {
                low = at(erlangs);
            }
        }
        if window >= SHORT_SECONDS {
            roof = roof.min((seen.arrivals.sqrt() + margin).powi(2) * per_job);
        }
        let settles = window >= SHORT_SECONDS && seen.arrivals >= enough;
        let is_settled = last.is_some_and(|(_, settled)| settled);
        if !is_settled {
            last = Some((at(seen.arrivals * per_job), settles));
        }
    }
    let mut last = last.map(|(load, _)| load).unwrap_or_default();
    last.erlangs = last.erlangs.min(roof);
    if low.erlangs > last.erlangs { low } else { last }
}
