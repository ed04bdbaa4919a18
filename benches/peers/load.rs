//! The requester's side: queues, load, and how long answers take.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use futures_util::StreamExt as _;
use hdrhistogram::Histogram;
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Consumer};
use scriptmill_sdk::{Names, topology};
use tokio::time::timeout;

/// The longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(60);
const PERSISTENT: u8 = 2;

/// The broker, as the requester sees it, and all that this run has made there.
pub(crate) struct Broker {
    pub(crate) address: String,
    publishing: Connection,
    consuming: Connection,
    prefix: String,
    /// Prefixes of the names that were made, for removing them.
    made: Mutex<BTreeSet<String>>,
}

impl Broker {
    pub(crate) async fn connect(address: &str) -> anyhow::Result<Self> {
        let connect = || Connection::connect(address, ConnectionProperties::default());
        Ok(Self {
            publishing: connect().await.with_context(|| format!("no RabbitMQ answers at {address}"))?,
            consuming: connect().await?,
            address: address.to_owned(),
            prefix: format!("bench-{}", uuid::Uuid::new_v4().simple()),
            made: Mutex::default(),
        })
    }

    /// The queues of one worker, as Scriptmill declares its own, and one for the answers.
    pub(crate) async fn line(&self, worker: &str) -> anyhow::Result<Line> {
        let channel = self.publishing.create_channel().await?;
        let prefix = format!("{}-{worker}", self.prefix);
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(prefix.clone());
        let (jobs, replies) = (format!("{prefix}.jobs"), format!("{prefix}.replies"));
        channel.queue_delete(jobs.as_str().into(), QueueDeleteOptions::default()).await?;
        channel.queue_delete(replies.as_str().into(), QueueDeleteOptions::default()).await?;
        topology::declare(&self.publishing, &Names::new(&prefix), PATIENCE).await?;
        let durable = QueueDeclareOptions { durable: true, ..Default::default() };
        channel.queue_declare(replies.as_str().into(), durable, FieldTable::default()).await?;
        let answers = self.consuming.create_channel().await?;
        let no_ack = BasicConsumeOptions { no_ack: true, ..Default::default() };
        let answers = answers.basic_consume(replies.as_str().into(), "".into(), no_ack, FieldTable::default()).await?;
        Ok(Line { prefix, sender: Sender { channel, jobs, replies }, answers })
    }

    /// A queue that holds one message, refuses further ones, and that nobody reads.
    pub(crate) async fn full_queue(&self, name: &str) -> anyhow::Result<String> {
        let channel = self.publishing.create_channel().await?;
        let prefix = format!("{}-{name}", self.prefix);
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(prefix.clone());
        let queue = format!("{prefix}.replies");
        let mut arguments = FieldTable::default();
        arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(1));
        arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
        let durable = QueueDeclareOptions { durable: true, ..Default::default() };
        channel.queue_declare(queue.as_str().into(), durable, arguments).await?;
        Ok(queue)
    }

    /// Removes all queues and exchanges that this run has made.
    pub(crate) async fn clear(&self) -> anyhow::Result<()> {
        let channel = self.publishing.create_channel().await?;
        let made = std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        for prefix in made {
            channel.queue_delete(format!("{prefix}.replies").into(), QueueDeleteOptions::default()).await?;
            for declaration in topology::declarations(&Names::new(&prefix)) {
                let name = declaration.name.as_str().into();
                if declaration.kind.is_exchange() {
                    channel.exchange_delete(name, ExchangeDeleteOptions::default()).await?;
                } else {
                    channel.queue_delete(name, QueueDeleteOptions::default()).await?;
                }
            }
        }
        Ok(())
    }
}

/// The queues of one worker: for jobs and for answers.
pub(crate) struct Line {
    pub(crate) prefix: String,
    pub(crate) sender: Sender,
    answers: Consumer,
}

/// Publishes to a worker's queue of jobs. Clones share the channel.
#[derive(Clone)]
pub(crate) struct Sender {
    channel: Channel,
    pub(crate) jobs: String,
    replies: String,
}

/// Jobs with this number or a higher one are not timed.
pub(crate) const UNTIMED: u64 = 1 << 32;

/// What a span of load gave.
pub(crate) struct Load {
    pub(crate) jobs: u64,
    pub(crate) elapsed: Duration,
}

impl Sender {
    /// A sender to the same queue of jobs, with outcomes to another queue.
    pub(crate) fn replying_to(&self, queue: &str) -> Self {
        Self { replies: queue.to_owned(), ..self.clone() }
    }

    pub(crate) fn replies(&self) -> &str {
        &self.replies
    }

    pub(crate) async fn publish(&self, body: &[u8], number: u64) -> anyhow::Result<()> {
        let properties = BasicProperties::default()
            .with_delivery_mode(PERSISTENT)
            .with_content_type("application/json".into())
            .with_reply_to(self.replies.as_str().into())
            .with_correlation_id(number.to_string().into());
        let options = BasicPublishOptions::default();
        self.channel.basic_publish("".into(), self.jobs.as_str().into(), options, body, properties).await?.await?;
        Ok(())
    }
}

impl Line {
    /// The next answer: the number of its job, and its body.
    pub(crate) async fn answer(&mut self) -> anyhow::Result<(u64, Vec<u8>)> {
        let Some(delivery) = timeout(PATIENCE, self.answers.next()).await.context("no answer came")? else {
            bail!("the broker cancelled the consumer of answers");
        };
        let delivery = delivery?;
        let number = delivery.properties.correlation_id().as_ref().map(ToString::to_string).unwrap_or_default();
        Ok((number.parse().context("an answer without the correlation id of its job")?, delivery.data))
    }

    /// The body of the next answer, however long that takes.
    pub(crate) async fn next_answer(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self.answers.next().await.transpose()?.map(|delivery| delivery.data))
    }

    /// Keeps `concurrency` jobs under way, with the messages in turn, for `span` at least and until `jobs_min` jobs are
    /// sent. Then waits for the last answers.
    pub(crate) async fn load(
        &mut self,
        bodies: &[Vec<u8>],
        concurrency: usize,
        span: Duration,
        jobs_min: u64,
        check: impl Fn(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<Load> {
        let began = Instant::now();
        let (mut sent, mut answered) = (0, 0);
        while sent < concurrency as u64 {
            self.sender.publish(in_turn(bodies, sent), sent).await?;
            sent += 1;
        }
        while answered < sent {
            let (_, answer) = self.answer().await?;
            check(&answer)?;
            answered += 1;
            if began.elapsed() < span || sent < jobs_min {
                self.sender.publish(in_turn(bodies, sent), sent).await?;
                sent += 1;
            }
        }
        Ok(Load { jobs: answered, elapsed: began.elapsed() })
    }

    /// Sends `rate` jobs a second, however long the answers take, and records how long they took, in microseconds. Goes
    /// on for `span` at least, and until `untimed` untimed jobs are answered.
    pub(crate) async fn latency(
        &mut self,
        bodies: &[Vec<u8>],
        rate: u32,
        span: Duration,
        mut untimed: usize,
        check: impl Fn(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<Histogram<u64>> {
        let mut latencies = Histogram::new_with_bounds(1, 3_600_000_000, 3)?;
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
        let began = Instant::now();
        let mut due = Vec::new();
        let mut answered = 0;
        while began.elapsed() < span || untimed > 0 || answered < due.len() {
            tokio::select! {
                at = ticks.tick(), if began.elapsed() < span || untimed > 0 => {
                    let number = due.len() as u64;
                    due.push(at.into_std());
                    self.sender.publish(in_turn(bodies, number), number).await?;
                }
                answer = self.answer() => {
                    let (number, answer) = answer?;
                    check(&answer)?;
                    if number >= UNTIMED {
                        untimed -= 1;
                        continue;
                    }
                    let since = due.get(usize::try_from(number)?).context("an answer to no job")?;
                    latencies.saturating_record(u64::try_from(since.elapsed().as_micros())?);
                    answered += 1;
                }
            }
        }
        Ok(latencies)
    }
}

/// The message of the job with this number.
fn in_turn(bodies: &[Vec<u8>], number: u64) -> &[u8] {
    &bodies[usize::try_from(number).unwrap_or(0) % bodies.len()]
}
