//! A batch: one entry called for each of several inputs, in their order, and one outcome for all of them.

use std::time::Duration;

use scriptmill_sandbox::Execution;
use scriptmill_sdk::{Code, Ending, Exhausted, ItemResult, LimitKind, Rejection, Usage};
use serde_json::value::RawValue;

use super::call::{Call, Environment};
use super::runner::Runner;

/// The longest time of a whole batch: half of RabbitMQ's consumer timeout, after which the batch would be delivered again.
const BATCH_TIME_MAX: Duration = Duration::from_secs(15 * 60);
/// Bytes of an outcome that are reserved for everything but the results.
const OUTCOME_HEAD_BYTES: usize = 32 << 10;

impl<R: Runner> Call<'_, R> {
    /// Runs each input of a batch as the job `ID#0`, `ID#1` … A refusal of the script or of the entry refuses the whole batch.
    pub(super) async fn run_batch(&self, inputs: &[Box<RawValue>]) -> Execution {
        let Environment { policy, clock, .. } = *self.environment;
        let accepted = self.accepted;
        let mut batch = Execution::unrun(Ending::Completed(Vec::new()));
        let mut results = Results::within(policy.message_bytes_max);
        let latest = u64::try_from((clock.now() + BATCH_TIME_MAX).as_millis()).unwrap_or(u64::MAX);
        let deadline_ms = Some(accepted.deadline_ms.map_or(latest, |ms| ms.min(latest)));
        for (number, input) in inputs.iter().enumerate() {
            let mut execution = if input.get().len() as u64 > policy.input_bytes_max {
                let text = format!(
                    "the input has {} bytes; this worker takes {} at most",
                    input.get().len(),
                    policy.input_bytes_max
                );
                Execution::unrun(rejected_input(Code::InputTooLarge, text, number))
            } else {
                let id = format!("{}#{number}", accepted.job.id);
                self.run(&id, input, deadline_ms).await
            };
            match execution.ending {
                Ending::Rejected(Rejection { code: code @ Code::InputTooDeep, message, .. }) => {
                    execution.ending = rejected_input(code, message, number);
                }
                Ending::Rejected(rejection) if rejection.code != Code::InputTooLarge => {
                    return Execution { ending: Ending::Rejected(rejection), ..execution };
                }
                _ => {}
            }
            add(&mut batch.usage, &execution.usage);
            if batch.diagnostics.is_empty() {
                batch.diagnostics = execution.diagnostics;
            }
            let Execution { ending, logs, warnings, usage, .. } = execution;
            results.push(ItemResult { ending, logs, warnings, usage });
        }
        batch.ending = Ending::Completed(results.kept.into_iter().map(|(result, _)| result).collect());
        batch
    }
}

fn rejected_input(code: Code, message: String, number: usize) -> Ending {
    Ending::Rejected(Rejection { code, message, path: Some(format!("inputs[{number}]")) })
}

/// The results of a batch, which together fit into one outcome.
struct Results {
    /// Each result with its size in bytes.
    kept: Vec<(ItemResult, usize)>,
    bytes: usize,
    /// The most bytes of an outcome.
    message_bytes_max: u64,
    /// How many results, from the first on, may still be replaced.
    whole: usize,
}

impl Results {
    fn within(message_bytes_max: u64) -> Self {
        Self { kept: Vec::new(), bytes: OUTCOME_HEAD_BYTES, message_bytes_max, whole: 0 }
    }

    /// Adds a result. A result that does not fit becomes `exhausted: output`. If not even that fits, the results before it become
    /// `exhausted: output` too, the latest first.
    fn push(&mut self, result: ItemResult) {
        let bytes = bytes_of(&result);
        self.bytes = self.bytes.saturating_add(bytes);
        self.kept.push((result, bytes));
        if self.is_too_large() {
            self.give_way(self.kept.len() - 1);
        } else {
            self.whole = self.kept.len();
        }
        while self.is_too_large() && self.whole > 0 {
            self.whole -= 1;
            self.give_way(self.whole);
        }
    }

    fn is_too_large(&self) -> bool {
        self.bytes as u64 > self.message_bytes_max
    }

    /// Replaces the result at this place with `exhausted: output`, if that is smaller.
    fn give_way(&mut self, at: usize) {
        let bytes_max = self.message_bytes_max;
        let Some((result, bytes)) = self.kept.get_mut(at) else { return };
        let unfit = unfit(result, bytes_max);
        let needed = bytes_of(&unfit);
        if needed < *bytes {
            self.bytes -= *bytes - needed;
            (*result, *bytes) = (unfit, needed);
        }
    }
}

/// The replacement for a result that has no room in the outcome.
fn unfit(result: &ItemResult, bytes_max: u64) -> ItemResult {
    let message = format!("the results of the batch are more than the {bytes_max} bytes of one outcome");
    let limit = LimitKind::OutputBytes;
    let exhausted = Exhausted { code: Code::Output, message, limit, allowed: bytes_max, stack: Vec::new() };
    let (logs, warnings) = (Vec::new(), Vec::new());
    ItemResult { ending: Ending::Exhausted(exhausted), logs, warnings, usage: result.usage.clone() }
}

/// The size of a result as it is written in the outcome, with the comma behind it.
fn bytes_of(result: &ItemResult) -> usize {
    serde_json::to_vec(result).map_or(usize::MAX / 2, |text| text.len() + 1)
}

/// Adds what one input used to what its batch used.
fn add(sum: &mut Usage, usage: &Usage) {
    sum.fuel += usage.fuel;
    sum.prepare_fuel = usage.prepare_fuel;
    sum.peak_memory_bytes = sum.peak_memory_bytes.max(usage.peak_memory_bytes);
    sum.host_calls += usage.host_calls;
    sum.times.waited_us += usage.times.waited_us;
    sum.times.ran_us += usage.times.ran_us;
    sum.times.host_us += usage.times.host_us;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn result(bytes: usize) -> ItemResult {
        let value = RawValue::from_string(format!("\"{}\"", "x".repeat(bytes))).unwrap();
        let (logs, warnings) = (Vec::new(), Vec::new());
        ItemResult { ending: Ending::Succeeded(value), logs, warnings, usage: Usage::default() }
    }

    /// Which results of these sizes are whole in an outcome of at most `bytes_max` bytes.
    fn whole(sizes: &[usize], bytes_max: usize) -> Vec<bool> {
        let mut results = Results::within(bytes_max as u64);
        sizes.iter().for_each(|bytes| results.push(result(*bytes)));
        assert_eq!(
            results.bytes,
            OUTCOME_HEAD_BYTES + results.kept.iter().map(|(kept, _)| bytes_of(kept)).sum::<usize>()
        );
        results.kept.iter().map(|(kept, _)| matches!(kept.ending, Ending::Succeeded(_))).collect()
    }

    #[test]
    fn results_that_fit_together_are_whole_however_many_they_are() {
        let sizes = vec![1; 20_000];
        assert!(whole(&sizes, 8 << 20).into_iter().all(|is_whole| is_whole));
    }

    #[test]
    fn the_first_results_go_before_later_ones() {
        let room = OUTCOME_HEAD_BYTES + 3_000;
        assert_eq!(whole(&[1_000, 1_000, 1_000, 1], room), [true, true, false, true]);
        assert_eq!(whole(&[2_000, 1_500, 1], room), [true, false, true], "small ones need no room that others lack");
        let of_one = bytes_of(&unfit(&result(0), 10_000));
        let room = OUTCOME_HEAD_BYTES + bytes_of(&result(2_000)) + 4 * of_one;
        let expected = [true, false, false, false, false];
        assert_eq!(
            whole(&[2_000, 500, 2_000, 2_000, 2_000], room),
            expected,
            "an earlier one gives way to those behind it"
        );
    }
}
