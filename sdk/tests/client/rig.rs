//! A queue of jobs, and a worker that echoes.

use std::time::Duration;

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions,
    ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use scriptmill_sdk::amqp::Envelope;
use scriptmill_sdk::client::{Options, ResultsOptions};
use scriptmill_sdk::topology::{self, Kind};
use scriptmill_sdk::{Address, Bundle, Ending, Job, Names, Outcome, Usage};
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The engine in these tests, whose name its queues have.
pub(crate) const ENGINE: &str = "engine";

/// A job whose input is its number.
pub(crate) fn job(n: u64) -> Job {
    Job {
        input: to_raw_value(&n).unwrap(),
        ..Job::new(format!("job-{n}"), "acme".parse().unwrap(), Bundle::of("main.js", ""))
    }
}

/// Queues and exchanges with a prefix of their own. They are removed when the rig is dropped.
pub(crate) struct Rig {
    prefix: String,
    names: Names,
    connection: Connection,
    channel: Channel,
    answered: watch::Sender<u64>,
}

/// How the worker echoes.
#[derive(Clone, Copy)]
pub(crate) struct Echo {
    /// Jobs that are answered together, the last one first. If fewer are there, all of them.
    pub(crate) batch: usize,
    /// How often each is answered.
    pub(crate) copies: usize,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        let connection =
            Connection::connect_uri(broker().uri().clone(), ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let prefix = format!("test-sdk-{}", uuid::Uuid::now_v7());
        let names = Names::new(&prefix);
        Self { prefix, names, connection, channel, answered: watch::channel(0).0 }
    }

    /// Puts a queue that refuses more than `jobs` jobs in the place of the one that is there.
    pub(crate) async fn hold_at_most(&self, jobs: i64) {
        self.delete_queue().await;
        let mut bounds = FieldTable::default();
        bounds.insert("x-max-length".into(), AMQPValue::LongLongInt(jobs));
        bounds.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
        let queue = self.names.jobs.as_str();
        self.channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), bounds).await.unwrap();
        let options = QueueBindOptions::default();
        self.channel.queue_bind(queue.into(), queue.into(), "#".into(), options, FieldTable::default()).await.unwrap();
    }

    pub(crate) fn broker(&self) -> Address {
        broker()
    }

    pub(crate) fn options(&self) -> Options {
        self.options_to([broker()])
    }

    pub(crate) fn options_to(&self, addresses: impl IntoIterator<Item = Address>) -> Options {
        Options { prefix: self.prefix.clone(), ..Options::to(addresses) }
    }

    /// The engine's queue behind the results exchange.
    pub(crate) fn results_to(&self, addresses: impl IntoIterator<Item = Address>) -> ResultsOptions {
        ResultsOptions { prefix: self.prefix.clone(), ..ResultsOptions::to(addresses, ENGINE) }
    }

    /// Publishes an outcome as workers do where no requester is named.
    pub(crate) async fn publish_result(&self, tenant: &str, id: &str) {
        let (exchange, properties) = (self.names.results.as_str().into(), BasicProperties::default());
        let properties = properties.with_message_id(id.into()).with_delivery_mode(2);
        let options = BasicPublishOptions::default();
        let body = serde_json::to_vec(&echo(id.to_owned(), tenant.to_owned(), to_raw_value(&1).unwrap())).unwrap();
        let published = self.channel.basic_publish(exchange, tenant.into(), options, &body, properties);
        published.await.unwrap().await.unwrap();
    }

    /// Jobs on the queue that no worker has.
    pub(crate) async fn waiting(&self) -> u32 {
        let options = QueueDeclareOptions { passive: true, ..Default::default() };
        self.channel.queue_declare(self.jobs().into(), options, FieldTable::default()).await.unwrap().message_count()
    }

    pub(crate) async fn delete_queue(&self) {
        self.channel.queue_delete(self.jobs().into(), QueueDeleteOptions::default()).await.unwrap();
    }

    pub(crate) async fn delete_exchange(&self) {
        self.channel.exchange_delete(self.jobs().into(), ExchangeDeleteOptions::default()).await.unwrap();
    }

    pub(crate) async fn exists(&self, queue: &str) -> bool {
        let channel = self.connection.create_channel().await.unwrap();
        let options = QueueDeclareOptions { passive: true, ..Default::default() };
        channel.queue_declare(queue.into(), options, FieldTable::default()).await.is_ok()
    }

    /// Takes a job and says where its outcome goes.
    pub(crate) async fn take_reply_to(&self) -> String {
        let options = BasicGetOptions { no_ack: true };
        let got = self.channel.basic_get(self.jobs().into(), options).await.unwrap().unwrap();
        Envelope::read(&got.properties).reply_to.unwrap()
    }

    /// Waits until the worker has answered this many jobs.
    pub(crate) async fn until_answered(&self, jobs: u64) {
        self.answered.subscribe().wait_for(|answered| *answered >= jobs).await.unwrap();
    }

    pub(crate) async fn worker(&self, echo: Echo) -> JoinHandle<()> {
        topology::declare(&self.connection, &self.names, Duration::from_secs(15)).await.unwrap();
        let options = BasicConsumeOptions::default();
        let jobs = self.channel.basic_consume(self.jobs().into(), "".into(), options, FieldTable::default());
        let jobs = jobs.await.unwrap().map(Result::unwrap).ready_chunks(echo.batch);
        let (channel, answered) = (self.channel.clone(), self.answered.clone());
        tokio::spawn(async move {
            let mut jobs = Box::pin(jobs);
            while let Some(batch) = jobs.next().await {
                for delivery in batch.iter().rev() {
                    answer(&channel, delivery, echo.copies).await;
                    answered.send_modify(|answered| *answered += 1);
                }
            }
        })
    }

    fn jobs(&self) -> &str {
        &self.names.jobs
    }
}

impl Drop for Rig {
    /// Removes what the client declared, whatever came of the test.
    fn drop(&mut self) {
        let names = self.names.clone();
        let removed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(remove(&names));
        });
        _ = removed.join();
    }
}

async fn remove(names: &Names) {
    let connection = Connection::connect_uri(broker().uri().clone(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    for declared in topology::declarations(names) {
        let name = declared.name.into();
        if matches!(declared.kind, Kind::QuorumQueue | Kind::Stream) {
            channel.queue_delete(name, QueueDeleteOptions::default()).await.unwrap();
        } else {
            channel.exchange_delete(name, ExchangeDeleteOptions::default()).await.unwrap();
        }
    }
    for queue in [names.reply_queue(ENGINE), names.results_queue(ENGINE)] {
        channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
    }
    connection.close(200, "removed".into()).await.unwrap();
}

pub(crate) fn broker() -> Address {
    let address = std::env::var("SCRIPTMILL_TEST_AMQP");
    address.as_deref().unwrap_or("amqp://guest:guest@127.0.0.1:5672").parse().unwrap()
}

fn echo(job_id: String, tenant: String, value: Box<RawValue>) -> Outcome {
    let (ending, engine) = (Ending::Succeeded(value), String::new());
    let (diagnostics, logs) = (Vec::new(), Vec::new());
    let (warnings, usage) = (Vec::new(), Usage::default());
    Outcome { job_id, tenant, ending, diagnostics, logs, warnings, usage, engine }
}

async fn answer(channel: &Channel, delivery: &Delivery, copies: usize) {
    let envelope = Envelope::read(&delivery.properties);
    let job = Job::from_slice(&delivery.data).unwrap();
    assert_eq!(envelope.message_id.as_ref(), Some(&job.id));
    assert!(envelope.enqueued_at_ms.is_some());
    let outcome = echo(job.id, job.tenant.into(), job.input);
    let body = serde_json::to_vec(&outcome).unwrap();
    let queue = envelope.reply_to.clone().unwrap();
    for _ in 0..copies {
        let properties = envelope.outcome_properties("succeeded", None, 0);
        let options = BasicPublishOptions::default();
        let published = channel.basic_publish("".into(), queue.as_str().into(), options, &body, properties);
        published.await.unwrap().await.unwrap();
    }
    delivery.ack(BasicAckOptions::default()).await.unwrap();
}
