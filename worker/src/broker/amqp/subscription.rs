//! Jobs from RabbitMQ, and the prefetch window.
//!
//! The prefetch is a property of each consumer, and RabbitMQ's quorum queues don't let a live consumer change it: `basic.qos` has
//! no effect there (seen on 3.10). So a larger window takes more consumers on the same channel, and a smaller one fewer.
//!
//! The further consumers have a lower priority: RabbitMQ gives them jobs only while no first consumer can take one, that is while
//! the slots of all workers are full. So a worker that joins gets its share at once.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, FutureExt, try_join_all};
use futures_util::stream::{BoxStream, SelectAll};
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, Connection, Consumer};
use scriptmill_sdk::connect::{self, answer};
use tokio_util::sync::CancellationToken;

use super::dialler::{Dialler, close};
use super::presence::watch;
use super::receipt::Tag;
use super::route::name_of;
use super::settlement::Settlements;
use crate::broker::Subscription;
use crate::broker::delivery::Delivery;
use crate::broker::error::Error;
use crate::broker::message::{Message, Queue};

/// The priority of the consumers after the first one, which has priority 0.
const FURTHER_PRIORITY: i32 = -1;

/// Consumers on one channel of a connection of their own.
pub(super) struct Consuming {
    connection: Connection,
    channel: Channel,
    queue: String,
    /// The deliveries of all consumers. A `None` marks the end of one consumer: lapin ends its stream without an error.
    deliveries: SelectAll<BoxStream<'static, Option<lapin::Result<Delivered>>>>,
    /// The consumers that take jobs, in the order in which they were added.
    consumers: Vec<Taking>,
    /// The cancelled consumers. The broker counts a cancelled consumer for as long as one of its deliveries is not settled.
    cancelled: Vec<Weak<()>>,
    /// How many cancelled consumers' streams have not ended yet.
    ending: usize,
    /// The prefetch that the consumers after the first should have together.
    more: usize,
    /// The consumer that is being added or cancelled, if any.
    change: Option<BoxFuture<'static, Result<Change, connect::Error>>>,
    settlements: Settlements,
    /// Cancelled when the queue is gone and the broker did not say so.
    gone: CancellationToken,
    /// Cancelled when deliveries can no longer be settled.
    unsettleable: CancellationToken,
    dialler: Arc<Dialler>,
    lost: CancellationToken,
    stopping: bool,
}

/// A delivery, and a token that all unsettled deliveries of its consumer share.
type Delivered = (lapin::message::Delivery, Arc<()>);

enum Change {
    Added(Consumer, u16),
    Cancelled,
}

/// A consumer that takes jobs.
struct Taking {
    tag: ShortString,
    prefetch: u16,
    /// Dangles once the consumer has ended and all its deliveries are settled.
    held: Weak<()>,
}

impl Consuming {
    /// Begins to consume on a channel of this connection.
    pub(super) async fn begin(
        connection: Connection,
        dialler: Arc<Dialler>,
        queue: Queue,
        prefetch: u16,
    ) -> Result<Self, Error> {
        let timeout = dialler.brokers.timeout;
        let open = || answer("channel.open", timeout, connection.create_channel());
        let (channel, questions) = tokio::try_join!(open(), open())?;
        let queue = name_of(queue, &dialler.names).to_owned();
        let (unsettleable, gone) = (CancellationToken::new(), CancellationToken::new());
        tokio::spawn(watch(questions, queue.clone(), timeout, gone.clone()));
        let mut consuming = Self {
            settlements: Settlements::new(channel.clone(), timeout, unsettleable.clone()),
            unsettleable,
            gone,
            queue,
            connection,
            channel,
            deliveries: SelectAll::new(),
            consumers: Vec::new(),
            cancelled: Vec::new(),
            ending: 0,
            more: 0,
            change: None,
            dialler,
            lost: CancellationToken::new(),
            stopping: false,
        };
        let first = consuming.consume(prefetch, FieldTable::default()).await?;
        consuming.changed(first);
        Ok(consuming)
    }

    fn timeout(&self) -> Duration {
        self.dialler.brokers.timeout
    }

    fn consume(&self, prefetch: u16, arguments: FieldTable) -> BoxFuture<'static, Result<Change, connect::Error>> {
        let (channel, queue, timeout) = (self.channel.clone(), self.queue.as_str().into(), self.timeout());
        async move {
            // `basic.qos` applies to the consumers that are added after it.
            answer("basic.qos", timeout, channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
            let consume = channel.basic_consume(queue, "".into(), BasicConsumeOptions::default(), arguments);
            Ok(Change::Added(answer("basic.consume", timeout, consume).await?, prefetch))
        }
        .boxed()
    }

    fn cancel(&mut self, consumer: Taking) -> BoxFuture<'static, Result<Change, connect::Error>> {
        self.ending += 1;
        self.cancelled.retain(|held| held.strong_count() > 0);
        self.cancelled.push(consumer.held);
        let (channel, timeout) = (self.channel.clone(), self.timeout());
        async move {
            let cancel = channel.basic_cancel(consumer.tag, BasicCancelOptions::default());
            answer("basic.cancel", timeout, cancel).await?;
            Ok(Change::Cancelled)
        }
        .boxed()
    }

    fn changed(&mut self, change: Change) {
        if let Change::Added(consumer, prefetch) = change {
            let held = Arc::new(());
            self.consumers.push(Taking { tag: consumer.tag(), prefetch, held: Arc::downgrade(&held) });
            let deliveries = consumer.map(move |delivery| Some(delivery.map(|delivery| (delivery, held.clone()))));
            self.deliveries.push(deliveries.chain(futures_util::stream::iter([None])).boxed());
        }
    }

    /// Begins to add a consumer if prefetch is missing, or to cancel the last one if the others suffice.
    fn fit(&mut self) -> Option<BoxFuture<'static, Result<Change, connect::Error>>> {
        let further = self.consumers.get(1..).unwrap_or_default();
        let taken: usize = further.iter().map(|consumer| usize::from(consumer.prefetch)).sum();
        let last = further.last().map_or(0, |consumer| consumer.prefetch.into());
        if taken < self.more {
            let prefetch = u16::try_from(self.more - taken).unwrap_or(u16::MAX);
            let mut arguments = FieldTable::default();
            arguments.insert("x-priority".into(), AMQPValue::LongInt(FURTHER_PRIORITY));
            return Some(self.consume(prefetch, arguments));
        }
        if last > 0 && taken - last >= self.more {
            return self.consumers.pop().map(|consumer| self.cancel(consumer));
        }
        None
    }

    /// Waits for the next delivery of any consumer. Meanwhile it adds or cancels consumers, one at a time.
    async fn delivered(&mut self) -> Result<Option<Delivered>, Error> {
        loop {
            if self.change.is_none() && !self.stopping {
                self.change = self.fit();
            }
            let delivered = match &mut self.change {
                None => self.deliveries.next().await,
                Some(change) => tokio::select! {
                    biased;
                    changed = change => {
                        self.change = None;
                        self.changed(changed?);
                        continue;
                    }
                    delivered = self.deliveries.next() => delivered,
                },
            };
            match delivered {
                Some(Some(delivery)) => return Ok(Some(delivery.map_err(connect::Error::from)?)),
                Some(None) => match self.ending.checked_sub(1) {
                    Some(ending) => self.ending = ending,
                    None => return Err(Error::lost("the broker cancelled the consumer")),
                },
                None if self.stopping => return Ok(None),
                None => return Err(Error::lost("there is no consumer")),
            }
        }
    }
}

impl Subscription for Consuming {
    fn next(&mut self) -> BoxFuture<'_, Option<Result<Delivery, Error>>> {
        async move {
            let (unsettleable, gone, stopping) = (self.unsettleable.clone(), self.gone.clone(), self.stopping);
            let delivered = tokio::select! {
                biased;
                () = unsettleable.cancelled() => Err(Error::lost("jobs cannot be settled any more")),
                () = gone.cancelled(), if !stopping => Err(Error::lost("the queue is gone")),
                delivered = self.delivered() => delivered,
            };
            match delivered {
                Ok(delivered) => delivered.map(|(delivery, held)| {
                    let settlements = Some(self.settlements.clone());
                    let receipt = Tag { tag: delivery.delivery_tag, settlements, _held: held };
                    let message = Message { body: delivery.data.into(), properties: delivery.properties.into() };
                    Ok(Delivery::new(message, delivery.redelivered, Box::new(receipt), self.lost.clone()))
                }),
                Err(error) => {
                    if matches!(&error, Error::Connection(error) if error.is_frame_too_large()) {
                        tracing::warn!("the headers of a job are larger than a frame of AMQP; receiving with larger frames from now on");
                        self.dialler.widen();
                    }
                    self.lost.cancel();
                    Some(Err(error))
                }
            }
        }
        .boxed()
    }

    fn extend_window(&mut self, more: usize) {
        self.more = more;
    }

    fn consumers(&self) -> usize {
        self.consumers.len() + self.cancelled.iter().filter(|held| held.strong_count() > 0).count()
    }

    fn stop(&mut self) -> BoxFuture<'_, Result<(), Error>> {
        async move {
            self.stopping = true;
            if let Some(change) = self.change.take() {
                let change = change.await?;
                self.changed(change);
            }
            // All at once: there may be some dozens, and the jobs that have not begun go back to the queue only after that.
            let consumers = std::mem::take(&mut self.consumers);
            let cancels: Vec<_> = consumers.into_iter().map(|consumer| self.cancel(consumer)).collect();
            try_join_all(cancels).await?;
            Ok(())
        }
        .boxed()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        async move {
            close(&self.connection, self.timeout()).await;
            self.lost.cancel();
        }
        .boxed()
    }
}

impl Drop for Consuming {
    fn drop(&mut self) {
        self.lost.cancel();
    }
}
