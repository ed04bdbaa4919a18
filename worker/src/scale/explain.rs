//! Why there should be that many workers: what the model computed, what one more or one fewer would do, and what was
//! known in the last hour.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use humantime_serde::re::humantime::format_rfc3339_seconds;
use scriptmill_sandbox::Clock;
use scriptmill_scaling::{Asked, Beat, Distribution, Observed, Outlook, Policy, Recent, State, Term};
use serde::{Deserialize, Serialize};

use super::past::{Known, Past, Point};
use super::signal::{Reading, Signal, Unavailable};

/// Explains the number of one worker group, as the exporters show it at the same moment.
pub struct Explainer {
    signal: Arc<dyn Signal>,
    group: String,
    policy: Policy,
    clock: Arc<dyn Clock>,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    recent: Recent,
    past: Past,
}

/// Everything there is to say about a group's number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The worker group.
    pub group: String,
    /// The time of day, as RFC 3339 says it.
    pub at: String,
    /// The number of replicas; absent while it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<Number>,
    /// Why the number is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the group is to keep to.
    pub policy: Policy,
    /// How long jobs waited for a slot in the last minute, from when a worker had received them.
    pub waits: Quantiles,
    /// How long jobs held a slot in the last minute.
    pub services: Quantiles,
    /// What was known within each ten seconds of the last hour, the oldest first, from when this process began to listen.
    pub last_hour: Vec<Point>,
}

/// The number of replicas there should be, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Number {
    /// The number.
    pub replicas: u32,
    /// The state of the group.
    pub state: State,
    /// The term that decided.
    pub winner: Term,
    /// Why, in a sentence.
    pub sentence: String,
    /// How long ago it was computed, in seconds.
    pub age_seconds: f64,
    /// What the largest term asks for.
    pub needed: Asked,
    /// What each term asks for.
    pub terms: Vec<Asked>,
    /// The arithmetic, a line for each step.
    pub arithmetic: Vec<String>,
    /// What one replica fewer, that number, one more, and the workers that are there would do; in the order of their
    /// replicas.
    pub outlooks: Vec<Outlook>,
    /// What was seen of the fleet and its queue.
    pub observed: Observed,
}

/// How durations are distributed: each quantile is the upper bound of the bucket that it falls into, in seconds. If some
/// were counted and a quantile is absent, it is longer than the longest bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// How many were counted.
    pub count: u64,
    /// Half of them took no longer.
    pub p50: Option<f64>,
    /// 90 % of them took no longer.
    pub p90: Option<f64>,
    /// 99 % of them took no longer.
    pub p99: Option<f64>,
}

impl From<Distribution> for Quantiles {
    fn from(seen: Distribution) -> Self {
        let quantile = |q| seen.quantile(q).filter(|seconds| seconds.is_finite());
        Self { count: seen.count(), p50: quantile(0.5), p90: quantile(0.9), p99: quantile(0.99) }
    }
}

impl Explainer {
    /// An explainer of what `signal` shows of `group`. It knows the past only from now on.
    pub fn new(signal: Arc<dyn Signal>, group: String, policy: Policy, clock: Arc<dyn Clock>) -> Self {
        Self { signal, group, policy, clock, memory: Mutex::default() }
    }

    /// Takes in the heartbeat of a process.
    pub(super) fn hear(&self, now: Duration, beat: &Beat) {
        self.memory().recent.hear(now, beat);
    }

    /// Remembers what the signal shows now; to be called whenever the number was computed.
    pub fn remember(&self) {
        let (now, reading) = (self.clock.monotonic(), self.signal.read(&self.group));
        let mut memory = self.memory();
        let wait = Quantiles::from(memory.recent.minute(now).waits).p99;
        memory.past.push(now, reading.ok().map(|reading| Known::new(&reading.demand, wait)));
    }

    /// Explains the number of `group`, or of the process' own group if none is named.
    ///
    /// # Errors
    /// There is no such group. An unknown number is not an error: the explanation says why it is unknown.
    pub fn explain(&self, group: Option<&str>) -> Result<Explanation, Unavailable> {
        let group = group.unwrap_or(&self.group);
        let (number, error) = match self.signal.read(group) {
            Ok(reading) => (Some(self.number(reading)), None),
            Err(unknown @ Unavailable::Unknown { .. }) => (None, Some(unknown.to_string())),
            Err(error @ Unavailable::UnknownGroup(_)) => return Err(error),
        };
        let now = self.clock.monotonic();
        let memory = self.memory();
        let minute = memory.recent.minute(now);
        Ok(Explanation {
            group: group.to_owned(),
            at: format_rfc3339_seconds(UNIX_EPOCH + self.clock.now()).to_string(),
            number,
            error,
            policy: self.policy.clone(),
            waits: minute.waits.into(),
            services: minute.services.into(),
            last_hour: memory.past.points(now),
        })
    }

    /// The groups that can be explained.
    pub fn groups(&self) -> Vec<String> {
        self.signal.groups()
    }

    fn number(&self, Reading { demand, age, .. }: Reading) -> Number {
        let asked = demand.replicas;
        let mut replicas = vec![asked.saturating_sub(1), asked, asked.saturating_add(1), demand.observed.workers];
        replicas.sort_unstable();
        replicas.dedup();
        Number {
            replicas: asked,
            state: demand.state,
            winner: demand.winner,
            sentence: demand.sentence(),
            age_seconds: age.as_secs_f64(),
            needed: demand.needed(),
            terms: demand.terms(),
            arithmetic: demand.arithmetic(&self.policy),
            outlooks: replicas.into_iter().map(|replicas| demand.outlook(&self.policy, replicas)).collect(),
            observed: demand.observed,
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
