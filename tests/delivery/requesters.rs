//! Requesters who hurt others, or try to.

use std::collections::HashSet;

use futures_util::StreamExt as _;
use lapin::options::{BasicConsumeOptions, BasicPublishOptions};
use lapin::types::{AMQPValue, ShortString};
use scriptmill_sdk::amqp::{HEADERS_DROPPED, UNDELIVERED, UNROUTABLE};

use super::*;

fn header(message: &Message, name: &str) -> Option<String> {
    match message.properties.as_ref().headers().as_ref()?.inner().get(name)? {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::LongLongInt(number) => Some(number.to_string()),
        other => Some(format!("{other:?}")),
    }
}

/// A queue with room for one message, which refuses others.
async fn declare_full(rabbit: &Rabbit) -> String {
    let mut arguments = FieldTable::default();
    arguments.insert("x-max-length".into(), AMQPValue::LongInt(1));
    arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
    rabbit.declare_requester_with("full", arguments).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_queue_is_full_holds_up_nobody() {
    const JOBS: usize = 60;
    with_rabbit(async |rabbit| {
        // Its outcomes wait for longer than this test.
        let options_ = Options {
            undelivered: settle::Options { patience: Duration::from_secs(900), ..settle::Options::default() },
            ..options(4)
        };
        let worker = Worker::start(rabbit.options(), options_);
        worker.is(Status::Consuming).await;
        let (full, queue) = (declare_full(rabbit).await, rabbit.declare_requester("replies").await);
        put_jobs(rabbit, JOBS, json!(0), &full).await;
        soon("all outcomes of the full queue", async {
            while worker.metrics.undelivered.get() < JOBS as i64 - 1 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        rabbit.put(&rabbit.names.jobs, &job("other", json!(0)), properties("other", &queue)).await;
        assert_eq!(collect(rabbit, &queue, 1).await.len(), 1);
        // The requester reads after all, and has lost no outcome.
        assert_eq!(collect(rabbit, &full, JOBS).await.len(), JOBS);
        worker.stop().await.unwrap();
        assert_eq!((rabbit.ready(&rabbit.names.jobs).await, rabbit.ready(&rabbit.names.dead).await), (0, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_waited_for_too_long_is_a_dead_letter() {
    const JOBS: usize = 5;
    with_rabbit(async |rabbit| {
        let patience = Duration::from_millis(500);
        let options_ =
            Options { undelivered: settle::Options { patience, ..settle::Options::default() }, ..options(2) };
        let worker = Worker::start(rabbit.options(), options_);
        worker.is(Status::Consuming).await;
        let full = declare_full(rabbit).await;
        put_jobs(rabbit, JOBS, json!(0), &full).await;
        let mut jobs = HashSet::new();
        for _ in 1..JOBS {
            let letter = soon("a dead letter", rabbit.take(&rabbit.names.dead)).await;
            assert_eq!(header(&letter, UNROUTABLE).as_ref(), Some(&full));
            assert_eq!(header(&letter, UNDELIVERED).as_deref(), Some("full"));
            jobs.insert(read(&letter).job_id);
        }
        jobs.extend(collect(rabbit, &full, 1).await.into_keys());
        assert_eq!(jobs.len(), JOBS);
        worker.stop().await.unwrap();
        assert_eq!(rabbit.ready(&rabbit.names.jobs).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_which_the_broker_closes_the_connection_is_found_out() {
    const JOBS: usize = 40;
    with_rabbit(async |rabbit| {
        let worker = Worker::start(rabbit.options(), options(2));
        worker.is(Status::Consuming).await;
        let queue = rabbit.declare_requester("replies").await;
        let malformed = ["amq.rabbitmq.reply-to.AAAA.BBBB", "amq.rabbitmq.reply-to.CCCC.DDDD"];
        for n in 0..JOBS {
            rabbit
                .put(&rabbit.names.jobs, &job(&format!("bad-{n}"), json!(0)), properties("bad", malformed[n % 2]))
                .await;
            rabbit.put(&rabbit.names.jobs, &job(&format!("good-{n}"), json!(0)), properties("good", &queue)).await;
        }
        assert_eq!(collect(rabbit, &queue, JOBS).await.len(), JOBS);
        let mut kept = HashSet::new();
        while kept.len() < JOBS {
            let letter = soon("a dead letter", rabbit.take(&rabbit.names.dead)).await;
            assert_eq!(header(&letter, UNDELIVERED).as_deref(), Some("closes-connection"));
            kept.insert(read(&letter).job_id);
        }
        worker.stop().await.unwrap();
        assert_eq!(rabbit.ready(&rabbit.names.jobs).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_uses_direct_reply_to_is_answered_and_no_dead_letter_is_made() {
    const JOBS: usize = 10;
    const DIRECT: &str = "amq.rabbitmq.reply-to";
    with_rabbit(async |rabbit| {
        let worker = Worker::start(rabbit.options(), options(2));
        worker.is(Status::Consuming).await;
        let channel = rabbit.channel();
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let mut answers =
            channel.basic_consume(DIRECT.into(), "".into(), options, FieldTable::default()).await.unwrap();
        for n in 0..JOBS {
            let (id, options) = (format!("job-{n}"), BasicPublishOptions::default());
            let body = job(&id, json!(0));
            let jobs = rabbit.names.jobs.as_str().into();
            let sent = channel.basic_publish("".into(), jobs, options, &body, properties(&id, DIRECT));
            sent.await.unwrap().await.unwrap();
        }
        let mut answered = HashSet::new();
        while answered.len() < JOBS {
            let answer = soon("an answer", answers.next()).await.unwrap().unwrap();
            answered.insert(serde_json::from_slice::<Outcome>(&answer.data).unwrap().job_id);
        }
        worker.stop().await.unwrap();
        assert_eq!((rabbit.ready(&rabbit.names.jobs).await, rabbit.ready(&rabbit.names.dead).await), (0, 0));
    })
    .await;
}

/// Properties of a job with further headers, whose values take `bytes` bytes.
fn with_headers(id: &str, reply_to: &str, bytes: usize) -> BasicProperties {
    let properties = properties(id, reply_to);
    let mut headers = properties.headers().clone().unwrap_or_default();
    for n in 0..8 {
        let name: ShortString = format!("x-large-{n}").into();
        headers.insert(name, AMQPValue::LongString(vec![b'a'; bytes / 8].into()));
    }
    properties.with_headers(headers)
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_fill_a_frame_stop_nothing() {
    with_rabbit(async |rabbit| {
        let worker = Worker::start(rabbit.options(), options(2));
        worker.is(Status::Consuming).await;
        let queue = rabbit.declare_requester("replies").await;
        rabbit.put(&rabbit.names.jobs, &job("before", json!(0)), properties("before", &queue)).await;
        collect(rabbit, &queue, 1).await;
        // RabbitMQ accepts a frame with as many bytes as it has announced and eight more around them; lapin does not. A
        // message that is delivered again has one more header.
        let room = 128 * 1024 + 8 - frame_bytes(&with_headers("large", &queue, 0));
        rabbit.put(&rabbit.names.jobs, &job("large", json!(0)), with_headers("large", &queue, room / 8 * 8)).await;
        rabbit.put(&rabbit.names.jobs, &job("after", json!(0)), properties("after", &queue)).await;
        let mut seen = HashSet::new();
        while seen.len() < 2 {
            let outcome = read(&soon("an outcome", rabbit.take(&queue)).await);
            let code = outcome.ending.code().map(|code| code.to_string());
            seen.insert((outcome.job_id, code));
        }
        assert!(seen.contains(&("after".to_owned(), None)), "{seen:?}");
        assert!(seen.contains(&("large".to_owned(), Some("SM3010".to_owned()))), "{seen:?}");
        let letter = soon("the dead letter", rabbit.take(&rabbit.names.dead)).await;
        assert_eq!(letter.body, job("large", json!(0)));
        assert!(header(&letter, HEADERS_DROPPED).is_some());
        worker.stop().await.unwrap();
        assert_eq!(rabbit.ready(&rabbit.names.jobs).await, 0);
    })
    .await;
}

/// Bytes of the frame that carries these properties, as [`properties`] writes them.
fn frame_bytes(properties: &BasicProperties) -> usize {
    let text = |text: &Option<ShortString>| text.as_ref().map_or(0, |text| 1 + text.as_str().len());
    let (frame, class_weight_size, flags, table, delivery_mode, timestamp) = (8, 12, 2, 4, 1, 8);
    let texts = text(properties.content_type()) + text(properties.reply_to()) + text(properties.message_id());
    let headers = scriptmill::broker::Properties::from(properties.clone()).headers_bytes();
    frame + class_weight_size + flags + table + delivery_mode + timestamp + texts + headers
}
