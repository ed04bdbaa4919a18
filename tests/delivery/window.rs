//! What a worker holds beyond its slots, and what it leaves to others.

use std::time::Duration;

use scriptmill::service::{Options, Status};
use serde_json::json;

use super::support::{Rabbit, soon, with_rabbit};
use super::{NEW, Worker, collect, job_of, options, properties, put_jobs};

#[tokio::test(flavor = "multi_thread")]
async fn jobs_whose_script_is_being_prepared_hold_up_no_others() {
    const NEW_JOBS: usize = 150;
    with_rabbit(async |rabbit| {
        let worker = Worker::start(rabbit.options(), options(2));
        worker.is(Status::Consuming).await;
        let queue = rabbit.declare_requester("replies").await;
        for n in 0..NEW_JOBS {
            let id = format!("new-{n}");
            rabbit.put(&rabbit.names.jobs, &job_of(NEW, &id, json!(1)), properties(&id, &queue)).await;
        }
        put_jobs(rabbit, 100, json!(1), &queue).await;
        // The new jobs are many of one script, so the worker leaves most of them to others and makes room beside those that it holds.
        assert_eq!(collect(rabbit, &queue, 100).await.len(), 100);
        let preparing = worker.metrics.preparing.get();
        assert!((1..=60).contains(&preparing), "{preparing} jobs are in preparation");
        assert_eq!(worker.seen().level.busy, 0);
        // The jobs in preparation never began, and go back as they came. The broker counts a delivery only for a job
        // that was on its way when its consumer was cancelled.
        worker.stop().await.unwrap();
        let mut counted = 0;
        for _ in 0..NEW_JOBS {
            let message = soon("a job requeued", rabbit.take(&rabbit.names.jobs)).await;
            counted += message.properties.envelope().attempt - 1;
        }
        assert!(counted <= 4, "{counted} jobs were delivered again");
        assert!(rabbit.try_take(&queue).await.is_none(), "an outcome too many");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_jobs_are_prepared_than_there_is_memory_for() {
    with_rabbit(async |rabbit| {
        let few = Options { preparing_size: bytesize::ByteSize::kib(64), prefetch_margin: 2, ..options(2) };
        let worker = Worker::start(rabbit.options(), few);
        worker.is(Status::Consuming).await;
        let queue = rabbit.declare_requester("replies").await;
        for n in 0..100 {
            let id = format!("new-{n}");
            let source = format!("{NEW} {n}");
            rabbit.put(&rabbit.names.jobs, &job_of(&source, &id, json!(1)), properties(&id, &queue)).await;
        }
        soon("jobs in preparation", async {
            while worker.metrics.preparing.get() < 15 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        // 64 KiB hold a few more than 15 of these jobs. The consumers for which there is room left take some more.
        let preparing = worker.metrics.preparing.get();
        assert!((15..=30).contains(&preparing), "{preparing} jobs are in preparation");
        assert!(rabbit.ready(&rabbit.names.jobs).await >= 70);
        worker.stop().await.unwrap();
    })
    .await;
}

/// A worker that holds some jobs beyond its slots, since its jobs have been short.
async fn with_a_margin(rabbit: &Rabbit, queue: &str, slots: usize) -> Worker {
    let worker = Worker::start(rabbit.options(), options(slots));
    worker.is(Status::Consuming).await;
    put_jobs(rabbit, 200, json!(1), queue).await;
    collect(rabbit, queue, 200).await;
    soon("a margin, and all settled", async {
        while worker.seen().level.consumers < 2 || worker.seen().level.unsettled > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    // Time for the broker to take the acknowledgements. Until then it counts the slots as full.
    tokio::time::sleep(Duration::from_millis(500)).await;
    worker
}

#[tokio::test(flavor = "multi_thread")]
async fn a_free_slot_goes_before_the_margin_of_another_worker() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let first = with_a_margin(rabbit, &queue, 2).await;
        let second = Worker::start(rabbit.options(), options(2));
        second.is(Status::Consuming).await;
        put_jobs(rabbit, 4, json!(600_000), &queue).await;
        // A slot is taken a moment before its job counts as begun.
        soon("a job in every slot, and none beside", async {
            while first.seen().level.busy < 2 || first.seen().level.unstarted > 0 || second.seen().level.busy < 2 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        assert_eq!(first.metrics.moves("requeue"), 0);
        first.running.abort();
        second.running.abort();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_wait_behind_long_ones_go_back_to_where_others_take_them() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let first = with_a_margin(rabbit, &queue, 1).await;
        put_jobs(rabbit, 1, json!(600_000), &queue).await;
        put_jobs(rabbit, 8, json!(1), &queue).await;
        soon("short jobs at the worker with the long one", async {
            while first.seen().level.unstarted == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        let second = Worker::start(rabbit.options(), options(1));
        collect(rabbit, &queue, 8).await;
        assert_eq!(first.seen().level.busy, 1);
        assert!(first.metrics.moves("requeue") > 0);
        first.running.abort();
        second.stop().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_message_names_its_publisher_waits_no_longer_than_others() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let worker = with_a_margin(rabbit, &queue, 1).await;
        put_jobs(rabbit, 1, json!(600_000), &queue).await;
        for n in 0..8 {
            let id = format!("named-{n}");
            let named = properties(&id, &queue).with_user_id("guest".into());
            rabbit.put(&rabbit.names.jobs, &super::job(&id, json!(1)), named).await;
        }
        // With `tenant_is_user` a job that names its publisher would be held for a minute.
        let gone_back = async {
            while worker.metrics.moves("requeue") == 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), gone_back).await.expect("one goes back");
        worker.running.abort();
    })
    .await;
}
