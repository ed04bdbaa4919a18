//! When a job runs again by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::strict::optional_whole;
use crate::{Ending, Origin};

/// The most runs of one job that its policy may ask for.
const ATTEMPTS_MAX: u32 = 100;
/// The longest pause between two runs, in milliseconds: a day.
const PAUSE_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

/// When a job runs again by itself. Only the last run's outcome is published.
///
/// ```
/// use scriptmill_sdk::{RetryOn, RetryPolicy};
///
/// let policy = RetryPolicy { on: vec![RetryOn::Host], attempts: 4, ..RetryPolicy::default() };
/// assert_eq!([0, 1, 2, 20].map(|runs| policy.pause_ms_after(runs)), [1_000, 2_000, 4_000, 60_000]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// What is tried again: `script` (it threw), `exhausted` (it met a limit), `host` (what it called failed), `platform` (the
    /// worker failed).
    #[serde(deserialize_with = "on")]
    #[schemars(with = "Option<Vec<RetryOn>>")]
    pub on: Vec<RetryOn>,
    /// Runs in all, the first among them: 1 to 100.
    #[serde(deserialize_with = "attempts")]
    #[schemars(with = "Option<u32>", range(min = 1, max = ATTEMPTS_MAX))]
    pub attempts: u32,
    /// The pause after the first run, in milliseconds, a day at most. Each further one is twice as long. Pauses end up to a second late.
    #[serde(deserialize_with = "pause_ms")]
    #[schemars(with = "Option<u64>", range(max = PAUSE_MS_MAX))]
    pub pause_ms: u64,
    /// The longest pause, in milliseconds, a day at most.
    #[serde(deserialize_with = "pause_max_ms")]
    #[schemars(with = "Option<u64>", range(max = PAUSE_MS_MAX))]
    pub pause_max_ms: u64,
}

/// A way for a run to end after which it may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RetryOn {
    /// The script threw.
    Script,
    /// It met a limit.
    Exhausted,
    /// What it called failed.
    Host,
    /// The worker failed.
    Platform,
}

impl Default for RetryPolicy {
    /// Three runs, a second and two seconds apart, whatever failed.
    fn default() -> Self {
        let on = vec![RetryOn::Script, RetryOn::Exhausted, RetryOn::Host, RetryOn::Platform];
        Self { on, attempts: 3, pause_ms: 1_000, pause_max_ms: 60_000 }
    }
}

// `null` stands for what is absent, as everywhere in a job.

fn on<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<RetryOn>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(|| RetryPolicy::default().on))
}

fn attempts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    Ok(optional_whole(deserializer)?.unwrap_or_else(|| RetryPolicy::default().attempts))
}

fn pause_ms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(optional_whole(deserializer)?.unwrap_or_else(|| RetryPolicy::default().pause_ms))
}

fn pause_max_ms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(optional_whole(deserializer)?.unwrap_or_else(|| RetryPolicy::default().pause_max_ms))
}

impl RetryPolicy {
    /// Whether another run follows a run with this ending, before which there were `runs` runs.
    pub fn asks_for_another(&self, ending: &Ending, runs: u32) -> bool {
        let on = match ending {
            Ending::Failed(failure) => match failure.origin {
                Origin::Script => RetryOn::Script,
                Origin::Host => RetryOn::Host,
                Origin::Platform => RetryOn::Platform,
            },
            Ending::Exhausted(_) => RetryOn::Exhausted,
            _ => return false,
        };
        runs.saturating_add(1) < self.attempts && self.on.contains(&on)
    }

    /// The pause after a run, in milliseconds. Before it `runs` runs failed too.
    pub fn pause_ms_after(&self, runs: u32) -> u64 {
        self.pause_ms.saturating_mul(1_u64.checked_shl(runs).unwrap_or(u64::MAX)).min(self.pause_max_ms)
    }

    /// The first field that is out of its bounds, and how. Returns `None` if all are within.
    pub(crate) fn fault(&self) -> Option<(&'static str, String)> {
        if !(1..=ATTEMPTS_MAX).contains(&self.attempts) {
            return Some(("retry.attempts", format!("must be 1 to {ATTEMPTS_MAX}, but is {}", self.attempts)));
        }
        let pauses = [("retry.pauseMs", self.pause_ms), ("retry.pauseMaxMs", self.pause_max_ms)];
        let (path, ms) = pauses.into_iter().find(|(_, ms)| *ms > PAUSE_MS_MAX)?;
        Some((path, format!("must be at most {PAUSE_MS_MAX}, a day, but is {ms}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Code, Failure};

    #[test]
    fn a_run_is_followed_by_another_while_the_policy_says_so() {
        let failed = |origin| {
            let (code, message) = (Code::Thrown, String::new());
            Ending::Failed(Failure { code, message, origin, retryable: false, thrown: None })
        };
        let policy = RetryPolicy { on: vec![RetryOn::Host], attempts: 3, ..RetryPolicy::default() };
        let cases = [
            (failed(Origin::Host), 0, true),
            (failed(Origin::Host), 1, true),
            (failed(Origin::Host), 2, false),
            (failed(Origin::Script), 0, false),
            (Ending::Cancelled { code: Code::DeadlinePassed, message: String::new() }, 0, false),
        ];
        for (ending, runs, expected) in cases {
            assert_eq!(policy.asks_for_another(&ending, runs), expected, "{ending:?} after {runs}");
        }
    }

    #[test]
    fn pauses_have_a_longest_one_however_many_runs_there_were() {
        let policy = RetryPolicy { pause_ms: 3, pause_max_ms: 1_000, ..RetryPolicy::default() };
        assert_eq!(
            [0, 1, 8, 9, 64, u32::MAX].map(|runs| policy.pause_ms_after(runs)),
            [3, 6, 768, 1_000, 1_000, 1_000]
        );
    }
}
