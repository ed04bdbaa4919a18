//! The last room: what became of a job reaches whoever waits for it, and only then is the job acknowledged.
//!
//! Each way out of here consumes the delivery. A failed publication is tried again with growing pauses until it
//! succeeds or the delivery is void; meanwhile the job keeps its place in the prefetch, so that a broker in trouble
//! slows the worker down and loses nothing.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use scriptmill_sdk::amqp::{ATTEMPT, CODE, Envelope, PUBLISHER, UNROUTABLE};
use scriptmill_sdk::connect::pauses;
use scriptmill_sdk::{Code, Ending, Exhausted, LimitKind, Outcome};

use crate::broker::{Broker, Delivery, Message, Routing, Target};
use crate::metrics::{Metrics, Settled};

/// Headers that must not go round with a message: RabbitMQ's own counts, of which some make it take a second round for
/// a cycle and drop the message, and those that would send copies elsewhere.
const STRIPPED: [&str; 10] = [
    "x-death",
    "x-first-death-exchange",
    "x-first-death-queue",
    "x-first-death-reason",
    "x-last-death-exchange",
    "x-last-death-queue",
    "x-last-death-reason",
    "x-delivery-count",
    "CC",
    "BCC",
];

/// Where deliveries are settled. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    broker: Arc<dyn Broker>,
    metrics: Metrics,
    retry_pause_max: Duration,
}

/// An outcome as it goes out.
pub struct Answer {
    body: Bytes,
    tenant: String,
    settled: Settled,
}

impl Answer {
    /// Writes an outcome down. One longer than `bytes_max` becomes `exhausted: output`.
    pub fn new(mut outcome: Outcome, bytes_max: u64) -> Self {
        let mut body = text(&outcome);
        if body.len() as u64 > bytes_max {
            let message = format!("the outcome has {} bytes; this worker publishes {bytes_max} at most", body.len());
            let limit = LimitKind::OutputBytes;
            let exhausted = Exhausted { code: Code::Output, message, limit, allowed: bytes_max, stack: Vec::new() };
            outcome.ending = Ending::Exhausted(exhausted);
            body = text(&outcome);
            if body.len() as u64 > bytes_max {
                outcome.logs.clear();
                outcome.diagnostics.clear();
                body = text(&outcome);
            }
        }
        Self { body: body.into(), settled: Settled::from(&outcome), tenant: outcome.tenant }
    }

    /// What is counted of it.
    pub fn code(&self) -> Option<Code> {
        self.settled.code
    }

    /// `succeeded`, `failed` …
    pub fn status(&self) -> &'static str {
        self.settled.status
    }
}

fn text(outcome: &Outcome) -> Vec<u8> {
    // Writing to memory fails for no value of this type; an empty body would still be answered and logged.
    serde_json::to_vec(outcome).unwrap_or_else(|error| {
        tracing::error!(%error, job = outcome.job_id, "an outcome cannot be written");
        Vec::new()
    })
}

/// A delivery died before it was settled. The broker will deliver it again.
#[derive(Debug)]
pub struct Lost;

impl Desk {
    /// A desk at this broker.
    pub fn new(broker: Arc<dyn Broker>, metrics: Metrics, retry_pause_max: Duration) -> Self {
        Self { broker, metrics, retry_pause_max }
    }

    /// Publishes the outcome, waits for the confirm, acknowledges the job.
    pub async fn settle(&self, delivery: Delivery, envelope: &Envelope, answer: Answer) {
        let settled = match self.answer(&delivery, envelope, &answer).await {
            Ok(()) => self.acknowledge(delivery).await,
            Err(lost) => Err(lost),
        };
        match settled {
            Ok(()) => self.metrics.settled(&answer.settled),
            Err(Lost) => self.lost(),
        }
    }

    /// Publishes the outcome that says why the message is no job, puts the message with the dead letters, and
    /// acknowledges it.
    pub async fn dead_letter(&self, delivery: Delivery, envelope: &Envelope, answer: Answer) {
        let code = answer.code().map(|code| (CODE, code.to_string()));
        let publisher = envelope.user_id.clone().map(|user| (PUBLISHER, user));
        let headers = code.into_iter().chain(publisher).map(|(name, text)| (name, AMQPValue::LongString(text.into())));
        let letter =
            Message { body: delivery.message.body.clone(), properties: carried(&delivery.message.properties, headers) };
        let settled = async {
            self.answer(&delivery, envelope, &answer).await?;
            if self.publish(&delivery, &Target::Dead, &letter).await? == Routing::Unroutable {
                tracing::error!("the dead letters have no queue; the message is left to the broker");
                return Err(Lost);
            }
            Ok(())
        };
        let settled = match settled.await {
            Ok(()) => self.acknowledge(delivery).await,
            Err(lost) => Err(lost),
        };
        match settled {
            Ok(()) => {
                self.metrics.settled(&answer.settled);
                self.metrics.dead_letter(answer.code());
            }
            Err(Lost) => self.lost(),
        }
    }

    /// Puts the job at the end of the queue, as attempt number `attempt`, and acknowledges this delivery of it.
    /// A broker that counts deliveries so counts none for it.
    pub async fn give_back(&self, delivery: Delivery, envelope: &Envelope, attempt: u32) {
        let given = if envelope.user_id.is_some() {
            // Nobody can publish under another user's name, which whoever runs the job may want to see.
            delivery.requeue().await.map_err(|error| {
                tracing::warn!(%error, "a job could not be given back");
                Lost
            })
        } else {
            let header = (attempt > 1).then(|| (ATTEMPT, AMQPValue::LongLongInt(i64::from(attempt))));
            let job = Message {
                body: delivery.message.body.clone(),
                properties: carried(&delivery.message.properties, header),
            };
            match self.publish(&delivery, &Target::Jobs, &job).await {
                Ok(Routing::Queued) => self.acknowledge(delivery).await,
                Ok(Routing::Unroutable) | Err(Lost) => Err(Lost),
            }
        };
        match given {
            Ok(()) => {
                self.metrics.given_back.inc();
            }
            Err(Lost) => self.lost(),
        }
    }

    async fn answer(&self, delivery: &Delivery, envelope: &Envelope, answer: &Answer) -> Result<(), Lost> {
        let properties = envelope.outcome_properties(answer.status(), answer.code(), now_ms());
        let message = Message { body: answer.body.clone(), properties };
        let target = match &envelope.reply_to {
            Some(queue) => Target::Requester(queue.clone()),
            None => Target::Results { tenant: answer.tenant.clone() },
        };
        match self.publish(delivery, &target, &message).await? {
            Routing::Queued => Ok(()),
            Routing::Unroutable => {
                self.keep_unroutable(&target, message).await;
                Ok(())
            }
        }
    }

    /// An outcome whose requester is gone goes to the dead letters. It must not hold up the queue: where that fails
    /// too, it is counted and logged, and gone.
    async fn keep_unroutable(&self, target: &Target, message: Message) {
        self.metrics.unroutable.inc();
        let queue = match target {
            Target::Requester(queue) => queue.as_str(),
            _ => "",
        };
        tracing::warn!(queue, "the queue that wants this outcome is gone; the outcome goes to the dead letters");
        let header = [(UNROUTABLE, AMQPValue::LongString(queue.into()))];
        let letter = Message { properties: carried(&message.properties, header), body: message.body };
        match self.broker.publish(&Target::Dead, &letter).await {
            Ok(Routing::Queued) => {}
            Ok(Routing::Unroutable) => {
                self.metrics.discarded.inc();
                tracing::error!(queue, "an outcome is lost: its requester is gone, and the dead letters have no queue");
            }
            Err(error) => {
                self.metrics.discarded.inc();
                tracing::error!(queue, %error, "an outcome is lost: its requester is gone, and it could not be kept");
            }
        }
    }

    /// Publishes until the broker has it or the delivery is void.
    async fn publish(&self, delivery: &Delivery, target: &Target, message: &Message) -> Result<Routing, Lost> {
        let mut waits = pauses(self.retry_pause_max);
        loop {
            let published = tokio::select! {
                biased;
                () = delivery.lost() => return Err(Lost),
                published = self.broker.publish(target, message) => published,
            };
            let error = match published {
                Ok(routing) => return Ok(routing),
                Err(error) => error,
            };
            let pause = waits.next().unwrap_or(self.retry_pause_max);
            tracing::warn!(%error, ?pause, ?target, "could not publish; trying again after a pause");
            self.metrics.publish_retries.inc();
            tokio::select! {
                () = delivery.lost() => return Err(Lost),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn acknowledge(&self, delivery: Delivery) -> Result<(), Lost> {
        delivery.acknowledge().await.map_err(|error| {
            tracing::warn!(%error, "an answered job could not be acknowledged; it will run again");
            Lost
        })
    }

    /// Counts a delivery that died before it was settled.
    pub fn lost(&self) {
        self.metrics.lost.inc();
        tracing::info!("the delivery died with its connection; the broker will deliver the job again");
    }
}

/// The properties of a message that is published once more: persistent, without what must not go round.
fn carried(
    properties: &BasicProperties,
    headers: impl IntoIterator<Item = (&'static str, AMQPValue)>,
) -> BasicProperties {
    type With = fn(BasicProperties, ShortString) -> BasicProperties;
    const PERSISTENT: u8 = 2;
    let mut table = FieldTable::default();
    for (name, value) in properties.headers().iter().flat_map(|headers| headers.inner()) {
        if !STRIPPED.contains(&name.as_str()) {
            table.insert(name.clone(), value.clone());
        }
    }
    for (name, value) in headers {
        table.insert(name.into(), value);
    }
    let mut carried = BasicProperties::default().with_delivery_mode(PERSISTENT).with_headers(table);
    let texts: [(&Option<ShortString>, With); 7] = [
        (properties.content_type(), BasicProperties::with_content_type),
        (properties.content_encoding(), BasicProperties::with_content_encoding),
        (properties.correlation_id(), BasicProperties::with_correlation_id),
        (properties.reply_to(), BasicProperties::with_reply_to),
        (properties.message_id(), BasicProperties::with_message_id),
        (properties.kind(), BasicProperties::with_type),
        (properties.app_id(), BasicProperties::with_app_id),
    ];
    for (text, with) in texts {
        if let Some(text) = text {
            carried = with(carried, text.clone());
        }
    }
    match properties.timestamp() {
        Some(timestamp) => carried.with_timestamp(*timestamp),
        None => carried,
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use scriptmill_sdk::{LogLevel, LogLine, Usage};
    use serde_json::value::RawValue;

    use super::*;

    fn outcome(value: &str, log: &str) -> Outcome {
        Outcome {
            job_id: "a".to_owned(),
            tenant: "acme".to_owned(),
            ending: Ending::Succeeded(RawValue::from_string(value.to_owned()).unwrap()),
            diagnostics: Vec::new(),
            logs: vec![LogLine { level: LogLevel::Info, text: log.to_owned() }],
            usage: Usage::default(),
            engine: String::new(),
        }
    }

    #[test]
    fn an_outcome_keeps_to_its_bound() {
        let long = "x".repeat(2_000);
        let quoted = format!("\"{long}\"");
        let cases = [
            ("fits", outcome("1e400", "short"), "succeeded", true),
            ("value too long", outcome(&quoted, "short"), "exhausted", true),
            ("value and logs too long", outcome(&quoted, &long), "exhausted", false),
        ];
        for (name, outcome, status, has_logs) in cases {
            let answer = Answer::new(outcome, 1_000);
            assert!(answer.body.len() <= 1_000, "{name}");
            assert_eq!(answer.status(), status, "{name}");
            let read: Outcome = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(read.logs.len() == 1, has_logs, "{name}");
            if let Ending::Exhausted(exhausted) = read.ending {
                assert_eq!(
                    (exhausted.code, exhausted.limit, exhausted.allowed),
                    (Code::Output, LimitKind::OutputBytes, 1_000)
                );
            }
        }
    }

    #[test]
    fn what_is_published_again_sheds_what_must_not_go_round() {
        let mut headers = FieldTable::default();
        for name in STRIPPED.iter().chain(&["x-own", "traceparent"]) {
            headers.insert((*name).into(), AMQPValue::LongString("text".into()));
        }
        let properties = BasicProperties::default()
            .with_headers(headers)
            .with_user_id("somebody".into())
            .with_expiration("1000".into())
            .with_reply_to("replies".into())
            .with_timestamp(7);
        let carried = carried(&properties, [(ATTEMPT, AMQPValue::LongLongInt(2))]);
        let names = carried.headers().as_ref().unwrap().inner().keys().map(|name| name.as_str()).collect::<Vec<_>>();
        assert_eq!(names, ["traceparent", "x-own", ATTEMPT]);
        assert_eq!((carried.user_id(), carried.expiration()), (&None, &None));
        assert_eq!((carried.reply_to(), carried.timestamp()), (&Some("replies".into()), &Some(7)));
        assert_eq!(carried.delivery_mode(), &Some(2));
    }
}
