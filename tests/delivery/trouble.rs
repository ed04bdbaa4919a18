//! A broker in trouble, and a worker in trouble with it.

use std::net::TcpListener;

use scriptmill_sdk::connect::{self, Brokers};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn without_a_queue_for_dead_letters_an_unreadable_message_is_answered_once() {
    with_rabbit(async |rabbit| {
        let worker = Worker::start(rabbit.options(), options(2));
        worker.is(Status::Consuming).await;
        let queue = rabbit.declare_requester("replies").await;
        rabbit.put(&rabbit.names.jobs, &job("before", json!(0)), properties("before", &queue)).await;
        collect(rabbit, &queue, 1).await;
        rabbit.channel().queue_delete(rabbit.names.dead.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
        rabbit.put(&rabbit.names.jobs, b"no job", properties("unreadable", &queue)).await;
        let letter = soon("the dead letter", async {
            // The queue comes back with it.
            loop {
                let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
                let channel = rabbit.another_channel().await;
                if channel
                    .queue_declare(rabbit.names.dead.as_str().into(), passive, FieldTable::default())
                    .await
                    .is_ok()
                {
                    break rabbit.take(&rabbit.names.dead).await;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        assert_eq!(&letter.body[..], b"no job");
        let outcome = read(&soon("the outcome", rabbit.take(&queue)).await);
        assert_eq!(outcome.ending.code().unwrap().to_string(), "SM3001");
        worker.stop().await.unwrap();
        assert!(rabbit.try_take(&queue).await.is_none(), "it was answered twice");
        assert_eq!(rabbit.ready(&rabbit.names.jobs).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_ends_in_its_time_though_the_broker_says_nothing() {
    with_rabbit(async |rabbit| {
        let never = Duration::from_secs(3600);
        let broker = AmqpOptions { timeout: never, heartbeat: never, ..rabbit.options() };
        let worker = Worker::start(broker, Options { grace: Duration::from_secs(2), ..options(2) });
        worker.is(Status::Consuming).await;
        let queue = rabbit.declare_requester("replies").await;
        put_jobs(rabbit, 4, json!(600_000), &queue).await;
        soon("the jobs", async {
            while worker.seen().level.busy < 2 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        rabbit.proxy.silence();
        // A test that hangs here has failed.
        worker.stop().await.unwrap();
    })
    .await;
}

/// Threads of this process that serve connections of lapin.
fn connections() -> usize {
    let names = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    names
        .filter(|task| std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.starts_with("lapin")))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_to_connect_that_are_given_up_leave_nothing_behind() {
    // It takes connections and says nothing on them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("amqp://{}", silent.local_addr().unwrap()).parse().unwrap();
    let brokers = Brokers { timeout: Duration::from_millis(200), ..Brokers::at([address]) };
    for _ in 0..5 {
        let error = brokers.connect(0, "test").await.unwrap_err();
        assert!(matches!(error, connect::Error::Unreachable { .. }), "{error}");
    }
    soon("the end of their threads", async {
        while connections() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}
