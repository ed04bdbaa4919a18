//! Claims of jobs, and the records of their outcomes.

use bytes::Bytes;
use uuid::Uuid;

/// Which job is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Whose it is.
    pub tenant: String,
    /// Its id.
    pub job_id: String,
    /// How often it was replayed from the dead letters. A replayed job has a key of its own, so that it runs again.
    pub generation: u32,
}

/// Which script a job runs, so that the jobs of a script can be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The name of its main module.
    pub name: String,
    /// SHA-256 of its modules.
    pub hash: [u8; 32],
}

/// One worker's claim to run a job once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The job.
    pub key: Key,
    /// SHA-256 of the job's message: the same id with another message is another job.
    pub body_hash: [u8; 32],
    /// Its script.
    pub script: Script,
    /// The worker's name, for people.
    pub worker: String,
    /// Which attempt at the job this is, from 1.
    pub attempt: u32,
    /// Identifies this claim among all others. Asking again with the same token asks for the same claim.
    pub token: Uuid,
}

impl Claim {
    /// A claim with a new token.
    pub fn new(key: Key, body_hash: [u8; 32], script: Script, worker: String, attempt: u32) -> Self {
        Self { key, body_hash, script, worker, attempt, token: Uuid::now_v7() }
    }
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The claim is granted: the job may run.
    Granted,
    /// The job has an outcome, which is to be published without running it.
    Recorded(Record),
    /// Another claim holds the job, for at least `left` unless it is given back. If `left` is zero, ask again.
    Held {
        /// How long the other claim holds, by the ledger's clock.
        left: std::time::Duration,
    },
    /// The job was claimed with another message before.
    OtherBody,
}

/// An outcome as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// `succeeded`, `failed` …
    pub status: String,
    /// The code of its error, if it has one.
    pub code: Option<String>,
    /// The outcome as it is published.
    pub body: Bytes,
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The record is now the job's outcome.
    First,
    /// This outcome was recorded before, and is the job's.
    Earlier(Record),
    /// The job was claimed with another message before. Nothing was recorded.
    OtherBody,
}
