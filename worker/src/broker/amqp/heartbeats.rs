//! Heartbeats over RabbitMQ: a fanout exchange, and for each process an exclusive queue that is deleted when the process leaves.
//!
//! Heartbeats have a connection of their own, so jobs and outcomes never wait behind one. The depth of the queue of jobs is asked by
//! a passive declaration on a second channel, since the broker closes the channel when the queue is not there.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, FutureExt as _};
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, DeliveryTag, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, Consumer};
use scriptmill_scaling::{BEAT, BEAT_BYTES_MAX, Depth};
use scriptmill_sdk::Names;
use scriptmill_sdk::connect::{self, answer};

use super::dialler::{Dialler, close};
use super::options::Options;
use crate::broker::error::Error;
use crate::broker::heartbeats::{self, Listener};

/// The most heartbeats that the broker keeps for one process: two beats of 2,000 processes. Older ones are dropped.
const KEPT_MAX: i64 = 4_000;
/// The most bytes of these heartbeats together.
const KEPT_BYTES_MAX: i64 = KEPT_MAX * BEAT_BYTES_MAX as i64 / 4;
/// The most unacknowledged heartbeats on their way to one process. Some always are, for a few beats at most.
const PREFETCH: u16 = 128;
/// How many heartbeats one acknowledgement covers.
const ACKNOWLEDGED_TOGETHER: u16 = PREFETCH / 4;
/// When a heartbeat expires in a queue, in milliseconds: after three beats it is of no use.
const EXPIRY_MS: &str = "6000";
/// The longest wait for the depth of the queue of jobs. No heartbeats are read meanwhile.
const DEPTH_TIMEOUT: Duration = BEAT.checked_div(2).expect("two is not zero");

/// The heartbeats of the processes under one prefix.
pub struct Heartbeats {
    dialler: Arc<Dialler>,
}

impl Heartbeats {
    /// Heartbeats at the broker that these options name. Does not connect before somebody listens.
    pub fn new(options: &Options) -> Self {
        Self::at(Arc::new(Dialler::new(options)))
    }

    pub(super) fn at(dialler: Arc<Dialler>) -> Self {
        Self { dialler }
    }
}

impl heartbeats::Heartbeats for Heartbeats {
    fn listen(&self) -> BoxFuture<'_, Result<Box<dyn Listener>, Error>> {
        async move {
            let connection = self.dialler.connect("heartbeats").await?;
            Ok(Box::new(Listening::begin(connection, &self.dialler).await?) as Box<dyn Listener>)
        }
        .boxed()
    }
}

struct Listening {
    connection: Connection,
    channel: Channel,
    consumer: Consumer,
    /// The tag of the last heartbeat that was read, and how many up to it are not acknowledged. `None` when all are.
    unacknowledged: Option<(DeliveryTag, u16)>,
    /// The channel on which the depth is asked. `None` before the first question and after the broker closed it.
    questions: Option<Channel>,
    names: Names,
    timeout: Duration,
}

impl Listening {
    async fn begin(connection: Connection, dialler: &Dialler) -> Result<Self, Error> {
        let (timeout, names) = (dialler.brokers.timeout, dialler.names.clone());
        let channel = answer("channel.open", timeout, connection.create_channel()).await?;
        answer("basic.qos", timeout, channel.basic_qos(PREFETCH, BasicQosOptions::default())).await?;
        let own = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
        // The queue of a lost connection exists until the broker has noticed the loss, so each connection's queue has its own name.
        let queue = names.heartbeat_queue(&uuid::Uuid::new_v4().simple().to_string());
        let (name, exchange) = (ShortString::from(queue), names.heartbeats.as_str().into());
        answer("queue.declare", timeout, channel.queue_declare(name.clone(), own, bounds())).await?;
        let bound =
            channel.queue_bind(name.clone(), exchange, "".into(), QueueBindOptions::default(), FieldTable::default());
        answer("queue.bind", timeout, bound).await?;
        let consume = channel.basic_consume(name, "".into(), BasicConsumeOptions::default(), FieldTable::default());
        let consumer = answer("basic.consume", timeout, consume).await?;
        Ok(Self { connection, channel, consumer, unacknowledged: None, questions: None, names, timeout })
    }

    async fn ask(&mut self) -> Result<Depth, connect::Error> {
        let channel = match &self.questions {
            Some(channel) => channel,
            None => {
                let opened = answer("channel.open", DEPTH_TIMEOUT, self.connection.create_channel()).await?;
                self.questions.insert(opened)
            }
        };
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let asked = channel.queue_declare(self.names.jobs.as_str().into(), passive, FieldTable::default());
        let queue = answer("queue.declare", DEPTH_TIMEOUT, asked).await?;
        Ok(Depth { ready: queue.message_count(), consumers: queue.consumer_count() })
    }
}

/// The arguments that bound the queue of one process.
fn bounds() -> FieldTable {
    let mut bounds = FieldTable::default();
    bounds.insert("x-max-length".into(), AMQPValue::LongLongInt(KEPT_MAX));
    bounds.insert("x-max-length-bytes".into(), AMQPValue::LongLongInt(KEPT_BYTES_MAX));
    bounds.insert("x-overflow".into(), AMQPValue::LongString("drop-head".into()));
    bounds
}

impl Listener for Listening {
    fn next(&mut self) -> BoxFuture<'_, Result<Bytes, Error>> {
        async move {
            if let Some((tag, _)) = self.unacknowledged.filter(|(_, count)| *count >= ACKNOWLEDGED_TOGETHER) {
                // If this future is dropped here, the next acknowledgement covers these heartbeats too.
                self.unacknowledged = None;
                let ack = self.channel.basic_ack(tag, BasicAckOptions { multiple: true });
                answer("basic.ack", self.timeout, ack).await?;
            }
            let delivery = match self.consumer.next().await {
                Some(delivery) => delivery.map_err(connect::Error::from)?,
                None => return Err(Error::lost("the broker cancelled the consumer")),
            };
            let count = self.unacknowledged.map_or(0, |(_, count)| count) + 1;
            self.unacknowledged = Some((delivery.delivery_tag, count));
            Ok(delivery.data.into())
        }
        .boxed()
    }

    fn send(&mut self, heartbeat: Vec<u8>) -> BoxFuture<'_, Result<(), Error>> {
        async move {
            let exchange = self.names.heartbeats.as_str().into();
            let properties = BasicProperties::default().with_expiration(EXPIRY_MS.into());
            let options = BasicPublishOptions::default();
            let published = self.channel.basic_publish(exchange, "".into(), options, &heartbeat, properties);
            // The channel has no confirms: it is enough that the heartbeat is written.
            answer("basic.publish", self.timeout, published).await?;
            Ok(())
        }
        .boxed()
    }

    fn depth(&mut self) -> BoxFuture<'_, Result<Option<Depth>, Error>> {
        async move {
            match self.ask().await {
                Ok(depth) => Ok(Some(depth)),
                Err(error @ (connect::Error::Refused(_) | connect::Error::Silent { .. })) => {
                    tracing::debug!(%error, "the queue of jobs does not say what it holds");
                    self.questions = None;
                    Ok(None)
                }
                Err(error) => Err(error.into()),
            }
        }
        .boxed()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        async move { close(&self.connection, self.timeout).await }.boxed()
    }
}
