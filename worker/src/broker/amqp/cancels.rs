//! Cancels over RabbitMQ: a stream, which each worker reads on a connection of its own.
//!
//! RabbitMQ does not say where a stream ends. So a reader that begins publishes a mark to the stream. When the mark comes back, the
//! reader has read all that was there before. Other readers skip the mark.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, FutureExt as _};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
};
use lapin::types::{AMQPValue, DeliveryTag, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, Consumer};
use scriptmill_sdk::connect::{self, answer};

use super::dialler::{Ahead, Dialler, close};
use super::options::Options;
use crate::broker::cancels::{self, Followed, Follower};
use crate::broker::error::Error;

/// What the connection is for.
const PURPOSE: &str = "cancels";
/// The most unacknowledged cancels on their way to one worker.
const PREFETCH: u16 = 1_000;
/// How many cancels one acknowledgement covers.
const ACKNOWLEDGED_TOGETHER: u16 = PREFETCH / 4;
/// The header that holds a message's place in a stream, and the consumer argument that says where to begin.
const OFFSET: &str = "x-stream-offset";
/// The prefix of a mark. No cancel begins with it.
const MARK: &str = "mark ";

/// The cancels under one prefix.
pub struct Cancels {
    dialler: Arc<Dialler>,
    /// The first connection, opened before somebody reads.
    ahead: Ahead,
}

impl Cancels {
    /// Cancels at the broker that these options name. Does not connect before somebody reads.
    pub fn new(options: &Options) -> Self {
        Self::at(Arc::new(Dialler::new(options)))
    }

    pub(super) fn at(dialler: Arc<Dialler>) -> Self {
        Self { dialler, ahead: Ahead::default() }
    }

    /// Begins to connect, before anybody reads.
    pub fn connect_ahead(&self) {
        self.ahead.begin(self.dialler.clone(), PURPOSE);
    }
}

impl cancels::Cancels for Cancels {
    fn follow(&self, after: Option<u64>) -> BoxFuture<'_, Result<Box<dyn Follower>, Error>> {
        async move {
            let connection = match self.ahead.take().await {
                Some(connected) => connected?,
                None => self.dialler.connect(PURPOSE).await?,
            };
            Ok(Box::new(Following::begin(connection, &self.dialler, after).await?) as Box<dyn Follower>)
        }
        .boxed()
    }
}

struct Following {
    connection: Connection,
    channel: Channel,
    consumer: Consumer,
    /// The place of the last message that was read.
    after: Option<u64>,
    /// The mark that this reader has put into the stream. `None` once the mark has come back.
    mark: Option<Bytes>,
    /// The tag of the last message that was read, and how many messages up to it are not acknowledged. `None` when all are.
    unacknowledged: Option<(DeliveryTag, u16)>,
    timeout: Duration,
}

impl Following {
    async fn begin(connection: Connection, dialler: &Dialler, after: Option<u64>) -> Result<Self, Error> {
        let (timeout, names) = (dialler.brokers.timeout, &dialler.names);
        let channel = answer("channel.open", timeout, connection.create_channel()).await?;
        let mark = Bytes::from(format!("{MARK}{}", uuid::Uuid::new_v4().simple()));
        let mut arguments = FieldTable::default();
        let from = after.map(|place| i64::try_from(place.saturating_add(1)).unwrap_or(i64::MAX));
        let from = from.map_or_else(|| AMQPValue::LongString("first".into()), AMQPValue::LongLongInt);
        arguments.insert(OFFSET.into(), from);
        let stream = names.cancels.as_str().into();
        let reading = async {
            answer("basic.qos", timeout, channel.basic_qos(PREFETCH, BasicQosOptions::default())).await?;
            let consume = channel.basic_consume(stream, "".into(), BasicConsumeOptions::default(), arguments);
            answer("basic.consume", timeout, consume).await.map_err(Error::from)
        };
        let marking = async {
            answer("confirm.select", timeout, channel.confirm_select(ConfirmSelectOptions::default())).await?;
            put(&channel, &names.cancels, &mark, timeout).await
        };
        let ((), consumer) = tokio::try_join!(marking, reading)?;
        Ok(Self { connection, channel, consumer, after, mark: Some(mark), unacknowledged: None, timeout })
    }

    /// Acknowledges the messages that were read once there are [`ACKNOWLEDGED_TOGETHER`] of them: the broker then sends more.
    async fn acknowledge(&mut self) -> Result<(), Error> {
        if let Some((tag, _)) = self.unacknowledged.filter(|(_, count)| *count >= ACKNOWLEDGED_TOGETHER) {
            // If this future is dropped here, the next acknowledgement covers these messages too.
            self.unacknowledged = None;
            let ack = self.channel.basic_ack(tag, BasicAckOptions { multiple: true });
            answer("basic.ack", self.timeout, ack).await?;
        }
        Ok(())
    }

    /// Reads a message of the stream. Returns `None` for a message without a place, one before the wanted place, and another reader's mark.
    fn read(&mut self, delivery: Delivery) -> Option<Followed> {
        let headers = delivery.properties.headers().as_ref();
        let place = match headers.and_then(|headers| headers.inner().get(OFFSET)) {
            Some(AMQPValue::LongLongInt(place)) => u64::try_from(*place).ok()?,
            _ => return None,
        };
        // A stream may begin somewhat before the place that was asked for.
        if self.after.is_some_and(|after| place <= after) {
            return None;
        }
        self.after = Some(place);
        if self.mark.as_ref().is_some_and(|mark| *mark == delivery.data) {
            self.mark = None;
            return Some(Followed::CaughtUp);
        }
        if delivery.data.starts_with(MARK.as_bytes()) {
            return None;
        }
        let publisher = delivery.properties.user_id().as_ref().map(ToString::to_string);
        Some(Followed::Cancel { place, body: delivery.data.into(), publisher })
    }
}

async fn put(channel: &Channel, exchange: &str, body: &[u8], timeout: Duration) -> Result<(), Error> {
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let properties = BasicProperties::default().with_delivery_mode(2);
    let published = async { channel.basic_publish(exchange.into(), "".into(), options, body, properties).await?.await };
    match answer("basic.publish", timeout, published).await? {
        Confirmation::Ack(None) => Ok(()),
        Confirmation::Ack(Some(_)) => Err(Error::lost("no stream takes cancels, though it was declared")),
        Confirmation::Nack(_) | Confirmation::NotRequested => Err(Error::Full),
    }
}

impl Follower for Following {
    fn next(&mut self) -> BoxFuture<'_, Result<Followed, Error>> {
        async move {
            loop {
                self.acknowledge().await?;
                let delivery = match self.consumer.next().await {
                    Some(delivery) => delivery.map_err(connect::Error::from)?,
                    None => return Err(Error::lost("the broker cancelled the consumer")),
                };
                let count = self.unacknowledged.map_or(0, |(_, count)| count) + 1;
                self.unacknowledged = Some((delivery.delivery_tag, count));
                if let Some(followed) = self.read(delivery) {
                    return Ok(followed);
                }
            }
        }
        .boxed()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        async move { close(&self.connection, self.timeout).await }.boxed()
    }
}
