//! What workers expect of cancels at any broker.

use scriptmill::broker::{Followed, Follower};

use crate::bench::{Bench, SHORT};
use crate::support::soon;

async fn follow(bench: &Bench<'_>, after: Option<u64>) -> Box<dyn Follower> {
    soon("to be reading", bench.cancels().follow(after)).await.unwrap()
}

/// The next cancel, with its place.
async fn cancel(follower: &mut dyn Follower) -> (u64, String) {
    match soon("a cancel", follower.next()).await.unwrap() {
        Followed::Cancel { place, body, .. } => (place, String::from_utf8(body.to_vec()).unwrap()),
        Followed::CaughtUp => panic!("a cancel was to come first"),
    }
}

async fn caught_up(follower: &mut dyn Follower) {
    assert_eq!(soon("the end of what was there", follower.next()).await.unwrap(), Followed::CaughtUp);
}

async fn nothing(follower: &mut dyn Follower) {
    assert!(tokio::time::timeout(SHORT, follower.next()).await.is_err(), "nothing should have come");
}

pub(crate) async fn cancels_are_read_from_the_first_on(bench: &Bench<'_>) {
    // If there are no cancels, a reader has caught up at once.
    let mut early = follow(bench, None).await;
    caught_up(&mut *early).await;
    for body in ["a", "b"] {
        bench.cancel(body).await;
    }
    let mut late = follow(bench, None).await;
    for follower in [&mut early, &mut late] {
        let (first, second) = (cancel(&mut **follower).await, cancel(&mut **follower).await);
        assert_eq!((first.1.as_str(), second.1.as_str()), ("a", "b"));
        assert!(first.0 < second.0);
    }
    caught_up(&mut *late).await;
    bench.cancel("c").await;
    for follower in [&mut early, &mut late] {
        assert_eq!(cancel(&mut **follower).await.1, "c");
        nothing(&mut **follower).await;
    }
    early.close().await;
    late.close().await;
}

pub(crate) async fn reading_goes_on_behind_a_place(bench: &Bench<'_>) {
    let mut first = follow(bench, None).await;
    caught_up(&mut *first).await;
    for body in ["a", "b", "c"] {
        bench.cancel(body).await;
    }
    let (place, _) = cancel(&mut *first).await;
    let mut second = follow(bench, Some(place)).await;
    assert_eq!((cancel(&mut *second).await.1, cancel(&mut *second).await.1), ("b".to_owned(), "c".to_owned()));
    caught_up(&mut *second).await;
    nothing(&mut *second).await;
}

pub(crate) async fn many_cancels_are_read(bench: &Bench<'_>) {
    // More cancels than are under way at one time.
    const MANY: usize = 3_000;
    let mut follower = follow(bench, None).await;
    caught_up(&mut *follower).await;
    for number in 0..MANY {
        bench.cancel(&number.to_string()).await;
    }
    for number in 0..MANY {
        assert_eq!(cancel(&mut *follower).await.1, number.to_string());
    }
}

pub(crate) async fn a_lost_connection_ends_the_reading(bench: &Bench<'_>) {
    let mut follower = follow(bench, None).await;
    caught_up(&mut *follower).await;
    bench.cancel("a").await;
    let (place, _) = cancel(&mut *follower).await;
    bench.cut();
    let error = soon("the end of the reading", follower.next()).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    bench.cancel("b").await;
    let mut follower = follow(bench, Some(place)).await;
    assert_eq!(cancel(&mut *follower).await.1, "b");
    caught_up(&mut *follower).await;
}
