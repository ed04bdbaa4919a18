//! A broker whose confirms wait for a gate.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use scriptmill::broker::{Broker, Error, Message, Queue, Routing, Subscription, Target};
use tokio::sync::Semaphore;

/// A broker whose confirms wait for a gate.
pub(crate) struct Gated {
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) gate: Arc<Semaphore>,
}

impl Broker for Gated {
    fn subscribe(&self, queue: Queue, prefetch: u16) -> BoxFuture<'_, Result<Box<dyn Subscription>, Error>> {
        self.broker.subscribe(queue, prefetch)
    }

    fn publish<'a>(&'a self, target: &'a Target, message: &'a Message) -> BoxFuture<'a, Result<Routing, Error>> {
        async move {
            let published = self.broker.publish(target, message).await;
            self.gate.acquire().await.unwrap().forget();
            published
        }
        .boxed()
    }

    fn publish_alone<'a>(&'a self, target: &'a Target, message: &'a Message) -> BoxFuture<'a, Result<Routing, Error>> {
        self.publish(target, message)
    }

    fn not_publishing(&self) -> Option<&'static str> {
        self.broker.not_publishing()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.broker.close()
    }
}
