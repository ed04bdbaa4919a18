//! Handing the thread back between two pieces of the host's own work, as running scripts do between two slices.

use std::future::poll_fn;
use std::task::Poll;

/// Lets others have the thread, once.
pub(crate) async fn hand_back() {
    let mut has = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
