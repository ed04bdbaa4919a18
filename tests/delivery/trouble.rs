//! A broker in trouble, and a worker in trouble with it.

use std::net::TcpListener;

use lapin::options::{ExchangeDeleteOptions, QueueBindOptions};
use lapin::types::AMQPValue;
use scriptmill_sdk::connect::{self, Brokers};

use super::*;
use crate::support::proxy::{Trouble, Way};

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
            // The worker declares the queue again when it publishes the letter.
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
    // A server that accepts connections and sends nothing.
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

/// RabbitMQ does not tell consumers of the deletion if a member of the queue has just come back and lags behind its leader.
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_deleted_without_a_word_is_declared_again() {
    with_rabbit(async |rabbit| {
        outlives_its_queue(rabbit, || rabbit.proxy.strike(Trouble::HideCancels, Way::FromBroker)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_of_results_that_is_gone_is_declared_again() {
    const JOBS: usize = 20;
    with_rabbit(async |rabbit| {
        let worker = Worker::start(rabbit.options(), options(2));
        worker.is(Status::Consuming).await;
        let queue = rabbit.declare_requester("replies").await;
        put_jobs(rabbit, 1, json!(1), &queue).await;
        collect(rabbit, &queue, 1).await;
        let results = rabbit.names.results.as_str();
        rabbit.channel().exchange_delete(results.into(), ExchangeDeleteOptions::default()).await.unwrap();
        // Each outcome for the deleted exchange closes a channel that others use.
        for n in 0..JOBS {
            let properties = Envelope { message_id: Some(n.to_string()), ..Envelope::default() }.job_properties();
            rabbit.put(&rabbit.names.jobs, &job(&n.to_string(), json!(1)), properties).await;
        }
        put_jobs(rabbit, JOBS, json!(1), &queue).await;
        assert_eq!(collect(rabbit, &queue, JOBS).await.len(), JOBS);
        assert_eq!(collect(rabbit, results, JOBS).await.len(), JOBS);
        worker.stop().await.unwrap();
        assert_eq!((rabbit.ready(&rabbit.names.jobs).await, rabbit.ready(&rabbit.names.dead).await), (0, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_dead_letters_take_nothing_others_run_and_nothing_is_lost() {
    const LETTERS: usize = 3;
    with_rabbit(async |rabbit| {
        let worker = Worker::start(rabbit.options(), options(8));
        worker.is(Status::Consuming).await;
        let queue = rabbit.declare_requester("replies").await;
        put_jobs(rabbit, 1, json!(1), &queue).await;
        collect(rabbit, &queue, 1).await;
        // The queue of dead letters is replaced by one that is full with one message and refuses others.
        let (channel, dead) = (rabbit.channel(), rabbit.names.dead.as_str());
        channel.queue_delete(dead.into(), QueueDeleteOptions::default()).await.unwrap();
        let mut arguments = FieldTable::default();
        arguments.insert("x-max-length".into(), AMQPValue::LongInt(1));
        arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
        channel.queue_declare(dead.into(), QueueDeclareOptions::durable(), arguments).await.unwrap();
        let bind = QueueBindOptions::default();
        channel.queue_bind(dead.into(), dead.into(), "".into(), bind, FieldTable::default()).await.unwrap();
        rabbit.put(dead, b"full", BasicProperties::default()).await;
        for n in 0..LETTERS {
            rabbit.put(&rabbit.names.jobs, b"no job", properties(&format!("unreadable-{n}"), &queue)).await;
        }
        soon("letters that wait", async {
            while worker.metrics.publish_retries.get() < 2 * LETTERS as u64 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        put_jobs(rabbit, 20, json!(1), &queue).await;
        collect(rabbit, &queue, 20).await;
        // No message is answered before its letter is kept. Each letter that is taken makes room for the next.
        assert_eq!(&soon("what filled it", rabbit.take(dead)).await.body[..], b"full");
        for _ in 0..LETTERS {
            assert_eq!(&soon("a letter", rabbit.take(dead)).await.body[..], b"no job");
            let outcome = read(&soon("the outcome", rabbit.take(&queue)).await);
            assert_eq!(outcome.ending.code().unwrap().to_string(), "SM3001");
        }
        worker.stop().await.unwrap();
        assert!(rabbit.try_take(&queue).await.is_none(), "it was answered twice");
        assert_eq!((rabbit.ready(&rabbit.names.jobs).await, rabbit.ready(dead).await), (0, 0));
    })
    .await;
}
