//! Conditions in which the number of replicas must not follow the load: a stall, and something slow behind the scripts.

use crate::fleet::{Interval, View};
use crate::history::{History, Service};

/// With waiting jobs and free slots, it is a stall if no job begins or ends for this long; in seconds.
const STALL_SECONDS: f64 = 4.0;
/// With all slots busy, it is a stall if no job ends in the time in which this many completions were to be expected.
const MISSING_COMPLETIONS: f64 = 12.0;
/// In a saturated stretch the work is sampled over this many seconds …
const SAMPLE_SECONDS: f64 = 20.0;
/// … and over at least this many completions.
const SAMPLE_COMPLETIONS: f64 = 30.0;
/// The most samples of one stretch, a bound on memory. After that the stretch begins anew.
const SAMPLES_MAX: usize = 500;
/// Two samples are compared only if the later one had at least this many times the slots of the earlier one.
const MORE_SLOTS: f64 = 1.4;
/// Below this elasticity (the logarithm of the growth of completions over that of the growth of slots), more slots do
/// hardly more work.
const ELASTICITY_MIN: f64 = 0.15;
/// While something behind the scripts is the bound, more slots are tried again this often, in seconds …
const PROBE_EVERY_SECONDS: f64 = 300.0;
/// … for this long, in seconds.
const PROBE_SECONDS: f64 = 45.0;

/// Finds out whether jobs wait and none begins or ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stall {
    still_seconds: f64,
}

impl Stall {
    /// Looks at the last interval, and returns whether there is a stall. With all slots busy, no job begins until
    /// another ends. Long jobs end seldom, so the patience is longer then.
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
    /// When the stretch began, in seconds.
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
    /// The most slots that are of use, and whether it is time to try more. Returns `None` while no such bound is known.
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
