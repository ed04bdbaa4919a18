//! A connection for publishing, kept alive.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{Channel, Confirmation, Connection};
use scriptmill_sdk::connect::{self, answer, pauses};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::amqp::Dialler;
use super::{Error, Message, Routing};

/// Publications on their way at one time, each on a channel of its own.
const PUBLICATIONS_MAX: usize = 64;

/// A connection for publishing.
///
/// Each publication on its way has a channel of its own: lapin hands a returned message to whichever confirm comes next
/// on the channel, and RabbitMQ confirms out of order, so that with two on one channel nobody knows whose it was.
pub(super) struct Publisher {
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

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Publishes and waits for the confirm.
    pub(super) async fn publish(&self, exchange: &str, routing_key: &str, message: &Message) -> Result<Routing, Error> {
        let Ok(_place) = self.places.acquire().await else {
            return Err(Error::lost("the connection is closed"));
        };
        let published = self.publish_alone(exchange, routing_key, message).await;
        match &published {
            Err(Error::Connection(connect::Error::Lost(_) | connect::Error::Silent { .. })) => self.broken.cancel(),
            // An exchange is gone: the next connection declares it again.
            Err(Error::Connection(connect::Error::Refused(said))) if said.starts_with("404") => self.broken.cancel(),
            _ => {}
        }
        published
    }

    async fn publish_alone(&self, exchange: &str, routing_key: &str, message: &Message) -> Result<Routing, Error> {
        // Taken for as long as it lasts: a publication given up midway takes its channel with it.
        let channel = self.channel().await?;
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let properties = message.properties.clone();
        let published = async {
            channel.basic_publish(exchange.into(), routing_key.into(), options, &message.body, properties).await?.await
        };
        let confirmation = self.confirmed(published).await?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(channel);
        match confirmation {
            Confirmation::Ack(None) => Ok(Routing::Queued),
            Confirmation::Ack(Some(_)) => Ok(Routing::Unroutable),
            Confirmation::Nack(_) => Err(Error::Full),
            Confirmation::NotRequested => Err(Error::lost("the channel does not confirm")),
        }
    }

    async fn channel(&self) -> Result<Channel, Error> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(channel) = idle {
            return Ok(channel);
        }
        let channel = answer("channel.open", self.timeout, self.connection.create_channel()).await?;
        let select = channel.confirm_select(ConfirmSelectOptions::default());
        answer("confirm.select", self.timeout, select).await?;
        Ok(channel)
    }

    /// Waits for a confirm. A broker that has said that it is short of memory or disk gets all the time it needs:
    /// publishing on a new connection would not be faster, and would publish twice.
    async fn confirmed(
        &self,
        published: impl Future<Output = lapin::Result<Confirmation>>,
    ) -> Result<Confirmation, Error> {
        let mut published = pin!(published);
        loop {
            match answer("basic.publish", self.timeout, &mut published).await {
                Err(connect::Error::Silent { .. }) if self.connection.status().blocked() => {}
                answered => return Ok(answered?),
            }
        }
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
        connected.places.close();
    }
}

async fn connect(dialler: &Dialler, retry_pause_max: Duration) -> Arc<Publisher> {
    let mut waits = pauses(retry_pause_max);
    loop {
        let error = match dialler.connect("outcomes").await {
            Ok(connection) => return Arc::new(Publisher::new(connection, dialler.brokers.timeout)),
            Err(error) => error,
        };
        let pause = waits.next().unwrap_or(retry_pause_max);
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
                // A channel's error comes here too, and leaves the connection as it was.
                Some(_) => {}
                None => return,
            },
        }
    }
}
