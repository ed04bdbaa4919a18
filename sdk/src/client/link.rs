//! Keeps the client connected: opens a session, hands on the outcomes that come in, and begins again when it ends.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicQosOptions, ConfirmSelectOptions, QueueDeclareOptions,
    QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, Consumer};
use tokio::sync::{Notify, watch};

use super::replies::Replies;
use crate::connect::{ACCESS_REFUSED, Brokers, Error, answer};
use crate::retry::{self, Retry};
use crate::{Names, topology};

/// How long the client's reply queue, with all outcomes in it, outlives its last consumer.
pub const REPLIES_KEPT: Duration = Duration::from_secs(30 * 60);
/// Outcomes that the broker sends ahead of their acknowledgement.
const PREFETCH: u16 = 1_000;

/// Whether jobs can be sent.
pub(super) enum Link {
    /// Not yet, or not any more, with the reason of the last failure.
    Connecting(Option<Error>),
    /// Yes.
    Up(Arc<Session>),
    /// Never again.
    Closed,
}

/// One connection's way to publish.
pub(super) struct Session {
    /// A channel with confirms.
    pub(super) channel: Channel,
    broken: Notify,
}

impl Session {
    pub(super) fn is_usable(&self) -> bool {
        self.channel.status().connected()
    }

    /// Something went wrong in publishing: where the channel is dead, the session ends.
    pub(super) fn report(&self) {
        if !self.is_usable() {
            self.broken.notify_one();
        }
    }
}

/// What a session needs, and what outlives it.
pub(super) struct Keeper {
    pub(super) brokers: Brokers,
    pub(super) name: String,
    pub(super) retry_pause_max: Duration,
    pub(super) names: Names,
    pub(super) reply_to: String,
    pub(super) replies: Arc<Replies>,
}

/// One connection with all that is open on it.
struct Open {
    connection: Connection,
    session: Arc<Session>,
    channel: Channel,
    outcomes: Consumer,
}

impl Keeper {
    /// Runs until `stop` is set, and announces every change.
    pub(super) async fn keep(self, announce: watch::Sender<Link>, mut stop: watch::Receiver<bool>) {
        let mut turn = 0;
        let mut retry = Retry::up_to(self.retry_pause_max);
        let open = loop {
            let attempt = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break None,
                attempt = self.open(turn) => attempt,
            };
            let error = match attempt {
                Ok(mut open) => {
                    self.replies.connected();
                    retry.reset();
                    tracing::info!(waiting = self.replies.waiting(), "connected to the broker");
                    announce.send_replace(Link::Up(Arc::clone(&open.session)));
                    let lost = tokio::select! {
                        biased;
                        _ = stop.wait_for(|stop| *stop) => break Some(open),
                        lost = self.serve(&mut open) => lost,
                    };
                    tracing::warn!(
                        error = %lost,
                        waiting = self.replies.waiting(),
                        "the connection to the broker was lost; confirmed jobs go on, their outcomes are kept"
                    );
                    lost
                }
                Err(error) => {
                    tracing::warn!(%error, "no connection to the broker");
                    error
                }
            };
            announce.send_replace(Link::Connecting(Some(error)));
            turn += 1;
            // Every address has its chance before the first pause.
            if turn % self.brokers.addresses.len().max(1) == 0
                && retry::wait(retry.next_pause(), stop.wait_for(|stop| *stop)).await.is_break()
            {
                break None;
            }
        };
        announce.send_replace(Link::Closed);
        self.replies.close();
        if let Some(open) = open {
            self.leave(open).await;
        }
    }

    async fn open(&self, turn: usize) -> Result<Open, Error> {
        let wait = self.brokers.timeout;
        let connection = self.brokers.connect(turn, &self.name).await?;
        self.declare(&connection).await?;
        let channel = answer("channel.open", wait, connection.create_channel()).await?;
        let mut kept = FieldTable::default();
        // A quorum queue outlives the node that it was declared on.
        kept.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        let expires = i64::try_from(REPLIES_KEPT.as_millis()).unwrap_or(i64::MAX);
        kept.insert("x-expires".into(), AMQPValue::LongLongInt(expires));
        let queue = self.reply_to.as_str();
        let declared = channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), kept);
        answer("queue.declare", wait, declared).await?;
        answer("basic.qos", wait, channel.basic_qos(PREFETCH, BasicQosOptions::default())).await?;
        let consume =
            channel.basic_consume(queue.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default());
        let outcomes = answer("basic.consume", wait, consume).await?;
        let publishing = answer("channel.open", wait, connection.create_channel()).await?;
        answer("confirm.select", wait, publishing.confirm_select(ConfirmSelectOptions::default())).await?;
        let session = Arc::new(Session { channel: publishing, broken: Notify::new() });
        Ok(Open { connection, session, channel, outcomes })
    }

    /// Declares the topology where this user may. One who may only publish relies on workers or operators to have
    /// declared it; where nobody has, the broker says so of the first job.
    async fn declare(&self, connection: &Connection) -> Result<(), Error> {
        match topology::declare(connection, &self.names, self.brokers.timeout).await {
            Err(error) if error.is_refusal(ACCESS_REFUSED) => {
                tracing::debug!(%error, "this user may not declare queues and exchanges");
                Ok(())
            }
            declared => declared,
        }
    }

    /// Hands on outcomes until the session ends, and says why it ended.
    async fn serve(&self, open: &mut Open) -> Error {
        loop {
            let delivery = tokio::select! {
                delivery = open.outcomes.next() => delivery,
                () = open.session.broken.notified() => return Error::Lost("the publishing channel was closed".to_owned()),
            };
            let settled = match delivery {
                Some(Ok(delivery)) => self.settle(delivery).await,
                Some(Err(error)) => Err(error.into()),
                // RabbitMQ cancels a consumer whose queue is deleted or moves; lapin then ends the stream.
                None => Err(Error::Lost("the broker ended the consumer of the reply queue".to_owned())),
            };
            if let Err(error) = settled {
                return error;
            }
        }
    }

    async fn settle(&self, delivery: Delivery) -> Result<(), Error> {
        let Delivery { properties, data, redelivered, acker, .. } = delivery;
        match properties.correlation_id() {
            Some(id) => self.replies.settle(id.as_str(), data, redelivered),
            None => tracing::warn!("a message without a correlation id came to the reply queue"),
        }
        answer("basic.ack", self.brokers.timeout, acker.ack(BasicAckOptions::default())).await.map(drop)
    }

    /// Removes the reply queue and closes the connection.
    async fn leave(&self, open: Open) {
        let wait = self.brokers.timeout;
        let removed = open.channel.queue_delete(self.reply_to.as_str().into(), QueueDeleteOptions::default());
        if let Err(error) = answer("queue.delete", wait, removed).await {
            tracing::warn!(%error, queue = self.reply_to, "the reply queue was not removed; it expires by itself");
        }
        if let Err(error) =
            answer("connection.close", wait, open.connection.close(200, "closed by the client".into())).await
        {
            tracing::debug!(%error, "the connection did not close in order");
        }
    }
}
