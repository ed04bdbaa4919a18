//! The connection on which a client publishes.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection, Event};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::link::Purpose;
use super::replies::Replies;
use crate::connect::{Brokers, Error, NOT_FOUND, answer};
use crate::{Names, topology};

/// How often the connection is checked while the broker says nothing.
const LOOK: Duration = Duration::from_secs(1);
/// How long it may take to close a connection from which the broker reads nothing.
const BLOCKED_CLOSE: Duration = Duration::from_millis(200);

/// What the connection for publishing needs.
pub(super) struct Publishing {
    pub(super) brokers: Brokers,
    pub(super) name: String,
    pub(super) names: Names,
    pub(super) replies: Arc<Replies>,
}

/// The connection, and what is published on it.
pub(super) struct Open {
    connection: Connection,
    session: Arc<Session>,
}

/// The channel to publish on, and its state.
pub(super) struct Session {
    /// In confirm mode.
    channel: Channel,
    broken: Notify,
    /// Whether the broker holds publishing back.
    blocked: watch::Sender<bool>,
}

/// A message to publish.
pub(super) struct Publication<'a> {
    pub(super) exchange: &'a str,
    pub(super) routing_key: &'a str,
    pub(super) body: &'a [u8],
    pub(super) properties: BasicProperties,
}

/// Why a message is not known to be on a queue.
pub(super) enum Unpublished {
    /// There is no queue for it.
    NoQueue,
    /// Its queue takes no more.
    Full,
    /// It may be on a queue or not.
    Unknown(Error),
}

/// How long a publication may take.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// The longest wait while the broker takes publications.
    pub(super) timeout: Duration,
    /// The longest wait while the broker holds publishing back.
    pub(super) blocked_max: Duration,
}

impl Purpose for Publishing {
    type Open = Open;
    type Handle = Arc<Session>;

    fn brokers(&self) -> &Brokers {
        &self.brokers
    }

    async fn open(&self, turn: usize) -> Result<Open, Error> {
        let wait = self.brokers.timeout;
        let connection = self.brokers.connect(turn, &self.name).await?;
        topology::declare_where_permitted(&connection, &self.names, wait).await?;
        let channel = answer("channel.open", wait, connection.create_channel()).await?;
        answer("confirm.select", wait, channel.confirm_select(ConfirmSelectOptions::default())).await?;
        self.replies.connected();
        let (broken, (blocked, _)) = (Notify::new(), watch::channel(false));
        Ok(Open { connection, session: Arc::new(Session { channel, broken, blocked }) })
    }

    fn handle(open: &Open) -> Arc<Session> {
        open.session.clone()
    }

    async fn serve(&self, open: &mut Open) -> Error {
        let lost = open.watch().await;
        // Wakes the tasks that wait for the broker to take publications: this connection is gone.
        open.session.blocked.send_replace(false);
        lost
    }

    async fn leave(&self, open: Open) {
        let is_blocked = open.connection.status().blocked();
        close(&open.connection, if is_blocked { BLOCKED_CLOSE } else { self.brokers.timeout }).await;
    }
}

impl Open {
    /// Watches the connection until it ends, and returns why.
    async fn watch(&self) -> Error {
        let Self { connection, session } = self;
        let mut events = pin!(connection.events_listener());
        loop {
            let is_blocked = connection.status().blocked();
            session.blocked.send_if_modified(|blocked| std::mem::replace(blocked, is_blocked) != is_blocked);
            if !connection.status().connected() {
                return Error::Lost("the connection for publishing was closed".to_owned());
            }
            tokio::select! {
                () = session.broken.notified() => return Error::Lost("the publishing channel was closed".to_owned()),
                event = events.next() => match event {
                    Some(Event::ConnectionBlocked(reason)) => {
                        tracing::warn!(reason, "the broker holds publishing back; jobs wait");
                    }
                    Some(Event::ConnectionUnblocked) => tracing::info!("the broker takes publications again"),
                    Some(_) => {}
                    None => return Error::Lost("the connection for publishing ended".to_owned()),
                },
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}

impl Session {
    pub(super) fn is_usable(&self) -> bool {
        self.channel.status().connected()
    }

    /// Waits while the broker holds publishing back, `blocked_max` at most. The caller has sent nothing yet.
    pub(super) async fn unblocked(&self, blocked_max: Duration) -> Result<(), Error> {
        let mut blocked = self.blocked.subscribe();
        match tokio::time::timeout(blocked_max, blocked.wait_for(|blocked| !*blocked)).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::HeldBack { waited: blocked_max }),
        }
    }

    /// Publishes, and waits for the confirm. While the broker holds publishing back, `blocked_max` bounds the wait and
    /// not `timeout`: to give up early and publish again would make two messages of one.
    pub(super) async fn publish(&self, publication: Publication<'_>, patience: Patience) -> Result<(), Unpublished> {
        let Publication { exchange, routing_key, body, properties } = publication;
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let published = async {
            let (exchange, routing_key) = (exchange.into(), routing_key.into());
            self.channel.basic_publish(exchange, routing_key, options, body, properties).await?.await
        };
        match self.confirmed(published, patience).await {
            Ok(Confirmation::Ack(None)) => Ok(()),
            Ok(Confirmation::Ack(Some(_))) => Err(Unpublished::NoQueue),
            Ok(Confirmation::Nack(_)) => Err(Unpublished::Full),
            Ok(Confirmation::NotRequested) => {
                Err(Unpublished::Unknown(Error::Lost("the channel does not confirm".to_owned())))
            }
            Err(error) => {
                if !self.is_usable() {
                    self.broken.notify_one();
                }
                // The broker closes the channel if there is no such exchange.
                Err(if error.is_refusal(NOT_FOUND) { Unpublished::NoQueue } else { Unpublished::Unknown(error) })
            }
        }
    }

    async fn confirmed(
        &self,
        published: impl Future<Output = lapin::Result<Confirmation>>,
        patience: Patience,
    ) -> Result<Confirmation, Error> {
        let Patience { timeout, blocked_max } = patience;
        let mut published = pin!(published);
        let mut blocked = self.blocked.subscribe();
        let held_back_until = Instant::now() + blocked_max;
        loop {
            let is_blocked = *blocked.borrow_and_update();
            let until = if is_blocked { held_back_until } else { Instant::now() + timeout };
            tokio::select! {
                biased;
                confirmed = &mut published => return Ok(confirmed?),
                // This cannot fail: the sender is this session's own.
                _ = blocked.changed() => {}
                () = tokio::time::sleep_until(until) => return Err(match is_blocked {
                    true => Error::HeldBack { waited: blocked_max },
                    false => Error::Silent { what: "basic.publish", waited: timeout },
                }),
            }
        }
    }
}

/// Closes a connection in order.
pub(super) async fn close(connection: &Connection, timeout: Duration) {
    let closed = connection.close(200, "closed by the client".into());
    if let Err(error) = answer("connection.close", timeout, closed).await {
        tracing::debug!(%error, "the connection did not close in order");
    }
}
