//! Where jobs come from and outcomes go: one small trait, over RabbitMQ and in memory.
//!
//! A broker delivers at least once. What was delivered stays the broker's until it is acknowledged: a lost
//! connection, or a worker that dies, puts it back. So the worker answers first, waits until the broker has confirmed
//! the answer, and acknowledges then.

pub mod amqp;
pub mod embedded;
mod publisher;
mod settlement;

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use lapin::BasicProperties;
use scriptmill_sdk::connect;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

pub use scriptmill_sdk::{Address, Names};

/// A queue of jobs, and the places where outcomes go.
pub trait Broker: Send + Sync + 'static {
    /// Begins to take jobs, `prefetch` at most being delivered and not yet settled at any time. One attempt; the
    /// caller tries again after a pause.
    fn subscribe(&self, prefetch: u16) -> BoxFuture<'_, Result<Box<dyn Subscription>, Error>>;

    /// Publishes, and waits until the broker has confirmed that the message is safe, or that no queue takes it.
    fn publish<'a>(&'a self, target: &'a Target, message: &'a Message) -> BoxFuture<'a, Result<Routing, Error>>;

    /// Says goodbye, so that everything acknowledged before has reached the broker.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Jobs as they come in.
pub trait Subscription: Send {
    /// The next job, first in, first out. `None` after [`Subscription::stop`], when all that was on its way has come.
    /// An error ends the subscription: whatever it delivered and was not settled will be delivered again.
    fn next(&mut self) -> BoxFuture<'_, Option<Result<Delivery, Error>>>;

    /// Lets so many deliveries more than the prefetch be unsettled, rounded up to whole consumers. It comes into effect
    /// while [`Subscription::next`] is awaited.
    fn widen(&mut self, by: usize);

    /// Takes no more. What was delivered stays with the worker until it is settled.
    fn stop(&mut self) -> BoxFuture<'_, Result<(), Error>>;

    /// Ends for good. What was not settled goes back to the queue.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// A message without its place: what is published, and what a delivery holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// The body: JSON text.
    pub body: Bytes,
    /// Its AMQP properties and headers, as [`scriptmill_sdk::amqp`] reads and writes them.
    pub properties: BasicProperties,
}

/// Where a message is published to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The queue of jobs, at its end.
    Jobs,
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

/// What became of a message that was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routing {
    /// A queue has it, safely.
    Queued,
    /// There is no queue that takes it; it is gone.
    Unroutable,
}

/// A message that the worker holds and the broker still owns. Settling consumes it; dropping it unsettled puts it
/// back on the queue.
#[must_use = "a delivery must be settled"]
pub struct Delivery {
    /// The message, which whoever reads it shares.
    pub message: Arc<Message>,
    /// It was delivered before, and a connection or a worker died with it.
    pub redelivered: bool,
    /// When it was received.
    pub received_at: SystemTime,
    receipt: Box<dyn Receipt>,
    lost: CancellationToken,
}

/// The broker's side of one delivery. Dropping it unused puts the message back.
trait Receipt: Send + Sync {
    /// The message is done with.
    fn acknowledge(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>>;

    /// The message goes back to the queue as it is.
    fn requeue(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>>;
}

impl Delivery {
    fn new(message: Message, redelivered: bool, receipt: Box<dyn Receipt>, lost: CancellationToken) -> Self {
        Self { message: Arc::new(message), redelivered, received_at: SystemTime::now(), receipt, lost }
    }

    /// Tells the broker that the message is done with.
    ///
    /// # Errors
    /// The broker did not hear it, and will deliver the message again.
    pub async fn acknowledge(self) -> Result<(), Error> {
        self.receipt.acknowledge().await
    }

    /// Puts the message back as it is, which RabbitMQ 3.10 counts against its delivery limit.
    ///
    /// # Errors
    /// The broker did not hear it; it will put the message back when the connection ends.
    pub async fn requeue(self) -> Result<(), Error> {
        self.receipt.requeue().await
    }

    /// Ends when the delivery is void, since its connection died: the broker will deliver the message again.
    pub fn lost(&self) -> WaitForCancellationFuture<'_> {
        self.lost.cancelled()
    }
}

/// What a broker can answer but success.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// There is no connection, or the broker refused what was asked.
    #[error(transparent)]
    Connection(#[from] connect::Error),
    /// The broker has no room for the message now.
    #[error("the broker does not take the message now: the queue is full")]
    Full,
}

impl Error {
    /// Whether the same may succeed after a pause: all but what exists otherwise. Credentials too can be corrected
    /// meanwhile, since their files are read anew.
    pub fn is_passing(&self) -> bool {
        !matches!(self, Self::Connection(connect::Error::Differs { .. }))
    }

    pub(crate) fn lost(why: &str) -> Self {
        Self::Connection(connect::Error::Lost(why.to_owned()))
    }
}
