//! Running a future without a runtime.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Polls a future to its end, on this thread. The future must wait for nothing but its own slices.
pub fn complete<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
