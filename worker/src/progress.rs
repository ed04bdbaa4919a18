//! Whether a worker gets on with its work.
//!
//! A process that runs and is connected can still stand still: a thread never comes back, or a lock is never released. Each part
//! of the worker reports whether work is due there and how much it has done. A part stalls when work is due and it does none for
//! too long. The worker then says at `/livez` that it should be restarted. Work that waits for others (a broker that is gone, a
//! job's own timer) is not due.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

/// How long a part may do nothing while work is due there. By default a publication and the pause after it take up to 45 s. The
/// longest turn of a script takes some milliseconds.
const STALL: Duration = Duration::from_secs(120);
/// How often the parts are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A part of the worker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// Whether there is work that does not wait for others.
    pub(crate) is_due: bool,
    /// How much the part has done since the worker started.
    pub(crate) done: u64,
}

/// Where a worker makes no progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// The part of the worker.
    pub part: &'static str,
    /// For how long, at least, it has made no progress.
    pub since: Duration,
}

impl std::fmt::Display for Stall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no progress with {} for {} s, though there is work", self.part, self.since.as_secs())
    }
}

/// For each part, how much it had done at the last look, and for how many looks in a row it has been idle.
#[derive(Default)]
struct Seen(Vec<(u64, u32)>);

impl Seen {
    /// Looks at the parts once more, a [`LOOK`] after the last time. It counts looks instead of measuring time: a process that was
    /// paused has done nothing meanwhile, and has not stalled.
    fn look(&mut self, parts: &[Part]) -> Option<Stall> {
        self.0.resize(parts.len(), (0, 0));
        for (part, (done, idle)) in parts.iter().zip(&mut self.0) {
            let is_idle = part.is_due && part.done == *done;
            (*done, *idle) = (part.done, if is_idle { idle.saturating_add(1) } else { 0 });
        }
        let (part, (_, idle)) = parts.iter().zip(&self.0).max_by_key(|(_, (_, idle))| *idle)?;
        let since = LOOK * *idle;
        (since >= STALL).then_some(Stall { part: part.name, since })
    }
}

/// Looks at the parts for ever, and reports in `stall` when one of them stalls and when it goes on.
pub(crate) async fn watch(parts: impl Fn() -> Vec<Part>, stall: watch::Sender<Option<Stall>>) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = Seen::default();
    loop {
        looks.tick().await;
        let found = seen.look(&parts());
        if let Some(found) = found.filter(|_| stall.borrow().is_none()) {
            tracing::error!("{found}");
        }
        stall.send_replace(found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_stalls_where_work_is_due_and_nothing_is_done() {
        let looks = STALL.as_secs() as usize + 5;
        let stalled = |is_due: fn(usize) -> bool, done: fn(usize) -> u64| {
            let mut seen = Seen::default();
            (0..looks).any(|n| {
                let well = Part { name: "well", is_due: true, done: n as u64 + 1 };
                let part = Part { name: "part", is_due: is_due(n), done: done(n) };
                seen.look(&[well, part]).inspect(|stall| assert_eq!(stall.part, "part")).is_some()
            })
        };
        assert!(stalled(|_| true, |_| 7));
        assert!(!stalled(|_| false, |_| 7), "nothing is due");
        assert!(!stalled(|_| true, |n| n as u64 / 60), "it gets on, if slowly");
        assert!(!stalled(|n| n % 60 > 0, |_| 7), "what was due was done, or is no more");
    }

    #[test]
    fn a_part_that_goes_on_stalls_no_more() {
        let mut seen = Seen::default();
        let part = |done| [Part { name: "part", is_due: true, done }];
        let stall = (0..200).filter_map(|_| seen.look(&part(1))).last();
        assert!(stall.is_some_and(|stall| stall.to_string().starts_with("no progress with part for 1")), "{stall:?}");
        assert_eq!(seen.look(&part(2)), None);
    }
}
