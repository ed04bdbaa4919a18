//! RabbitMQ over AMQP 0-9-1, as lapin speaks it.
//!
//! Jobs are consumed on one connection and outcomes published on another, since RabbitMQ holds back a connection that
//! publishes too fast. Neither recovers by itself: delivery tags die with their channel, so a lost connection is an
//! error that whoever subscribed sees. Every wait for the broker has a deadline.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, FutureExt};
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions,
    BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
};
use lapin::tcp::OwnedTLSConfig;
use lapin::types::FieldTable;
use lapin::{Acker, Channel, Confirmation, Connection, ConnectionProperties, ErrorKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::{
    Address, Broker, Delivery, Error, Message, Names, Receipt, Routing, Subscription, Target,
    pauses,
};

/// Publications on their way at one time, each on a channel of its own.
const PUBLICATIONS_MAX: usize = 64;

/// How RabbitMQ is reached, and under which names its queues and exchanges live.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Brokers, tried in this order; after a lost connection the next one has its turn.
    #[schemars(length(min = 1))]
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

/// RabbitMQ.
pub struct Amqp {
    options: Arc<Options>,
    names: Names,
    /// The address whose turn it is.
    turn: Arc<AtomicUsize>,
    publisher: watch::Receiver<Option<Arc<Publisher>>>,
    /// Ends the task that keeps the publisher connected.
    closing: CancellationToken,
}

impl Amqp {
    /// Begins to keep a connection for publishing; call it within a tokio runtime. Without a broker it tries for ever,
    /// with growing pauses.
    pub fn new(options: Options) -> Self {
        let names = Names::new(&options.prefix);
        let (sender, publisher) = watch::channel(None);
        let amqp = Self {
            options: Arc::new(options),
            names,
            turn: Arc::default(),
            publisher,
            closing: CancellationToken::new(),
        };
        tokio::spawn(keep_publisher(amqp.dialler(), sender, amqp.closing.clone()));
        amqp
    }

    /// Whether outcomes could be published now.
    pub fn publishes(&self) -> bool {
        self.publisher.borrow().is_some()
    }

    fn dialler(&self) -> Dialler {
        Dialler {
            options: Arc::clone(&self.options),
            names: self.names.clone(),
            turn: Arc::clone(&self.turn),
        }
    }

    async fn publisher(&self) -> Result<Arc<Publisher>, Error> {
        let mut publisher = self.publisher.clone();
        let connected =
            tokio::time::timeout(self.options.timeout, publisher.wait_for(Option::is_some));
        match connected.await {
            Ok(Ok(publisher)) => publisher
                .clone()
                .ok_or_else(|| Error::Lost("not connected".to_owned())),
            Ok(Err(_)) => Err(Error::Lost("the broker was closed".to_owned())),
            Err(_) => Err(Error::Lost("no connection to publish on".to_owned())),
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
            let dialler = self.dialler();
            let connection = dialler.connect("jobs").await?;
            let timeout = self.options.timeout;
            let channel = answer("channel.open", timeout, connection.create_channel()).await?;
            answer(
                "basic.qos",
                timeout,
                channel.basic_qos(prefetch, BasicQosOptions::default()),
            )
            .await?;
            let options = BasicConsumeOptions::default();
            let consume = channel.basic_consume(
                self.names.jobs.as_str().into(),
                "".into(),
                options,
                FieldTable::default(),
            );
            let consumer = answer("basic.consume", timeout, consume).await?;
            let lost = CancellationToken::new();
            Ok(Box::new(Consuming {
                connection,
                channel,
                consumer,
                timeout,
                lost,
                stopping: false,
            }) as Box<dyn Subscription>)
        }
        .boxed()
    }

    fn publish<'a>(
        &'a self,
        target: &'a Target,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<Routing, Error>> {
        async move {
            let (exchange, routing_key) = match target {
                Target::Jobs => ("", self.names.jobs.as_str()),
                Target::Requester(queue) => ("", queue.as_str()),
                Target::Results { tenant } => (self.names.results.as_str(), tenant.as_str()),
                Target::Dead => (self.names.dead.as_str(), ""),
            };
            self.publisher()
                .await?
                .publish(exchange, routing_key, message)
                .await
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            self.closing.cancel();
            let publisher = self.publisher.borrow().clone();
            if let Some(publisher) = publisher {
                goodbye(&publisher.connection, self.options.timeout).await;
            }
        }
        .boxed()
    }
}

/// Opens connections, at each attempt to the next address.
struct Dialler {
    options: Arc<Options>,
    names: Names,
    turn: Arc<AtomicUsize>,
}

impl Dialler {
    /// Connects to the first address that answers, and declares the topology.
    async fn connect(&self, purpose: &str) -> Result<Connection, Error> {
        let Options {
            addresses, timeout, ..
        } = &*self.options;
        let mut errors = Vec::new();
        let first = self.turn.load(Ordering::Relaxed);
        for turn in 0..addresses.len() {
            let Some(address) = addresses.get((first + turn) % addresses.len()) else {
                break;
            };
            let connected = match self.dial(address, purpose).await {
                Ok(connection) => match self.names.declare(&connection, *timeout).await {
                    Ok(()) => Ok(connection),
                    Err(error) => {
                        goodbye(&connection, *timeout).await;
                        Err(error)
                    }
                },
                Err(error) => Err(error),
            };
            // The next connection begins at this address if it answered, behind it if it did not.
            self.turn.store(
                first + turn + usize::from(connected.is_err()),
                Ordering::Relaxed,
            );
            match connected {
                Ok(connection) => {
                    tracing::info!(%address, purpose, "connected to the broker");
                    return Ok(connection);
                }
                Err(error @ Error::Differs { .. }) => return Err(error),
                Err(error) => errors.push((address, error)),
            }
        }
        Err(combine(errors))
    }

    async fn dial(&self, address: &Address, purpose: &str) -> Result<Connection, Error> {
        let Options {
            username_file,
            password_file,
            ca_file,
            timeout,
            heartbeat,
            ..
        } = &*self.options;
        let mut uri = address.uri().clone();
        if let Some(path) = username_file {
            uri.authority.userinfo.username = read(path)?;
        }
        if let Some(path) = password_file {
            uri.authority.userinfo.password = read(path)?;
        }
        uri.query.heartbeat = Some(u16::try_from(heartbeat.as_secs()).unwrap_or(u16::MAX));
        uri.query.connection_timeout = Some(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
        let cert_chain = match ca_file {
            Some(path) => Some(read(path)?),
            None => None,
        };
        let tls = OwnedTLSConfig {
            identity: None,
            cert_chain,
        };
        let runtime = lapin::runtime::default_runtime()
            .map_err(|error| Error::Unreachable(error.to_string()))?;
        let properties = ConnectionProperties::default()
            .with_connection_name(format!("scriptmill {purpose}").into());
        let connected = Connection::connect_uri_with_config(uri, properties, tls, runtime);
        answer("connection.open", *timeout, connected).await
    }
}

/// One error for all addresses that were tried; the broker's refusal tells most.
fn combine(mut errors: Vec<(&Address, Error)>) -> Error {
    if errors.len() == 1
        && let Some((address, error)) = errors.pop()
    {
        return match error {
            Error::Refused(said) => Error::Refused(format!("{address}: {said}")),
            error @ Error::File { .. } => error,
            error => Error::Unreachable(format!("{address}: {}", bare(&error))),
        };
    }
    let all = errors
        .iter()
        .map(|(address, error)| format!("{address}: {}", bare(error)))
        .collect::<Vec<_>>()
        .join("; ");
    match errors
        .iter()
        .find(|(_, error)| matches!(error, Error::Refused(_)))
    {
        Some(_) => Error::Refused(all),
        None => Error::Unreachable(all),
    }
}

/// What an error says, without the code and the words that the combined error says again.
fn bare(error: &Error) -> String {
    match error {
        Error::Unreachable(why) | Error::Refused(why) | Error::Lost(why) => why.clone(),
        Error::Silent { what, waited } => format!("no answer to {what} within {waited:?}"),
        other => other.to_string(),
    }
}

fn read(path: &Path) -> Result<String, Error> {
    // Credentials and certificates: a few kilobytes, once for each connection.
    let text = std::fs::read_to_string(path);
    text.map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
        .map_err(|error| Error::File {
            path: path.display().to_string(),
            why: error.to_string(),
        })
}

/// Waits for the broker's answer, but not longer than `timeout`.
pub(super) async fn answer<T>(
    what: &'static str,
    timeout: Duration,
    asked: impl Future<Output = lapin::Result<T>>,
) -> Result<T, Error> {
    match tokio::time::timeout(timeout, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(said(&error)),
        Err(_) => Err(Error::Silent {
            what,
            waited: timeout,
        }),
    }
}

/// What lapin's error means to us: a protocol error is the broker's own word, anything else a lost connection.
fn said(error: &lapin::Error) -> Error {
    match error.kind() {
        ErrorKind::ProtocolError(said) => {
            Error::Refused(format!("{} {}", said.get_id(), said.get_message()))
        }
        _ => Error::Lost(error.to_string()),
    }
}

async fn goodbye(connection: &Connection, timeout: Duration) {
    if let Err(error) = answer(
        "connection.close",
        timeout,
        connection.close(200, "goodbye".into()),
    )
    .await
    {
        tracing::debug!(%error, "the connection did not close in order");
    }
}

/// A consumer on a connection of its own.
struct Consuming {
    connection: Connection,
    channel: Channel,
    consumer: lapin::Consumer,
    timeout: Duration,
    lost: CancellationToken,
    stopping: bool,
}

impl Subscription for Consuming {
    fn next(&mut self) -> BoxFuture<'_, Option<Result<Delivery, Error>>> {
        async move {
            let error = match self.consumer.next().await {
                Some(Ok(delivery)) => {
                    let receipt = Tag {
                        acker: Some(delivery.acker),
                        timeout: self.timeout,
                    };
                    let message = Message {
                        body: delivery.data,
                        properties: delivery.properties,
                    };
                    return Some(Ok(Delivery::new(
                        message,
                        delivery.redelivered,
                        Box::new(receipt),
                        self.lost.clone(),
                    )));
                }
                Some(Err(error)) => said(&error),
                None if self.stopping => return None,
                // lapin ends the stream without a word when the broker cancels the consumer.
                None => Error::Lost("the broker cancelled the consumer".to_owned()),
            };
            self.lost.cancel();
            Some(Err(error))
        }
        .boxed()
    }

    fn stop(&mut self) -> BoxFuture<'_, Result<(), Error>> {
        async move {
            self.stopping = true;
            let cancel = self
                .channel
                .basic_cancel(self.consumer.tag(), BasicCancelOptions::default());
            answer("basic.cancel", self.timeout, cancel).await
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
    acker: Option<Acker>,
    timeout: Duration,
}

impl Receipt for Tag {
    fn acknowledge(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        let acker = self.acker.take();
        let timeout = self.timeout;
        async move {
            let Some(acker) = acker else { return Ok(()) };
            match answer("basic.ack", timeout, acker.ack(BasicAckOptions::default())).await? {
                true => Ok(()),
                false => Err(Error::Lost("the delivery died with its channel".to_owned())),
            }
        }
        .boxed()
    }

    fn requeue(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        let acker = self.acker.take();
        let timeout = self.timeout;
        async move {
            let Some(acker) = acker else { return Ok(()) };
            let requeue = BasicNackOptions {
                requeue: true,
                ..Default::default()
            };
            answer("basic.nack", timeout, acker.nack(requeue))
                .await
                .map(drop)
        }
        .boxed()
    }
}

impl Drop for Tag {
    /// A delivery that nobody settled must not hold its place in the prefetch for ever.
    fn drop(&mut self) {
        if let (Some(acker), Ok(runtime)) =
            (self.acker.take(), tokio::runtime::Handle::try_current())
            && acker.usable()
        {
            runtime.spawn(async move {
                acker
                    .nack(BasicNackOptions {
                        requeue: true,
                        ..Default::default()
                    })
                    .await
            });
        }
    }
}

/// A connection for publishing.
///
/// Each publication on its way has a channel of its own: lapin hands a returned message to whichever confirm comes next
/// on the channel, and RabbitMQ confirms out of order, so that with two on one channel nobody knows whose it was.
struct Publisher {
    connection: Connection,
    idle: Mutex<Vec<Channel>>,
    places: Semaphore,
    timeout: Duration,
    /// Set when the connection is of no more use.
    broken: CancellationToken,
}

impl Publisher {
    fn new(connection: Connection, timeout: Duration) -> Self {
        Self {
            connection,
            idle: Mutex::default(),
            places: Semaphore::new(PUBLICATIONS_MAX),
            timeout,
            broken: CancellationToken::new(),
        }
    }

    async fn publish(
        &self,
        exchange: &str,
        routing_key: &str,
        message: &Message,
    ) -> Result<Routing, Error> {
        let Ok(_place) = self.places.acquire().await else {
            return Err(Error::Lost("the connection is closed".to_owned()));
        };
        let published = self.publish_alone(exchange, routing_key, message).await;
        match &published {
            Err(Error::Lost(_) | Error::Silent { .. }) => self.broken.cancel(),
            // An exchange is gone: the next connection declares it again.
            Err(Error::Refused(said)) if said.starts_with("404") => self.broken.cancel(),
            _ => {}
        }
        published
    }

    async fn publish_alone(
        &self,
        exchange: &str,
        routing_key: &str,
        message: &Message,
    ) -> Result<Routing, Error> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let channel = match idle {
            Some(channel) => channel,
            None => {
                let channel = answer(
                    "channel.open",
                    self.timeout,
                    self.connection.create_channel(),
                )
                .await?;
                answer(
                    "confirm.select",
                    self.timeout,
                    channel.confirm_select(ConfirmSelectOptions::default()),
                )
                .await?;
                channel
            }
        };
        let options = BasicPublishOptions {
            mandatory: true,
            ..Default::default()
        };
        let properties = message.properties.clone();
        let published = async {
            channel
                .basic_publish(
                    exchange.into(),
                    routing_key.into(),
                    options,
                    &message.body,
                    properties,
                )
                .await?
                .await
        };
        let confirmation = answer("basic.publish", self.timeout, published).await?;
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(channel);
        match confirmation {
            Confirmation::Ack(None) => Ok(Routing::Queued),
            Confirmation::Ack(Some(_)) => Ok(Routing::Unroutable),
            Confirmation::Nack(_) => Err(Error::Full),
            Confirmation::NotRequested => {
                Err(Error::Lost("the channel does not confirm".to_owned()))
            }
        }
    }
}

/// Connects, hands the connection out, waits until it breaks, and begins again.
async fn keep_publisher(
    dialler: Dialler,
    publisher: watch::Sender<Option<Arc<Publisher>>>,
    closing: CancellationToken,
) {
    let Options {
        timeout,
        retry_pause_max,
        ..
    } = *dialler.options;
    loop {
        let mut waits = pauses(retry_pause_max);
        let connected = loop {
            let error = tokio::select! {
                () = closing.cancelled() => return,
                connected = dialler.connect("outcomes") => match connected {
                    Ok(connection) => break Arc::new(Publisher::new(connection, timeout)),
                    Err(error) => error,
                },
            };
            let pause = waits.next().unwrap_or(retry_pause_max);
            tracing::warn!(%error, ?pause, "cannot publish outcomes; trying again after a pause");
            tokio::select! {
                () = closing.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        };
        let mut events = Box::pin(connected.connection.events_listener());
        publisher.send_replace(Some(Arc::clone(&connected)));
        loop {
            tokio::select! {
                () = closing.cancelled() => return,
                () = connected.broken.cancelled() => break,
                event = events.next() => match event {
                    Some(lapin::Event::ConnectionBlocked(reason)) => tracing::warn!(reason, "the broker holds back publishing"),
                    Some(lapin::Event::ConnectionUnblocked) => tracing::info!("the broker takes publications again"),
                    Some(lapin::Event::Error(error)) => {
                        tracing::warn!(error = %said(&error), "the connection for outcomes was lost");
                        break;
                    }
                    Some(_) => {}
                    None => break,
                },
            }
        }
        publisher.send_replace(None);
        connected.places.close();
    }
}
