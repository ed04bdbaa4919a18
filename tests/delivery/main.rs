//! Jobs on a real RabbitMQ, through the whole worker, with a stand-in for the sandbox.
#![allow(clippy::unwrap_used, reason = "tests")]

mod requesters;
mod states;
#[path = "../support/mod.rs"]
mod support;
mod trouble;
mod window;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use lapin::BasicProperties;
use lapin::options::{QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use prometheus_client::registry::Registry;
use scriptmill::broker::amqp::{Amqp, Options as AmqpOptions};
use scriptmill::broker::{Error, Message};
use scriptmill::execute::Runner;
use scriptmill::metrics::Metrics;
use scriptmill::scale::Others;
use scriptmill::service::{Options, Parts, Status};
use scriptmill::settle;
use scriptmill::signals::Snapshot;
use scriptmill_sandbox::{Execution, Invocation};
use scriptmill_sdk::amqp::Envelope;
use scriptmill_sdk::{Bundle, Ending, Outcome};
use serde_json::json;
use support::{Rabbit, clock, soon, with_rabbit};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The source of a script whose preparation never ends begins with this.
const NEW: &str = "new";

/// The input that makes the worker's own code panic.
const BREAKS: &str = "\"breaks\"";

/// Waits as many milliseconds as the input says, and returns the attempt. It completes a given number of jobs, and no more.
struct StandIn {
    runtime: tokio::runtime::Handle,
    power: Semaphore,
}

impl Runner for StandIn {
    type Script = ();

    fn engine(&self) -> &str {
        "stand-in"
    }

    async fn ready(&self, script: &Bundle) -> Option<()> {
        (!script.modules[0].source.starts_with(NEW)).then_some(())
    }

    /// Never ends.
    async fn prepare(&self, _: &Bundle, _: u64) {
        std::future::pending().await
    }

    async fn run(&self, (): &(), job: Invocation<'_>) -> Execution {
        assert_ne!(job.input, BREAKS);
        let wait = Duration::from_millis(job.input.parse().unwrap_or(0));
        if !wait.is_zero() {
            self.runtime.spawn(async move { tokio::time::sleep(wait).await }).await.unwrap();
        }
        self.power.acquire().await.unwrap().forget();
        let attempt = serde_json::value::RawValue::from_string(job.attempt.to_string()).unwrap();
        Execution::unrun(Ending::Succeeded(attempt))
    }
}

/// A worker under test.
struct Worker {
    drain: CancellationToken,
    status: watch::Receiver<Status>,
    metrics: Metrics,
    running: JoinHandle<Result<Duration, Error>>,
}

impl Worker {
    fn start(amqp: AmqpOptions, options: Options) -> Self {
        Self::with_power(Semaphore::MAX_PERMITS, amqp, options)
    }

    /// A worker that completes this many jobs and then no more.
    fn with_power(jobs: usize, amqp: AmqpOptions, options: Options) -> Self {
        Self::of(Self::parts(jobs, amqp, &options), options)
    }

    /// The parts of a worker that completes this many jobs.
    fn parts(jobs: usize, amqp: AmqpOptions, options: &Options) -> Parts<StandIn> {
        let (runtime, power) = (tokio::runtime::Handle::current(), Semaphore::new(jobs));
        Parts {
            policy: options.policy(amqp.tenant_is_user, "stand-in"),
            retry_pause_max: amqp.retry_pause_max,
            broker: Arc::new(Amqp::new(amqp)),
            cancels: None,
            runner: Arc::new(StandIn { runtime, power }),
            clock: clock(),
            metrics: Metrics::new(&mut Registry::default(), clock()),
            isolation: None,
            others: Arc::new(Others::new(clock())),
            leases: None,
            promised_wait: Duration::from_secs(1),
        }
    }

    fn of(parts: Parts<StandIn>, options: Options) -> Self {
        let metrics = parts.metrics.clone();
        let service = options.build(parts).unwrap();
        let (drain, status) = (CancellationToken::new(), service.status());
        let running = tokio::spawn(service.run(drain.clone()));
        Self { drain, status, metrics, running }
    }

    fn seen(&self) -> Snapshot {
        self.metrics.signals.snapshot()
    }

    async fn is(&self, expected: Status) {
        let mut status = self.status.clone();
        soon(&format!("{expected:?}"), status.wait_for(|status| *status == expected)).await.unwrap();
    }

    async fn stop(self) -> Result<Duration, Error> {
        self.drain.cancel();
        soon("the worker's end", self.running).await.unwrap()
    }
}

fn options(slots: usize) -> Options {
    Options { slots: NonZeroUsize::new(slots).unwrap(), threads: NonZeroUsize::new(2), ..Options::default() }
}

fn job(id: &str, input: serde_json::Value) -> Vec<u8> {
    job_of("export default () => 1", id, input)
}

fn job_of(source: &str, id: &str, input: serde_json::Value) -> Vec<u8> {
    let module = json!({ "name": "main.ts", "source": source });
    json!({ "id": id, "tenant": "acme.sales", "script": { "modules": [module] }, "input": input })
        .to_string()
        .into_bytes()
}

fn properties(id: &str, reply_to: &str) -> BasicProperties {
    let (message_id, reply_to) = (Some(id.to_owned()), Some(reply_to.to_owned()));
    // A second ago.
    let enqueued_at_ms = u64::try_from(jiff::Timestamp::now().as_millisecond() - 1_000).ok();
    Envelope { message_id, reply_to, enqueued_at_ms, ..Envelope::default() }.job_properties()
}

async fn put_jobs(rabbit: &Rabbit, count: usize, input: serde_json::Value, reply_to: &str) {
    let jobs = (0..count).map(|n| {
        let (id, input) = (format!("job-{n}"), input.clone());
        async move { rabbit.put(&rabbit.names.jobs, &job(&id, input), properties(&id, reply_to)).await }
    });
    futures_util::future::join_all(jobs).await;
}

fn read(message: &Message) -> Outcome {
    serde_json::from_slice(&message.body).unwrap()
}

/// Takes outcomes until each job has one, and counts them by job.
async fn collect(rabbit: &Rabbit, queue: &str, jobs: usize) -> HashMap<String, usize> {
    let mut outcomes = HashMap::new();
    while outcomes.len() < jobs {
        let outcome = read(&soon("an outcome", rabbit.take(queue)).await);
        assert_eq!(outcome.ending.status(), "succeeded");
        *outcomes.entry(outcome.job_id).or_default() += 1;
    }
    outcomes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_gets_its_outcome() {
    with_rabbit(async |rabbit| {
        let worker = Worker::start(rabbit.options(), options(2));
        worker.is(Status::Consuming).await;
        let queue = rabbit.declare_requester("replies").await;
        rabbit.put(&rabbit.names.jobs, &job("a", json!(1)), properties("a", &queue)).await;
        let message = soon("the outcome", rabbit.take(&queue)).await;
        let outcome = read(&message);
        assert_eq!(
            (outcome.job_id.as_str(), outcome.tenant.as_str(), outcome.engine.as_str()),
            ("a", "acme.sales", "stand-in")
        );
        assert!(matches!(outcome.ending, Ending::Succeeded(value) if value.get() == "1"));
        assert!(outcome.usage.times.queued_us.unwrap() > 0);
        assert_eq!(message.properties.envelope().correlation_id.as_deref(), Some("a"));
        worker.stop().await.unwrap();
        assert_eq!(rabbit.ready(&rabbit.names.jobs).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_job_is_answered_and_a_dead_letter() {
    let with = |field: &str, value: serde_json::Value| {
        let mut job: serde_json::Value = serde_json::from_slice(&job("a", json!(1))).unwrap();
        job[field] = value;
        job.to_string().into_bytes()
    };
    let cases = [
        ("not json", b"{\"id\":".to_vec(), "SM3001", None),
        ("empty", Vec::new(), "SM3001", None),
        ("not utf-8", b"\"\xff\"".to_vec(), "SM3001", None),
        ("field missing", b"{\"id\":\"a\"}".to_vec(), "SM3002", Some("tenant")),
        ("field wrong", with("tenant", json!("Acme Sales")), "SM3002", Some("tenant")),
        ("limit too high", with("limits", json!({ "fuel": u64::MAX })), "SM3003", Some("limits.fuel")),
        ("too large", vec![b' '; (1 << 20) + 1], "SM3004", None),
        ("input too large", with("input", json!("x".repeat(1 << 19))), "SM3005", Some("input")),
    ];
    with_rabbit(async |rabbit| {
        let sizes = Options {
            message_size: bytesize::ByteSize::mib(1),
            input_size: bytesize::ByteSize::kib(512),
            ..options(2)
        };
        let worker = Worker::start(rabbit.options(), sizes);
        worker.is(Status::Consuming).await;
        let queue = rabbit.declare_requester("replies").await;
        for (name, body, code, path) in &cases {
            rabbit.put(&rabbit.names.jobs, body, properties(name, &queue)).await;
            let message = soon(name, rabbit.take(&queue)).await;
            assert_eq!(message.properties.envelope().correlation_id.as_deref(), Some(*name));
            let Ending::Rejected(rejection) = read(&message).ending else { panic!("{name}: {message:?}") };
            assert_eq!((rejection.code.to_string().as_str(), rejection.path.as_deref()), (*code, *path), "{name}");
            let letter = soon(name, rabbit.take(&rabbit.names.dead)).await;
            assert!(letter.body == *body, "{name}: the dead letter differs");
        }
        // The worker still runs jobs afterwards.
        rabbit.put(&rabbit.names.jobs, &job("a", json!(1)), properties("a", &queue)).await;
        assert_eq!(collect(rabbit, &queue, 1).await.len(), 1);
        worker.stop().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_may_have_to_be_the_user() {
    with_rabbit(async |rabbit| {
        let worker = Worker::start(AmqpOptions { tenant_is_user: true, ..rabbit.options() }, options(2));
        worker.is(Status::Consuming).await;
        let queue = rabbit.declare_requester("replies").await;
        rabbit.put(&rabbit.names.jobs, &job("a", json!(1)), properties("a", &queue).with_user_id("guest".into())).await;
        let outcome = read(&soon("the outcome", rabbit.take(&queue)).await);
        assert_eq!(outcome.ending.code().unwrap().to_string(), "SM3007");
        // A dead letter cannot keep another's user id as a property, and must not be refused for it.
        let letter = soon("the dead letter", rabbit.take(&rabbit.names.dead)).await;
        assert_eq!(letter.properties.as_ref().user_id(), &None);
        worker.stop().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_declared_otherwise_is_left_alone() {
    with_rabbit(async |rabbit| {
        let jobs = rabbit.names.jobs.as_str();
        rabbit
            .channel()
            .queue_declare(jobs.into(), QueueDeclareOptions::durable(), FieldTable::default())
            .await
            .unwrap();
        rabbit.put(jobs, b"precious", BasicProperties::default()).await;
        let worker = Worker::start(rabbit.options(), options(2));
        let error = soon("the error", worker.running).await.unwrap().unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with("SM4102: ") && message.contains(jobs) && message.contains("406"), "{message}");
        assert_eq!(rabbit.ready(jobs).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_halfway_loses_nothing_and_does_nothing_twice() {
    const JOBS: usize = 400;
    with_rabbit(async |rabbit| {
        let short = Options { grace: Duration::from_secs(5), ..options(8) };
        let first = Worker::with_power(JOBS / 2, rabbit.options(), short);
        first.is(Status::Consuming).await;
        let queue = rabbit.declare_requester("replies").await;
        put_jobs(rabbit, JOBS, json!(5), &queue).await;
        let mut outcomes = collect(rabbit, &queue, JOBS / 2).await;
        // The worker now holds jobs that have begun and will not end, and jobs that have not begun. The queue has the rest.
        first.stop().await.unwrap();
        let second = Worker::start(rabbit.options(), options(8));
        while outcomes.len() < JOBS {
            let outcome = read(&soon("an outcome", rabbit.take(&queue)).await);
            *outcomes.entry(outcome.job_id).or_default() += 1;
        }
        second.stop().await.unwrap();
        assert!(rabbit.try_take(&queue).await.is_none(), "an outcome too many");
        assert!(outcomes.values().all(|count| *count == 1), "{outcomes:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_outlasts_the_grace_period_is_requeued() {
    with_rabbit(async |rabbit| {
        let grace = Duration::from_secs(5);
        let worker = Worker::start(rabbit.options(), Options { grace, ..options(1) });
        worker.is(Status::Consuming).await;
        let queue = rabbit.declare_requester("replies").await;
        rabbit.put(&rabbit.names.jobs, &job("endless", json!(600_000)), properties("endless", &queue)).await;
        rabbit.put(&rabbit.names.jobs, &job("waiting", json!(1)), properties("waiting", &queue)).await;
        soon("the job that ran", async {
            while worker.seen().level.busy < 1 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        worker.stop().await.unwrap();
        let waiting = soon("the job that waited", rabbit.take(&rabbit.names.jobs)).await;
        let endless = soon("the job that ran", rabbit.take(&rabbit.names.jobs)).await;
        let attempt =
            |message: &Message| (message.properties.envelope().message_id, message.properties.envelope().attempt);
        assert_eq!(attempt(&waiting), (Some("waiting".to_owned()), 1));
        assert_eq!(attempt(&endless), (Some("endless".to_owned()), 2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_is_made_again() {
    const JOBS: usize = 300;
    with_rabbit(async |rabbit| {
        let worker = Worker::start(rabbit.options(), options(8));
        worker.is(Status::Consuming).await;
        let queue = rabbit.declare_requester("replies").await;
        put_jobs(rabbit, JOBS, json!(20), &queue).await;
        collect(rabbit, &queue, JOBS / 5).await;
        rabbit.proxy.cut();
        // Every job gets an outcome; one whose acknowledgement was cut off may get two.
        let rest = JOBS - JOBS / 5;
        let mut seen = std::collections::HashSet::new();
        while seen.len() < rest {
            seen.insert(read(&soon("an outcome", rabbit.take(&queue)).await).job_id);
        }
        worker.is(Status::Consuming).await;
        worker.stop().await.unwrap();
        assert_eq!(rabbit.ready(&rabbit.names.jobs).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_is_not_confirmed_in_time_goes_out_on_a_new_connection() {
    with_rabbit(async |rabbit| {
        // The heartbeat is too long to detect the silence.
        let broker =
            AmqpOptions { timeout: Duration::from_secs(1), heartbeat: Duration::from_secs(3600), ..rabbit.options() };
        let worker = Worker::start(broker, options(2));
        worker.is(Status::Consuming).await;
        let queue = rabbit.declare_requester("replies").await;
        rabbit.put(&rabbit.names.jobs, &job("a", json!(1000)), properties("a", &queue)).await;
        soon("the job", async {
            while worker.seen().level.busy == 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        rabbit.proxy.silence();
        collect(rabbit, &queue, 1).await;
        worker.stop().await.unwrap();
    })
    .await;
}

/// Calls `first` and deletes the queue of a worker, which must declare it again and go on.
async fn outlives_its_queue(rabbit: &Rabbit, first: impl FnOnce()) {
    let worker = Worker::start(rabbit.options(), options(2));
    worker.is(Status::Consuming).await;
    let queue = rabbit.declare_requester("replies").await;
    // Both connections exist by now. A later one would declare the queue, and RabbitMQ would then move the consumer
    // over without telling it.
    rabbit.put(&rabbit.names.jobs, &job("a", json!(1)), properties("a", &queue)).await;
    collect(rabbit, &queue, 1).await;
    first();
    // The worker may be connecting for a moment only, so any change of its status counts.
    let mut status = worker.status.clone();
    status.mark_unchanged();
    rabbit.channel().queue_delete(rabbit.names.jobs.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    soon("the loss of the queue", status.changed()).await.unwrap();
    worker.is(Status::Consuming).await;
    rabbit.put(&rabbit.names.jobs, &job("b", json!(1)), properties("b", &queue)).await;
    collect(rabbit, &queue, 1).await;
    worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_queue_is_declared_again() {
    with_rabbit(async |rabbit| outlives_its_queue(rabbit, || ()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_address_is_tried() {
    with_rabbit(async |rabbit| {
        let mut options_ = rabbit.options();
        options_.addresses.insert(0, "amqp://127.0.0.1:1".parse().unwrap());
        let worker = Worker::start(options_, options(2));
        worker.is(Status::Consuming).await;
        worker.stop().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_a_worker_waits_and_can_be_stopped() {
    let addresses = vec!["amqp://127.0.0.1:1".parse().unwrap()];
    let worker = Worker::start(AmqpOptions { addresses, ..AmqpOptions::default() }, options(2));
    worker.is(Status::Connecting).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!worker.running.is_finished());
    worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_the_brokers_refusal() {
    with_rabbit(async |rabbit| {
        let password = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(password.path(), "wrong\n").unwrap();
        let options = AmqpOptions { password_file: Some(password.path().to_owned()), ..rabbit.options() };
        let broker = Amqp::new(options);
        let error = match scriptmill::broker::Broker::subscribe(&broker, scriptmill::broker::Queue::Jobs, 1).await {
            Ok(_) => panic!("connected with a wrong password"),
            Err(error) => error.to_string(),
        };
        assert!(
            error.starts_with("SM4103: ") && error.contains("ACCESS_REFUSED") && !error.contains("wrong"),
            "{error}"
        );
        // The file is read anew at each connection.
        std::fs::write(password.path(), "guest\n").unwrap();
        scriptmill::broker::Broker::subscribe(&broker, scriptmill::broker::Queue::Jobs, 1).await.map(drop).unwrap();
    })
    .await;
}
