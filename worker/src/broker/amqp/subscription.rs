//! Jobs from RabbitMQ, and the prefetch window.
//!
//! The prefetch is that of each consumer, and RabbitMQ's quorum queues don't let a live one change it: `basic.qos` has no
//! effect there (seen on 3.10). So a larger window is more consumers on the same channel, and a smaller one fewer.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{BoxStream, SelectAll};
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection, Consumer};
use scriptmill_sdk::connect::{self, answer};
use tokio_util::sync::CancellationToken;

use super::dialler::{Dialler, close};
use super::receipt::Tag;
use super::settlement::Settlements;
use crate::broker::Subscription;
use crate::broker::delivery::Delivery;
use crate::broker::error::Error;
use crate::broker::message::Message;

/// Consumers on one channel of a connection of their own. The prefetch is that of each consumer, and RabbitMQ's quorum
/// queues don't let it change: more is taken by more consumers.
pub(super) struct Consuming {
    connection: Connection,
    channel: Channel,
    queue: String,
    prefetch: usize,
    /// What comes from all of them, with `None` at the end of each: lapin ends its stream without a word.
    deliveries: SelectAll<BoxStream<'static, Option<lapin::Result<Delivered>>>>,
    /// Those that take jobs, in the order in which they were added.
    consumers: Vec<(ShortString, Weak<()>)>,
    /// Those that were cancelled. The broker counts one for as long as a delivery of it is not settled.
    cancelled: Vec<Weak<()>>,
    /// Those that were cancelled and whose end has not come yet.
    ending: usize,
    /// How many there should be.
    wanted: usize,
    /// One that is being added or cancelled.
    change: Option<BoxFuture<'static, Result<Change, connect::Error>>>,
    settlements: Settlements,
    timeout: Duration,
    lost: CancellationToken,
    stopping: bool,
}

/// A delivery, and what lives as long as any of its consumer's is not settled.
type Delivered = (lapin::message::Delivery, Arc<()>);

enum Change {
    Added(Consumer),
    Cancelled,
}

impl Consuming {
    /// Begins to consume on a channel of this connection.
    pub(super) async fn begin(connection: Connection, dialler: &Dialler, prefetch: u16) -> Result<Self, Error> {
        let timeout = dialler.brokers.timeout;
        let channel = answer("channel.open", timeout, connection.create_channel()).await?;
        answer("basic.qos", timeout, channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
        let mut consuming = Self {
            settlements: Settlements::new(channel.clone(), timeout),
            queue: dialler.names.jobs.clone(),
            connection,
            channel,
            prefetch: prefetch.into(),
            deliveries: SelectAll::new(),
            consumers: Vec::new(),
            cancelled: Vec::new(),
            ending: 0,
            wanted: 1,
            change: None,
            timeout,
            lost: CancellationToken::new(),
            stopping: false,
        };
        let first = consuming.consume().await?;
        consuming.changed(first);
        Ok(consuming)
    }

    fn consume(&self) -> BoxFuture<'static, Result<Change, connect::Error>> {
        let (channel, queue, timeout) = (self.channel.clone(), self.queue.as_str().into(), self.timeout);
        async move {
            let options = BasicConsumeOptions::default();
            let consume = channel.basic_consume(queue, "".into(), options, FieldTable::default());
            Ok(Change::Added(answer("basic.consume", timeout, consume).await?))
        }
        .boxed()
    }

    fn cancel(
        &mut self,
        (consumer, held): (ShortString, Weak<()>),
    ) -> BoxFuture<'static, Result<Change, connect::Error>> {
        self.ending += 1;
        self.cancelled.retain(|held| held.strong_count() > 0);
        self.cancelled.push(held);
        let (channel, timeout) = (self.channel.clone(), self.timeout);
        async move {
            let cancel = channel.basic_cancel(consumer, BasicCancelOptions::default());
            answer("basic.cancel", timeout, cancel).await?;
            Ok(Change::Cancelled)
        }
        .boxed()
    }

    fn changed(&mut self, change: Change) {
        if let Change::Added(consumer) = change {
            let held = Arc::new(());
            self.consumers.push((consumer.tag(), Arc::downgrade(&held)));
            let deliveries = consumer.map(move |delivery| Some(delivery.map(|delivery| (delivery, held.clone()))));
            self.deliveries.push(deliveries.chain(futures_util::stream::iter([None])).boxed());
        }
    }

    /// The next delivery of any consumer; meanwhile consumers are added or cancelled, one at a time.
    async fn delivered(&mut self) -> Result<Option<Delivered>, Error> {
        loop {
            if self.change.is_none() && !self.stopping {
                self.change = match self.consumers.len().cmp(&self.wanted) {
                    std::cmp::Ordering::Less => Some(self.consume()),
                    std::cmp::Ordering::Equal => None,
                    std::cmp::Ordering::Greater => {
                        let last = self.consumers.pop();
                        last.map(|consumer| self.cancel(consumer))
                    }
                };
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
            match self.delivered().await {
                Ok(delivered) => delivered.map(|(delivery, held)| {
                    let settlements = Some(self.settlements.clone());
                    let receipt = Tag { tag: delivery.delivery_tag, settlements, _held: held };
                    let message = Message { body: delivery.data.into(), properties: delivery.properties.into() };
                    Ok(Delivery::new(message, delivery.redelivered, Box::new(receipt), self.lost.clone()))
                }),
                Err(error) => {
                    self.lost.cancel();
                    Some(Err(error))
                }
            }
        }
        .boxed()
    }

    fn extend_window(&mut self, more: usize) {
        // One is added while the last one still fills, since to add it takes the broker a moment.
        let needed = if more == 0 { 1 } else { 2 + more.div_ceil(self.prefetch) };
        // The last one stays as long as there may be need of it again: none comes and goes with each job.
        if more == 0 || needed + 1 != self.wanted {
            self.wanted = needed;
        }
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
            for consumer in std::mem::take(&mut self.consumers) {
                self.cancel(consumer).await?;
            }
            Ok(())
        }
        .boxed()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        async move {
            close(&self.connection, self.timeout).await;
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
