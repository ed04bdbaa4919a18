//! The last hour as this process knows it.

use std::collections::VecDeque;
use std::time::Duration;

use scriptmill_scaling::{Asked, Demand, Term};
use serde::{Deserialize, Serialize};

/// The time from one point to the next.
const STEP: Duration = Duration::from_secs(10);
/// Points kept: an hour of them.
const POINTS_MAX: usize = 360;
/// Points that are older than this are not shown.
const HOUR: Duration = Duration::from_secs(3_600);

/// What was known within ten seconds: the largest of each number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// How long ago the ten seconds began, in seconds.
    pub seconds_ago: f64,
    /// What was known; absent if the number was unknown.
    #[serde(flatten)]
    pub known: Option<Known>,
}

/// What was known of the group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// Replicas that were asked for.
    pub replicas: u32,
    /// Workers that took jobs.
    pub workers: u32,
    /// What the load asked for, in replicas.
    pub load: f64,
    /// What the promised wait asked for, in replicas.
    pub promise: f64,
    /// What the backlog asked for, in replicas.
    pub drain: f64,
    /// What the slots in use asked for, in replicas.
    pub floor: f64,
    /// What the places of waiting jobs asked for, in replicas.
    pub places: f64,
    /// Slots there were.
    pub slots: f64,
    /// Slots in use.
    pub busy: f64,
    /// Slots that the arriving jobs took in the mean.
    pub offered_load: f64,
    /// Jobs that waited for a slot.
    pub backlog: f64,
    /// The time in which the slots that were there would work off the backlog, in seconds; absent without slots.
    pub backlog_seconds: Option<f64>,
    /// The time within which 99 % of the jobs of a minute got a slot after a worker had received them, in seconds. Absent if
    /// there were no jobs, or if it was longer than the longest bucket.
    pub wait_p99_seconds: Option<f64>,
}

/// Points of the last hour.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// When each point began, by the monotonic clock, the oldest first.
    points: VecDeque<(Duration, Option<Known>)>,
}

impl Known {
    pub(super) fn new(demand: &Demand, wait_p99_seconds: Option<f64>) -> Self {
        let seen = demand.observed;
        let terms = demand.terms();
        let asked =
            |term| terms.iter().find(|asked| asked.term == term).map_or(0.0, |Asked { replicas, .. }| *replicas);
        Self {
            replicas: demand.replicas,
            workers: seen.workers,
            load: asked(Term::Load),
            promise: asked(Term::Promise),
            drain: asked(Term::Drain),
            floor: asked(Term::Floor),
            places: asked(Term::Places),
            slots: seen.slots,
            busy: seen.busy,
            offered_load: seen.offered_load,
            backlog: seen.backlog,
            backlog_seconds: (seen.slots > 0.0).then(|| seen.backlog * seen.service_seconds / seen.slots),
            wait_p99_seconds,
        }
    }

    fn largest(self, other: Self) -> Self {
        Self {
            replicas: self.replicas.max(other.replicas),
            workers: self.workers.max(other.workers),
            load: self.load.max(other.load),
            promise: self.promise.max(other.promise),
            drain: self.drain.max(other.drain),
            floor: self.floor.max(other.floor),
            places: self.places.max(other.places),
            slots: self.slots.max(other.slots),
            busy: self.busy.max(other.busy),
            offered_load: self.offered_load.max(other.offered_load),
            backlog: self.backlog.max(other.backlog),
            backlog_seconds: longest(self.backlog_seconds, other.backlog_seconds),
            wait_p99_seconds: longest(self.wait_p99_seconds, other.wait_p99_seconds),
        }
    }
}

fn longest(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.into_iter().chain(other).reduce(f64::max)
}

impl Past {
    /// Remembers what is known at `now`, which never goes back.
    pub(super) fn push(&mut self, now: Duration, known: Option<Known>) {
        match self.points.back_mut() {
            Some((begin, point)) if now.saturating_sub(*begin) < STEP => {
                *point = point.take().into_iter().chain(known).reduce(Known::largest);
            }
            _ => {
                self.points.push_back((now, known));
                if self.points.len() > POINTS_MAX {
                    self.points.pop_front();
                }
            }
        }
    }

    /// The points of the last hour, the oldest first. There are no points from before this process began to listen.
    pub(super) fn points(&self, now: Duration) -> Vec<Point> {
        let ago = |begin: Duration| now.saturating_sub(begin);
        let recent = self.points.iter().filter(|(begin, _)| ago(*begin) <= HOUR);
        recent.map(|(begin, known)| Point { seconds_ago: ago(*begin).as_secs_f64(), known: *known }).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn known(replicas: u32, backlog: f64) -> Option<Known> {
        Some(Known { replicas, backlog, ..Known::default() })
    }

    #[test]
    fn a_point_has_the_largest_of_its_ten_seconds() {
        let (mut past, second) = (Past::default(), Duration::from_secs);
        past.push(second(100), known(3, 70.0));
        past.push(second(104), known(5, 2.0));
        past.push(second(109), None);
        past.push(second(110), None);
        past.push(second(120), known(4, 0.0));
        let points = past.points(second(130));
        let seen: Vec<_> = points.iter().map(|point| (point.seconds_ago, point.known)).collect();
        assert_eq!(seen, [(30.0, known(5, 70.0)), (20.0, None), (10.0, known(4, 0.0))]);
    }

    #[test]
    fn an_hour_is_kept_and_no_more() {
        let mut past = Past::default();
        for beat in 0..10_000 {
            past.push(Duration::from_secs(2 * beat), known(beat as u32, 0.0));
        }
        let now = Duration::from_secs(20_000);
        let points = past.points(now);
        assert_eq!((points.len(), past.points.len()), (POINTS_MAX, POINTS_MAX));
        assert_eq!((points[0].seconds_ago, points.last().unwrap().seconds_ago), (3_600.0, 10.0));
        assert_eq!(past.points(now + HOUR).len(), 0);
    }

    #[test]
    fn an_unknown_point_says_when_and_nothing_else() {
        let unknown = Point { seconds_ago: 20.0, known: None };
        let json = serde_json::to_string(&unknown).unwrap();
        assert_eq!(json, r#"{"seconds_ago":20.0}"#);
        assert_eq!(serde_json::from_str::<Point>(&json).unwrap(), unknown);
        let point = Point { known: known(4, 1.5), ..unknown };
        let json = serde_json::to_string(&point).unwrap();
        assert_eq!(serde_json::from_str::<Point>(&json).unwrap(), point);
    }
}
