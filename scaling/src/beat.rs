//! The heartbeat: what one process of the fleet says about itself.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::demand::Demand;
use crate::sums::{Distribution, Sums};

/// The time from one heartbeat of a process to its next.
pub const BEAT: Duration = Duration::from_secs(2);
/// The version of the heartbeat. A heartbeat of another version is ignored and counted, since its meaning is not known.
pub const VERSION: u32 = 2;
/// The longest heartbeat that is read, in bytes. A longer one is ignored before it is parsed.
pub const BEAT_BYTES_MAX: usize = 16 << 10;
/// The longest name of a process or group, in bytes.
const NAME_BYTES_MAX: usize = 100;
/// The longest name of a pod, in bytes: Kubernetes allows no longer one.
const POD_BYTES_MAX: usize = 253;
/// The largest count that a real worker can reach: a million jobs a second for three years.
const COUNT_MAX: f64 = 1e14;

/// What one process says about itself, every [`BEAT`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beat {
    /// [`VERSION`].
    pub version: u32,
    /// The process, unique among all and new at every start.
    pub process: String,
    /// The worker group.
    pub group: String,
    /// The Kubernetes pod that the process runs in, if it knows one.
    pub pod: Option<String>,
    /// A fingerprint of the process's bounds on jobs: workers with different fingerprints do not refuse the same jobs. Absent if the
    /// process takes no jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<String>,
    /// How long the process has been up, in seconds by its own monotonic clock.
    pub uptime_seconds: f64,
    /// The time from the start of the process until it could take its first job, in seconds.
    pub boot_seconds: Option<f64>,
    /// Whether the process takes no more jobs and is about to end.
    pub leaving: bool,
    /// Its counts since its start.
    pub sums: Sums,
    /// What it holds now.
    pub level: Level,
    /// How long jobs waited from their delivery for a slot.
    pub waits: Distribution,
    /// How long jobs held a slot.
    pub services: Distribution,
    /// The demand that this process gives, from all that it heard.
    pub demand: Option<Demand>,
    /// Whether the demand was raised just now, between two ticks. All take it over at once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub raised: bool,
}

/// What a process holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Consumers it has on the queue; 0 means that it runs no jobs.
    pub consumers: u32,
    /// Slots it has.
    pub slots: u32,
    /// Places it has for jobs that wait on the host without a slot; 0 where such a job keeps its slot.
    pub places: u32,
    /// Slots in use.
    pub busy: u32,
    /// Jobs that wait on the host.
    pub waiting: u32,
    /// Jobs received that have not begun.
    pub unstarted: u32,
    /// Outcomes that are not settled yet.
    pub unsettled: u32,
    /// How long the oldest job that has not begun has waited here, in seconds.
    pub oldest_wait_seconds: f64,
}

/// What the broker says about a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Depth {
    /// Messages that no worker holds.
    pub ready: u32,
    /// Consumers.
    pub consumers: u32,
}

/// Why a heartbeat is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unreadable {
    /// It is longer than [`BEAT_BYTES_MAX`].
    #[error("too long")]
    TooLong,
    /// It is no heartbeat.
    #[error("malformed")]
    Malformed,
    /// It is of another version.
    #[error("another version")]
    Version,
    /// A count is no number that a worker can have.
    #[error("impossible")]
    Impossible,
}

impl Beat {
    /// Reads a heartbeat.
    ///
    /// # Errors
    /// Says why the bytes are not a heartbeat that a worker of this version sends.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        if bytes.len() > BEAT_BYTES_MAX {
            return Err(Unreadable::TooLong);
        }
        let Versioned { version } = serde_json::from_slice(bytes).map_err(|_| Unreadable::Malformed)?;
        if version != VERSION {
            return Err(Unreadable::Version);
        }
        let beat: Self = serde_json::from_slice(bytes).map_err(|_| Unreadable::Malformed)?;
        if beat.is_possible() { Ok(beat) } else { Err(Unreadable::Impossible) }
    }

    /// The heartbeat as bytes.
    ///
    /// # Errors
    /// Only an error of serde_json itself. An infinite count, or one that is not a number, is written as `null`, which
    /// [`Beat::read`] refuses.
    pub fn write(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    fn is_possible(&self) -> bool {
        let is_name = |name: &str| !name.is_empty() && name.len() <= NAME_BYTES_MAX;
        let Level { consumers, slots, places, busy, waiting, unstarted, unsettled, oldest_wait_seconds } = self.level;
        let levels = [consumers, slots, places, busy, waiting, unstarted, unsettled];
        is_name(&self.process)
            && is_name(&self.group)
            && self.pod.as_ref().is_none_or(|pod| (1..=POD_BYTES_MAX).contains(&pod.len()))
            && self.bounds.as_ref().is_none_or(|bounds| is_name(bounds))
            && self.sums.within(COUNT_MAX)
            && (0.0..=COUNT_MAX).contains(&self.uptime_seconds)
            && (0.0..=COUNT_MAX).contains(&oldest_wait_seconds)
            && self.boot_seconds.is_none_or(|boot| (0.0..=COUNT_MAX).contains(&boot))
            && levels.iter().all(|level| *level <= 10_000_000)
            && self.demand.as_ref().is_none_or(Demand::is_possible)
    }
}
