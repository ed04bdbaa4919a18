//! Brokers that are silent, refuse, or are short of memory.

use std::time::Duration;

use scriptmill_sdk::Address;
use scriptmill_sdk::client::{Client, DispatchError, Options};
use scriptmill_sdk::connect::Error;
use tokio::time::timeout;

use crate::proxy::Proxy;
use crate::rig::{Echo, Rig, job};
use crate::{LONG, echoed};

/// The longest wait for an answer of the broker in these tests.
const ANSWER: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn the_next_address_has_its_turn() {
    let rig = Rig::new().await;
    let nobody = Proxy::start(rig.broker()).await;
    nobody.cut();
    let client = Client::connect(rig.options_to([nobody.address(), rig.broker()])).await.unwrap();
    client.close().await;

    let mut options = rig.options_to([nobody.address()]);
    options.brokers.timeout = Duration::from_secs(2);
    let error = Client::connect(options).await.map(drop).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }) && error.to_string().contains("SM4101"), "{error}");
}

/// The broker, with a password that it does not take.
fn refusing(rig: &Rig) -> Address {
    let mut uri = rig.broker().uri().clone();
    uri.authority.userinfo.password = "wrong".to_owned();
    uri.to_string().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_silence_nor_a_refusal_hides_a_good_address() {
    let rig = Rig::new().await;
    let silent = Proxy::start(rig.broker()).await;
    silent.hold_answers(true);
    let mut options = rig.options_to([silent.address(), refusing(&rig), rig.broker()]);
    options.brokers.timeout = ANSWER;
    Client::connect(options.clone()).await.unwrap().close().await;

    options.brokers.addresses.pop();
    let error = Client::connect(options).await.map(drop).unwrap_err();
    assert!(matches!(error, Error::NoneUsable(_)) && error.is_transient(), "{error}");
    let said = error.to_string();
    for part in [&silent.address().to_string(), "no answer within 2s", "the user name or the password is not right"] {
        assert!(said.contains(part), "{said}");
    }
}

/// A client whose broker answers through a proxy, and that has published something.
async fn client(rig: &Rig, proxy: &Proxy, blocked_max: Duration) -> Client {
    let mut options = Options { blocked_max, ..rig.options_to([proxy.address()]) };
    options.brokers.timeout = ANSWER;
    let client = Client::connect(options).await.unwrap();
    drop(client.dispatch(&job(0)).await.unwrap());
    rig.take_reply_to().await;
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_waits_while_the_broker_holds_publishing_back() {
    let rig = Rig::new().await;
    let proxy = Proxy::start(rig.broker()).await;
    let client = client(&rig, &proxy, LONG).await;
    // One job is on its way when the broker says that it holds publishing back; others follow.
    proxy.hold_answers(true);
    let sent = tokio::spawn({
        let client = client.clone();
        async move { client.dispatch(&job(1)).await.unwrap() }
    });
    while rig.waiting().await < 1 {}
    proxy.block(true);
    tokio::time::sleep(ANSWER / 4).await;
    let held_back = tokio::spawn({
        let client = client.clone();
        async move { client.dispatch(&job(2)).await.unwrap() }
    });
    tokio::time::sleep(2 * ANSWER).await;
    assert!(!sent.is_finished() && !held_back.is_finished());
    assert_eq!(rig.waiting().await, 1);
    proxy.block(false);
    proxy.hold_answers(false);
    let (sent, held_back) =
        (timeout(LONG, sent).await.unwrap().unwrap(), timeout(LONG, held_back).await.unwrap().unwrap());
    assert_eq!(rig.waiting().await, 2, "each was published once");
    let echo = rig.worker(Echo { batch: 1, copies: 1 }).await;
    assert_eq!(echoed(&sent.outcome(LONG).await.unwrap()).0, "job-1");
    assert_eq!(echoed(&held_back.outcome(LONG).await.unwrap()).0, "job-2");
    assert_eq!((client.counts().duplicates, client.counts().connections), (0, 2));
    echo.abort();
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_holds_publishing_back_for_too_long_is_told() {
    let rig = Rig::new().await;
    let proxy = Proxy::start(rig.broker()).await;
    let client = client(&rig, &proxy, ANSWER / 2).await;
    proxy.hold_answers(true);
    let sent = tokio::spawn({
        let client = client.clone();
        async move { client.dispatch(&job(1)).await.map(drop).unwrap_err() }
    });
    while rig.waiting().await < 1 {}
    proxy.block(true);
    let unknown = timeout(LONG, sent).await.unwrap().unwrap();
    let is_told = matches!(&unknown, DispatchError::Unconfirmed { source: Error::HeldBack { .. }, .. });
    assert!(is_told && unknown.is_transient() && unknown.to_string().contains("SM4108"), "{unknown}");
    let unsent = client.dispatch(&job(2)).await.map(drop).unwrap_err();
    let is_told = matches!(&unsent, DispatchError::Disconnected(Error::HeldBack { .. }));
    assert!(is_told && unsent.is_transient(), "{unsent}");
    assert_eq!(rig.waiting().await, 1);
    proxy.block(false);
    proxy.hold_answers(false);
    drop(client.dispatch(&job(2)).await.unwrap());
    assert_eq!(rig.waiting().await, 2);
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_come_while_the_broker_holds_publishing_back() {
    let rig = Rig::new().await;
    let proxy = Proxy::start(rig.broker()).await;
    let client = client(&rig, &proxy, LONG).await;
    let mut waiting = Vec::new();
    for n in 0..3 {
        waiting.push(client.dispatch(&job(n)).await.unwrap());
    }
    proxy.block(true);
    let echo = rig.worker(Echo { batch: 1, copies: 1 }).await;
    for (n, pending) in waiting.into_iter().enumerate() {
        assert_eq!(echoed(&pending.outcome(LONG).await.unwrap()).1, n.to_string());
    }
    // The outcomes are acknowledged too: none came twice, and no connection had to be opened again.
    assert_eq!((client.counts().connections, client.counts().duplicates), (2, 0));
    echo.abort();
    client.close().await;
}
