//! How long each fault kept outcomes away.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::history::{Entry, Event};

/// What a fault cost in time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cost {
    /// From the fault's beginning until it was over.
    pub(crate) lasted: Duration,
    /// The longest time without an outcome while jobs were under way, from the fault's beginning to the next fault's.
    pub(crate) silence: Duration,
    /// When that silence began, counted from the fault's beginning.
    pub(crate) silent_from: Duration,
    /// From the fault's beginning until all jobs that were confirmed before it had an outcome.
    pub(crate) caught_up: Duration,
    /// The job that was the last of those.
    pub(crate) last: Option<String>,
}

/// What each step of the plan cost. `history` is in the order of time.
pub(crate) fn costs(history: &[Entry], steps: usize) -> Vec<Cost> {
    let mut costs = vec![Cost::default(); steps];
    let first = first_outcomes(history);
    // Jobs that were sent, and those of them that are confirmed. Both have no outcome so far.
    let (mut under_way, mut waiting) = (HashSet::<&str>::new(), HashMap::<&str, Duration>::new());
    let mut current: Option<(usize, Duration)> = None;
    // The instant since which an outcome is due.
    let mut silent = Duration::ZERO;
    for Entry { at, event } in history {
        if let (Some((step, since)), Event::Received(_) | Event::Struck { .. } | Event::Calm) = (current, event)
            && !under_way.is_empty()
        {
            costs[step].silent(silent.saturating_sub(since), at.saturating_sub(silent));
        }
        match event {
            Event::Published { job, .. } if first.get(job.as_str()).is_none_or(|outcome| outcome > at) => {
                if under_way.is_empty() {
                    silent = *at;
                }
                under_way.insert(job);
            }
            Event::Confirmed { job } => {
                if let Some(outcome) = first.get(job.as_str())
                    && outcome > at
                {
                    waiting.insert(job, *outcome);
                }
            }
            Event::Received(receipt) => {
                waiting.remove(receipt.job.as_str());
                under_way.remove(receipt.job.as_str());
                silent = *at;
            }
            Event::Struck { step } => {
                if let Some((job, last)) = waiting.iter().max_by_key(|(_, outcome)| **outcome) {
                    costs[*step].caught_up = last.saturating_sub(*at);
                    costs[*step].last = Some((*job).to_owned());
                }
                (current, silent) = (Some((*step, *at)), *at);
            }
            Event::Healed { step } => {
                if let Some((_, since)) = current.filter(|(current, _)| current == step) {
                    costs[*step].lasted = at.saturating_sub(since);
                }
            }
            Event::Calm => current = None,
            Event::Published { .. } | Event::Ended { .. } | Event::SetAside { .. } => {}
        }
    }
    costs
}

impl Cost {
    /// Notes that no outcome came for this long.
    fn silent(&mut self, from: Duration, silence: Duration) {
        if silence > self.silence {
            (self.silence, self.silent_from) = (silence, from);
        }
    }
}

fn first_outcomes(history: &[Entry]) -> HashMap<&str, Duration> {
    let mut first = HashMap::new();
    for Entry { at, event } in history {
        if let Event::Received(receipt) = event {
            first.entry(receipt.job.as_str()).or_insert(*at);
        }
    }
    first
}

pub(crate) mod tests {
    use super::*;
    use crate::history::Receipt;

    fn received(job: &str) -> Event {
        let (answers, status, content) = (job.to_owned(), "succeeded".to_owned(), String::new());
        Event::Received(Receipt { job: job.to_owned(), answers, status, content, is_redelivered: false })
    }

    fn published(job: &str) -> Event {
        Event::Published { job: job.to_owned(), expects: "succeeded" }
    }

    fn confirmed(job: &str) -> Event {
        Event::Confirmed { job: job.to_owned() }
    }

    pub(crate) fn a_fault_costs_what_comes_late_until_the_next() {
        let history = [
            (0, published("a")),
            (0, published("b")),
            (0, published("c")),
            (0, confirmed("a")),
            (1, confirmed("b")),
            (5, received("a")),
            (10, Event::Struck { step: 0 }),
            (12, received("c")),
            (20, received("b")),
            (21, Event::Healed { step: 0 }),
            // From here to the next job, no job is under way and no outcome could come.
            (30, published("d")),
            (30, published("e")),
            (33, received("d")),
            // No outcome came until the next fault began. That silence counts for the first fault.
            (40, Event::Struck { step: 1 }),
            (41, Event::Healed { step: 1 }),
            (43, received("e")),
            (43, published("f")),
            (47, Event::Calm),
            (99, received("f")),
        ];
        let history = history.map(|(at, event)| Entry { at: Duration::from_secs(at), event });
        let seconds = Duration::from_secs;
        let last = Some("b".to_owned());
        let first =
            Cost { lasted: seconds(11), silence: seconds(8), silent_from: seconds(2), caught_up: seconds(10), last };
        let second = Cost { lasted: seconds(1), silence: seconds(4), silent_from: seconds(3), ..Cost::default() };
        assert_eq!(costs(&history, 2), [first, second]);
    }
}
