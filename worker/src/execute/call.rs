//! One call of an entry, within what is left of its deadline.

use std::time::Duration;

use scriptmill_sandbox::{Clock, Execution, Invocation};
use scriptmill_sdk::{Code, Ending};
use serde_json::value::RawValue;

use super::runner::Runner;
use crate::intake::{Accepted, Policy};

/// The ending of a job whose deadline passed while it waited. `now` is the time since the epoch.
pub fn deadline_passed(deadline_ms: u64, now: Duration) -> Ending {
    /// No queue holds a job for as long as this: a deadline further in the past is a mistake.
    const LATE_MAX: Duration = Duration::from_secs(2 * 366 * 24 * 60 * 60);
    let late = now.saturating_sub(Duration::from_millis(deadline_ms));
    let message = match late > LATE_MAX {
        false => "the deadline passed before the job could begin".to_owned(),
        true => {
            let years = late.as_secs() / (365 * 24 * 60 * 60);
            format!(
                "the deadline passed before the job could begin, {years} years ago: were seconds taken for milliseconds?"
            )
        }
    };
    Ending::Cancelled { code: Code::DeadlinePassed, message }
}

/// What all jobs of a worker have in common.
pub struct Environment<'a, R: Runner> {
    /// The runner that runs the jobs.
    pub runner: &'a R,
    /// The bounds of what a worker takes.
    pub policy: &'a Policy,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// How long a job waited before it could begin.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waits {
    /// For a slot.
    pub slot: Duration,
    /// For its script to be prepared.
    pub preparation: Duration,
}

/// A job's script, and what its calls have in common.
pub(super) struct Call<'a, R: Runner> {
    pub(super) environment: &'a Environment<'a, R>,
    pub(super) script: &'a R::Script,
    pub(super) accepted: &'a Accepted,
}

impl<R: Runner> Call<'_, R> {
    /// Calls the entry as the job `id`, unless its deadline has passed.
    pub(super) async fn run(&self, id: &str, input: &RawValue, deadline_ms: Option<u64>) -> Execution {
        let Environment { runner, clock, .. } = *self.environment;
        let accepted = self.accepted;
        let now = clock.now();
        let left = deadline_ms.map_or(Duration::MAX, |ms| Duration::from_millis(ms).saturating_sub(now));
        if let Some(deadline_ms) = deadline_ms.filter(|_| left.is_zero()) {
            return Execution::unrun(deadline_passed(deadline_ms, now));
        }
        let mut limits = accepted.limits;
        limits.wall_time = left.min(limits.wall_time);
        let invocation = Invocation {
            entry: accepted.job.entry.as_deref(),
            input: input.get(),
            limits,
            job_id: id,
            tenant: accepted.job.tenant.as_str(),
            attempt: accepted.attempt,
            deadline_ms: accepted.deadline_ms,
            clock_ms: accepted.clock_ms,
        };
        runner.run(self.script, invocation).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_of_years_ago_is_told_as_one_in_another_unit() {
        /// 2026-03-01T08:30:00Z.
        const NOW: Duration = Duration::from_secs(1_772_353_800);
        const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
        let passed = "the deadline passed before the job could begin";
        let unit = "years ago: were seconds taken for milliseconds?";
        let now_ms = NOW.as_secs() * 1_000;
        let cases = [
            ("a second ago", now_ms - 1_000, passed.to_owned()),
            ("as long ago as a job may have waited", now_ms - 2 * 366 * DAY_MS, passed.to_owned()),
            ("longer ago", now_ms - 2 * 366 * DAY_MS - 1, format!("{passed}, 2 {unit}")),
            ("in seconds", NOW.as_secs() - 1, format!("{passed}, 56 {unit}")),
        ];
        for (what, deadline_ms, expected) in cases {
            let Ending::Cancelled { code, message } = deadline_passed(deadline_ms, NOW) else { panic!("{what}") };
            assert_eq!((code, message), (Code::DeadlinePassed, expected), "{what}");
        }
    }
}
