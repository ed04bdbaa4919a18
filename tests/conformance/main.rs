//! What the worker expects of any broker, as a table of cases, each run on the embedded broker and on RabbitMQ.
#![allow(clippy::unwrap_used, reason = "tests")]

mod bench;
mod cancels;
mod gated;
mod heartbeats;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;

use bench::{Bench, SHORT, Seat, envelope, job, name, settler};
use cancels::{
    a_lost_connection_ends_the_reading, cancels_are_read_from_the_first_on, many_cancels_are_read,
    reading_goes_on_behind_a_place,
};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use gated::Gated;
use heartbeats::{
    a_heartbeat_is_heard_by_all_who_listen, a_lost_connection_ends_the_listening,
    a_slow_listener_misses_the_oldest_and_holds_up_nobody, consumers_are_counted_as_the_broker_counts_them,
    the_depth_is_what_nobody_holds,
};
use libtest_mimic::{Arguments, Trial};
use scriptmill::broker::embedded::Embedded;
use scriptmill::broker::{Delivery, Error, Header, Message, Queue, Routing, Target};
use scriptmill::intake::Policy;
use scriptmill::job::{Ended, Received, Running, Settling, Slot};
use scriptmill::service::Options;
use scriptmill::signals::Signals;
use scriptmill_sdk::amqp::{ATTEMPT, CODE, Envelope, PUBLISHER, UNROUTABLE};
use scriptmill_sdk::{Ending, Outcome, Usage, connect};
use serde_json::value::RawValue;
use support::{clock, soon};
use tokio::sync::Semaphore;

fn policy() -> Policy {
    Options::default().policy(false, "engine")
}

fn outcome(ending: Ending) -> Outcome {
    let (diagnostics, logs) = (Vec::new(), Vec::new());
    let (job_id, tenant) = ("a".to_owned(), "acme.sales".to_owned());
    let (warnings, usage, engine) = (Vec::new(), Usage::default(), String::new());
    Outcome { job_id, tenant, ending, diagnostics, logs, warnings, usage, engine }
}

/// A delivery whose job has begun.
async fn begun(delivery: Delivery) -> Running {
    let permit = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
    let signals = Signals::new(clock());
    let admitted = Received::new(delivery, &*clock(), &signals).admit(&policy()).ok().unwrap();
    admitted.start(Slot::new(permit, &signals)).0
}

/// A delivery whose job has succeeded.
async fn succeeded(delivery: Delivery) -> Settling {
    let value = RawValue::from_string("1e400".to_owned()).unwrap();
    let ended = begun(delivery).await.end(outcome(Ending::Succeeded(value)), clock().now(), &policy());
    let Ended::Settling(settling) = ended else { panic!("it asks for no other run") };
    *settling
}

fn header(message: &Message, name: &str) -> Option<String> {
    match message.properties.as_ref().headers().as_ref()?.inner().get(name)? {
        lapin::types::AMQPValue::LongString(text) => Some(text.to_string()),
        lapin::types::AMQPValue::LongLongInt(number) => Some(number.to_string()),
        other => Some(format!("{other:?}")),
    }
}

async fn first_in_first_out(bench: &Bench<'_>) {
    let mut seat = Seat::new(bench, 10).await;
    seat.put(&["a", "b", "c", "d"]).await;
    for expected in ["a", "b", "c", "d"] {
        let delivery = seat.next().await;
        assert_eq!((name(&delivery).as_str(), delivery.redelivered), (expected, false));
        delivery.acknowledge().await.unwrap();
    }
    seat.nothing().await;
}

async fn no_more_than_the_prefetch_is_out(bench: &Bench<'_>) {
    let mut seat = Seat::new(bench, 2).await;
    seat.put(&["a", "b", "c"]).await;
    let first = seat.next().await;
    let second = seat.next().await;
    seat.nothing().await;
    second.acknowledge().await.unwrap();
    assert_eq!(name(&seat.next().await), "c");
    drop(first);
}

async fn more_than_the_prefetch_is_out_once_the_window_is_extended(bench: &Bench<'_>) {
    let mut seat = Seat::new(bench, 2).await;
    seat.put(&["a", "b", "c", "d", "e", "f", "g", "h"]).await;
    let mut held = vec![seat.next().await, seat.next().await];
    seat.nothing().await;
    seat.subscription.extend_window(4);
    held.push(seat.next().await);
    // After the window was narrowed, deliveries on their way still come, and those held can be settled. No more come
    // than the prefetch allows.
    seat.subscription.extend_window(0);
    while held.len() < 6
        && let Ok(Some(delivery)) = tokio::time::timeout(SHORT, seat.subscription.next()).await
    {
        held.push(delivery.unwrap());
    }
    assert!("abcdef".starts_with(&held.iter().map(name).collect::<String>()));
    assert!(held.iter().all(|delivery| !delivery.redelivered));
    seat.nothing().await;
    let taken = held.len();
    for delivery in held {
        delivery.acknowledge().await.unwrap();
    }
    seat.put(&["i", "j"]).await;
    let rest = [seat.next().await, seat.next().await];
    assert_eq!(rest.iter().map(name).collect::<String>(), "abcdefghij"[taken..taken + 2]);
    assert!(rest.iter().all(|delivery| !delivery.redelivered));
    seat.nothing().await;
    let [first, _second] = rest;
    first.acknowledge().await.unwrap();
    assert_eq!(name(&seat.next().await), "abcdefghij"[taken + 2..taken + 3]);
}

async fn deliveries_of_many_consumers_are_all_settled(bench: &Bench<'_>) {
    let mut seat = Seat::new(bench, 2).await;
    let names: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    seat.put(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    seat.subscription.extend_window(98);
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(seat.next().await);
    }
    seat.nothing().await;
    held.reverse();
    for delivery in held {
        delivery.acknowledge().await.unwrap();
    }
    // The additional consumers go again, and no job is missed.
    seat.subscription.extend_window(0);
    seat.nothing().await;
    seat.put(&["last"]).await;
    let last = seat.next().await;
    assert_eq!((name(&last).as_str(), last.redelivered), ("last", false));
}

async fn properties_and_large_bodies_arrive(bench: &Bench<'_>) {
    let mut seat = Seat::new(bench, 1).await;
    let mut sent = job("a", Some("requester"));
    sent.body = vec![b'x'; 8 << 20].into();
    seat.publish(&Target::JOBS, &sent).await;
    let delivery = seat.next().await;
    assert!(delivery.message.body == sent.body, "the body differs");
    assert_eq!(envelope(&delivery), sent.properties.envelope());
    delivery.acknowledge().await.unwrap();
}

async fn a_lost_connection_brings_back_what_was_not_settled(bench: &Bench<'_>) {
    let mut seat = Seat::new(bench, 10).await;
    seat.put(&["a", "b", "c"]).await;
    seat.next().await.acknowledge().await.unwrap();
    let held = seat.next().await;
    // What was acknowledged must have reached the broker before the connection goes.
    seat.publish(&Target::Results { tenant: String::new() }, &job("sync", None)).await;
    tokio::time::sleep(SHORT).await;
    bench.cut();
    soon("the end of the delivery", async {
        // The subscriber gets the error, and each delivery that is held becomes void.
        let error = loop {
            match seat.subscription.next().await.expect("an error ends a subscription") {
                Ok(prefetched) => drop(prefetched),
                Err(error) => break error,
            }
        };
        assert!(error.is_transient(), "{error}");
        held.lost().await;
    })
    .await;
    assert!(matches!(held.acknowledge().await, Err(Error::Connection(connect::Error::Lost(_)))));
    drop(seat);

    let mut seat = Seat::new(bench, 10).await;
    let again = seat.next().await;
    assert_eq!((name(&again).as_str(), again.redelivered), ("b", true));
    again.acknowledge().await.unwrap();
    let rest = seat.next().await;
    assert_eq!(name(&rest), "c");
    rest.acknowledge().await.unwrap();
    seat.nothing().await;
}

async fn a_delivery_dropped_unsettled_comes_back(bench: &Bench<'_>) {
    let mut seat = Seat::new(bench, 1).await;
    seat.put(&["a"]).await;
    drop(seat.next().await);
    let again = seat.next().await;
    assert_eq!((name(&again).as_str(), again.redelivered), ("a", true));
    again.acknowledge().await.unwrap();
}

async fn a_stopped_subscription_takes_no_more(bench: &Bench<'_>) {
    let mut seat = Seat::new(bench, 10).await;
    seat.put(&["a"]).await;
    let held = seat.next().await;
    seat.subscription.stop().await.unwrap();
    seat.put(&["b"]).await;
    assert!(soon("the end of the subscription", seat.subscription.next()).await.is_none());
    // What was taken before can still be settled.
    held.acknowledge().await.unwrap();
    seat.subscription.close().await;

    let mut seat = Seat::new(bench, 10).await;
    let next = seat.next().await;
    assert_eq!((name(&next).as_str(), next.redelivered), ("b", false));
    next.acknowledge().await.unwrap();
    seat.nothing().await;
}

async fn an_unroutable_message_is_said_to_be(bench: &Bench<'_>) {
    let seat = Seat::new(bench, 1).await;
    let queue = bench.declare_requester("here").await;
    // Many at once, when channels are open already: each must get its own answer.
    assert_eq!(seat.publish(&Target::Requester(queue.clone()), &job("first", None)).await, Routing::Queued);
    let (here, gone) = (Target::Requester(queue.clone()), Target::Requester(format!("{queue}-gone")));
    let (to_here, to_gone) = (job("a", None), job("b", None));
    let answers = futures_util::future::join_all((0..3_000).map(|n| {
        let (target, message) = if n % 3 == 0 { (&gone, &to_gone) } else { (&here, &to_here) };
        seat.publish(target, message)
    }));
    for (n, routing) in answers.await.into_iter().enumerate() {
        let expected = if n % 3 == 0 { Routing::Unroutable } else { Routing::Queued };
        assert_eq!(routing, expected, "message {n}");
    }
}

async fn an_outcome_answers_its_requester(bench: &Bench<'_>) {
    let mut seat = Seat::new(bench, 1).await;
    let queue = bench.declare_requester("requester").await;
    seat.publish(&Target::JOBS, &job("a", Some(&queue))).await;
    let delivery = seat.next().await;
    let envelope = envelope(&delivery);
    seat.settler().settle(succeeded(delivery).await).await;
    let answer = bench.take(&queue).await;
    let read = answer.properties.envelope();
    assert_eq!(read.correlation_id.as_deref(), Some("correlation of a"));
    assert_eq!(read.traceparent, envelope.traceparent);
    assert_eq!(answer.properties.as_ref().delivery_mode(), &Some(2));
    assert!(String::from_utf8(answer.body.to_vec()).unwrap().contains("1e400"));
    seat.nothing().await;
}

async fn an_outcome_without_requester_is_a_result(bench: &Bench<'_>) {
    let mut seat = Seat::new(bench, 1).await;
    seat.put(&["a"]).await;
    let delivery = seat.next().await;
    seat.settler().settle(succeeded(delivery).await).await;
    assert_eq!(bench.take_result().await.properties.envelope().message_id.as_deref(), Some("a"));
    seat.nothing().await;
}

async fn an_outcome_whose_requester_is_gone_is_a_dead_letter(bench: &Bench<'_>) {
    let mut seat = Seat::new(bench, 1).await;
    seat.publish(&Target::JOBS, &job("a", Some("gone"))).await;
    seat.put(&["b"]).await;
    let delivery = seat.next().await;
    seat.settler().settle(succeeded(delivery).await).await;
    let letter = bench.take_dead().await;
    assert_eq!(header(&letter, UNROUTABLE).as_deref(), Some("gone"));
    assert!(String::from_utf8(letter.body.to_vec()).unwrap().contains("succeeded"));
    // The subscription goes on.
    assert_eq!(name(&seat.next().await), "b");
}

async fn a_message_that_is_no_job_is_answered_and_a_dead_letter(bench: &Bench<'_>) {
    let mut seat = Seat::new(bench, 1).await;
    let queue = bench.declare_requester("requester").await;
    seat.publish(&Target::JOBS, &Message { body: "{".into(), ..job("a", Some(&queue)) }).await;
    let signals = Signals::new(clock());
    let refused = Received::new(seat.next().await, &*clock(), &signals).admit(&policy()).err().unwrap();
    seat.settler().settle(*refused).await;
    assert_eq!(header(&bench.take(&queue).await, CODE).as_deref(), Some("SM3001"));
    let letter = bench.take_dead().await;
    assert_eq!((letter.body.as_ref(), header(&letter, CODE).as_deref()), (b"{".as_slice(), Some("SM3001")));
    seat.nothing().await;
}

async fn an_aborted_job_is_a_new_attempt_at_the_end(bench: &Bench<'_>) {
    let mut seat = Seat::new(bench, 1).await;
    seat.put(&["a", "b"]).await;
    let delivery = seat.next().await;
    let sent = envelope(&delivery);
    seat.settler().republish(begun(delivery).await.abort()).await;
    let next = seat.next().await;
    assert_eq!(name(&next), "b");
    next.acknowledge().await.unwrap();
    let again = seat.next().await;
    assert_eq!((name(&again).as_str(), again.redelivered), ("a", false));
    assert_eq!(header(&again.message, ATTEMPT).as_deref(), Some("2"));
    assert_eq!(envelope(&again), Envelope { attempt: 2, ..sent });
    again.acknowledge().await.unwrap();
    seat.nothing().await;
}

async fn a_job_that_was_delivered_again_goes_to_quarantine_with_its_history(bench: &Bench<'_>) {
    let mut seat = Seat::new(bench, 1).await;
    let sent = job("a", None);
    let forged = sent.properties.published_again([(PUBLISHER, Header::Text("somebody else".to_owned()))]);
    seat.publish(&Target::JOBS, &Message { properties: forged, ..sent }).await;
    drop(seat.next().await);
    let delivery = seat.next().await;
    let received = Received::new(delivery, &*clock(), &Signals::new(clock()));
    assert!(received.is_suspect());
    seat.settler().republish(received.quarantine()).await;
    seat.nothing().await;
    let mut apart = soon("a subscription", seat.broker.subscribe(Queue::Quarantine, 1)).await.unwrap();
    let delivery = soon("a delivery", apart.next()).await.unwrap().unwrap();
    let Envelope { attempt, crashes, history, publisher, .. } = envelope(&delivery);
    assert_eq!((name(&delivery).as_str(), delivery.redelivered), ("a", false));
    assert_eq!((attempt, crashes, history.len()), (2, 0, 1), "{history:?}");
    assert_eq!(publisher, None, "who published it is what the broker has checked");
    delivery.acknowledge().await.unwrap();
}

async fn a_job_that_waits_comes_back_when_its_time_has_come(bench: &Bench<'_>) {
    let mut seat = Seat::new(bench, 1).await;
    let began = std::time::Instant::now();
    assert_eq!(seat.publish(&Target::Delay { seconds: 2 }, &job("later", None)).await, Routing::Queued);
    assert_eq!(seat.publish(&Target::Delay { seconds: 1 }, &job("sooner", None)).await, Routing::Queued);
    for (expected, seconds) in [("sooner", 1), ("later", 2)] {
        let delivery = seat.next().await;
        assert_eq!((name(&delivery).as_str(), delivery.redelivered), (expected, false));
        assert!(began.elapsed().as_secs() >= seconds, "{expected}");
        delivery.acknowledge().await.unwrap();
    }
    seat.nothing().await;
}

async fn a_job_is_acknowledged_after_the_confirm(bench: &Bench<'_>) {
    let mut seat = Seat::new(bench, 1).await;
    let queue = bench.declare_requester("requester").await;
    seat.publish(&Target::JOBS, &job("a", Some(&queue))).await;
    let delivery = seat.next().await;
    let gated = Gated { broker: seat.broker.clone(), gate: Arc::new(Semaphore::new(0)) };
    let settler = settler(Arc::new(gated));
    let settling = tokio::spawn(async move { settler.settle(succeeded(delivery).await).await });
    bench.take(&queue).await;
    // The outcome is published and not confirmed: the broker must still own the job when the connection goes.
    bench.cut();
    soon("the error", async { while !matches!(seat.subscription.next().await, Some(Err(_))) {} }).await;
    soon("the end of settling", settling).await.unwrap();
    drop(seat);
    let mut seat = Seat::new(bench, 1).await;
    let again = seat.next().await;
    assert_eq!((name(&again).as_str(), again.redelivered), ("a", true));
    again.acknowledge().await.unwrap();
}

type Case = for<'a> fn(&'a Bench<'a>) -> LocalBoxFuture<'a, ()>;

macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        const CASES: &[(&str, Case)] = &[$((stringify!($case), |bench| $case(bench).boxed_local()),)*];
    };
}

cases![
    first_in_first_out,
    no_more_than_the_prefetch_is_out,
    more_than_the_prefetch_is_out_once_the_window_is_extended,
    deliveries_of_many_consumers_are_all_settled,
    properties_and_large_bodies_arrive,
    a_lost_connection_brings_back_what_was_not_settled,
    a_delivery_dropped_unsettled_comes_back,
    a_stopped_subscription_takes_no_more,
    an_unroutable_message_is_said_to_be,
    an_outcome_answers_its_requester,
    an_outcome_without_requester_is_a_result,
    an_outcome_whose_requester_is_gone_is_a_dead_letter,
    a_message_that_is_no_job_is_answered_and_a_dead_letter,
    an_aborted_job_is_a_new_attempt_at_the_end,
    a_job_that_was_delivered_again_goes_to_quarantine_with_its_history,
    a_job_that_waits_comes_back_when_its_time_has_come,
    a_job_is_acknowledged_after_the_confirm,
    a_heartbeat_is_heard_by_all_who_listen,
    a_slow_listener_misses_the_oldest_and_holds_up_nobody,
    the_depth_is_what_nobody_holds,
    consumers_are_counted_as_the_broker_counts_them,
    a_lost_connection_ends_the_listening,
    cancels_are_read_from_the_first_on,
    reading_goes_on_behind_a_place,
    many_cancels_are_read,
    a_lost_connection_ends_the_reading,
];

fn main() {
    let mut trials = Vec::new();
    for (name, case) in CASES {
        trials.push(Trial::test(format!("embedded::{name}"), move || {
            run(async { case(&Bench::Embedded(Embedded::new(10_000))).await });
            Ok(())
        }));
        trials.push(Trial::test(format!("rabbitmq::{name}"), move || {
            run(support::with_rabbit(async |rabbit| case(&Bench::Rabbit(rabbit)).await));
            Ok(())
        }));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn run(case: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(case);
}
