//! The connection on which outcomes come, from one queue.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, Consumer};
use tokio::sync::mpsc;

use super::arrival::Arrival;
use super::link::Purpose;
use super::publishing::close;
use super::replies::{Replies, Settled};
use crate::connect::{Brokers, Error, answer};
use crate::{Names, topology};

/// How long a reply queue without a name from its engine is kept after its last consumer has gone, with all outcomes in it.
pub const REPLIES_KEPT: Duration = Duration::from_secs(30 * 60);
/// How many unacknowledged outcomes the broker sends. So an engine can hold no more of them.
pub(super) const PREFETCH: u16 = 1_000;
/// How often the connection is checked while there is no room for a received outcome.
const LOOK: Duration = Duration::from_secs(1);

/// What the connection for outcomes needs.
pub(super) struct Receiving {
    pub(super) brokers: Brokers,
    pub(super) name: String,
    pub(super) queue: Queue,
    pub(super) to: Destination,
}

/// The queue that outcomes come from.
pub(super) struct Queue {
    pub(super) name: String,
    /// How long it is kept after its last consumer has gone. `None` means for ever.
    pub(super) kept: Option<Duration>,
    /// Its bindings to the results exchange, if it has any.
    pub(super) bound: Option<Bound>,
}

/// The bindings of a queue to the results exchange.
pub(super) struct Bound {
    pub(super) names: Names,
    pub(super) patterns: Vec<String>,
}

/// Who gets the outcomes.
pub(super) enum Destination {
    /// The tasks that wait for them. The sender, if there is one, gets all others.
    Replies(Arc<Replies>, Option<mpsc::Sender<Arrival>>),
    /// A consumer that acknowledges each of them.
    All(mpsc::Sender<Arrival>),
}

/// The connection with all that is open on it.
pub(super) struct Open {
    connection: Connection,
    channel: Channel,
    outcomes: Consumer,
}

impl Purpose for Receiving {
    type Open = Open;
    type Handle = ();

    fn brokers(&self) -> &Brokers {
        &self.brokers
    }

    async fn open(&self, turn: usize) -> Result<Open, Error> {
        let wait = self.brokers.timeout;
        let connection = self.brokers.connect(turn, &self.name).await?;
        if let Some(Bound { names, .. }) = &self.queue.bound {
            topology::declare_where_permitted(&connection, names, wait).await?;
        }
        let channel = answer("channel.open", wait, connection.create_channel()).await?;
        self.queue.declare(&channel, wait).await?;
        answer("basic.qos", wait, channel.basic_qos(PREFETCH, BasicQosOptions::default())).await?;
        let (queue, options) = (self.queue.name.as_str().into(), BasicConsumeOptions::default());
        let consume = channel.basic_consume(queue, "".into(), options, FieldTable::default());
        let outcomes = answer("basic.consume", wait, consume).await?;
        if let Destination::Replies(replies, _) = &self.to {
            replies.connected();
        }
        Ok(Open { connection, channel, outcomes })
    }

    fn handle(_: &Open) {}

    async fn serve(&self, open: &mut Open) -> Error {
        loop {
            let settled = match open.outcomes.next().await {
                Some(Ok(delivery)) => self.settle(&open.channel, delivery).await,
                Some(Err(error)) => Err(error.into()),
                // RabbitMQ cancels a consumer whose queue is deleted or moves; lapin then ends the stream.
                None => Err(Error::Lost("the broker ended the consumer of outcomes".to_owned())),
            };
            if let Err(error) = settled {
                return error;
            }
        }
    }

    async fn leave(&self, open: Open) {
        let wait = self.brokers.timeout;
        if self.queue.kept.is_some() {
            let removed = open.channel.queue_delete(self.queue.name.as_str().into(), QueueDeleteOptions::default());
            if let Err(error) = answer("queue.delete", wait, removed).await {
                tracing::warn!(%error, queue = self.queue.name, "the reply queue was not removed; it expires by itself");
            }
        }
        close(&open.connection, wait).await;
    }
}

impl Queue {
    async fn declare(&self, channel: &Channel, wait: Duration) -> Result<(), Error> {
        let mut arguments = topology::outcomes_arguments();
        if let Some(kept) = self.kept {
            let ms = i64::try_from(kept.as_millis()).unwrap_or(i64::MAX);
            arguments.insert("x-expires".into(), AMQPValue::LongLongInt(ms));
        }
        let name = self.name.as_str();
        let declared = channel.queue_declare(name.into(), QueueDeclareOptions::durable(), arguments);
        let declared = answer("queue.declare", wait, declared).await;
        declared.map_err(|error| topology::differs(name, error))?;
        let Some(Bound { names, patterns }) = &self.bound else { return Ok(()) };
        for pattern in patterns {
            let (exchange, pattern) = (names.results.as_str().into(), pattern.as_str().into());
            let options = QueueBindOptions::default();
            let bound = channel.queue_bind(name.into(), exchange, pattern, options, FieldTable::default());
            answer("queue.bind", wait, bound).await?;
        }
        Ok(())
    }
}

impl Receiving {
    /// Hands an outcome to its destination.
    async fn settle(&self, channel: &Channel, mut delivery: Delivery) -> Result<(), Error> {
        let unexpected = match &self.to {
            Destination::All(all) => return self.hand_over(channel, all, delivery).await,
            Destination::Replies(replies, unexpected) => {
                let body = std::mem::take(&mut delivery.data);
                match delivery.properties.correlation_id() {
                    Some(id) => match replies.settle(id.as_str(), body, delivery.redelivered) {
                        Settled::Taken => None,
                        Settled::Unclaimed(body) => {
                            delivery.data = body;
                            unexpected.as_ref()
                        }
                    },
                    None => {
                        tracing::warn!("a message without a correlation id came to the reply queue");
                        delivery.data = body;
                        unexpected.as_ref()
                    }
                }
            }
        };
        match unexpected.filter(|unexpected| !unexpected.is_closed()) {
            Some(unexpected) => self.hand_over(channel, unexpected, delivery).await,
            None => answer("basic.ack", self.brokers.timeout, delivery.acker.ack(BasicAckOptions::default()))
                .await
                .map(drop),
        }
    }

    /// Hands an outcome to a consumer that acknowledges it, once there is room. If the consumer is gone, the outcome goes
    /// back to its queue.
    async fn hand_over(&self, channel: &Channel, to: &mpsc::Sender<Arrival>, delivery: Delivery) -> Result<(), Error> {
        let arrival = Arrival::new(delivery, self.brokers.timeout);
        loop {
            match tokio::time::timeout(LOOK, to.reserve()).await {
                Ok(Ok(room)) => {
                    room.send(arrival);
                    if to.capacity() == 0 {
                        tracing::warn!("{PREFETCH} outcomes came that nobody has taken yet; further ones wait");
                    }
                    return Ok(());
                }
                Ok(Err(_)) => return Ok(()),
                Err(_) if channel.status().connected() => {}
                Err(_) => return Err(Error::Lost("the connection for outcomes was closed".to_owned())),
            }
        }
    }
}
