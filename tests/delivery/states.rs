//! Unusual ways of a job through the worker.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, pending};
use scriptmill::broker::{Cancels, Followed, Follower};
use scriptmill::intake::Policy;
use scriptmill::job::{Isolated, Next, Ran};
use scriptmill::quarantine::{Failed, Isolation};
use scriptmill_sdk::{Cancel, Code, Ending};
use tokio::sync::Barrier;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_has_passed_is_seen_before_the_script_is_prepared() {
    with_rabbit(async |rabbit| {
        let worker = Worker::start(rabbit.options(), options(2));
        worker.is(Status::Consuming).await;
        let queue = rabbit.declare_requester("replies").await;
        let mut late: serde_json::Value = serde_json::from_slice(&job_of(NEW, "late", json!(1))).unwrap();
        late["deadline"] = json!("2020-01-01T00:00:00Z");
        rabbit.put(&rabbit.names.jobs, late.to_string().as_bytes(), properties("late", &queue)).await;
        let outcome = read(&soon("the outcome", rabbit.take(&queue)).await);
        assert_eq!((outcome.job_id.as_str(), outcome.ending.status()), ("late", "cancelled"));
        assert_eq!(outcome.ending.code(), Some(Code::DeadlinePassed));
        worker.stop().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_over_which_the_worker_breaks_is_named_in_its_outcome() {
    with_rabbit(async |rabbit| {
        let worker = Worker::start(rabbit.options(), options(2));
        worker.is(Status::Consuming).await;
        let queue = rabbit.declare_requester("replies").await;
        // The message has no id by which the job could be known.
        let properties = Envelope { reply_to: Some(queue.clone()), ..Envelope::default() }.job_properties();
        rabbit.put(&rabbit.names.jobs, &job("broken", json!("breaks")), properties).await;
        let outcome = read(&soon("the outcome", rabbit.take(&queue)).await);
        assert_eq!((outcome.job_id.as_str(), outcome.tenant.as_str()), ("broken", "acme.sales"));
        assert_eq!(outcome.ending.code(), Some(Code::EngineFault));
        worker.stop().await.unwrap();
    })
    .await;
}

/// Cancels that nobody receives before the gate opens.
struct Late {
    gate: Arc<Semaphore>,
    cancel: Cancel,
}

/// What the follower returns, the last item first.
struct Saying(Vec<Followed>);

impl Cancels for Late {
    fn follow(&self, _: Option<u64>) -> BoxFuture<'_, Result<Box<dyn Follower>, Error>> {
        async {
            self.gate.acquire().await.unwrap().forget();
            let body = self.cancel.to_vec().unwrap().into();
            let said = vec![Followed::CaughtUp, Followed::Cancel { place: 0, body, publisher: None }];
            Ok(Box::new(Saying(said)) as Box<dyn Follower>)
        }
        .boxed()
    }
}

impl Follower for Saying {
    fn next(&mut self) -> BoxFuture<'_, Result<Followed, Error>> {
        match self.0.pop() {
            Some(said) => async { Ok(said) }.boxed(),
            None => pending().boxed(),
        }
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        async {}.boxed()
    }
}

/// A quarantine whose jobs never end, and which counts them.
struct Endless(Semaphore);

impl Isolation for Endless {
    fn run<'a>(&'a self, _: &'a Isolated, _: usize) -> BoxFuture<'a, Result<Ran, Failed>> {
        self.0.add_permits(1);
        pending().boxed()
    }

    fn rest(&self) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn no_job_in_quarantine_begins_before_all_cancels_have_been_read() {
    with_rabbit(async |rabbit| {
        let (gate, quarantine) = (Arc::new(Semaphore::new(0)), Arc::new(Endless(Semaphore::new(0))));
        let cancel = Cancel::new("acme.sales".parse().unwrap(), "cancelled");
        let parts = Parts {
            cancels: Some(Arc::new(Late { gate: gate.clone(), cancel })),
            isolation: Some(quarantine.clone()),
            ..Worker::parts(1, rabbit.options(), &options(1))
        };
        let first = Worker::start(rabbit.options(), options(1));
        first.is(Status::Consuming).await;
        first.stop().await.unwrap();
        let queue = rabbit.declare_requester("replies").await;
        rabbit.put(&rabbit.names.quarantine, &job("cancelled", json!(0)), properties("cancelled", &queue)).await;
        let worker = Worker::of(parts, options(1));
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(quarantine.0.available_permits(), 0, "it began");
        gate.add_permits(1);
        let outcome = read(&soon("the outcome", rabbit.take(&queue)).await);
        assert_eq!(outcome.ending.code(), Some(Code::CancelRequested));
        assert_eq!(quarantine.0.available_permits(), 0, "it began");
        worker.stop().await.unwrap();
    })
    .await;
}

/// A process that dies when all jobs run in it, and whenever the killer does.
struct Fragile {
    policy: Policy,
    all: Barrier,
    has_died: AtomicBool,
    /// Jobs that run after that, and the most of them at one time.
    running: AtomicUsize,
    most: AtomicUsize,
}

impl Isolation for Fragile {
    fn run<'a>(&'a self, job: &'a Isolated, _: usize) -> BoxFuture<'a, Result<Ran, Failed>> {
        async move {
            let (id, tenant) = job.identity();
            if !self.has_died.load(Ordering::SeqCst) {
                self.all.wait().await;
                self.has_died.store(true, Ordering::SeqCst);
                return Err(Failed::Beside("it was one of several".to_owned()));
            }
            self.most.fetch_max(self.running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(50)).await;
            self.running.fetch_sub(1, Ordering::SeqCst);
            if id == "killer" {
                return Err(Failed::Died("it was alone".to_owned()));
            }
            let value = serde_json::value::to_raw_value(&job.message().1.envelope.attempt).unwrap();
            let outcome = self.policy.unrun(Ending::Succeeded(value), id, tenant, None);
            Ok(Ran::Ended { outcome: Box::new(outcome), next: Next::default() })
        }
        .boxed()
    }

    fn rest(&self) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_in_quarantine_run_side_by_side_until_a_process_dies_and_then_alone() {
    with_rabbit(async |rabbit| {
        // One has the memory of the process, and three have two slots each.
        let options = options(6);
        let quarantine = Arc::new(Fragile {
            policy: options.policy(false, "fragile"),
            all: Barrier::new(4),
            has_died: AtomicBool::new(false),
            running: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        });
        let parts = Parts { isolation: Some(quarantine.clone()), ..Worker::parts(1, rabbit.options(), &options) };
        let worker = Worker::of(parts, options);
        worker.is(Status::Consuming).await;
        let queue = rabbit.declare_requester("replies").await;
        for id in ["killer", "a", "b", "c"] {
            rabbit.put(&rabbit.names.quarantine, &job(id, json!(0)), properties(id, &queue)).await;
        }
        let mut outcomes = HashMap::new();
        for _ in 0..4 {
            let message = soon("an outcome", rabbit.take(&queue)).await;
            let outcome = read(&message);
            outcomes.insert(outcome.job_id.clone(), (outcome, message.properties.envelope()));
        }
        assert_eq!(quarantine.most.load(Ordering::SeqCst), 1, "they ran beside each other after the process had died");
        for id in ["a", "b", "c"] {
            let (outcome, envelope) = &outcomes[id];
            assert!(matches!(outcome.ending, Ending::Succeeded(_)), "{id}: {:?}", outcome.ending);
            assert_eq!((envelope.attempt, envelope.crashes), (1, 0), "{id} is charged");
        }
        let (outcome, envelope) = &outcomes["killer"];
        assert_eq!((outcome.ending.code(), envelope.attempt), (Some(Code::WorkersDied), 2));
        let letter = soon("a dead letter", rabbit.take(&rabbit.names.dead)).await;
        assert_eq!(letter.properties.envelope().crashes, 2);
        assert_eq!(worker.seen().level.busy, 0, "they keep slots");
        worker.stop().await.unwrap();
    })
    .await;
}
