//! RabbitMQ over AMQP 0-9-1, as lapin speaks it.
//!
//! Jobs are consumed on one connection and outcomes published on another, since RabbitMQ throttles a connection that
//! publishes too fast. A lost connection for jobs does not recover by itself: delivery tags die with their channel, so its loss is
//! an error of the subscription. Every wait for the broker has a deadline.

mod cancels;
mod dead_letters;
mod dialler;
mod heartbeats;
mod on_demand;
mod options;
mod presence;
mod publisher;
mod receipt;
mod route;
mod settlement;
mod subscription;
mod suspects;

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::error::Error;
use super::message::{Message, Queue, Routing, Target};
use super::{Broker, Subscription};
use dialler::{Ahead, Dialler, close};
use on_demand::OnDemand;
use publisher::{Publisher, keep_publisher};
use route::Route;
use subscription::Consuming;
use suspects::Suspects;

pub use cancels::Cancels;
pub use dead_letters::{DeadLetter, DeadLetters};
pub use heartbeats::Heartbeats;
pub use options::Options;

/// RabbitMQ.
pub struct Amqp {
    dialler: Arc<Dialler>,
    /// The first connection for jobs.
    ahead: Ahead,
    publisher: watch::Receiver<Option<Arc<Publisher>>>,
    /// The connection for requesters with direct reply-to, apart from the others since RabbitMQ closes it over an invalid address.
    direct: OnDemand,
    suspects: Suspects,
    /// Ends the task that keeps the publisher connected.
    closing: CancellationToken,
}

impl Amqp {
    /// Begins to keep a connection for publishing. Call it within a tokio runtime. While no broker answers it tries for ever, with
    /// growing pauses.
    pub fn new(options: Options) -> Self {
        let dialler = Arc::new(Dialler::new(&options));
        let (sender, publisher) = watch::channel(None);
        let closing = CancellationToken::new();
        let keeping = keep_publisher(dialler.clone(), options.retry_pause_max, sender, closing.clone());
        tokio::spawn(keeping);
        let (ahead, direct, suspects) = (Ahead::default(), OnDemand::default(), Suspects::default());
        Self { dialler, ahead, publisher, direct, suspects, closing }
    }

    /// Begins to connect for jobs, before anybody subscribes.
    pub fn connect_ahead(&self) {
        self.ahead.begin(self.dialler.clone(), "jobs");
    }

    /// The cancels at this broker.
    pub fn cancels(&self) -> Cancels {
        Cancels::at(self.dialler.clone())
    }

    /// The heartbeats at this broker.
    pub fn heartbeats(&self) -> Heartbeats {
        Heartbeats::at(self.dialler.clone())
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
    fn subscribe(&self, queue: Queue, prefetch: u16) -> BoxFuture<'_, Result<Box<dyn Subscription>, Error>> {
        async move {
            let ahead = if queue == Queue::Jobs { self.ahead.take().await } else { None };
            let connection = match ahead {
                Some(connected) => connected?,
                None => self.dialler.connect_for_jobs().await?,
            };
            let consuming = Consuming::begin(connection, self.dialler.clone(), queue, prefetch).await?;
            Ok(Box::new(consuming) as Box<dyn Subscription>)
        }
        .boxed()
    }

    fn publish<'a>(&'a self, target: &'a Target, message: &'a Message) -> BoxFuture<'a, Result<Routing, Error>> {
        async move {
            let route = Route::to(target, &self.dialler.names);
            if let Some(error) = self.suspects.at(&route) {
                return Err(Error::Suspect(error));
            }
            let publisher = match route.is_direct {
                false => self.publisher().await?,
                true => Box::pin(self.direct.get(&self.dialler)).await?,
            };
            match publisher.publish(route, message).await {
                Ok(Routing::Unroutable) if target.is_own() => {
                    // Somebody has deleted a queue that workers declare, or it is used for the first time.
                    Box::pin(self.dialler.declare_for(target, publisher.connection())).await?;
                    match publisher.publish(Route::to(target, &self.dialler.names), message).await? {
                        Routing::Queued => Ok(Routing::Queued),
                        Routing::Unroutable => {
                            Err(Error::lost("no queue takes the message, though they were declared anew"))
                        }
                    }
                }
                Err(Error::Connection(error)) if error.is_closed_by_broker() => Err(Error::Suspect(error)),
                published => published,
            }
        }
        .boxed()
    }

    fn publish_alone<'a>(&'a self, target: &'a Target, message: &'a Message) -> BoxFuture<'a, Result<Routing, Error>> {
        async move {
            let route = Route::to(target, &self.dialler.names);
            self.suspects.publish_alone(&self.dialler, &route, message).await
        }
        .boxed()
    }

    fn not_publishing(&self) -> Option<&'static str> {
        match &*self.publisher.borrow() {
            None => Some("broker: outcomes cannot be published: their connection is lost"),
            Some(publisher) if publisher.is_blocked() => {
                Some("memory: the broker holds publishing back, since it is short of memory or disk")
            }
            Some(_) => None,
        }
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            self.closing.cancel();
            let publisher = self.publisher.borrow().clone();
            if let Some(publisher) = publisher {
                close(publisher.connection(), self.dialler.brokers.timeout).await;
            }
        }
        .boxed()
    }
}
