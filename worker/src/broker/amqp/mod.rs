//! RabbitMQ over AMQP 0-9-1, as lapin speaks it.
//!
//! Jobs are consumed on one connection and outcomes published on another, since RabbitMQ holds back a connection that
//! publishes too fast. Neither recovers by itself: delivery tags die with their channel, so a lost connection is an
//! error of the subscription. Every wait for the broker has a deadline.

mod dialler;
mod heartbeats;
mod options;
mod publisher;
mod receipt;
mod settlement;
mod subscription;

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::error::Error;
use super::message::{Message, Routing, Target};
use super::{Broker, Subscription};
use dialler::{Dialler, close};
use publisher::{Publisher, keep_publisher};
use subscription::Consuming;

pub use heartbeats::Heartbeats;
pub use options::Options;

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
        let dialler = Arc::new(Dialler::new(&options));
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
            let consuming = Consuming::begin(connection, &self.dialler, prefetch).await?;
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
                close(publisher.connection(), self.dialler.brokers.timeout).await;
            }
        }
        .boxed()
    }
}
