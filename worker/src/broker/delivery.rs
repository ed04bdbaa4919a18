//! A message in the worker's hands, and how it is settled.

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
    /// It was delivered before, and a connection or a worker died with it.
    pub redelivered: bool,
    receipt: Box<dyn Receipt>,
    lost: CancellationToken,
}

/// The broker's side of one delivery. Dropping it unused puts the message back.
pub(super) trait Receipt: Send + Sync {
    /// The message is done with.
    fn acknowledge(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>>;

    /// The message goes back to the queue as it is.
    fn requeue(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>>;
}

impl Delivery {
    pub(super) fn new(message: Message, redelivered: bool, receipt: Box<dyn Receipt>, lost: CancellationToken) -> Self {
        Self { message, redelivered, receipt, lost }
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
