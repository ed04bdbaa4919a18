//! The queues and exchanges. Every process that has the permission declares them, all in the same way: workers, dispatch clients
//! and `scriptmill declare`. The first one makes them, so that jobs can be published before the first worker has ever run.
//!
//! | name | what | why |
//! |---|---|---|
//! | `P.jobs` | topic exchange | jobs, routing key = tenant |
//! | `P.jobs` | quorum queue, bound to it with `#` | what the broker gives up on goes to `P.dead`, and a full queue refuses |
//! | `P.quarantine` | quorum queue | jobs with which a worker or a connection died; what the broker gives up on goes to `P.dead` |
//! | `P.delay.N` | quorum queues | jobs that wait for their time: each stays N seconds and goes to `P.jobs`. Made when first used |
//! | `P.dead` | fanout exchange, quorum queue | dead letters; when full, the oldest give way |
//! | `P.results` | topic exchange | outcomes without `reply_to`, routing key = tenant: bind what you like |
//! | `P.unclaimed` | fanout exchange | the alternate of `P.results`: outcomes that no binding takes |
//! | `P.results` | quorum queue on `P.unclaimed` | so that an outcome is kept when nobody has bound a queue |
//! | `P.heartbeats` | fanout exchange | what workers say of themselves every two seconds; each listens on a queue of its own |
//! | `P.cancels` | fanout exchange, stream | cancels of jobs, kept for 24 h; each worker reads all of them |
//!
//! The arguments of what exists can never be changed: another set of arguments is refused by the broker. Policies can
//! tighten the bounds, since the smaller of the two is in force.

use std::fmt;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ExchangeKind};

use crate::Names;
use crate::connect::{ACCESS_REFUSED, Error, answer};

/// The most bytes that the message bodies of a queue have together.
const JOBS_BYTES_MAX: i64 = 16 << 30;
const RESULTS_BYTES_MAX: i64 = 16 << 30;
const DEAD_BYTES_MAX: i64 = 1 << 30;
/// How often the broker itself takes a job back, when workers die with it or lose their connection, before it becomes
/// a dead letter. RabbitMQ 4 would stop at 20, which a few restarts of a whole fleet use up.
const DELIVERIES_MAX: i64 = 1_000;
/// The same bound for dead letters, which come back each time that somebody looks at them: too high to be reached.
const LOOKS_MAX: i64 = 1 << 30;

/// How long a job stays in each of the queues for delayed jobs, in seconds: powers of two up to 48 days. All messages
/// of one queue stay equally long, since RabbitMQ looks for expired messages only at the head of a queue. A job goes
/// through several queues until its time has come.
pub const DELAYS_SECONDS: [u64; 23] = {
    let mut delays = [1; 23];
    let mut n = 1;
    while n < delays.len() {
        delays[n] = 2 * delays[n - 1];
        n += 1;
    }
    delays
};

/// How long a cancel is kept and has effect.
pub const CANCELS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// The most bytes of all cancels together: several times what a worker remembers.
const CANCELS_BYTES_MAX: i64 = 128 << 20;

/// Too high to be reached: a queue of outcomes has no dead letters, and keeps an outcome however often it was not acknowledged.
const OUTCOME_DELIVERIES_MAX: i64 = 1 << 30;

/// One queue or exchange. All of them are durable.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration<'a> {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What it is bound to, if it is a queue.
    pub binding: Option<Binding<'a>>,
    arguments: Vec<(&'static str, AMQPValue)>,
}

/// What is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An exchange that gives each message to every queue bound to it.
    FanoutExchange,
    /// An exchange that gives each message to the queues whose binding matches the routing key.
    TopicExchange,
    /// A replicated queue.
    QuorumQueue,
    /// A replicated log, which everybody can read from its beginning.
    Stream,
}

impl Kind {
    /// Whether it is an exchange, and not a queue. An exchange and a queue may have the same name.
    pub fn is_exchange(self) -> bool {
        matches!(self, Self::FanoutExchange | Self::TopicExchange)
    }
}

/// A queue's place behind an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding<'a> {
    /// The exchange.
    pub exchange: &'a str,
    /// The routing keys that the queue takes: a pattern on a topic exchange; empty on a fanout exchange, which looks at no key.
    pub pattern: &'static str,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::FanoutExchange => "fanout exchange",
            Self::TopicExchange => "topic exchange",
            Self::QuorumQueue => "quorum queue",
            Self::Stream => "stream",
        })
    }
}

/// All queues and exchanges that clients and workers need from the beginning, in an order in which they can be declared.
pub fn declarations<'a>(names: &'a Names) -> Vec<Declaration<'a>> {
    use Kind::{FanoutExchange, QuorumQueue, TopicExchange};

    let Names { jobs, quarantine, dead, results, unclaimed, heartbeats, cancels, .. } = names;
    let exchange = |name: &String, kind, arguments| Declaration { name: name.clone(), kind, binding: None, arguments };
    let queue = |name: &String, binding: Option<(&'a String, &'static str)>, arguments| Declaration {
        name: name.clone(),
        kind: QuorumQueue,
        binding: binding.map(|(exchange, pattern)| Binding { exchange, pattern }),
        arguments,
    };
    let dead_arguments = vec![
        ("x-max-length-bytes", number(DEAD_BYTES_MAX)),
        ("x-overflow", text("drop-head")),
        ("x-delivery-limit", number(LOOKS_MAX)),
    ];
    let results_arguments =
        vec![("x-max-length-bytes", number(RESULTS_BYTES_MAX)), ("x-overflow", text("reject-publish"))];
    let limited = |arguments: Vec<_>| [arguments, vec![("x-delivery-limit", number(DELIVERIES_MAX))]].concat();
    vec![
        exchange(dead, FanoutExchange, Vec::new()),
        exchange(unclaimed, FanoutExchange, Vec::new()),
        exchange(results, TopicExchange, vec![("alternate-exchange", text(unclaimed))]),
        exchange(jobs, TopicExchange, Vec::new()),
        exchange(heartbeats, FanoutExchange, Vec::new()),
        exchange(cancels, FanoutExchange, Vec::new()),
        queue(dead, Some((dead, "")), dead_arguments),
        queue(results, Some((unclaimed, "")), results_arguments),
        queue(quarantine, None, limited(handing_on(dead, None))),
        queue(jobs, Some((jobs, "#")), limited(handing_on(dead, None))),
        Declaration { kind: Kind::Stream, ..queue(cancels, Some((cancels, "")), cancels_arguments()) },
    ]
}

/// The queue, by its seconds, for a job that has `left_ms` milliseconds left to wait: the longest of [`DELAYS_SECONDS`] that
/// is less than a second too long, and at least the shortest. If the job has time left afterwards, it takes another queue.
///
/// ```
/// use scriptmill_sdk::topology::delay_towards;
///
/// assert_eq!([1, 1_000, 1_001, 7_999, 8_000, u64::MAX].map(delay_towards), [1, 1, 2, 8, 8, 1 << 22]);
/// ```
pub fn delay_towards(left_ms: u64) -> u64 {
    let seconds = left_ms.div_ceil(1_000);
    DELAYS_SECONDS.into_iter().rfind(|delay| *delay <= seconds).unwrap_or(DELAYS_SECONDS[0])
}

/// The queue in which a job waits for `seconds` seconds, which is one of [`DELAYS_SECONDS`].
pub fn delay(names: &Names, seconds: u64) -> Declaration<'_> {
    let for_ms = i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX);
    let arguments = [handing_on("", Some(&names.jobs)), vec![("x-message-ttl", number(for_ms))]].concat();
    Declaration { name: names.delay_queue(seconds), kind: Kind::QuorumQueue, binding: None, arguments }
}

/// A stream drops only whole segments, the oldest first. So its segments are small.
fn cancels_arguments() -> Vec<(&'static str, AMQPValue)> {
    vec![
        ("x-max-age", text(&format!("{}s", CANCELS_KEPT.as_secs()))),
        ("x-max-length-bytes", number(CANCELS_BYTES_MAX)),
        ("x-stream-max-segment-size-bytes", number(CANCELS_BYTES_MAX / 16)),
    ]
}

/// The arguments of a queue of jobs. Messages that the queue gives up go to `exchange`, with `routing_key` or else with
/// their own key. They are kept until a queue behind the exchange has them.
fn handing_on(exchange: &str, routing_key: Option<&str>) -> Vec<(&'static str, AMQPValue)> {
    let routing_key = routing_key.map(|key| ("x-dead-letter-routing-key", text(key)));
    let arguments = [
        ("x-max-length-bytes", number(JOBS_BYTES_MAX)),
        ("x-overflow", text("reject-publish")),
        ("x-dead-letter-exchange", text(exchange)),
        ("x-dead-letter-strategy", text("at-least-once")),
    ];
    arguments.into_iter().chain(routing_key).collect()
}

/// Declares all [`declarations`] on a channel of its own. What exists as declared stays as it is.
///
/// ```no_run
/// use scriptmill_sdk::connect::Brokers;
/// use scriptmill_sdk::{Names, topology};
///
/// # async fn declare() -> Result<(), Box<dyn std::error::Error>> {
/// let brokers = Brokers::at(["amqp://guest:guest@localhost:5672".parse()?]);
/// let connection = brokers.connect(0, "shop").await?;
/// topology::declare(&connection, &Names::default(), brokers.timeout).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// One of them exists with other properties ([`Error::Differs`]), or the broker refuses or is silent.
pub async fn declare(connection: &Connection, names: &Names, timeout: Duration) -> Result<(), Error> {
    declare_all(connection, declarations(names), timeout).await
}

/// Declares all [`declarations`] if this user may. A user who may not relies on others to have declared them.
///
/// # Errors
/// As [`declare`], except that a missing permission is no error.
pub async fn declare_where_permitted(connection: &Connection, names: &Names, timeout: Duration) -> Result<(), Error> {
    match declare(connection, names, timeout).await {
        Err(error) if error.is_refusal(ACCESS_REFUSED) => {
            tracing::debug!(%error, "this user may not declare queues and exchanges");
            Ok(())
        }
        declared => declared,
    }
}

/// Declares these on a channel of its own. What exists as declared stays as it is.
///
/// # Errors
/// As [`declare`].
pub async fn declare_all(
    connection: &Connection,
    declarations: Vec<Declaration<'_>>,
    timeout: Duration,
) -> Result<(), Error> {
    let channel = answer("channel.open", timeout, connection.create_channel()).await?;
    let all = || declarations.iter();
    in_turn("queue.declare", timeout, all().map(|it| (it.name.as_str(), it.declare(&channel)))).await?;
    in_turn("queue.bind", timeout, all().map(|it| (it.name.as_str(), it.bind(&channel)))).await?;
    answer("channel.close", timeout, channel.close(200, "declared".into())).await
}

/// Sends all of these requests at once, so that they take one round trip to the broker, and waits for their answers one after
/// the other. The broker works on them in the same order and stops at the first one that it refuses. The error names that one.
async fn in_turn<'a>(
    what: &'static str,
    timeout: Duration,
    asked: impl Iterator<Item = (&'a str, impl Future<Output = lapin::Result<()>>)>,
) -> Result<(), Error> {
    let (names, mut asked): (Vec<_>, FuturesOrdered<_>) = asked.unzip();
    for name in names {
        // Each answer has the whole `timeout`, however many there are.
        let next = async { asked.next().await.unwrap_or(Ok(())) };
        answer(what, timeout, next).await.map_err(|error| differs(name, error))?;
    }
    Ok(())
}

impl Declaration<'_> {
    async fn declare(&self, channel: &Channel) -> lapin::Result<()> {
        let name = self.name.as_str();
        let mut table = FieldTable::default();
        for (name, value) in &self.arguments {
            table.insert((*name).into(), value.clone());
        }
        let exchange = |kind| {
            let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
            channel.exchange_declare(name.into(), kind, options, table.clone())
        };
        match self.kind {
            Kind::FanoutExchange => exchange(ExchangeKind::Fanout).await,
            Kind::TopicExchange => exchange(ExchangeKind::Topic).await,
            Kind::QuorumQueue | Kind::Stream => {
                let queue_type = if self.kind == Kind::Stream { "stream" } else { "quorum" };
                table.insert("x-queue-type".into(), text(queue_type));
                channel.queue_declare(name.into(), QueueDeclareOptions::durable(), table).await.map(drop)
            }
        }
    }

    async fn bind(&self, channel: &Channel) -> lapin::Result<()> {
        let Some(Binding { exchange, pattern }) = self.binding else {
            return Ok(());
        };
        let (queue, options) = (self.name.as_str().into(), QueueBindOptions::default());
        channel.queue_bind(queue, exchange.into(), pattern.into(), options, FieldTable::default()).await
    }
}

/// A declaration that failed because of what exists already: 406 for other arguments, 405 for someone's exclusive queue.
pub(crate) fn differs(name: &str, error: Error) -> Error {
    let is_taken = error.is_refusal(406) || error.is_refusal(405);
    match error {
        Error::Refused(said) if is_taken => Error::Differs { name: name.to_owned(), said },
        other => other,
    }
}

/// The arguments of a queue of outcomes. Such a queue belongs to its client or engine, and so is not among the
/// [`declarations`]. When it is full it refuses outcomes, and loses none.
pub(crate) fn outcomes_arguments() -> FieldTable {
    let mut table = FieldTable::default();
    // A quorum queue outlives the node that it was declared on.
    table.insert("x-queue-type".into(), text("quorum"));
    table.insert("x-max-length-bytes".into(), number(RESULTS_BYTES_MAX));
    table.insert("x-overflow".into(), text("reject-publish"));
    table.insert("x-delivery-limit".into(), number(OUTCOME_DELIVERIES_MAX));
    table
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

fn number(value: i64) -> AMQPValue {
    AMQPValue::LongLongInt(value)
}
