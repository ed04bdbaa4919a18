//! What a run is judged by.

use hdrhistogram::Histogram;
use serde::Serialize;

use super::pod::{Life, Pod};

/// From one look of the scalers at the world to the next, in seconds.
pub const STEP_SECONDS: f64 = 0.5;

/// How a trace went under a policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Score {
    /// The share of jobs that waited longer for a slot than was promised, 0 to 1.
    pub broken: f64,
    /// The 99th percentile of waits, in seconds.
    pub p99_wait: f64,
    /// Replicas times hours, from a pod's creation to its end.
    pub replica_hours: f64,
    /// How often the number of replicas turned from growing to shrinking or back.
    pub turns: f64,
    /// At most 600 points at equal distances in time, for drawing.
    pub curve: Vec<Point>,
}

impl Score {
    /// One policy's runs of the same kind of load as one: the means, but of the waits the longest, and of the curves the
    /// first.
    pub(super) fn mean<'a>(scores: impl Iterator<Item = &'a Self>) -> Self {
        let scores = scores.collect::<Vec<_>>();
        let mean =
            |of: fn(&Self) -> f64| scores.iter().map(|score| of(score)).sum::<f64>() / scores.len().max(1) as f64;
        Self {
            broken: mean(|score| score.broken),
            p99_wait: scores.iter().map(|score| score.p99_wait).fold(0.0, f64::max),
            replica_hours: mean(|score| score.replica_hours),
            turns: mean(|score| score.turns),
            curve: scores.first().map_or_else(Vec::new, |score| score.curve.clone()),
        }
    }
}

/// One point of a curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Point {
    /// Seconds from the start.
    pub at: f64,
    /// Replicas that are there, booting and leaving ones too.
    pub replicas: f64,
    /// Slots in use.
    pub busy: f64,
    /// Jobs that no worker holds.
    pub queued: f64,
}

/// The most points of a curve.
const POINTS: usize = 600;

/// What is counted during a run.
pub(super) struct Tally {
    promise: f64,
    broken: u64,
    began: u64,
    /// Whether each job has begun before, by its number. A job whose pod is ended waits a second time, which does not
    /// count.
    seen: Vec<bool>,
    /// Milliseconds.
    waits: Option<Histogram<u64>>,
    pod_seconds: f64,
    wanted: u32,
    direction: i8,
    turns: u32,
    steps: u64,
    points: Vec<Point>,
}

impl Tally {
    pub(super) fn new(promise: f64, jobs: usize) -> Self {
        Self {
            promise,
            broken: 0,
            began: 0,
            seen: vec![false; jobs],
            // Up to a day, to two digits; such bounds are never refused.
            waits: Histogram::new_with_bounds(1, 86_400_000, 2).ok(),
            pod_seconds: 0.0,
            wanted: 0,
            direction: 0,
            turns: 0,
            steps: 0,
            points: Vec::new(),
        }
    }

    pub(super) fn began(&mut self, job: u32, wait: f64) {
        let Some(seen) = self.seen.get_mut(job as usize) else { return };
        if std::mem::replace(seen, true) {
            return;
        }
        self.waited(wait);
    }

    fn waited(&mut self, wait: f64) {
        self.began += 1;
        self.broken += u64::from(wait > self.promise);
        if let Some(waits) = &mut self.waits {
            waits.saturating_record((wait * 1e3) as u64);
        }
    }

    pub(super) fn step(&mut self, pods: &[Pod], busy: u32, queued: usize) {
        let there = pods.iter().filter(|pod| !matches!(pod.life, Life::Gone(_))).count();
        let wanted = pods.iter().filter(|pod| pod.is_wanted()).count() as u32;
        self.pod_seconds += there as f64 * STEP_SECONDS;
        let direction = match wanted.cmp(&self.wanted) {
            _ if self.steps == 0 => 0,
            std::cmp::Ordering::Greater => 1,
            std::cmp::Ordering::Less => -1,
            std::cmp::Ordering::Equal => 0,
        };
        if direction != 0 {
            self.turns += u32::from(self.direction == -direction);
            self.direction = direction;
        }
        self.wanted = wanted;
        self.steps += 1;
        let at = self.steps as f64 * STEP_SECONDS;
        self.points.push(Point { at, replicas: there as f64, busy: f64::from(busy), queued: queued as f64 });
    }

    /// `waiting` are the waits so far of jobs that never began: they count if they are over the promise already.
    pub(super) fn score(mut self, waiting: impl Iterator<Item = f64>) -> Score {
        for wait in waiting.filter(|wait| *wait > self.promise).collect::<Vec<_>>() {
            self.waited(wait);
        }
        let every = self.points.len().div_ceil(POINTS).max(1);
        Score {
            broken: self.broken as f64 / (self.began.max(1)) as f64,
            p99_wait: self.waits.as_ref().map_or(0.0, |waits| waits.value_at_quantile(0.99) as f64 / 1e3),
            replica_hours: self.pod_seconds / 3_600.0,
            turns: f64::from(self.turns),
            curve: self.points.chunks(every).filter_map(|points| points.last().copied()).collect(),
        }
    }
}
