//! A message, and the targets to which messages are published.

use bytes::Bytes;

use super::properties::Properties;

/// A message: what is published, and what a delivery holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// The body: JSON text.
    pub body: Bytes,
    /// The AMQP properties and headers around the body.
    pub properties: Properties,
}

/// A queue that workers take jobs from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    /// The queue of jobs.
    Jobs,
    /// The queue of jobs with which a worker or a connection died.
    Quarantine,
}

/// Where a message is published to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A queue that workers take jobs from, at its end.
    Queue(Queue),
    /// The queue in which a job waits for `seconds`, before it goes to the end of the queue of jobs.
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

    /// Whether the target's queue is one that workers declare.
    pub(super) fn is_own(&self) -> bool {
        !matches!(self, Self::Requester(_))
    }
}

/// What became of a message that was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routing {
    /// A queue has stored it safely.
    Queued,
    /// No queue takes it; the broker has dropped it.
    Unroutable,
}
