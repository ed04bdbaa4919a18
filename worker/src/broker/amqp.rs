//! RabbitMQ over AMQP 0-9-1, as lapin speaks it.
//!
//! Jobs are consumed on one connection and outcomes published on another, since RabbitMQ holds back a connection that
//! publishes too fast. Neither recovers by itself: delivery tags die with their channel, so a lost connection is an
//! error that whoever subscribed sees. Every wait for the broker has a deadline.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{BoxStream, SelectAll};
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{DeliveryTag, FieldTable, ShortString};
use lapin::{Channel, Connection, Consumer};
use schemars::JsonSchema;
use scriptmill_sdk::connect::{self, Brokers, answer};
use scriptmill_sdk::topology;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::publisher::{Publisher, keep_publisher};
use super::settlement::Settlements;
use super::{Address, Broker, Delivery, Error, Message, Names, Receipt, Routing, Subscription, Target};

/// How RabbitMQ is reached, and under which names its queues and exchanges live.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Brokers, tried in this order; after a lost connection the next one has its turn.
    #[schemars(length(min = 1), extend("writeOnly" = true))]
    pub addresses: Vec<Address>,
    /// A file that holds the user name, in place of the addresses'. Read again at every connection, as are all files here.
    pub username_file: Option<PathBuf>,
    /// A file that holds the password, in place of the addresses'.
    pub password_file: Option<PathBuf>,
    /// A file of certificates (PEM) to trust for `amqps`, beside the system's own.
    pub ca_file: Option<PathBuf>,
    /// What the names of all queues and exchanges begin with: `scriptmill` gives `scriptmill.jobs`, `scriptmill.dead` …
    #[schemars(length(min = 1, max = 64))]
    pub prefix: String,
    /// The longest wait for any single answer of the broker, such as a connection, a declaration or a confirm.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub timeout: Duration,
    /// The longest pause between two attempts to connect; pauses grow up to it.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub retry_pause_max: Duration,
    /// How often both sides say that they are alive; a connection silent for twice as long is lost.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub heartbeat: Duration,
    /// Refuse jobs whose `tenant` is not the AMQP `user_id` of their message, which the broker vouches for.
    pub tenant_is_user: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            addresses: "amqp://127.0.0.1:5672".parse().into_iter().collect(),
            username_file: None,
            password_file: None,
            ca_file: None,
            prefix: "scriptmill".to_owned(),
            timeout: Duration::from_secs(15),
            retry_pause_max: Duration::from_secs(30),
            heartbeat: Duration::from_secs(15),
            tenant_is_user: false,
        }
    }
}

impl Options {
    /// The brokers, as the client takes them too.
    pub fn brokers(&self) -> Brokers {
        Brokers {
            addresses: self.addresses.clone(),
            username_file: self.username_file.clone(),
            password_file: self.password_file.clone(),
            ca_file: self.ca_file.clone(),
            timeout: self.timeout,
            heartbeat: self.heartbeat,
        }
    }
}

/// RabbitMQ.
pub struct Amqp {
    dialler: Arc<Dialler>,
    publisher: watch::Receiver<Option<Arc<Publisher>>>,
    /// Ends the task that keeps the publisher connected.
    closing: CancellationToken,
}

impl Amqp {
    /// Begins to keep a connection for publishing; call it within a tokio runtime. Without a broker it tries for ever,
    /// with growing pauses.
    pub fn new(options: Options) -> Self {
        let dialler = Arc::new(Dialler {
            brokers: options.brokers(),
            names: Names::new(&options.prefix),
            turn: AtomicUsize::new(0),
        });
        let (sender, publisher) = watch::channel(None);
        let closing = CancellationToken::new();
        let keeping = keep_publisher(dialler.clone(), options.retry_pause_max, sender, closing.clone());
        tokio::spawn(keeping);
        Self { dialler, publisher, closing }
    }

    /// Whether outcomes could be published now.
    pub fn publishes(&self) -> bool {
        self.publisher.borrow().is_some()
    }

    async fn publisher(&self) -> Result<Arc<Publisher>, Error> {
        if let Some(publisher) = self.publisher.borrow().clone() {
            return Ok(publisher);
        }
        let mut publisher = self.publisher.clone();
        let connected = tokio::time::timeout(self.dialler.brokers.timeout, publisher.wait_for(Option::is_some));
        match connected.await {
            Ok(Ok(publisher)) => publisher.clone().ok_or_else(|| Error::lost("not connected")),
            Ok(Err(_)) => Err(Error::lost("the broker was closed")),
            Err(_) => Err(Error::lost("no connection to publish on")),
        }
    }
}

impl Drop for Amqp {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

impl Broker for Amqp {
    fn subscribe(&self, prefetch: u16) -> BoxFuture<'_, Result<Box<dyn Subscription>, Error>> {
        async move {
            let connection = self.dialler.connect("jobs").await?;
            let timeout = self.dialler.brokers.timeout;
            let channel = answer("channel.open", timeout, connection.create_channel()).await?;
            answer("basic.qos", timeout, channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
            let mut consuming = Consuming {
                settlements: Settlements::new(channel.clone(), timeout),
                queue: self.dialler.names.jobs.clone(),
                connection,
                channel,
                prefetch: prefetch.into(),
                deliveries: SelectAll::new(),
                consumers: Vec::new(),
                ending: 0,
                wanted: 1,
                change: None,
                timeout,
                lost: CancellationToken::new(),
                stopping: false,
            };
            let first = consuming.consume().await?;
            consuming.changed(first);
            Ok(Box::new(consuming) as Box<dyn Subscription>)
        }
        .boxed()
    }

    fn publish<'a>(&'a self, target: &'a Target, message: &'a Message) -> BoxFuture<'a, Result<Routing, Error>> {
        async move {
            let (exchange, routing_key) = match target {
                Target::Jobs => ("", self.dialler.names.jobs.as_str()),
                Target::Requester(queue) => ("", queue.as_str()),
                Target::Results { tenant } => (self.dialler.names.results.as_str(), tenant.as_str()),
                Target::Dead => (self.dialler.names.dead.as_str(), ""),
            };
            self.publisher().await?.publish(exchange, routing_key, message).await
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            self.closing.cancel();
            let publisher = self.publisher.borrow().clone();
            if let Some(publisher) = publisher {
                goodbye(publisher.connection(), self.dialler.brokers.timeout).await;
            }
        }
        .boxed()
    }
}

/// Opens connections.
pub(super) struct Dialler {
    pub(super) brokers: Brokers,
    names: Names,
    /// The address whose turn it is: one that answers keeps it.
    turn: AtomicUsize,
}

impl Dialler {
    /// Connects to the address whose turn it is, and declares the topology.
    pub(super) async fn connect(&self, purpose: &str) -> Result<Connection, Error> {
        let turn = self.turn.load(Ordering::Relaxed);
        let connected = self.connect_at(turn, purpose).await;
        if connected.is_err() {
            // Another connection may have moved it on already.
            let _ = self.turn.compare_exchange(turn, turn.wrapping_add(1), Ordering::Relaxed, Ordering::Relaxed);
        }
        connected
    }

    async fn connect_at(&self, turn: usize, purpose: &str) -> Result<Connection, Error> {
        let connection = self.brokers.connect(turn, &format!("scriptmill {purpose}")).await?;
        if let Err(error) = topology::declare(&connection, &self.names, self.brokers.timeout).await {
            goodbye(&connection, self.brokers.timeout).await;
            return Err(error.into());
        }
        tracing::info!(purpose, "connected to the broker");
        Ok(connection)
    }
}

/// Closes a connection in order, so that what was sent before has arrived.
async fn goodbye(connection: &Connection, timeout: Duration) {
    if let Err(error) = answer("connection.close", timeout, connection.close(200, "goodbye".into())).await {
        tracing::debug!(%error, "the connection did not close in order");
    }
}

/// Consumers on one channel of a connection of their own. The prefetch is that of each consumer, and RabbitMQ's quorum
/// queues don't let it change: more is taken by more consumers.
struct Consuming {
    connection: Connection,
    channel: Channel,
    queue: String,
    prefetch: usize,
    /// What comes from all of them, with `None` at the end of each: lapin ends its stream without a word.
    deliveries: SelectAll<BoxStream<'static, Option<lapin::Result<lapin::message::Delivery>>>>,
    /// The tags of those that take jobs, in the order in which they were added.
    consumers: Vec<ShortString>,
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

enum Change {
    Added(Consumer),
    Cancelled,
}

impl Consuming {
    fn consume(&self) -> BoxFuture<'static, Result<Change, connect::Error>> {
        let (channel, queue, timeout) = (self.channel.clone(), self.queue.as_str().into(), self.timeout);
        async move {
            let options = BasicConsumeOptions::default();
            let consume = channel.basic_consume(queue, "".into(), options, FieldTable::default());
            Ok(Change::Added(answer("basic.consume", timeout, consume).await?))
        }
        .boxed()
    }

    fn cancel(&mut self, consumer: ShortString) -> BoxFuture<'static, Result<Change, connect::Error>> {
        self.ending += 1;
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
            self.consumers.push(consumer.tag());
            self.deliveries.push(consumer.map(Some).chain(futures_util::stream::iter([None])).boxed());
        }
    }

    /// The next delivery of any consumer; meanwhile consumers are added or cancelled, one at a time.
    async fn delivered(&mut self) -> Result<Option<lapin::message::Delivery>, Error> {
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
                Ok(delivery) => delivery.map(|delivery| {
                    let receipt = Tag { tag: delivery.delivery_tag, settlements: Some(self.settlements.clone()) };
                    let message = Message { body: delivery.data.into(), properties: delivery.properties };
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

    fn widen(&mut self, by: usize) {
        // One is added while the last one still fills, since to add it takes the broker a moment.
        let needed = if by == 0 { 1 } else { 2 + by.div_ceil(self.prefetch) };
        // The last one stays as long as there may be need of it again: none comes and goes with each job.
        if by == 0 || needed + 1 != self.wanted {
            self.wanted = needed;
        }
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
            goodbye(&self.connection, self.timeout).await;
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

/// A delivery tag, which dies with its channel.
struct Tag {
    tag: DeliveryTag,
    /// Gone once the delivery is settled.
    settlements: Option<Settlements>,
}

impl Receipt for Tag {
    fn acknowledge(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        let (tag, settlements) = (self.tag, self.settlements.take());
        async move {
            match settlements {
                Some(settlements) => settlements.acknowledge(tag).await,
                None => Ok(()),
            }
        }
        .boxed()
    }

    fn requeue(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        let (tag, settlements) = (self.tag, self.settlements.take());
        async move {
            match settlements {
                Some(settlements) => settlements.requeue(tag).await,
                None => Ok(()),
            }
        }
        .boxed()
    }
}

impl Drop for Tag {
    /// A delivery that nobody settled must not hold its place in the prefetch for ever.
    fn drop(&mut self) {
        if let Some(settlements) = self.settlements.take() {
            settlements.requeue_at_leisure(self.tag);
        }
    }
}
