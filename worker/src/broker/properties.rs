//! The properties and headers of a message: AMQP's on one side, the plain fields that the rest of the worker knows on the other.
//!
//! The contract with process engines is written in AMQP's properties and headers, so every broker keeps them whole: a
//! job that is requeued or becomes a dead letter keeps even the headers that this worker does not know.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use scriptmill_sdk::Code;
use scriptmill_sdk::amqp::{Envelope, HEADERS_BYTES_MAX, HEADERS_DROPPED};

/// The header with the broker's count of a message's earlier deliveries. RabbitMQ 3.10 sets it in every delivery; 4.x omits it
/// when it is 0, and some versions always omit it.
const DELIVERY_COUNT: &str = "x-delivery-count";

/// Headers that are removed when a message is published again: RabbitMQ's own counts, and the headers that would send copies to
/// other queues. Some of the counts would make RabbitMQ take a second round for a cycle and drop the message.
const SHED: [&str; 10] = [
    "x-death",
    "x-first-death-exchange",
    "x-first-death-queue",
    "x-first-death-reason",
    "x-last-death-exchange",
    "x-last-death-queue",
    "x-last-death-reason",
    DELIVERY_COUNT,
    "CC",
    "BCC",
];

/// The properties and headers of a message, as its broker has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Properties(pub(super) BasicProperties);

/// The value of a header that a worker sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Several texts, one after the other.
    Texts(Vec<String>),
}

impl Properties {
    /// The properties of a job, as a dispatch client writes them.
    pub fn of_job(envelope: &Envelope) -> Self {
        Self(envelope.job_properties())
    }

    /// The properties of the outcome of the job with this envelope, at `now_ms` milliseconds since 1970.
    pub fn of_outcome(envelope: &Envelope, status: &str, code: Option<Code>, now_ms: u64) -> Self {
        Self(envelope.outcome_properties(status, code, now_ms))
    }

    /// The fields that the rest of the worker needs.
    pub fn envelope(&self) -> Envelope {
        Envelope::read(&self.0)
    }

    /// The size of all headers as they are encoded, in bytes.
    pub fn headers_bytes(&self) -> usize {
        self.0.headers().as_ref().map_or(0, table_bytes)
    }

    /// The same properties without these headers.
    pub fn without(&self, names: &[&str]) -> Self {
        let headers = self.0.headers().iter().flat_map(|headers| headers.inner());
        let mut table = FieldTable::default();
        for (name, value) in headers.filter(|(name, _)| !names.contains(&name.as_str())) {
            table.insert(name.clone(), value.clone());
        }
        Self(self.0.clone().with_headers(table))
    }

    /// Which attempt at its job a delivery is, from 1. Workers count the attempts after which they requeue a job; the broker counts
    /// those during which a worker died.
    pub fn attempt(&self, envelope: &Envelope, redelivered: bool) -> u32 {
        let headers = self.0.headers().as_ref();
        let counted = headers.and_then(|headers| match headers.inner().get(DELIVERY_COUNT)? {
            AMQPValue::LongLongInt(n) => u32::try_from(*n).ok(),
            AMQPValue::LongInt(n) => u32::try_from(*n).ok(),
            AMQPValue::LongUInt(n) => Some(*n),
            _ => None,
        });
        envelope.attempt.saturating_add(counted.unwrap_or(0).max(u32::from(redelivered)))
    }

    /// The properties with which the same message is published again, with `headers` set. The message is persistent, and loses the
    /// headers of `SHED`, its expiration and its `user_id`: the broker lets nobody publish under another user's name. When all headers
    /// together exceed their bound, those that fit are kept, and [`HEADERS_DROPPED`] counts the others. All headers go into one frame,
    /// and the broker closes the connection over a frame that is too large.
    pub fn published_again(&self, headers: impl IntoIterator<Item = (&'static str, Header)>) -> Self {
        type With = fn(BasicProperties, ShortString) -> BasicProperties;
        const PERSISTENT: u8 = 2;
        let Self(properties) = self;
        let mut table = FieldTable::default();
        let (mut bytes, mut dropped) = (0, 0);
        for (name, value) in properties.headers().iter().flat_map(|headers| headers.inner()) {
            if SHED.contains(&name.as_str()) {
                continue;
            }
            let more = entry_bytes(name, value);
            if bytes + more > HEADERS_BYTES_MAX {
                dropped += 1;
                continue;
            }
            bytes += more;
            table.insert(name.clone(), value.clone());
        }
        if dropped > 0 {
            table.insert(HEADERS_DROPPED.into(), AMQPValue::LongLongInt(dropped));
        }
        for (name, value) in headers {
            let value = match value {
                Header::Text(text) => AMQPValue::LongString(text.into()),
                Header::Number(number) => AMQPValue::LongLongInt(number),
                Header::Texts(texts) => {
                    let texts: Vec<_> = texts.into_iter().map(|text| AMQPValue::LongString(text.into())).collect();
                    AMQPValue::FieldArray(texts.into())
                }
            };
            table.insert(name.into(), value);
        }
        let mut again = BasicProperties::default().with_delivery_mode(PERSISTENT).with_headers(table);
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
                again = with(again, text.clone());
            }
        }
        Self(match properties.timestamp() {
            Some(timestamp) => again.with_timestamp(*timestamp),
            None => again,
        })
    }
}

fn table_bytes(table: &FieldTable) -> usize {
    table.inner().iter().map(|(name, value)| entry_bytes(name, value)).sum()
}

/// The encoded size of one header: the name with its length, and the value with its type.
fn entry_bytes(name: &ShortString, value: &AMQPValue) -> usize {
    1 + name.as_str().len() + 1 + value_bytes(value)
}

fn value_bytes(value: &AMQPValue) -> usize {
    const LENGTH: usize = 4;
    match value {
        AMQPValue::Void => 0,
        AMQPValue::Boolean(_) | AMQPValue::ShortShortInt(_) | AMQPValue::ShortShortUInt(_) => 1,
        AMQPValue::ShortInt(_) | AMQPValue::ShortUInt(_) => 2,
        AMQPValue::LongInt(_) | AMQPValue::LongUInt(_) | AMQPValue::Float(_) => 4,
        AMQPValue::DecimalValue(_) => 5,
        AMQPValue::LongLongInt(_) | AMQPValue::Double(_) | AMQPValue::Timestamp(_) => 8,
        AMQPValue::ShortString(text) => 1 + text.as_str().len(),
        AMQPValue::LongString(text) => LENGTH + text.as_bytes().len(),
        AMQPValue::ByteArray(bytes) => LENGTH + bytes.as_slice().len(),
        AMQPValue::FieldArray(values) => {
            LENGTH + values.as_slice().iter().map(|value| 1 + value_bytes(value)).sum::<usize>()
        }
        AMQPValue::FieldTable(table) => LENGTH + table_bytes(table),
    }
}

impl From<BasicProperties> for Properties {
    fn from(properties: BasicProperties) -> Self {
        Self(properties)
    }
}

impl AsRef<BasicProperties> for Properties {
    fn as_ref(&self) -> &BasicProperties {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use scriptmill_sdk::amqp::ATTEMPT;

    use super::*;

    #[test]
    fn what_is_published_again_sheds_what_must_not_go_round() {
        let mut headers = FieldTable::default();
        let brokers_own = ["x-death", "x-first-death-queue", "x-last-death-reason", "x-delivery-count", "CC", "BCC"];
        for name in brokers_own.into_iter().chain(["x-own", "traceparent"]) {
            headers.insert(name.into(), AMQPValue::LongString("text".into()));
        }
        let properties = BasicProperties::default()
            .with_headers(headers)
            .with_user_id("somebody".into())
            .with_expiration("1000".into())
            .with_reply_to("replies".into())
            .with_timestamp(7);
        let Properties(again) = Properties(properties).published_again([(ATTEMPT, Header::Number(2))]);
        let names = again.headers().as_ref().unwrap().inner().keys().map(|name| name.as_str()).collect::<Vec<_>>();
        assert_eq!(names, ["traceparent", "x-own", ATTEMPT]);
        assert_eq!((again.user_id(), again.expiration()), (&None, &None));
        assert_eq!((again.reply_to(), again.timestamp()), (&Some("replies".into()), &Some(7)));
        assert_eq!(again.delivery_mode(), &Some(2));
    }

    #[test]
    fn headers_that_are_too_large_together_are_left_out_and_counted() {
        let mut headers = FieldTable::default();
        for n in 0..10 {
            headers.insert(format!("x-{n}").into(), AMQPValue::LongString(vec![b'a'; HEADERS_BYTES_MAX / 8].into()));
        }
        let properties = Properties(BasicProperties::default().with_headers(headers));
        assert!(properties.headers_bytes() > HEADERS_BYTES_MAX);
        let again = properties.published_again([(ATTEMPT, Header::Number(2))]);
        assert!(again.headers_bytes() <= HEADERS_BYTES_MAX + 100);
        let headers = again.0.headers().clone().unwrap();
        assert_eq!(headers.inner().get(HEADERS_DROPPED), Some(&AMQPValue::LongLongInt(3)));
        assert_eq!(headers.inner().get(ATTEMPT), Some(&AMQPValue::LongLongInt(2)));
    }

    #[test]
    fn attempts_are_counted_by_workers_and_brokers() {
        let cases = [
            ("first, RabbitMQ 3.10", 1, Some(0), false, 1),
            ("first, RabbitMQ 4", 1, None, false, 1),
            ("a worker died", 1, Some(1), true, 2),
            ("a worker died, uncounted", 1, None, true, 2),
            ("requeued, then two workers died", 2, Some(2), true, 4),
        ];
        for (name, attempt, counted, redelivered, expected) in cases {
            let mut headers = FieldTable::default();
            if let Some(counted) = counted {
                headers.insert(DELIVERY_COUNT.into(), AMQPValue::LongLongInt(counted));
            }
            let properties = Properties(BasicProperties::default().with_headers(headers));
            let envelope = Envelope { attempt, ..Envelope::default() };
            assert_eq!(properties.attempt(&envelope, redelivered), expected, "{name}");
        }
    }
}
