//! The Horizontal Pod Autoscaler, version 2, as its controller behaves (Kubernetes 1.36, pkg/controller/podautoscaler:
//! replica_calculator.go and horizontal.go).

use std::collections::VecDeque;

use super::score::STEP_SECONDS;

/// From one look at the metrics to the next, in seconds.
pub const SYNC_SECONDS: f64 = 15.0;
/// When the HPA first looks, in seconds. Traces change at whole minutes, and in the mean a change is seen half a period
/// later.
pub const FIRST_SYNC_SECONDS: f64 = SYNC_SECONDS / 2.0;
/// The number stays if the ratio to the target differs from 1 by no more than this.
pub const TOLERANCE: f64 = 0.1;

/// How fast the number may change in one direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// The most percent by which the number may change in one period, if that is a rule.
    pub percent: Option<f64>,
    /// The most pods by which the number may change in one period, if that is a rule. The rule that allows more wins.
    pub pods: Option<f64>,
    /// The period, in seconds.
    pub period: f64,
    /// The stabilisation window, in seconds: the most careful recommendation in it counts.
    pub window: f64,
}

/// `spec.behavior`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Behavior {
    /// Upward.
    pub up: Rules,
    /// Downward.
    pub down: Rules,
}

impl Default for Behavior {
    /// The rules that Kubernetes uses if nothing is set.
    fn default() -> Self {
        Self {
            up: Rules { percent: Some(100.0), pods: Some(4.0), period: 15.0, window: 0.0 },
            down: Rules { percent: Some(100.0), pods: None, period: 15.0, window: 300.0 },
        }
    }
}

impl Behavior {
    /// For a signal that does its own smoothing: ten times as many, or 50 more, in 15 s; down at once.
    pub fn prompt() -> Self {
        Self { up: Rules { percent: Some(900.0), pods: Some(50.0), ..Self::default().up }, ..Self::default() }
            .down_window(0.0)
    }

    /// With another stabilisation window downward, in seconds.
    #[must_use]
    pub fn down_window(self, window: f64) -> Self {
        Self { down: Rules { window, ..self.down }, ..self }
    }
}

/// What the metrics say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Metric {
    /// An external metric with a target of type AverageValue.
    Average {
        /// The value, all items together.
        value: f64,
        /// The target for each replica.
        target: f64,
    },
    /// A metric of each ready pod, in the mean, against a target.
    Utilization {
        /// The mean over ready pods.
        mean: f64,
        /// The target.
        target: f64,
        /// Pods that are ready.
        ready: u32,
    },
}

/// Whether the HPA looks at the metrics at this step of [`STEP_SECONDS`].
pub fn is_sync(step: u64) -> bool {
    let steps = |seconds: f64| (seconds / STEP_SECONDS) as u64;
    step % steps(SYNC_SECONDS) == steps(FIRST_SYNC_SECONDS)
}

/// The number that a metric asks for (replica_calculator.go: GetExternalPerPodMetricReplicas, GetResourceReplicas).
pub fn proposal(metric: Metric, current: u32) -> u32 {
    let is_close = |ratio: f64| (1.0 - TOLERANCE..=1.0 + TOLERANCE).contains(&ratio);
    match metric {
        Metric::Average { value, target } => {
            let ratio = value / (target * f64::from(current));
            if is_close(ratio) { current } else { (value / target).ceil() as u32 }
        }
        Metric::Utilization { mean, target, ready } => {
            let ratio = mean / target;
            if ready == 0 {
                return current;
            }
            let unready = current.saturating_sub(ready);
            if unready == 0 || ratio < 1.0 {
                // Downward the pods that are not ready are left out.
                return if is_close(ratio) { current } else { (ratio * f64::from(ready)).ceil() as u32 };
            }
            // Upward they count as idle.
            let spread = ratio * f64::from(ready) / f64::from(current);
            if is_close(spread) || spread < 1.0 { current } else { (spread * f64::from(current)).ceil() as u32 }
        }
    }
}

/// One HPA's memory.
#[derive(Clone, Debug)]
pub struct Hpa {
    behavior: Behavior,
    min: u32,
    max: u32,
    recommendations: VecDeque<(f64, f64)>,
    /// When the number was changed, and by how much.
    changes: VecDeque<(f64, f64)>,
}

impl Hpa {
    /// An HPA that has seen nothing yet.
    pub fn new(behavior: Behavior, min: u32, max: u32) -> Self {
        Self { behavior, min, max, recommendations: VecDeque::new(), changes: VecDeque::new() }
    }

    /// One sync: the largest of the proposals, stabilised and limited. `None` stands for a metric that could not be read:
    /// nothing is taken away then.
    pub fn sync(&mut self, now: f64, current: u32, metrics: &[Option<Metric>]) -> u32 {
        let proposals = metrics.iter().flatten().map(|metric| proposal(*metric, current));
        let Some(proposed) = proposals.max() else {
            return current;
        };
        let proposed = if metrics.contains(&None) && proposed < current { current } else { proposed };
        let number = self.limited(now, f64::from(current), f64::from(proposed));
        let number = number.clamp(f64::from(self.min), f64::from(self.max));
        if number != f64::from(current) {
            self.changes.push_back((now, number - f64::from(current)));
        }
        number as u32
    }

    /// Stabilised by the windows, then limited by the rules (horizontal.go: stabilizeRecommendationWithBehaviors,
    /// convertDesiredReplicasWithBehaviorRate).
    fn limited(&mut self, now: f64, current: f64, proposed: f64) -> f64 {
        let Behavior { up, down } = self.behavior;
        let within = |window: f64| self.recommendations.iter().filter(move |(when, _)| *when > now - window);
        let lowest = within(up.window).map(|(_, number)| *number).fold(proposed, f64::min);
        let highest = within(down.window).map(|(_, number)| *number).fold(proposed, f64::max);
        self.recommendations.push_back((now, proposed));
        while self.recommendations.front().is_some_and(|(when, _)| *when < now - 3_600.0) {
            self.recommendations.pop_front();
        }
        while self.changes.front().is_some_and(|(when, _)| *when < now - 3_600.0) {
            self.changes.pop_front();
        }
        let stabilised = current.max(lowest).min(highest);
        let changed = |period: f64, sign: f64| -> f64 {
            let recent = self.changes.iter().filter(|(when, by)| *when > now - period && by * sign > 0.0);
            recent.map(|(_, by)| by.abs()).sum()
        };
        if stabilised > current {
            let start = current - changed(up.period, 1.0);
            let percent = up.percent.map_or(0.0, |percent| (start * (1.0 + percent / 100.0)).ceil());
            let pods = up.pods.map_or(0.0, |pods| start + pods);
            stabilised.min(percent.max(pods).max(current))
        } else {
            let start = current + changed(down.period, -1.0);
            let percent = down.percent.map_or(f64::INFINITY, |percent| (start * (1.0 - percent / 100.0)).floor());
            let pods = down.pods.map_or(f64::INFINITY, |pods| start - pods);
            let least = percent.min(pods);
            stabilised.max(if least.is_finite() { least.min(current) } else { 0.0 })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proposals_are_those_of_the_replica_calculator() {
        let average = |value, target| Metric::Average { value, target };
        let utilization = |mean, target, ready| Metric::Utilization { mean, target, ready };
        for (metric, current, expected) in [
            (average(7.0, 1.0), 7, 7),
            (average(7.7, 1.0), 7, 7),
            (average(7.8, 1.0), 7, 8),
            (average(6.3, 1.0), 7, 7),
            (average(6.2, 1.0), 7, 7),
            (average(6.0, 1.0), 7, 6),
            (average(0.0, 1.0), 7, 0),
            (average(150.0, 20.0), 3, 8),
            (utilization(0.9, 0.5, 4), 4, 8),
            (utilization(0.54, 0.5, 4), 4, 4),
            (utilization(0.1, 0.5, 4), 4, 1),
            // Two of four are not ready: with them as idle the mean is 0.45, within the tolerance of 0.5.
            (utilization(0.9, 0.5, 2), 4, 4),
            (utilization(1.0, 0.3, 2), 4, 7),
            (utilization(0.0, 0.5, 0), 4, 4),
        ] {
            assert_eq!(proposal(metric, current), expected, "{metric:?} at {current}");
        }
    }

    #[test]
    fn it_looks_every_quarter_of_a_minute_and_never_as_a_trace_changes() {
        let looks: Vec<_> = (1..=120).filter(|step| is_sync(*step)).map(|step| step as f64 * STEP_SECONDS).collect();
        assert_eq!(looks, [7.5, 22.5, 37.5, 52.5]);
    }

    #[test]
    fn without_behavior_it_doubles_upward_and_waits_five_minutes_downward() {
        let mut hpa = Hpa::new(Behavior::default(), 1, 100);
        let at = |value| [Some(Metric::Average { value, target: 1.0 })];
        assert_eq!(hpa.sync(0.0, 1, &at(50.0)), 5);
        assert_eq!(hpa.sync(15.0, 5, &at(50.0)), 10);
        assert_eq!(hpa.sync(30.0, 10, &at(12.0)), 12);
        assert_eq!(hpa.sync(45.0, 12, &at(2.0)), 12);
        assert_eq!(hpa.sync(320.0, 12, &at(2.0)), 12);
        assert_eq!(hpa.sync(400.0, 12, &at(2.0)), 2);
    }

    #[test]
    fn a_metric_that_cannot_be_read_takes_nothing_away() {
        let mut hpa = Hpa::new(Behavior::prompt(), 1, 100);
        let low = Some(Metric::Average { value: 2.0, target: 1.0 });
        assert_eq!(hpa.sync(0.0, 10, &[None]), 10);
        assert_eq!(hpa.sync(15.0, 10, &[None, low]), 10);
        assert_eq!(hpa.sync(30.0, 10, &[low]), 2);
    }
}
