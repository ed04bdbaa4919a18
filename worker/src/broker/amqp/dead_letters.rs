//! The dead letters, for the commands that look at them.

use futures_util::StreamExt as _;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use scriptmill_sdk::connect::{self, answer};

use super::dialler::{Dialler, close};
use super::options::Options;
use super::publisher::Publisher;
use super::route::Route;
use crate::broker::error::Error;
use crate::broker::message::{Message, Routing, Target};

/// The dead letters that were there when this was opened, the oldest first. Until this is closed, it holds the letters that it took
/// and nobody else sees them; then they go back to their places.
pub struct DeadLetters {
    dialler: Dialler,
    publisher: Publisher,
    channel: Channel,
    letters: Consumer,
    /// How many letters are still to come.
    left: u32,
}

/// A dead letter.
pub struct DeadLetter {
    /// The message.
    pub message: Message,
    tag: u64,
}

impl DeadLetters {
    /// Connects, and begins with the oldest dead letter. Takes at most `count_max` of them.
    ///
    /// # Errors
    /// No broker answers, or it refuses.
    pub async fn open(options: &Options, count_max: u16) -> Result<Self, Error> {
        let dialler = Dialler::new(options);
        let timeout = dialler.brokers.timeout;
        let mut attempts = dialler.brokers.addresses.len().max(1);
        let connection = loop {
            attempts -= 1;
            match dialler.connect("dead letters").await {
                Ok(connection) => break connection,
                Err(error) if attempts == 0 || !error.is_transient() => return Err(error),
                Err(_) => {}
            }
        };
        let channel = answer("channel.open", timeout, connection.create_channel()).await?;
        let queue = dialler.names.dead.as_str();
        let passive = QueueDeclareOptions { passive: true, ..Default::default() };
        let declared = channel.queue_declare(queue.into(), passive, FieldTable::default());
        let count = answer("queue.declare", timeout, declared).await?.message_count();
        answer("basic.qos", timeout, channel.basic_qos(count_max, BasicQosOptions::default())).await?;
        let consume =
            channel.basic_consume(queue.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default());
        let letters = answer("basic.consume", timeout, consume).await?;
        let publisher = Publisher::new(connection, timeout).await?;
        Ok(Self { publisher, channel, letters, left: count.min(count_max.into()), dialler })
    }

    /// The next dead letter. Returns `None` once all have come.
    ///
    /// # Errors
    /// The connection was lost, or no letter comes: somebody else may have taken some meanwhile.
    pub async fn next(&mut self) -> Result<Option<DeadLetter>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        let timeout = self.dialler.brokers.timeout;
        let next = tokio::time::timeout(timeout, self.letters.next()).await;
        let silent = connect::Error::Silent { what: "basic.deliver", waited: timeout };
        let Some(delivery) = next.map_err(|_| silent)? else {
            return Err(Error::lost("the broker cancelled the consumer"));
        };
        let delivery = delivery.map_err(connect::Error::from)?;
        self.left -= 1;
        let message = Message { body: delivery.data.into(), properties: delivery.properties.into() };
        Ok(Some(DeadLetter { message, tag: delivery.delivery_tag }))
    }

    /// Publishes a message and waits for the confirm.
    ///
    /// # Errors
    /// The broker did not take it.
    pub async fn publish(&self, target: &Target, message: &Message) -> Result<Routing, Error> {
        self.publisher.publish(Route::to(target, &self.dialler.names), message).await
    }

    /// Removes a letter for good.
    ///
    /// # Errors
    /// The connection was lost.
    pub async fn remove(&self, letter: DeadLetter) -> Result<(), Error> {
        let removed = self.channel.basic_ack(letter.tag, BasicAckOptions::default());
        Ok(answer("basic.ack", self.dialler.brokers.timeout, removed).await?)
    }

    /// Closes the connection. The letters that were not removed go back.
    pub async fn close(self) {
        close(self.publisher.connection(), self.dialler.brokers.timeout).await;
    }
}
