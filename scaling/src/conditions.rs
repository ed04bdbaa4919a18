//! Conditions under which more or fewer replicas would not follow the load: a stall, and something slow behind the scripts.

use crate::fleet::{Interval, View};
use crate::history::{History, Service};

/// No start for so long, with jobs and free slots at hand, is a stall; in seconds.
const STALL_SECONDS: f64 = 4.0;
/// With all slots busy it takes so many completions that were to be expected and did not come.
const MISSING_COMPLETIONS: f64 = 12.0;
/// In a saturated stretch work is compared over so many seconds …
const SAMPLE_SECONDS: f64 = 20.0;
/// … and over so many completions at least.
const SAMPLE_COMPLETIONS: f64 = 30.0;
/// Samples of one stretch, a bound on memory; then it begins anew.
const SAMPLES_MAX: usize = 500;
/// So many times the slots must have been tried.
const MORE_SLOTS: f64 = 1.4;
/// Under this elasticity of completions more slots do hardly more work.
const ELASTICITY_MIN: f64 = 0.15;
/// Bound by something behind the scripts, more is tried again every so often, in seconds …
const PROBE_EVERY_SECONDS: f64 = 300.0;
/// … for so long.
const PROBE_SECONDS: f64 = 45.0;

/// Whether jobs are there and none begins or ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stall {
    still_seconds: f64,
}

impl Stall {
    /// Looks at the last interval. With all slots busy, nothing begins until something ends, which long jobs do seldom.
    pub(crate) fn update(&mut self, interval: &Interval, view: &View, service: &Service) -> bool {
        let moves = interval.sums.starts > 0.5 || interval.sums.completions > 0.5;
        if moves || view.backlog < 0.5 || view.slots < 0.5 {
            self.still_seconds = 0.0;
            return false;
        }
        self.still_seconds += interval.seconds;
        let patience = match view.is_full() {
            false => STALL_SECONDS,
            true => {
                let expected = MISSING_COMPLETIONS * service.seconds / view.busy.max(1.0);
                expected.max(2.0 * service.seconds).max(STALL_SECONDS)
            }
        };
        self.still_seconds >= patience
    }
}

/// A stretch of time in which all slots were busy and jobs waited.
#[derive(Clone, Debug, Default)]
pub(crate) struct Downstream {
    /// Since when the stretch lasts, in seconds.
    since: Option<f64>,
    samples: Vec<Sample>,
    bound: Option<Bound>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    slots: f64,
    completions_per_second: f64,
}

#[derive(Clone, Copy, Debug)]
struct Bound {
    slots: f64,
    since: f64,
}

impl Downstream {
    /// The most slots that are of use, and whether it is time to try more; `None` where slots are what is missing.
    pub(crate) fn update(&mut self, now: f64, is_saturated: bool, history: &History) -> Option<(f64, bool)> {
        if !is_saturated {
            self.since = None;
            self.samples.clear();
            self.bound = None;
            return None;
        }
        let since = *self.since.get_or_insert(now);
        let is_due = now - since >= SAMPLE_SECONDS * (self.samples.len() + 1) as f64;
        let window = history.window(SAMPLE_SECONDS);
        if is_due && window.seconds > 0.0 {
            if window.sums.completions < SAMPLE_COMPLETIONS {
                return self.limit(now);
            }
            let slots = window.sums.busy_seconds / window.seconds;
            let sample = Sample { slots, completions_per_second: window.sums.completions / window.seconds };
            self.judge(now, sample);
            self.samples.push(sample);
            if self.samples.len() > SAMPLES_MAX {
                *self = Self { bound: self.bound, since: Some(now), samples: Vec::new() };
            }
        }
        self.limit(now)
    }

    fn judge(&mut self, now: f64, sample: Sample) {
        let fewer = self.samples.iter().filter(|earlier| sample.slots >= MORE_SLOTS * earlier.slots);
        let Some(earlier) = fewer.min_by(|one, other| one.slots.total_cmp(&other.slots)).copied() else {
            return;
        };
        let more_work = (sample.completions_per_second / earlier.completions_per_second).max(1e-9).ln();
        let elasticity = more_work / (sample.slots / earlier.slots).ln();
        match self.bound {
            None if elasticity < ELASTICITY_MIN => self.bound = Some(Bound { slots: 1.1 * earlier.slots, since: now }),
            Some(_) if elasticity >= ELASTICITY_MIN => {
                self.bound = None;
                self.samples.clear();
            }
            _ => {}
        }
    }

    fn limit(&self, now: f64) -> Option<(f64, bool)> {
        let bound = self.bound?;
        let cycle = (now - bound.since) % PROBE_EVERY_SECONDS;
        let is_probe = now - bound.since >= PROBE_EVERY_SECONDS && cycle < PROBE_SECONDS;
        Some((bound.slots, is_probe))
    }
}
