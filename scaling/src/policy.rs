//! What an operator promises and allows.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most replicas that can be asked for.
pub(crate) const REPLICAS_MAX: u32 = 10_000;

/// What the fleet of one worker group is to keep to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// What is promised to those who send jobs.
    pub promise: Promise,
    /// The share of all slots that the offered load may take in the mean, 0.1 to 0.98. Lower means more reserve.
    #[schemars(range(min = 0.1, max = 0.98))]
    pub target_load: f64,
    /// The fewest replicas.
    pub min: u32,
    /// The most replicas, 10,000 at most.
    pub max: u32,
    /// The time in which a backlog is worked off, `100ms` to `1h`. A promised wait below it takes its place.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub drain_time: Duration,
    /// How long a load that was seen is still expected at least, `0s` to `1h`. Long jobs make it longer, up to 15 minutes.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub hold: Duration,
    /// How sure a short window must be before its load counts, in standard deviations, 0 to 6. Lower reacts sooner and more
    /// often in vain.
    #[schemars(range(min = 0.0, max = 6.0))]
    pub certainty: f64,
}

/// The wait for a slot that is promised: a share of jobs waits no longer than a time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Promise {
    /// The share of jobs, 0.5 to 0.9999.
    #[schemars(range(min = 0.5, max = 0.9999))]
    pub share: f64,
    /// The time from the job's arrival in the queue to its slot, `10ms` to `1h`.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub wait: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            promise: Promise::default(),
            target_load: 0.85,
            min: 2,
            max: 60,
            drain_time: Duration::from_secs(1),
            hold: Duration::from_secs(30),
            certainty: 2.0,
        }
    }
}

impl Default for Promise {
    fn default() -> Self {
        Self { share: 0.99, wait: Duration::from_secs(1) }
    }
}

/// A rule that a policy breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The setting, such as `promise.share`.
    pub key: &'static str,
    /// What is wrong with it, with the arithmetic.
    pub message: String,
}

impl Policy {
    /// Everything that is wrong with the policy.
    pub fn check(&self) -> Vec<Broken> {
        let mut broken = Vec::new();
        let mut rule = |key, holds: bool, message: String| {
            if !holds {
                broken.push(Broken { key, message });
            }
        };
        let Self { promise, target_load, min, max, drain_time, hold, certainty } = self;
        let (hour, share) = (Duration::from_secs(3_600), promise.share);
        rule("promise.share", (0.5..=0.9999).contains(&share), format!("must be from 0.5 to 0.9999, but is {share}"));
        let in_time = |time: &Duration, least: u64| (Duration::from_millis(least)..=hour).contains(time);
        rule("promise.wait", in_time(&promise.wait, 10), format!("must be from 10ms to 1h, but is {:?}", promise.wait));
        let in_load = (0.1..=0.98).contains(target_load);
        rule("target_load", in_load, format!("must be from 0.1 to 0.98, but is {target_load}"));
        rule("max", (1..=REPLICAS_MAX).contains(max), format!("must be from 1 to {REPLICAS_MAX}, but is {max}"));
        rule("min", min <= max, format!("must be at most max, but {min} > {max}"));
        rule("drain_time", in_time(drain_time, 100), format!("must be from 100ms to 1h, but is {drain_time:?}"));
        rule("hold", *hold <= hour, format!("must be at most 1h, but is {hold:?}"));
        rule("certainty", (0.0..=6.0).contains(certainty), format!("must be from 0 to 6, but is {certainty}"));
        broken
    }
}
