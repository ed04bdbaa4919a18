//! A message without its place, and where one is published to.

use bytes::Bytes;

use super::properties::Properties;

/// A message: what is published, and what a delivery holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// The body: JSON text.
    pub body: Bytes,
    /// What stands around it.
    pub properties: Properties,
}

/// A queue that workers take jobs from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    /// That of jobs.
    Jobs,
    /// That of jobs with which a worker or a connection died.
    Quarantine,
}

/// Where a message is published to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A queue that workers take jobs from, at its end.
    Queue(Queue),
    /// The queue in which a job waits for so many seconds, before it comes to the end of that of jobs.
    Delay {
        /// One of [`DELAYS_SECONDS`](scriptmill_sdk::topology::DELAYS_SECONDS).
        seconds: u64,
    },
    /// The queue of one requester, by name.
    Requester(String),
    /// The results exchange, for outcomes that no requester waits for, under the tenant's name.
    Results {
        /// The routing key.
        tenant: String,
    },
    /// The dead letters.
    Dead,
}

impl Target {
    /// The queue of jobs.
    pub const JOBS: Self = Self::Queue(Queue::Jobs);

    /// Whether the queue behind it is one of the worker's own, which it declares.
    pub(super) fn is_own(&self) -> bool {
        !matches!(self, Self::Requester(_))
    }
}

/// What became of a message that was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routing {
    /// A queue has it, safely.
    Queued,
    /// There is no queue that takes it; it is gone.
    Unroutable,
}
