//! How many replicas there should be, with every term that led to the number.

use serde::{Deserialize, Serialize};

/// How many replicas there should be, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demand {
    /// The number.
    pub replicas: u32,
    /// The state of the group.
    pub state: State,
    /// The term that decided.
    pub winner: Term,
    /// What each term asks for.
    pub slots: Slots,
    /// Replicas that the places for waiting jobs ask for; 0 if a job that waits keeps its slot.
    pub places: f64,
    /// The observations from which the terms are computed.
    pub observed: Observed,
}

/// The state of a worker group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Work is done as it comes.
    Ok,
    /// There is more work than the slots can do.
    Saturated,
    /// Jobs wait, and none begins or ends.
    Stalled,
    /// More slots do not do more work, since something behind the scripts is slow.
    DownstreamBound,
    /// The broker or the workers are not heard.
    Unknown,
}

/// The reasons for a number of replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Term {
    /// The offered load over the target load.
    Load,
    /// The promised wait.
    Promise,
    /// The backlog.
    Drain,
    /// The slots in use.
    Floor,
    /// The places for waiting jobs.
    Places,
    /// The present number stays: it is close enough, or the truth is unknown.
    Hold,
    /// The policy's minimum.
    Min,
    /// The policy's maximum.
    Max,
    /// The number at which more slots did not do more work.
    Downstream,
    /// A few more than at present, to see whether they get things going.
    Probe,
}

/// Slots that each term asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slots {
    /// For the expected load at the target load.
    pub load: f64,
    /// For the promised wait.
    pub promise: f64,
    /// For the backlog.
    pub drain: f64,
    /// For the jobs that run now.
    pub floor: f64,
}

/// What was seen of the fleet and its queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observed {
    /// Workers that consume.
    pub workers: u32,
    /// Workers that are leaving.
    pub leaving: u32,
    /// Slots of those that consume.
    pub slots: f64,
    /// Slots in use.
    pub busy: f64,
    /// Jobs that wait on the host.
    pub waiting: f64,
    /// Jobs that wait for a slot: in the queue and received but not begun.
    pub backlog: f64,
    /// Jobs that arrived each second, in the window that decided the load.
    pub arrivals_per_second: f64,
    /// The mean slot time of a job, in seconds.
    pub service_seconds: f64,
    /// The squared coefficient of variation of slot times.
    pub service_variation: f64,
    /// Slots that the arriving jobs take in the mean.
    pub offered_load: f64,
    /// The window that decided the load, in seconds.
    pub window_seconds: f64,
    /// From the start of a worker to its first job, in seconds.
    pub boot_seconds: f64,
    /// Slots of one worker.
    pub slots_per_worker: f64,
}

impl State {
    /// Its name in a text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Saturated => "saturated",
            Self::Stalled => "stalled",
            Self::DownstreamBound => "downstream bound",
            Self::Unknown => "unknown",
        }
    }
}

impl Term {
    /// Its name in a text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Promise => "promise",
            Self::Drain => "drain",
            Self::Floor => "floor",
            Self::Places => "places",
            Self::Hold => "hold",
            Self::Min => "min",
            Self::Max => "max",
            Self::Downstream => "downstream",
            Self::Probe => "probe",
        }
    }
}

impl Demand {
    /// Whether every number is one that a real process can send.
    pub(crate) fn is_possible(&self) -> bool {
        let Slots { load, promise, drain, floor } = self.slots;
        let seen = &self.observed;
        let numbers = [load, promise, drain, floor, self.places, seen.slots, seen.busy, seen.waiting, seen.backlog];
        let more = [seen.arrivals_per_second, seen.service_seconds, seen.service_variation, seen.offered_load];
        let rest = [seen.window_seconds, seen.boot_seconds, seen.slots_per_worker];
        self.replicas <= crate::policy::REPLICAS_MAX
            && [&numbers[..], &more, &rest].concat().iter().all(|number| (0.0..=1e14).contains(number))
    }
}
