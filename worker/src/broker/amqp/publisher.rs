//! A connection for publishing, kept alive.
//!
//! All publications go over one channel. Those that are due at one time are handed to lapin before the first is awaited, so that
//! lapin writes them in one go. The ratio of trivial jobs/s to the echo worker's was 0.75 and 0.64 in two runs before that, and 0.85
//! in one run with it (BENCHMARKS.md).

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use lapin::message::BasicReturnMessage;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{Channel, Confirmation, Connection, ConnectionStatus};
use scriptmill_sdk::connect::{self, answer};
use scriptmill_sdk::retry::Retry;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::dialler::Dialler;
use super::route::Route;
use crate::broker::error::Error;
use crate::broker::message::{Message, Routing};
use crate::broker::properties::Properties;

/// The most publications on their way at one time; more wait for their turn.
const PUBLICATIONS_MAX: usize = 1024;

/// A connection for publishing, with one channel for all publications: RabbitMQ then confirms many at once.
pub(super) struct Publisher {
    connection: Connection,
    publications: mpsc::Sender<Publication>,
    /// Cancelled when the connection is of no more use.
    broken: CancellationToken,
}

/// A message to be sent.
struct Publication {
    route: Route,
    message: Message,
    came: Instant,
    done: oneshot::Sender<Result<Routing, Error>>,
}

/// A message that is sent and not yet confirmed. Of its properties it keeps what tells it from others, since a copy of
/// all is an allocation for each.
struct Sent {
    route: Route,
    body: Bytes,
    message_id: Option<ShortString>,
    correlation_id: Option<ShortString>,
    came: Instant,
    /// Whether the broker has returned the message because no queue takes it.
    is_returned: bool,
    done: oneshot::Sender<Result<Routing, Error>>,
}

impl Publisher {
    pub(super) async fn new(connection: Connection, timeout: Duration) -> Result<Self, Error> {
        let channel = answer("channel.open", timeout, connection.create_channel()).await?;
        let select = channel.confirm_select(ConfirmSelectOptions::default());
        answer("confirm.select", timeout, select).await?;
        let (publications, received) = mpsc::channel(PUBLICATIONS_MAX);
        let broken = CancellationToken::new();
        let flight = Flight {
            publications: BTreeMap::new(),
            confirms: FuturesUnordered::new(),
            last: 0,
            connection: connection.status().clone(),
            timeout,
            blocked_until: Instant::now(),
            confirmed_at: Instant::now(),
        };
        tokio::spawn(flight.run(channel, received, broken.clone()));
        Ok(Self { connection, publications, broken })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Whether the connection can still publish.
    pub(super) fn is_open(&self) -> bool {
        self.connection.status().connected() && !self.broken.is_cancelled()
    }

    /// Whether the broker blocks publishing because it is short of memory or disk.
    pub(super) fn is_blocked(&self) -> bool {
        self.connection.status().blocked()
    }

    /// Publishes and waits for the confirm.
    pub(super) async fn publish(&self, route: Route, message: &Message) -> Result<Routing, Error> {
        let (done, told) = oneshot::channel();
        let (message, came) = (message.clone(), Instant::now());
        let publication = Publication { route, message, came, done };
        let closed = || Error::lost("the connection for outcomes is closed");
        self.publications.send(publication).await.map_err(|_| closed())?;
        told.await.unwrap_or_else(|_| Err(closed()))
    }
}

/// The publications that are sent and not yet confirmed.
struct Flight {
    /// In boxes, since a tree moves its values.
    publications: BTreeMap<u64, Box<Sent>>,
    confirms: FuturesUnordered<BoxFuture<'static, (u64, lapin::Result<Confirmation>)>>,
    last: u64,
    connection: ConnectionStatus,
    /// The longest wait for a confirm.
    timeout: Duration,
    /// When the broker was last seen to block publishing.
    blocked_until: Instant,
    /// When the broker last confirmed a publication.
    confirmed_at: Instant,
}

impl Flight {
    /// Publishes the received publications and answers each sender, until there are no more senders or the channel fails.
    async fn run(mut self, channel: Channel, mut received: mpsc::Receiver<Publication>, broken: CancellationToken) {
        let channel = Arc::new(channel);
        let mut batch = Vec::new();
        // One timer for all publications, since hardly any ever waits for long.
        let mut looks = tokio::time::interval((self.timeout / 8).max(Duration::from_millis(1)));
        loop {
            // Publications that were given up take no room: otherwise one queue that never confirms would take all of it.
            let room = PUBLICATIONS_MAX.saturating_sub(self.publications.len());
            let sent = tokio::select! {
                biased;
                Some(confirmed) = self.confirms.next() => self.confirmed(confirmed).map_err(connect::Error::from),
                _ = looks.tick() => self.look(),
                count = received.recv_many(&mut batch, room), if room > 0 => match count {
                    0 => break,
                    _ => {
                        self.send_all(&channel, &mut batch, &mut received, room).await;
                        Ok(())
                    }
                },
            };
            if let Err(error) = sent {
                // One faulty publication, such as one to an exchange that is gone, closes the channel for all of them.
                broken.cancel();
                let error = Error::from(error);
                for (_, publication) in self.publications {
                    publication.tell(Err(error.clone()));
                }
                return;
            }
        }
    }

    /// Fails once a publication has waited for too long. The wait does not count while the broker blocks publishing because it is short
    /// of memory or disk: publishing on a new connection would not be faster, and would publish twice.
    ///
    /// If the broker has confirmed other publications in the meantime, the connection works and that publication's queue does not: only
    /// that publication fails, and the others go on.
    fn look(&mut self) -> Result<(), connect::Error> {
        let now = Instant::now();
        if self.connection.blocked() {
            self.blocked_until = now;
        }
        let Self { timeout, blocked_until, confirmed_at, .. } = *self;
        let is_late = |sent: &Sent| now.saturating_duration_since(sent.came.max(blocked_until)) > timeout;
        // The last confirm must be younger than half the timeout: one from when the publication was sent says nothing about now.
        let is_alive = now.saturating_duration_since(confirmed_at) < timeout / 2;
        if self.publications.values().any(|publication| is_late(publication)) && !is_alive {
            return Err(connect::Error::Silent { what: "basic.publish", waited: timeout });
        }
        for (_, publication) in self.publications.extract_if(.., |_, publication| is_late(publication)) {
            publication.tell(Err(Error::Unconfirmed));
        }
        // The confirms of given-up publications may still come. When there are too many, a new connection gets rid of them.
        let given_up = self.confirms.len().saturating_sub(self.publications.len());
        if given_up > PUBLICATIONS_MAX {
            return Err(connect::Error::Silent { what: "basic.publish", waited: timeout });
        }
        Ok(())
    }

    /// Sends the publications that have come, and those that come while this yields once.
    async fn send_all(
        &mut self,
        channel: &Arc<Channel>,
        batch: &mut Vec<Publication>,
        received: &mut mpsc::Receiver<Publication>,
        room: usize,
    ) {
        tokio::task::yield_now().await;
        while batch.len() < room
            && let Ok(publication) = received.try_recv()
        {
            batch.push(publication);
        }
        for publication in batch.drain(..) {
            self.send(channel, publication);
        }
    }

    /// Queues one publication, which is sent when the confirms are polled next. This does not wait for the socket, so lapin writes all
    /// queued publications in one go.
    fn send(&mut self, channel: &Arc<Channel>, publication: Publication) {
        self.last += 1;
        let (number, channel) = (self.last, channel.clone());
        let Publication { route, message: Message { body, properties: Properties(properties) }, came, done } =
            publication;
        let (exchange, routing_key) = (route.exchange.as_str().into(), route.routing_key.as_str().into());
        let options = BasicPublishOptions { mandatory: !route.is_direct, ..Default::default() };
        let (message_id, correlation_id) = (properties.message_id().clone(), properties.correlation_id().clone());
        let is_returned = false;
        let sent = Sent { route, body: body.clone(), message_id, correlation_id, came, is_returned, done };
        self.publications.insert(number, Box::new(sent));
        let confirmed = async move {
            let confirm = channel.basic_publish(exchange, routing_key, options, &body, properties).await?;
            // Frees the body now, since the confirm may never come.
            drop(body);
            confirm.await
        };
        self.confirms.push(confirmed.map(move |confirmation| (number, confirmation)).boxed());
    }

    /// Takes all confirms that have come.
    ///
    /// lapin hands a returned message to whichever confirm comes next on the channel, at the latest to the message's own. So this looks
    /// for returned messages in all confirms that have come before it answers any sender.
    fn confirmed(&mut self, first: (u64, lapin::Result<Confirmation>)) -> lapin::Result<()> {
        self.confirmed_at = Instant::now();
        let mut ready = Vec::new();
        let mut next = Some(first);
        while let Some((number, confirmation)) = next {
            let (routing, returned) = match confirmation? {
                Confirmation::Ack(returned) => (Ok(()), returned),
                Confirmation::Nack(returned) => (Err(Error::Full), returned),
                Confirmation::NotRequested => (Err(Error::lost("the channel does not confirm")), None),
            };
            if let Some(returned) = returned {
                self.returned(&returned);
            }
            ready.push((number, routing));
            next = self.confirms.next().now_or_never().flatten();
        }
        for (number, routing) in ready {
            if let Some(publication) = self.publications.remove(&number) {
                let routing = routing.map(|()| match publication.is_returned {
                    true => Routing::Unroutable,
                    false => Routing::Queued,
                });
                publication.tell(routing);
            }
        }
        Ok(())
    }

    /// Finds the publication that the broker has returned, and marks it.
    fn returned(&mut self, returned: &BasicReturnMessage) {
        let delivery = &returned.delivery;
        let is_same = |sent: &&mut Box<Sent>| {
            !sent.is_returned
                && sent.route.exchange == delivery.exchange.as_str()
                && sent.route.routing_key == delivery.routing_key.as_str()
                && sent.message_id == *delivery.properties.message_id()
                && sent.correlation_id == *delivery.properties.correlation_id()
                && sent.body == delivery.data
        };
        match self.publications.values_mut().find(is_same) {
            Some(publication) => publication.is_returned = true,
            None => tracing::error!(queue = %delivery.routing_key, "the broker returned a message that nobody sent"),
        }
    }
}

impl Sent {
    fn tell(self, told: Result<Routing, Error>) {
        // The sender may have stopped waiting.
        let _ = self.done.send(told);
    }
}

/// Connects, hands the connection out, waits until it breaks, and begins again.
pub(super) async fn keep_publisher(
    dialler: Arc<Dialler>,
    retry_pause_max: Duration,
    publisher: watch::Sender<Option<Arc<Publisher>>>,
    closing: CancellationToken,
) {
    loop {
        let connected = tokio::select! {
            () = closing.cancelled() => return,
            connected = connect(&dialler, retry_pause_max) => connected,
        };
        publisher.send_replace(Some(connected.clone()));
        tokio::select! {
            () = closing.cancelled() => return,
            () = broken(&connected) => {}
        }
        tracing::warn!("the connection for outcomes was lost");
        publisher.send_replace(None);
    }
}

async fn connect(dialler: &Dialler, retry_pause_max: Duration) -> Arc<Publisher> {
    let mut retry = Retry::up_to(retry_pause_max);
    loop {
        let connected = match dialler.connect("outcomes").await {
            Ok(connection) => Publisher::new(connection, dialler.brokers.timeout).await,
            Err(error) => Err(error),
        };
        let error = match connected {
            Ok(publisher) => return Arc::new(publisher),
            Err(error) => error,
        };
        let pause = retry.next_pause();
        tracing::warn!(%error, ?pause, "cannot publish outcomes; trying again after a pause");
        tokio::time::sleep(pause).await;
    }
}

async fn broken(publisher: &Publisher) {
    let mut events = pin!(publisher.connection.events_listener());
    while publisher.connection.status().connected() {
        tokio::select! {
            () = publisher.broken.cancelled() => return,
            event = events.next() => match event {
                Some(lapin::Event::ConnectionBlocked(reason)) => tracing::warn!(reason, "the broker holds back publishing"),
                Some(lapin::Event::ConnectionUnblocked) => tracing::info!("the broker takes publications again"),
                // A channel's error comes here too, and does not affect the connection.
                Some(_) => {}
                None => return,
            },
        }
    }
}
