//! Why a job was not dispatched, and why there is no outcome of it.

use std::time::Duration;

use crate::connect::{self, ACCESS_REFUSED};
use crate::{Code, InvalidCancel, InvalidJob, json};

/// Why a job was not dispatched, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// The job breaks the contract; it was not sent.
    #[error("{code}: the job is not valid: {0}", code = .0.code())]
    Invalid(#[from] InvalidJob),
    /// The job is too large; it was not sent.
    #[error("{code}: the job has {bytes} bytes, more than {allowed}", code = Code::MessageTooLarge)]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The bound.
        allowed: u64,
    },
    /// This client waits for the outcome of a job with this id already; it was not sent again.
    #[error("job {0} is dispatched already and waits for its outcome")]
    Pending(String),
    /// There is no exchange for jobs, or no queue behind it; the job was not kept. Where somebody deletes the exchange
    /// while jobs are on their way to it, those that were sent shortly before may have been kept.
    #[error(
        "{code}: there is no exchange {0} with a queue to take jobs: declare the topology with `scriptmill declare`, \
         or start a worker",
        code = Code::NoQueue
    )]
    NoQueue(String),
    /// The queue is full; the job was not kept.
    #[error("{code}: the queue {0} takes no more jobs now", code = Code::QueueFull)]
    Full(String),
    /// There is no connection, and none came in time; the job was not sent.
    #[error("the job was not sent: {0}")]
    Disconnected(connect::Error),
    /// The job was sent, and the broker did not confirm it: it may run or not. Dispatch it again, under the same id.
    #[error("{code}: the broker did not confirm job {id}: {source}", code = Code::Unconfirmed)]
    Unconfirmed {
        /// The job's id.
        id: String,
        /// Why no confirm came.
        source: connect::Error,
    },
    /// The client is closed.
    #[error("the client is closed")]
    Closed,
}

impl DispatchError {
    /// Whether dispatching the very same job again, after a pause, may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Full(_) | Self::Disconnected(_) => true,
            Self::Unconfirmed { source, .. } => !source.is_refusal(ACCESS_REFUSED),
            _ => false,
        }
    }
}

/// Why a job was not cancelled, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// The cancel is not valid; it was not sent.
    #[error("{code}: the cancel is not valid: {0}", code = Code::InvalidField)]
    Invalid(#[from] InvalidCancel),
    /// There is no exchange for cancels, or no stream behind it.
    #[error(
        "{code}: there is no exchange {0} with a stream to take cancels: declare the topology with `scriptmill declare`, \
         or start a worker",
        code = Code::NoQueue
    )]
    NoStream(String),
    /// There is no connection, and none came in time; the cancel was not sent.
    #[error("the cancel was not sent: {0}")]
    Disconnected(connect::Error),
    /// The cancel was sent, and the broker did not confirm it. Send it again: a job that is cancelled twice is cancelled.
    #[error("{code}: the broker did not confirm the cancel of job {id}: {source}", code = Code::Unconfirmed)]
    Unconfirmed {
        /// The job's id.
        id: String,
        /// Why no confirm came.
        source: connect::Error,
    },
    /// The client is closed.
    #[error("the client is closed")]
    Closed,
}

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum OutcomeError {
    /// No outcome came in time. The job may still run; an outcome that comes later is counted as unclaimed.
    #[error("{code}: no outcome of job {id} came within {waited:?}", code = Code::NoOutcome)]
    TimedOut {
        /// The job's id.
        id: String,
        /// How long was waited.
        waited: Duration,
    },
    /// What came is not an outcome.
    #[error("the answer to job {id} is no outcome: it {}", json::fault(source))]
    Unreadable {
        /// The job's id.
        id: String,
        /// Why not.
        source: serde_json::Error,
    },
    /// The client was closed.
    #[error("the client is closed")]
    Closed,
}
