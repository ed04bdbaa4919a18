//! An engine that is restarted: a reply queue with a name, and a queue of its own behind the results exchange.

use scriptmill_sdk::client::{Arrival, Client, Options, Results};
use scriptmill_sdk::connect::Error;
use tokio::time::timeout;

use crate::proxy::Proxy;
use crate::rig::{ENGINE, Echo, Rig, job};
use crate::{LONG, echoed};

fn named(rig: &Rig) -> Options {
    Options { reply_queue: Some(ENGINE.to_owned()), ..rig.options() }
}

async fn next(results: &mut Results) -> Arrival {
    timeout(LONG, results.next()).await.expect("an outcome").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_engine_takes_over_what_came_meanwhile() {
    let rig = Rig::new().await;
    let client = Client::connect(named(&rig)).await.unwrap();
    for n in 0..3 {
        drop(client.dispatch(&job(n)).await.unwrap());
    }
    client.close().await;
    let echo = rig.worker(Echo { batch: 3, copies: 1 }).await;
    rig.until_answered(3).await;

    let client = Client::connect(named(&rig)).await.unwrap();
    let mut unexpected = client.unexpected().unwrap();
    assert!(client.unexpected().is_none());
    let mut taken = Vec::new();
    for _ in 0..3 {
        taken.push(timeout(LONG, unexpected.next()).await.expect("an outcome").unwrap());
    }
    // The worker's batches may be smaller than three, and then the order is another one.
    taken.sort_by_key(|arrival: &Arrival| arrival.job_id().unwrap().to_owned());
    let ids: Vec<_> = taken.iter().map(|arrival| arrival.job_id().unwrap()).collect();
    assert_eq!(ids, ["job-0", "job-1", "job-2"]);
    assert_eq!(echoed(&taken[0].outcome().unwrap()), ("job-0", "0"));
    // Outcomes that somebody waits for come as usual.
    let own = client.dispatch(&job(7)).await.unwrap().outcome(LONG).await.unwrap();
    assert_eq!(echoed(&own), ("job-7", "7"));
    assert_eq!((client.counts().outcomes, client.counts().unclaimed), (1, 3));
    taken.remove(0).acknowledge().await.unwrap();
    // An outcome that is dropped comes again at once. Outcomes that are held when the client closes come to the next client.
    drop(taken.remove(0));
    let again = timeout(LONG, unexpected.next()).await.expect("an outcome").unwrap();
    assert!(again.job_id() == Some("job-1") && again.is_redelivered());
    client.close().await;
    assert!(again.acknowledge().await.is_err(), "its connection is gone");
    assert!(unexpected.next().await.is_none());

    let client = Client::connect(named(&rig)).await.unwrap();
    let mut unexpected = client.unexpected().unwrap();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let arrival = timeout(LONG, unexpected.next()).await.expect("an outcome").unwrap();
        assert!(arrival.is_redelivered());
        ids.push(arrival.job_id().unwrap().to_owned());
        arrival.acknowledge().await.unwrap();
    }
    ids.sort();
    assert_eq!(ids, ["job-1", "job-2"]);
    echo.abort();
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_that_nobody_wants_hold_up_nobody() {
    let rig = Rig::new().await;
    let client = Client::connect(named(&rig)).await.unwrap();
    drop(client.unexpected());
    for n in 0..3 {
        drop(client.dispatch(&job(n)).await.unwrap());
    }
    let echo = rig.worker(Echo { batch: 1, copies: 1 }).await;
    client.dispatch(&job(3)).await.unwrap().outcome(LONG).await.unwrap();
    assert_eq!(client.counts().unclaimed, 3);
    client.close().await;
    let client = Client::connect(named(&rig)).await.unwrap();
    client.dispatch(&job(4)).await.unwrap().outcome(LONG).await.unwrap();
    assert_eq!(client.counts().unclaimed, 0, "they were counted and are gone");
    echo.abort();
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_stay_until_they_are_acknowledged() {
    let rig = Rig::new().await;
    let proxy = Proxy::start(rig.broker()).await;
    let mut options = rig.results_to([proxy.address()]);
    options.patterns = vec!["acme.#".to_owned()];
    let mut results = Results::connect(options.clone()).await.unwrap();
    for (tenant, id) in [("acme.sales", "a"), ("other", "not taken"), ("acme", "b")] {
        rig.publish_result(tenant, id).await;
    }
    let first = next(&mut results).await;
    assert_eq!((first.job_id(), first.is_redelivered()), (Some("a"), false));
    assert_eq!(first.outcome().unwrap().tenant, "acme.sales");
    first.acknowledge().await.unwrap();
    let lost = next(&mut results).await;
    assert_eq!(lost.job_id(), Some("b"));

    // The consumer reconnects by itself, and outcomes that were not acknowledged come again.
    proxy.cut();
    while results.disconnected().is_none() {
        tokio::task::yield_now().await;
    }
    assert!(lost.acknowledge().await.is_err());
    rig.publish_result("acme.later", "c").await;
    proxy.mend();
    let mut ids = Vec::new();
    while ids.len() < 2 {
        let arrival = next(&mut results).await;
        // The acknowledgement may have been lost with the connection.
        let is_first = arrival.job_id() == Some("a");
        if !is_first {
            ids.push((arrival.job_id().unwrap().to_owned(), arrival.is_redelivered()));
        }
        if is_first || arrival.job_id() == Some("b") {
            arrival.acknowledge().await.unwrap();
        }
    }
    ids.sort();
    // RabbitMQ may still have taken the old consumer for alive when c came.
    assert!(matches!(&ids[..], [(b, true), (c, _)] if b == "b" && c == "c"), "{ids:?}");
    results.close().await;
    assert!(results.next().await.is_none());

    // The queue is there while the engine is away.
    rig.publish_result("acme", "d").await;
    let mut results = Results::connect(options).await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let arrival = next(&mut results).await;
        ids.push((arrival.job_id().unwrap().to_owned(), arrival.is_redelivered()));
        arrival.acknowledge().await.unwrap();
    }
    ids.sort();
    assert_eq!(ids, [("c".to_owned(), true), ("d".to_owned(), false)]);
    results.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_too_long_is_told() {
    let rig = Rig::new().await;
    let long = Options { reply_queue: Some("x".repeat(255)), ..rig.options() };
    let error = Client::connect(long).await.map(drop).unwrap_err();
    assert!(matches!(error, Error::NameTooLong { .. }) && error.to_string().contains("SM4001"), "{error}");
    Client::connect(rig.options()).await.unwrap().close().await;
}
