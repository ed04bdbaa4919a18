//! The one retry policy: pauses that grow, and one way to end a pause early.

use std::ops::ControlFlow;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// The first pause, unless the longest one is shorter.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The pauses between attempts: each about twice as long as the one before, up to a longest one. Each is a little
/// random, so that processes that failed at the same moment don't all come back at the same moment. The pauses never end.
#[derive(Debug)]
pub struct Retry {
    longest: Duration,
    pauses: ExponentialBackoff,
}

impl Retry {
    /// Pauses of at most `longest`.
    pub fn up_to(longest: Duration) -> Self {
        Self { longest, pauses: pauses(longest) }
    }

    /// Begins with the shortest pause again, after an attempt that succeeded.
    pub fn reset(&mut self) {
        self.pauses = pauses(self.longest);
    }

    /// The pause before the next attempt.
    pub fn next_pause(&mut self) -> Duration {
        self.pauses.next().unwrap_or(self.longest)
    }
}

fn pauses(longest: Duration) -> ExponentialBackoff {
    // The jitter adds up to the same again.
    let half = longest / 2;
    ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE.min(half))
        .with_max_delay(half)
        .with_jitter()
        .without_max_times()
        .build()
}

/// Waits for `pause`. [`ControlFlow::Break`] says that `end` came first.
pub async fn wait(pause: Duration, end: impl Future) -> ControlFlow<()> {
    tokio::select! {
        biased;
        _ = end => ControlFlow::Break(()),
        () = tokio::time::sleep(pause) => ControlFlow::Continue(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest_and_begin_again() {
        let longest = Duration::from_secs(1);
        let mut retry = Retry::up_to(longest);
        let first = retry.next_pause();
        assert!((FIRST_PAUSE..2 * FIRST_PAUSE).contains(&first), "{first:?}");
        let pauses: Vec<_> = (0..100).map(|_| retry.next_pause()).collect();
        assert!(pauses.iter().all(|pause| *pause <= longest), "{pauses:?}");
        assert!(pauses[50..].iter().all(|pause| *pause >= longest / 2), "{pauses:?}");
        retry.reset();
        assert!(retry.next_pause() < 2 * FIRST_PAUSE);
    }

    #[tokio::test]
    async fn a_pause_ends_early_when_it_is_told_to() {
        assert_eq!(wait(Duration::from_secs(3600), std::future::ready(())).await, ControlFlow::Break(()));
        assert_eq!(wait(Duration::ZERO, std::future::pending::<()>()).await, ControlFlow::Continue(()));
    }
}
