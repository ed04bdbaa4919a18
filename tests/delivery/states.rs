//! Unusual ways of a job through the worker.

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, pending};
use scriptmill::broker::{Cancels, Followed, Follower};
use scriptmill::job::{Isolated, Ran};
use scriptmill::quarantine::{Failed, Isolation};
use scriptmill_sdk::{Cancel, Code};

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
    fn run<'a>(&'a self, _: &'a Isolated) -> BoxFuture<'a, Result<Ran, Failed>> {
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
