//! A broker under test with what only a test may do to it, and a subscriber and publisher at it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use lapin::BasicProperties;
use prometheus_client::registry::Registry;
use scriptmill::broker::embedded::Embedded;
use scriptmill::broker::{
    Broker, Cancels, Delivery, Heartbeats, Message, Properties, Queue, Routing, Subscription, Target, amqp,
};
use scriptmill::metrics::Metrics;
use scriptmill::settle::{self, Settler, Undelivered};
use scriptmill_sdk::amqp::Envelope;
use scriptmill_sdk::{Bundle, Job};

use crate::support::{Rabbit, clock, soon};

/// How long a test watches for what must not come.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

/// A broker under test, with what only a test may do to it.
pub(crate) enum Bench<'a> {
    Embedded(Embedded),
    Rabbit(&'a Rabbit),
}

impl Bench<'_> {
    pub(crate) fn broker(&self) -> Arc<dyn Broker> {
        match self {
            Self::Embedded(broker) => Arc::new(broker.clone()),
            Self::Rabbit(rabbit) => Arc::new(rabbit.broker()),
        }
    }

    pub(crate) fn heartbeats(&self) -> Arc<dyn Heartbeats> {
        match self {
            Self::Embedded(broker) => Arc::new(broker.clone()),
            Self::Rabbit(rabbit) => Arc::new(amqp::Heartbeats::new(&rabbit.options())),
        }
    }

    pub(crate) fn cancels(&self) -> Arc<dyn Cancels> {
        match self {
            Self::Embedded(broker) => Arc::new(broker.clone()),
            Self::Rabbit(rabbit) => Arc::new(amqp::Cancels::new(&rabbit.options())),
        }
    }

    /// Publishes a cancel. Somebody must read cancels already, since readers declare where cancels go.
    pub(crate) async fn cancel(&self, body: &str) {
        match self {
            Self::Embedded(broker) => broker.cancel(body.to_owned().into()),
            Self::Rabbit(rabbit) => {
                rabbit.publish(&rabbit.names.cancels, "", body.as_bytes(), BasicProperties::default()).await;
            }
        }
    }

    pub(crate) fn cut(&self) {
        match self {
            Self::Embedded(broker) => broker.cut(),
            Self::Rabbit(rabbit) => rabbit.proxy.cut(),
        }
    }

    pub(crate) async fn declare_requester(&self, name: &str) -> String {
        match self {
            Self::Embedded(broker) => {
                broker.declare_requester(name);
                name.to_owned()
            }
            Self::Rabbit(rabbit) => rabbit.declare_requester(name).await,
        }
    }

    pub(crate) async fn take(&self, queue: &str) -> Message {
        let take = match self {
            Self::Embedded(broker) => broker.take(queue).boxed(),
            Self::Rabbit(rabbit) => rabbit.take(queue).boxed(),
        };
        soon("a message for the requester", take).await
    }

    pub(crate) async fn take_dead(&self) -> Message {
        let take = match self {
            Self::Embedded(broker) => broker.take_dead().boxed(),
            Self::Rabbit(rabbit) => rabbit.take(&rabbit.names.dead).boxed(),
        };
        soon("a dead letter", take).await
    }

    pub(crate) async fn take_result(&self) -> Message {
        let take = match self {
            Self::Embedded(broker) => broker.take_result().boxed(),
            Self::Rabbit(rabbit) => rabbit.take(&rabbit.names.results).boxed(),
        };
        soon("a result", take).await
    }
}

/// A subscriber and a publisher at the broker under test.
pub(crate) struct Seat {
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) subscription: Box<dyn Subscription>,
}

impl Seat {
    pub(crate) async fn new(bench: &Bench<'_>, prefetch: u16) -> Self {
        let broker = bench.broker();
        let subscription = soon("a subscription", broker.subscribe(Queue::Jobs, prefetch)).await.unwrap();
        Self { broker, subscription }
    }

    pub(crate) async fn put(&self, names: &[&str]) {
        for name in names {
            self.publish(&Target::JOBS, &job(name, None)).await;
        }
    }

    pub(crate) async fn publish(&self, target: &Target, message: &Message) -> Routing {
        soon("a confirm", self.broker.publish(target, message)).await.unwrap()
    }

    pub(crate) async fn next(&mut self) -> Delivery {
        soon("a delivery", self.subscription.next()).await.unwrap().unwrap()
    }

    pub(crate) async fn nothing(&mut self) {
        if let Ok(next) = tokio::time::timeout(SHORT, self.subscription.next()).await {
            panic!("nothing should have come, but {:?}", next.map(|next| next.map(|delivery| name(&delivery))));
        }
    }

    pub(crate) fn settler(&self) -> Settler {
        settler(self.broker.clone())
    }
}

pub(crate) fn settler(broker: Arc<dyn Broker>) -> Settler {
    let metrics = Metrics::new(&mut Registry::default(), clock());
    let undelivered = Undelivered::new(settle::Options::default(), metrics.undelivered.clone());
    Settler { broker, metrics, retry_pause_max: SHORT, undelivered, clock: clock(), tenant_is_user: false }
}

pub(crate) fn job(name: &str, reply_to: Option<&str>) -> Message {
    let envelope = Envelope {
        message_id: Some(name.to_owned()),
        correlation_id: Some(format!("correlation of {name}")),
        reply_to: reply_to.map(str::to_owned),
        enqueued_at_ms: Some(1_700_000_000_123),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        attempt: 1,
        ..Envelope::default()
    };
    let job = Job::new(name, "acme.sales".parse().unwrap(), Bundle::of("main.ts", "export default () => 1"));
    Message { body: serde_json::to_vec(&job).unwrap().into(), properties: Properties::of_job(&envelope) }
}

pub(crate) fn name(delivery: &Delivery) -> String {
    envelope(delivery).message_id.unwrap()
}

pub(crate) fn envelope(delivery: &Delivery) -> Envelope {
    delivery.message.properties.envelope()
}
