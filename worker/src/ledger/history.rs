//! What a ledger tells about jobs of the past.

use std::time::Duration;

use bytes::Bytes;

/// Which jobs are asked for. What is absent lets all through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Of this tenant.
    pub tenant: Option<String>,
    /// Of the script whose main module has this name, or whose hash begins so, in hexadecimal.
    pub script: Option<String>,
    /// With this status of the outcome, or `claimed`, `expired` or `released` where there is none.
    pub status: Option<String>,
    /// First claimed at or after this time, since the Unix epoch.
    pub since: Option<Duration>,
    /// First claimed before this time, since the Unix epoch.
    pub until: Option<Duration>,
    /// How many at most.
    pub limit: u32,
}

/// One job in a list of them. Times are milliseconds since the Unix epoch, by the ledger's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose it is.
    pub tenant: String,
    /// Its id.
    pub job_id: String,
    /// How often it was replayed.
    pub generation: u32,
    /// The outcome's status; without one `claimed` under a lease, `expired` when that has run out, or `released`.
    pub status: String,
    /// The code of the outcome's error, if it has one.
    pub code: Option<String>,
    /// The name of the script's main module.
    pub script_name: String,
    /// The script's hash, in hexadecimal.
    pub script_hash: String,
    /// Who claimed it last, or recorded its outcome.
    pub worker: String,
    /// How often it was claimed.
    pub claims: u32,
    /// When it was first claimed.
    pub claimed_ms: u64,
    /// When its outcome was recorded.
    pub recorded_ms: Option<u64>,
}

/// All that is known of one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// What a list says of it.
    pub line: Line,
    /// SHA-256 of its message, in hexadecimal.
    pub body_hash: String,
    /// Until when it is claimed, where it is.
    pub lease_ms: Option<u64>,
    /// Each time that it was claimed, the oldest first: the first one and the latest, where there were many.
    pub attempts: Vec<Attempt>,
    /// Its outcome as it was published.
    pub outcome: Option<Bytes>,
}

/// One claim of a job.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Attempt {
    /// Who claimed it.
    pub worker: String,
    /// Which attempt at the job it was, from 1.
    pub attempt: u32,
    /// When, in milliseconds since the Unix epoch.
    pub claimed_ms: u64,
    /// When it was given back, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_ms: Option<u64>,
}

/// Attempts that are remembered of one job.
pub(super) const ATTEMPTS_MAX: usize = 20;
