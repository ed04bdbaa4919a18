//! A message that the worker holds, and how it is settled.

use futures_util::future::BoxFuture;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use super::error::Error;
use super::message::Message;

/// A message that the worker holds and the broker still owns. Settling consumes it; dropping it unsettled puts it
/// back on the queue.
#[must_use = "a delivery must be settled"]
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// The message was delivered before, and a connection or a worker died with it.
    pub redelivered: bool,
    receipt: Box<dyn Receipt>,
    lost: CancellationToken,
}

/// The broker's side of one delivery. Dropping it unused puts the message back.
pub(super) trait Receipt: Send + Sync {
    /// Acknowledges the message: it is done with.
    fn acknowledge(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>>;

    /// Puts the message back on the queue as it is.
    fn requeue(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>>;
}

impl Delivery {
    pub(super) fn new(message: Message, redelivered: bool, receipt: Box<dyn Receipt>, lost: CancellationToken) -> Self {
        Self { message, redelivered, receipt, lost }
    }

    /// Tells the broker that the message is done with.
    ///
    /// # Errors
    /// The acknowledgement did not reach the broker, which will deliver the message again.
    pub fn acknowledge(self) -> BoxFuture<'static, Result<(), Error>> {
        self.receipt.acknowledge()
    }

    /// Puts the message back on its queue as it is. RabbitMQ 3.10 counts this against the queue's delivery limit.
    ///
    /// # Errors
    /// The requeue did not reach the broker, which will put the message back when the connection ends.
    pub fn requeue(self) -> BoxFuture<'static, Result<(), Error>> {
        self.receipt.requeue()
    }

    /// Completes when the delivery is void because its connection died: the broker will deliver the message again.
    pub fn lost(&self) -> WaitForCancellationFuture<'_> {
        self.lost.cancelled()
    }
}
