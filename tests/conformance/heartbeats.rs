//! What the heart of a fleet expects of any broker.

use scriptmill::broker::{Listener, Target};
use scriptmill_scaling::Depth;

use crate::bench::{Bench, SHORT, Seat, job};
use crate::support::soon;

async fn listen(bench: &Bench<'_>) -> Box<dyn Listener> {
    soon("to be listening", bench.heartbeats().listen()).await.unwrap()
}

async fn hear(listener: &mut dyn Listener) -> String {
    let heard = soon("a heartbeat", listener.next()).await.unwrap();
    String::from_utf8(heard.to_vec()).unwrap()
}

pub(crate) async fn a_heartbeat_is_heard_by_all_who_listen(bench: &Bench<'_>) {
    let mut one = listen(bench).await;
    one.send(b"early".to_vec()).await.unwrap();
    assert_eq!(hear(&mut *one).await, "early");
    let mut other = listen(bench).await;
    // More than are on their way to one listener at a time.
    const MANY: usize = 500;
    for number in 0..MANY {
        one.send(number.to_string().into_bytes()).await.unwrap();
    }
    for number in 0..MANY {
        assert_eq!(hear(&mut *one).await, number.to_string());
        assert_eq!(hear(&mut *other).await, number.to_string());
    }
    one.close().await;
    other.send(b"last".to_vec()).await.unwrap();
    assert_eq!(hear(&mut *other).await, "last");
}

pub(crate) async fn a_slow_listener_misses_the_oldest_and_holds_up_nobody(bench: &Bench<'_>) {
    let (mut slow, mut quick) = (listen(bench).await, listen(bench).await);
    const MANY: usize = 6_000;
    for number in 0..MANY {
        quick.send(number.to_string().into_bytes()).await.unwrap();
        // It stays behind by less than the broker keeps.
        if let Some(number) = number.checked_sub(500) {
            assert_eq!(hear(&mut *quick).await, number.to_string());
        }
    }
    while hear(&mut *quick).await != (MANY - 1).to_string() {}
    let mut heard = Vec::new();
    while heard.last() != Some(&(MANY - 1)) {
        heard.push(hear(&mut *slow).await.parse::<usize>().unwrap());
    }
    assert!(heard.len() < MANY && heard.is_sorted(), "{} of {MANY} were kept", heard.len());
}

pub(crate) async fn the_depth_is_what_nobody_holds(bench: &Bench<'_>) {
    let mut listener = listen(bench).await;
    let mut seat = Seat::new(bench, 2).await;
    seat.put(&["a", "b", "c", "d", "e"]).await;
    let held = (seat.next().await, seat.next().await);
    assert_eq!(listener.depth().await.unwrap(), Some(Depth { ready: 3, consumers: 1 }));
    assert_eq!(seat.subscription.consumers(), 1);
    seat.subscription.stop().await.unwrap();
    seat.publish(&Target::Jobs, &job("f", None)).await;
    // RabbitMQ counts a consumer that was cancelled for as long as it holds deliveries.
    assert_eq!(listener.depth().await.unwrap().unwrap().ready, 4);
    assert_eq!(seat.subscription.consumers(), 0);
    drop(held);
    listener.close().await;
}

pub(crate) async fn a_lost_connection_ends_the_listening(bench: &Bench<'_>) {
    let mut listener = listen(bench).await;
    bench.cut();
    let error = soon("the end of the listening", listener.next()).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert!(soon("an answer", listener.depth()).await.is_err());
    assert!(soon("an answer", listener.send(b"a".to_vec())).await.is_err());
    // Others are heard again as soon as there is a connection.
    let mut listener = listen(bench).await;
    listener.send(b"again".to_vec()).await.unwrap();
    assert_eq!(hear(&mut *listener).await, "again");
    assert!(tokio::time::timeout(SHORT, listener.next()).await.is_err(), "it was heard twice");
}
