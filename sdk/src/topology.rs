//! The queues and exchanges, declared the same by everybody who may: workers, dispatch clients and `scriptmill declare`.
//! The first to come makes them, so that jobs can be published before the first worker has ever run.
//!
//! | name | what | why |
//! |---|---|---|
//! | `P.jobs` | topic exchange | jobs, routing key = tenant |
//! | `P.jobs` | quorum queue, bound to it with `#` | what the broker gives up on goes to `P.dead`, and a full queue refuses |
//! | `P.dead` | fanout exchange, quorum queue | dead letters; when full, the oldest give way |
//! | `P.results` | topic exchange | outcomes without `reply_to`, routing key = tenant: bind what you like |
//! | `P.unclaimed` | fanout exchange | the alternate of `P.results`: outcomes that no binding takes |
//! | `P.results` | quorum queue on `P.unclaimed` | so that an outcome is kept when nobody has bound a queue |
//! | `P.heartbeats` | fanout exchange | what workers say of themselves every two seconds; each listens on a queue of its own |
//!
//! The arguments of what exists can never be changed: another set of arguments is refused by the broker. Policies can
//! tighten the bounds, since the smaller of the two is in force.

use std::fmt;
use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ExchangeKind};

use crate::Names;
use crate::connect::{Error, answer};

/// A queue's message bodies, together.
const JOBS_BYTES_MAX: i64 = 16 << 30;
const RESULTS_BYTES_MAX: i64 = 16 << 30;
const DEAD_BYTES_MAX: i64 = 1 << 30;
/// How often the broker itself takes a job back, when workers die with it or lose their connection, before it becomes
/// a dead letter. RabbitMQ 4 would stop at 20, which a few restarts of a whole fleet use up.
const DELIVERIES_MAX: i64 = 1_000;

/// One queue or exchange. All of them are durable.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration<'a> {
    /// Its name.
    pub name: &'a str,
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
}

/// A queue's place behind an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding<'a> {
    /// The exchange.
    pub exchange: &'a str,
    /// Which routing keys it takes: a pattern on a topic exchange; empty on a fanout exchange, which looks at none.
    pub pattern: &'static str,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::FanoutExchange => "fanout exchange",
            Self::TopicExchange => "topic exchange",
            Self::QuorumQueue => "quorum queue",
        })
    }
}

/// All queues and exchanges, in an order in which they can be declared.
pub fn declarations(names: &Names) -> Vec<Declaration<'_>> {
    use Kind::{FanoutExchange, QuorumQueue, TopicExchange};

    let Names { jobs, dead, results, unclaimed, heartbeats, .. } = names;
    let exchange = |name, kind, arguments| Declaration { name, kind, binding: None, arguments };
    let queue = |name, exchange, pattern, arguments| Declaration {
        name,
        kind: QuorumQueue,
        binding: Some(Binding { exchange, pattern }),
        arguments,
    };
    let dead_arguments = vec![("x-max-length-bytes", number(DEAD_BYTES_MAX)), ("x-overflow", text("drop-head"))];
    let results_arguments =
        vec![("x-max-length-bytes", number(RESULTS_BYTES_MAX)), ("x-overflow", text("reject-publish"))];
    let jobs_arguments = vec![
        ("x-max-length-bytes", number(JOBS_BYTES_MAX)),
        ("x-overflow", text("reject-publish")),
        ("x-delivery-limit", number(DELIVERIES_MAX)),
        ("x-dead-letter-exchange", text(dead)),
        ("x-dead-letter-strategy", text("at-least-once")),
    ];
    vec![
        exchange(dead, FanoutExchange, Vec::new()),
        exchange(unclaimed, FanoutExchange, Vec::new()),
        exchange(results, TopicExchange, vec![("alternate-exchange", text(unclaimed))]),
        exchange(jobs, TopicExchange, Vec::new()),
        exchange(heartbeats, FanoutExchange, Vec::new()),
        queue(dead, dead, "", dead_arguments),
        queue(results, unclaimed, "", results_arguments),
        queue(jobs, jobs, "#", jobs_arguments),
    ]
}

/// Declares all of it on a channel of its own. What exists as declared stays as it is.
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
    let channel = answer("channel.open", timeout, connection.create_channel()).await?;
    for declaration in declarations(names) {
        declaration.declare(&channel, timeout).await?;
    }
    answer("channel.close", timeout, channel.close(200, "declared".into())).await
}

impl Declaration<'_> {
    async fn declare(self, channel: &Channel, timeout: Duration) -> Result<(), Error> {
        let Self { name, kind, binding, arguments } = self;
        let mut table = FieldTable::default();
        for (name, value) in arguments {
            table.insert(name.into(), value);
        }
        let exchange = |kind| {
            let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
            channel.exchange_declare(name.into(), kind, options, table.clone())
        };
        let declared = match kind {
            Kind::FanoutExchange => answer("exchange.declare", timeout, exchange(ExchangeKind::Fanout)).await,
            Kind::TopicExchange => answer("exchange.declare", timeout, exchange(ExchangeKind::Topic)).await,
            Kind::QuorumQueue => {
                table.insert("x-queue-type".into(), text("quorum"));
                let declared = channel.queue_declare(name.into(), QueueDeclareOptions::durable(), table);
                answer("queue.declare", timeout, declared).await.map(drop)
            }
        };
        declared.map_err(|error| differs(name, error))?;
        let Some(Binding { exchange, pattern }) = binding else {
            return Ok(());
        };
        let options = QueueBindOptions::default();
        let bound = channel.queue_bind(name.into(), exchange.into(), pattern.into(), options, FieldTable::default());
        answer("queue.bind", timeout, bound).await
    }
}

/// A declaration that failed because of what exists already: 406 for other arguments, 405 for someone's exclusive queue.
fn differs(name: &str, error: Error) -> Error {
    let is_taken = error.is_refusal(406) || error.is_refusal(405);
    match error {
        Error::Refused(said) if is_taken => Error::Differs { name: name.to_owned(), said },
        other => other,
    }
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

fn number(value: i64) -> AMQPValue {
    AMQPValue::LongLongInt(value)
}
