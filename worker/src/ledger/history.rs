//! Queries about past jobs, and the ledger's answers.

use std::time::Duration;

use bytes::Bytes;

/// Which jobs are asked for. A field that is `None` matches every job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Jobs of this tenant.
    pub tenant: Option<String>,
    /// Jobs of the script whose main module has this name, or whose hash begins with this text, in hexadecimal.
    pub script: Option<String>,
    /// Jobs whose outcome has this status. For jobs without an outcome it is `claimed`, `expired` or `released`.
    pub status: Option<String>,
    /// Jobs that were first claimed at or after this time, since the Unix epoch.
    pub since: Option<Duration>,
    /// Jobs that were first claimed before this time, since the Unix epoch.
    pub until: Option<Duration>,
    /// The most jobs to return.
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
    /// The outcome's status. A job without an outcome is `claimed` under a lease, `expired` when its lease has run out, or `released`.
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
    /// The job as a list shows it.
    pub line: Line,
    /// SHA-256 of its message, in hexadecimal.
    pub body_hash: String,
    /// Until when the job is claimed, if it is.
    pub lease_ms: Option<u64>,
    /// The job's claims, the oldest first. If there were many, these are the first one and the latest ones.
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
    /// When the claim was given back, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_ms: Option<u64>,
}

/// The most attempts that are remembered for one job.
pub(super) const ATTEMPTS_MAX: usize = 20;
