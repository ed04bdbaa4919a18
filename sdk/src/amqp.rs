//! The AMQP conventions around jobs and outcomes, as `docs/contract.md` writes them down: one place for the client
//! that dispatches and the worker that answers.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use serde::{Deserialize, Serialize};

use crate::Code;

/// The content type of jobs and outcomes: JSON, in UTF-8.
pub const CONTENT_TYPE: &str = "application/json";
// The headers. Each has one meaning, wherever it stands, and one side that sets it.

/// Set by the engine: when the job was first published, in milliseconds since 1970 (an integer). The `timestamp` property
/// has seconds only, and quorum queues do not tell the age of their head.
pub const ENQUEUED_AT: &str = "x-scriptmill-enqueued-at";
/// Set by the engine, and carried to the outcome: the W3C trace context.
pub const TRACEPARENT: &str = "traceparent";
/// Set by workers alone: which attempt at the job this is, from 1; absent on the first. RabbitMQ's own counters differ
/// between versions.
pub const ATTEMPT: &str = "x-scriptmill-attempt";
/// Set by whoever replays a dead letter: how often the job was replayed; absent where it never was. The ledger lets a
/// replayed job run again.
pub const GENERATION: &str = "x-scriptmill-generation";
/// Set by workers alone: how many processes died while they ran the job in quarantine; absent where none did.
pub const CRASHES: &str = "x-scriptmill-crashes";
/// Set by workers alone: how many runs of the job ended so that its retry policy asks for another run; absent before the first.
pub const RETRIES: &str = "x-scriptmill-retries";
/// Set by workers alone: how often a worker left the job to others, since the job is above its bounds; absent where none did.
pub const PASSES: &str = "x-scriptmill-passes";
/// Set by workers alone: until when the job waits, in milliseconds since 1970.
pub const NOT_BEFORE: &str = "x-scriptmill-not-before";
/// Set by workers alone, on what they publish again: what happened to the message so far, the latest last, each as a text.
pub const HISTORY: &str = "x-scriptmill-history";
/// Set by workers on an outcome: its status, so that a consumer can tell without reading the body.
pub const STATUS: &str = "x-scriptmill-status";
/// Set by workers on an outcome that did not succeed, and on a dead letter: why, as a code such as `SM3001`.
pub const CODE: &str = "x-scriptmill-code";
/// Set by workers on a dead letter that is an outcome: the queue that should have taken it and did not.
pub const UNROUTABLE: &str = "x-scriptmill-unroutable";
/// Set by workers on a dead letter that is an outcome: why it could not be delivered. `gone`: there is no such queue; `full`: the
/// queue refused it; `unconfirmed`: the broker did not say what became of it, though it was well; `closes-connection`: the broker
/// closed the connection on which it was published.
pub const UNDELIVERED: &str = "x-scriptmill-undelivered";
/// Set by workers on a message that is published again: how many of its headers were left out, because all of them
/// together were above the bound.
pub const HEADERS_DROPPED: &str = "x-scriptmill-headers-dropped";
/// Set by workers on a job that they put into another queue than that of jobs: the AMQP user who published it. It
/// replaces the `user_id`, in which a worker cannot name another user than its own.
pub const PUBLISHER: &str = "x-scriptmill-publisher";

/// How large a message may be unless configured otherwise, in bytes.
pub const MESSAGE_BYTES_DEFAULT: u64 = 8 << 20;
/// How large a message may be configured to be, in bytes: RabbitMQ 4 closes the channel over 16 MiB.
pub const MESSAGE_BYTES_MAX: u64 = 15 << 20;
/// How large the headers of a job may be together, in bytes as they are written. RabbitMQ itself has 128 KiB for the properties and
/// headers of a message, and adds some of its own to what it delivers.
pub const HEADERS_BYTES_MAX: usize = 64 << 10;
/// How long an id, a correlation id or a queue's name may be, in bytes: AMQP's short strings.
pub const SHORT_STRING_BYTES_MAX: usize = 255;
/// At most this many entries of a history are kept.
const HISTORY_MAX: usize = 20;
/// At most this many characters of an entry's text are kept.
const HISTORY_CHARS_MAX: usize = 200;
/// The longest trace context, in bytes, that is carried on. One of version 00 has 55 bytes.
const TRACEPARENT_BYTES_MAX: usize = 256;

/// The properties and headers around a job's body.
///
/// ```
/// use scriptmill_sdk::amqp::Envelope;
///
/// let sent = Envelope {
///     message_id: Some("order-4711".to_owned()),
///     reply_to: Some("shop.replies".to_owned()),
///     attempt: 1,
///     ..Envelope::default()
/// };
/// assert_eq!(Envelope::read(&sent.job_properties()), sent);
///
/// // An outcome is correlated by the job's message id where the job has no correlation id.
/// let outcome = Envelope::read(&sent.outcome_properties("succeeded", None, 0));
/// assert_eq!(outcome.correlation_id.as_deref(), Some("order-4711"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// `message_id`: the job's id.
    pub message_id: Option<String>,
    /// `correlation_id`: carried to the outcome. Where it is absent the message id is.
    pub correlation_id: Option<String>,
    /// `reply_to`: the queue that the outcome goes to, over the default exchange.
    pub reply_to: Option<String>,
    /// `user_id`: the AMQP user who published it, which RabbitMQ has checked.
    pub user_id: Option<String>,
    /// When the job was first published, in milliseconds since 1970: [`ENQUEUED_AT`], else `timestamp`.
    pub enqueued_at_ms: Option<u64>,
    /// [`TRACEPARENT`].
    pub traceparent: Option<String>,
    /// [`ATTEMPT`], from 1.
    pub attempt: u32,
    /// [`GENERATION`], from 0.
    pub generation: u32,
    /// [`CRASHES`].
    pub crashes: u32,
    /// [`RETRIES`].
    pub retries: u32,
    /// [`PASSES`].
    pub passes: u32,
    /// [`NOT_BEFORE`].
    pub not_before_ms: Option<u64>,
    /// [`PUBLISHER`].
    pub publisher: Option<String>,
    /// [`HISTORY`].
    pub history: Vec<String>,
    /// `content_encoding`; see [`Envelope::encoding`].
    pub content_encoding: Option<String>,
}

/// The body has a content encoding that is not supported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the content encoding {0:?} is not read; send plain UTF-8")]
pub struct UnknownEncoding(pub String);

impl Envelope {
    /// Reads properties and headers. One that is absent or of an unexpected type reads as absent: the body alone
    /// decides whether a job is valid.
    pub fn read(properties: &BasicProperties) -> Self {
        let text =
            |property: &Option<ShortString>| property.as_ref().map(ToString::to_string).filter(|text| !text.is_empty());
        let header = |name: &str| properties.headers().as_ref().and_then(|headers| headers.inner().get(name));
        let count = |name: &str| header(name).and_then(integer).map_or(0, |n| u32::try_from(n).unwrap_or(u32::MAX));
        let seconds = properties.timestamp().as_ref().map(|seconds| seconds.saturating_mul(1000));
        Self {
            message_id: text(properties.message_id()),
            correlation_id: text(properties.correlation_id()),
            reply_to: text(properties.reply_to()),
            user_id: text(properties.user_id()),
            enqueued_at_ms: header(ENQUEUED_AT).and_then(integer).or(seconds),
            traceparent: header(TRACEPARENT).and_then(string).filter(|text| text.len() <= TRACEPARENT_BYTES_MAX),
            attempt: count(ATTEMPT).max(1),
            generation: count(GENERATION),
            crashes: count(CRASHES),
            retries: count(RETRIES),
            passes: count(PASSES),
            not_before_ms: header(NOT_BEFORE).and_then(integer),
            publisher: header(PUBLISHER).and_then(string),
            history: header(HISTORY).map_or_else(Vec::new, strings),
            content_encoding: text(properties.content_encoding()),
        }
    }

    /// Whether the content encoding is a supported one: none, `identity` or `utf-8`.
    ///
    /// # Errors
    /// It is another, such as `gzip`.
    pub fn encoding(&self) -> Result<(), UnknownEncoding> {
        match self.content_encoding.as_deref() {
            None => Ok(()),
            Some(name) if ["identity", "utf-8", "utf8"].iter().any(|known| name.eq_ignore_ascii_case(known)) => Ok(()),
            Some(name) => Err(UnknownEncoding(name.to_owned())),
        }
    }

    /// Adds an entry to [`Envelope::history`]: what happened at `at_ms`, in milliseconds since 1970. If there are too
    /// many entries, the first and the latest ones are kept.
    ///
    /// ```
    /// use scriptmill_sdk::amqp::Envelope;
    ///
    /// let mut envelope = Envelope::default();
    /// envelope.remember(1_764_360_000_000, "retried after SM2001");
    /// assert_eq!(envelope.history, ["2025-11-28T20:00:00Z retried after SM2001"]);
    /// ```
    pub fn remember(&mut self, at_ms: u64, what: &str) {
        let at = i64::try_from(at_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        let at = at.map_or_else(|| at_ms.to_string(), |at| at.to_string());
        if self.history.len() >= HISTORY_MAX {
            self.history.remove(1);
        }
        let what: String = what.chars().take(HISTORY_CHARS_MAX).collect();
        self.history.push(format!("{at} {what}"));
    }

    /// The properties of a persistent message that carries the job with this envelope, for dispatching it and for
    /// requeueing it. Texts longer than AMQP's short strings are left out, and so is `user_id`, which the broker would
    /// compare with the connection's own user.
    pub fn job_properties(&self) -> BasicProperties {
        let mut headers = self.trace_headers();
        if let Some(ms) = self.enqueued_at_ms {
            headers.insert(ENQUEUED_AT.into(), AMQPValue::LongLongInt(i64::try_from(ms).unwrap_or(i64::MAX)));
        }
        if self.attempt > 1 {
            headers.insert(ATTEMPT.into(), AMQPValue::LongLongInt(i64::from(self.attempt)));
        }
        if self.generation > 0 {
            headers.insert(GENERATION.into(), AMQPValue::LongLongInt(i64::from(self.generation)));
        }
        let mut properties = persistent(headers);
        if let Some(id) = short(self.message_id.as_deref()) {
            properties = properties.with_message_id(id);
        }
        if let Some(id) = short(self.correlation_id.as_deref()) {
            properties = properties.with_correlation_id(id);
        }
        if let Some(queue) = short(self.reply_to.as_deref()) {
            properties = properties.with_reply_to(queue);
        }
        if let Some(encoding) = short(self.content_encoding.as_deref()) {
            properties = properties.with_content_encoding(encoding);
        }
        match self.enqueued_at_ms {
            Some(ms) => properties.with_timestamp(ms / 1000),
            None => properties,
        }
    }

    /// The properties of the persistent message that carries this job's outcome. `code` is the outcome's own.
    pub fn outcome_properties(&self, status: &str, code: Option<Code>, now_ms: u64) -> BasicProperties {
        let mut headers = self.trace_headers();
        headers.insert(STATUS.into(), AMQPValue::LongString(status.into()));
        if let Some(code) = code {
            headers.insert(CODE.into(), AMQPValue::LongString(code.to_string().into()));
        }
        if self.attempt > 1 {
            headers.insert(ATTEMPT.into(), AMQPValue::LongLongInt(i64::from(self.attempt)));
        }
        let mut properties = persistent(headers).with_timestamp(now_ms / 1000);
        if let Some(id) = short(self.message_id.as_deref()) {
            properties = properties.with_message_id(id);
        }
        match short(self.correlation_id.as_deref().or(self.message_id.as_deref())) {
            Some(id) => properties.with_correlation_id(id),
            None => properties,
        }
    }

    fn trace_headers(&self) -> FieldTable {
        let mut headers = FieldTable::default();
        if let Some(trace) = &self.traceparent {
            headers.insert(TRACEPARENT.into(), AMQPValue::LongString(trace.as_str().into()));
        }
        headers
    }
}

fn persistent(headers: FieldTable) -> BasicProperties {
    const PERSISTENT: u8 = 2;
    BasicProperties::default()
        .with_content_type(CONTENT_TYPE.into())
        .with_delivery_mode(PERSISTENT)
        .with_headers(headers)
}

fn short(text: Option<&str>) -> Option<ShortString> {
    text.and_then(|text| ShortString::try_new(text).ok())
}

/// A header's number. Client libraries choose its width, and some can only send texts.
fn integer(value: &AMQPValue) -> Option<u64> {
    match value {
        AMQPValue::ShortShortInt(n) => u64::try_from(*n).ok(),
        AMQPValue::ShortShortUInt(n) => Some(u64::from(*n)),
        AMQPValue::ShortInt(n) => u64::try_from(*n).ok(),
        AMQPValue::ShortUInt(n) => Some(u64::from(*n)),
        AMQPValue::LongInt(n) => u64::try_from(*n).ok(),
        AMQPValue::LongUInt(n) => Some(u64::from(*n)),
        AMQPValue::LongLongInt(n) => u64::try_from(*n).ok(),
        _ => string(value)?.parse().ok(),
    }
}

fn string(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok().map(str::to_owned),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}

fn strings(value: &AMQPValue) -> Vec<String> {
    match value {
        AMQPValue::FieldArray(values) => values.as_slice().iter().filter_map(string).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            message_id: Some("job-1".to_owned()),
            correlation_id: Some("c-1".to_owned()),
            reply_to: Some("replies".to_owned()),
            user_id: None,
            enqueued_at_ms: Some(1_700_000_000_123),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
            attempt: 3,
            generation: 2,
            content_encoding: Some("utf-8".to_owned()),
            ..Envelope::default()
        }
    }

    #[test]
    fn a_job_given_back_keeps_its_envelope() {
        assert_eq!(Envelope::read(&envelope().job_properties()), envelope());
    }

    #[test]
    fn an_outcome_answers_its_job() {
        let properties = envelope().outcome_properties("failed", Some(Code::Thrown), 1_700_000_001_999);
        let read = Envelope::read(&properties);
        assert_eq!((read.correlation_id, read.reply_to, read.attempt), (Some("c-1".to_owned()), None, 3));
        assert_eq!(read.traceparent, envelope().traceparent);
        assert_eq!(properties.timestamp(), &Some(1_700_000_001));
        let headers = properties.headers().clone().unwrap_or_default();
        assert_eq!(headers.inner().get(CODE), Some(&AMQPValue::LongString("SM2001".into())));
        let uncorrelated = Envelope { correlation_id: None, ..envelope() };
        let read = Envelope::read(&uncorrelated.outcome_properties("succeeded", None, 0));
        assert_eq!(read.correlation_id.as_deref(), Some("job-1"));
    }

    #[test]
    fn headers_are_read_as_client_libraries_write_them() {
        let numbers = [
            (AMQPValue::LongLongInt(7), Some(7)),
            (AMQPValue::ShortShortInt(7), Some(7)),
            (AMQPValue::LongUInt(7), Some(7)),
            (AMQPValue::LongString("7".into()), Some(7)),
            (AMQPValue::LongInt(-7), None),
            (AMQPValue::Double(7.0), None),
            (AMQPValue::LongString("seven".into()), None),
            (AMQPValue::Void, None),
        ];
        for (value, expected) in numbers {
            let mut headers = FieldTable::default();
            headers.insert(ENQUEUED_AT.into(), value.clone());
            headers.insert(ATTEMPT.into(), value.clone());
            headers.insert(GENERATION.into(), value.clone());
            let read = Envelope::read(&BasicProperties::default().with_headers(headers));
            assert_eq!(read.enqueued_at_ms, expected, "{value:?}");
            assert_eq!(read.attempt, expected.map_or(1, |n| n as u32), "{value:?}");
            assert_eq!(read.generation, expected.map_or(0, |n| n as u32), "{value:?}");
        }
        let seconds = Envelope::read(&BasicProperties::default().with_timestamp(5));
        assert_eq!((seconds.enqueued_at_ms, seconds.attempt), (Some(5000), 1));
    }

    #[test]
    fn encodings() {
        let encoding = |name: &str| Envelope { content_encoding: Some(name.to_owned()), ..envelope() }.encoding();
        assert_eq!(Envelope::default().encoding(), Ok(()));
        assert_eq!(encoding("UTF-8"), Ok(()));
        assert_eq!(encoding("gzip"), Err(UnknownEncoding("gzip".to_owned())));
    }

    #[test]
    fn a_text_too_long_for_amqp_is_left_out() {
        let long = Envelope { correlation_id: Some("x".repeat(256)), ..envelope() };
        assert_eq!(Envelope::read(&long.job_properties()).correlation_id, None);
    }
}
