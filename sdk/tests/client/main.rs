//! The dispatch client against a real RabbitMQ (`SCRIPTMILL_TEST_AMQP`), with a worker that only echoes.
#![allow(clippy::unwrap_used, reason = "tests")]

mod engine;
mod proxy;
mod quiet;
mod rig;
mod trouble;

use std::time::Duration;

use futures_util::future::join_all;
use proxy::Proxy;
use rig::{Echo, Rig, job};
use scriptmill_sdk::client::{Client, DispatchError, Options, OutcomeError};
use scriptmill_sdk::connect::Error;
use scriptmill_sdk::{Ending, Job, Outcome};
use tokio::time::timeout;

/// Long enough for any answer on a machine that is busy with something else.
const LONG: Duration = Duration::from_secs(120);

fn echoed(outcome: &Outcome) -> (&str, &str) {
    match &outcome.ending {
        Ending::Succeeded(value) => (&outcome.job_id, value.get()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_jobs_wait_at_once_on_two_connections() {
    const JOBS: u64 = 3_000;
    let rig = Rig::new().await;
    // Answered in another order than sent.
    let echo = rig.worker(Echo { batch: 150, copies: 1 }).await;
    let client = Client::connect(rig.options()).await.unwrap();
    let run = |n| {
        let client = client.clone();
        async move {
            let pending = client.dispatch(&job(n)).await.unwrap();
            pending.outcome(LONG).await.unwrap()
        }
    };
    let outcomes = join_all((0..JOBS).map(run)).await;
    for (n, outcome) in outcomes.iter().enumerate() {
        assert_eq!(echoed(outcome), (format!("job-{n}").as_str(), n.to_string().as_str()));
    }
    let counts = client.counts();
    assert_eq!((counts.outcomes, counts.duplicates, counts.unclaimed, counts.connections), (JOBS, 0, 0, 2));
    echo.abort();
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_jobs_are_in_flight_than_allowed() {
    let rig = Rig::new().await;
    let client = Client::connect(Options { in_flight_max: 2, ..rig.options() }).await.unwrap();
    let (first, second) = (client.dispatch(&job(1)).await.unwrap(), client.dispatch(&job(2)).await.unwrap());
    let third = tokio::spawn({
        let client = client.clone();
        async move { client.dispatch(&job(3)).await.map(drop) }
    });
    // Each answer lets one more job be dispatched.
    assert_eq!(rig.waiting().await, 2);
    assert!(!third.is_finished());
    let echo = rig.worker(Echo { batch: 1, copies: 1 }).await;
    first.outcome(LONG).await.unwrap();
    third.await.unwrap().unwrap();
    drop(second);
    echo.abort();
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_has_come_holds_no_place() {
    const JOBS: u64 = 20;
    let rig = Rig::new().await;
    let echo = rig.worker(Echo { batch: 1, copies: 1 }).await;
    let client = Client::connect(Options { in_flight_max: 2, ..rig.options() }).await.unwrap();
    let dispatch_all = async {
        let mut waiting = Vec::new();
        for n in 0..JOBS {
            waiting.push(client.dispatch(&job(n)).await.unwrap());
        }
        waiting
    };
    let waiting = timeout(LONG, dispatch_all).await.expect("a place for each job");
    for (n, pending) in waiting.into_iter().enumerate() {
        assert_eq!(echoed(&pending.outcome(LONG).await.unwrap()).1, n.to_string());
    }
    echo.abort();
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn second_outcomes_and_those_nobody_waits_for_are_counted() {
    let rig = Rig::new().await;
    let client = Client::connect(rig.options()).await.unwrap();
    let kept = client.dispatch(&job(1)).await.unwrap();
    drop(client.dispatch(&job(2)).await.unwrap());
    let late = client.dispatch(&job(3)).await.unwrap().outcome(Duration::ZERO).await.unwrap_err();
    assert!(matches!(late, OutcomeError::TimedOut { .. }) && late.to_string().contains("SM4107"), "{late}");

    let echo = rig.worker(Echo { batch: 1, copies: 2 }).await;
    assert_eq!(echoed(&kept.outcome(LONG).await.unwrap()), ("job-1", "1"));
    // The reply queue is first in, first out: what came before this job's outcome has been counted.
    client.dispatch(&job(4)).await.unwrap().outcome(LONG).await.unwrap();
    let counts = client.counts();
    assert_eq!((counts.outcomes, counts.duplicates, counts.unclaimed), (2, 1, 4));
    echo.abort();
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_dispatched_is_told() {
    let rig = Rig::new().await;
    let options = Options { message_bytes_max: 500, ..rig.options() };
    let client = Client::connect(options).await.unwrap();
    let fails = async |job: Job| client.dispatch(&job).await.map(drop).unwrap_err();

    let invalid = fails(Job { id: String::new(), ..job(1) }).await;
    assert!(matches!(invalid, DispatchError::Invalid(_)) && invalid.to_string().contains("SM3002: "), "{invalid}");
    let large = fails(Job { entry: Some("x".repeat(500)), ..job(1) }).await;
    assert!(matches!(large, DispatchError::TooLarge { allowed: 500, .. }), "{large}");
    rig.hold_at_most(1).await;
    let waiting = client.dispatch(&job(1)).await.unwrap();
    let twice = fails(job(1)).await;
    assert!(matches!(twice, DispatchError::Pending(_)), "{twice}");
    let full = fails(job(2)).await;
    assert!(matches!(full, DispatchError::Full(_)) && full.is_transient(), "{full}");
    rig.delete_queue().await;
    let gone = fails(job(2)).await;
    assert!(matches!(gone, DispatchError::NoQueue(_)) && !gone.is_transient(), "{gone}");
    rig.delete_exchange().await;
    let gone = fails(job(2)).await;
    assert!(matches!(gone, DispatchError::NoQueue(_)) && gone.to_string().contains("`scriptmill declare`"), "{gone}");
    // That closed the channel, and on its way back the client has declared everything again.
    drop(client.dispatch(&job(2)).await.unwrap());
    assert_eq!(rig.waiting().await, 1);

    client.close().await;
    assert!(matches!(fails(job(3)).await, DispatchError::Closed));
    assert!(matches!(waiting.outcome(LONG).await.unwrap_err(), OutcomeError::Closed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_exists_with_other_arguments_is_told() {
    let rig = Rig::new().await;
    Client::connect(rig.options()).await.unwrap().close().await;
    rig.hold_at_most(1).await;
    let differs = Client::connect(rig.options()).await.map(drop).unwrap_err();
    assert!(matches!(differs, Error::Differs { .. }) && differs.to_string().contains("SM4102"), "{differs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_published_while_the_client_is_away_are_kept_for_it() {
    const JOBS: u64 = 50;
    let rig = Rig::new().await;
    let proxy = Proxy::start(rig.broker()).await;
    let client = Client::connect(rig.options_to([proxy.address()])).await.unwrap();
    let mut waiting = Vec::new();
    for n in 0..JOBS {
        waiting.push(client.dispatch(&job(n)).await.unwrap());
    }
    proxy.cut();
    let echo = rig.worker(Echo { batch: 1, copies: 1 }).await;
    rig.until_answered(JOBS).await;
    proxy.mend();
    for outcome in join_all(waiting.into_iter().map(|pending| pending.outcome(LONG))).await {
        outcome.unwrap();
    }
    let counts = client.counts();
    assert_eq!((counts.outcomes, counts.duplicates, counts.unclaimed), (JOBS, 0, 0));
    assert!(counts.connections >= 3);
    echo.abort();
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_without_a_confirm_is_dispatched_again_under_its_id() {
    let rig = Rig::new().await;
    let proxy = Proxy::start(rig.broker()).await;
    let mut options = rig.options_to([proxy.address()]);
    options.brokers.timeout = Duration::from_secs(3);
    let client = Client::connect(options).await.unwrap();

    proxy.hold_answers(true);
    let unconfirmed = client.dispatch(&job(1)).await.map(drop).unwrap_err();
    assert!(matches!(unconfirmed, DispatchError::Unconfirmed { .. }) && unconfirmed.is_transient(), "{unconfirmed}");
    assert_eq!(rig.waiting().await, 1, "the broker has it nevertheless");
    proxy.hold_answers(false);
    let again = client.dispatch(&job(1)).await.unwrap();
    let echo = rig.worker(Echo { batch: 1, copies: 1 }).await;
    assert_eq!(echoed(&again.outcome(LONG).await.unwrap()), ("job-1", "1"));
    client.dispatch(&job(2)).await.unwrap().outcome(LONG).await.unwrap();
    assert_eq!(client.counts().duplicates, 1, "at least once: it ran twice");

    proxy.cut();
    let away = client.dispatch(&job(3)).await.map(drop).unwrap_err();
    assert!(away.is_transient(), "{away}");
    proxy.mend();
    while let Err(error) = client.dispatch(&job(3)).await {
        assert!(error.is_transient(), "{error}");
    }
    echo.abort();
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_come_from_files_and_a_refusal_is_told() {
    let rig = Rig::new().await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path)
    };
    let mut options = rig.options();
    let good = rig.broker().uri().authority.userinfo.clone();
    options.brokers.username_file = file("user", &format!("{}\n", good.username));
    options.brokers.password_file = file("password", "wrong\n");
    let refused = Client::connect(options.clone()).await.map(drop).unwrap_err();
    assert!(matches!(refused, Error::Unwelcome { .. }), "{refused}");
    let address = rig.broker().to_string();
    for part in ["SM4103", &address, &format!("user {}", good.username), "the user name or the password is not right"] {
        assert!(refused.to_string().contains(part), "{refused}");
    }
    options.brokers.password_file = file("password", &good.password);
    Client::connect(options.clone()).await.unwrap().close().await;
    options.brokers.password_file = Some(folder.path().join("missing"));
    let missing = Client::connect(options).await.map(drop).unwrap_err();
    assert!(matches!(missing, Error::File { .. }) && missing.to_string().contains("SM4003"), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_client_leaves_no_queue_behind() {
    let rig = Rig::new().await;
    let client = Client::connect(rig.options()).await.unwrap();
    drop(client.dispatch(&job(1)).await.unwrap());
    let reply_to = rig.take_reply_to().await;
    assert!(rig.exists(&reply_to).await);
    client.close().await;
    assert!(!rig.exists(&reply_to).await);
}
