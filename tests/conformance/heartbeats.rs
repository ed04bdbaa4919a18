//! What the heartbeats of a fleet need from any broker.

use scriptmill::broker::Listener;
use scriptmill_scaling::Depth;

use crate::bench::{Bench, SHORT, Seat};
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
    // More heartbeats than are under way to one listener at one time.
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
        // The quick listener stays behind by less than the broker keeps.
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
    drop(held);
    drop(seat);
    listener.close().await;
}

/// A cancelled consumer may count for as long as it holds deliveries. The worker and the broker must count alike.
pub(crate) async fn consumers_are_counted_as_the_broker_counts_them(bench: &Bench<'_>) {
    let mut listener = listen(bench).await;
    let mut seat = Seat::new(bench, 1).await;
    let mut same = async |seat: &Seat, what: &str| {
        let counting = async {
            loop {
                let depth = listener.depth().await.unwrap().unwrap();
                if depth.consumers as usize == seat.subscription.consumers() {
                    return depth.consumers;
                }
                tokio::time::sleep(SHORT / 10).await;
            }
        };
        soon(what, counting).await
    };
    assert_eq!(same(&seat, "one consumer").await, 1);
    seat.put(&["a", "b", "c"]).await;
    seat.subscription.extend_window(2);
    let held = [seat.next().await, seat.next().await, seat.next().await];
    // Consumers that hold nothing go. Those that hold a delivery stay until it is settled.
    seat.subscription.extend_window(0);
    seat.nothing().await;
    same(&seat, "consumers that are to go and hold deliveries").await;
    for delivery in held {
        delivery.acknowledge().await.unwrap();
    }
    seat.nothing().await;
    same(&seat, "the one that stays").await;
    seat.put(&["d"]).await;
    let last = seat.next().await;
    seat.subscription.stop().await.unwrap();
    assert!(soon("the end of the subscription", seat.subscription.next()).await.is_none());
    same(&seat, "one that takes no more and holds a delivery").await;
    last.acknowledge().await.unwrap();
    assert_eq!(same(&seat, "none").await, 0);
    listener.close().await;
}

pub(crate) async fn a_lost_connection_ends_the_listening(bench: &Bench<'_>) {
    let mut listener = listen(bench).await;
    bench.cut();
    let error = soon("the end of the listening", listener.next()).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert!(soon("an answer", listener.depth()).await.is_err());
    assert!(soon("an answer", listener.send(b"a".to_vec())).await.is_err());
    // Heartbeats are heard again as soon as there is a connection.
    let mut listener = listen(bench).await;
    listener.send(b"again".to_vec()).await.unwrap();
    assert_eq!(hear(&mut *listener).await, "again");
    assert!(tokio::time::timeout(SHORT, listener.next()).await.is_err(), "it was heard twice");
}
