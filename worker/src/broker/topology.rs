//! The queues and exchanges, declared once and for all: their arguments can never be changed, only policies can
//! tighten them.
//!
//! | name | what | why |
//! |---|---|---|
//! | `P.jobs` | quorum queue | the jobs; what the broker gives up on goes to `P.dead`, and a full queue refuses |
//! | `P.dead` | fanout exchange, quorum queue | dead letters; when full, the oldest give way |
//! | `P.results` | topic exchange | outcomes without `reply_to`, routing key = tenant: bind what you like |
//! | `P.unclaimed` | fanout exchange | the alternate of `P.results`: outcomes that no binding takes |
//! | `P.results` | quorum queue on `P.unclaimed` | so that an outcome is kept when nobody has bound a queue |

use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ExchangeKind};

use super::Error;
use scriptmill_sdk::connect::{self, answer};

/// A queue's message bodies, together. A policy can lower it: the smaller of the two is in force.
const JOBS_BYTES_MAX: i64 = 16 << 30;
const RESULTS_BYTES_MAX: i64 = 16 << 30;
const DEAD_BYTES_MAX: i64 = 1 << 30;
/// How often the broker itself takes a job back, when workers die with it or lose their connection, before it becomes
/// a dead letter. RabbitMQ 4 would stop at 20, which a few restarts of a whole fleet use up.
const DELIVERIES_MAX: i64 = 1_000;

/// The names of the queues and exchanges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The queue of jobs.
    pub jobs: String,
    /// The exchange and the queue of dead letters.
    pub dead: String,
    /// The exchange of outcomes without a requester, and the queue of those that no binding takes.
    pub results: String,
    /// The exchange between the two.
    pub unclaimed: String,
}

impl Names {
    /// The names under a prefix.
    pub fn new(prefix: &str) -> Self {
        Self {
            jobs: format!("{prefix}.jobs"),
            dead: format!("{prefix}.dead"),
            results: format!("{prefix}.results"),
            unclaimed: format!("{prefix}.unclaimed"),
        }
    }

    /// Declares all of it. What exists as declared stays as it is.
    ///
    /// # Errors
    /// One of them exists with other properties, or the broker refuses or is silent.
    pub(super) async fn declare(&self, connection: &Connection, timeout: Duration) -> Result<(), Error> {
        let channel = answer("channel.open", timeout, connection.create_channel()).await?;
        self.exchange(&channel, &self.dead, ExchangeKind::Fanout, &[], timeout).await?;
        self.exchange(&channel, &self.unclaimed, ExchangeKind::Fanout, &[], timeout).await?;
        let alternate = [("alternate-exchange", text(&self.unclaimed))];
        self.exchange(&channel, &self.results, ExchangeKind::Topic, &alternate, timeout).await?;

        let dead = [("x-max-length-bytes", number(DEAD_BYTES_MAX)), ("x-overflow", text("drop-head"))];
        self.queue(&channel, &self.dead, &dead, timeout).await?;
        let results = [("x-max-length-bytes", number(RESULTS_BYTES_MAX)), ("x-overflow", text("reject-publish"))];
        self.queue(&channel, &self.results, &results, timeout).await?;
        let jobs = [
            ("x-max-length-bytes", number(JOBS_BYTES_MAX)),
            ("x-overflow", text("reject-publish")),
            ("x-delivery-limit", number(DELIVERIES_MAX)),
            ("x-dead-letter-exchange", text(&self.dead)),
            ("x-dead-letter-strategy", text("at-least-once")),
        ];
        self.queue(&channel, &self.jobs, &jobs, timeout).await?;

        self.bind(&channel, &self.dead, &self.dead, timeout).await?;
        self.bind(&channel, &self.results, &self.unclaimed, timeout).await?;
        Ok(answer("channel.close", timeout, channel.close(200, "declared".into())).await?)
    }

    async fn exchange(
        &self,
        channel: &Channel,
        name: &str,
        kind: ExchangeKind,
        arguments: &[(&str, AMQPValue)],
        timeout: Duration,
    ) -> Result<(), Error> {
        let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
        let declared = channel.exchange_declare(name.into(), kind, options, table(arguments));
        answer("exchange.declare", timeout, declared).await.map_err(|error| differs(name, error))
    }

    async fn queue(
        &self,
        channel: &Channel,
        name: &str,
        arguments: &[(&str, AMQPValue)],
        timeout: Duration,
    ) -> Result<(), Error> {
        let mut arguments = table(arguments);
        arguments.insert("x-queue-type".into(), text("quorum"));
        let declared = channel.queue_declare(name.into(), QueueDeclareOptions::durable(), arguments);
        answer("queue.declare", timeout, declared).await.map(drop).map_err(|error| differs(name, error))
    }

    async fn bind(&self, channel: &Channel, queue: &str, exchange: &str, timeout: Duration) -> Result<(), Error> {
        let bound = channel.queue_bind(
            queue.into(),
            exchange.into(),
            "".into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        Ok(answer("queue.bind", timeout, bound).await?)
    }
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

fn number(value: i64) -> AMQPValue {
    AMQPValue::LongLongInt(value)
}

fn table(arguments: &[(&str, AMQPValue)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in arguments {
        table.insert((*name).into(), value.clone());
    }
    table
}

/// A declaration that failed because of what exists already: 406 for other arguments, 405 for someone's exclusive queue.
fn differs(name: &str, error: connect::Error) -> Error {
    match error {
        connect::Error::Refused(said) if said.starts_with("406") || said.starts_with("405") => {
            Error::Differs { name: name.to_owned(), said }
        }
        other => other.into(),
    }
}
