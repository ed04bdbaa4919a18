//! A batch: one entry called for each of several inputs, in their order, and one outcome for all of them.

use std::time::Duration;

use scriptmill_sandbox::Execution;
use scriptmill_sdk::{Code, Ending, Exhausted, ItemResult, LimitKind, Rejection, Usage};
use serde_json::value::RawValue;

use super::call::{Call, Environment};
use super::runner::Runner;

/// Time that a whole batch may take: half of RabbitMQ's consumer timeout, after which it would be delivered again.
const BATCH_TIME_MAX: Duration = Duration::from_secs(15 * 60);
/// Bytes of an outcome that are left for what is not a result.
const OUTCOME_HEAD_BYTES: usize = 32 << 10;
/// Bytes that a result takes when it did not fit, at most.
const UNFIT_BYTES: usize = 512;

impl<R: Runner> Call<'_, R> {
    /// Runs each input of a batch as the job `ID#0`, `ID#1` … What refuses the script or the entry refuses the whole batch.
    pub(super) async fn run_batch(&self, inputs: &[Box<RawValue>]) -> Execution {
        let Environment { policy, clock, .. } = *self.environment;
        let accepted = self.accepted;
        let mut batch = Execution::unrun(Ending::Completed(Vec::new()));
        let mut results = Vec::with_capacity(inputs.len());
        let latest = u64::try_from((clock.now() + BATCH_TIME_MAX).as_millis()).unwrap_or(u64::MAX);
        let deadline_ms = Some(accepted.deadline_ms.map_or(latest, |ms| ms.min(latest)));
        let bytes_max = usize::try_from(policy.message_bytes_max).unwrap_or(usize::MAX);
        let mut bytes_left = bytes_max.saturating_sub(OUTCOME_HEAD_BYTES + UNFIT_BYTES * inputs.len());
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
            let result = ItemResult { ending: execution.ending, logs: execution.logs, usage: execution.usage };
            results.push(within(result, &mut bytes_left, policy.message_bytes_max));
        }
        batch.ending = Ending::Completed(results);
        batch
    }
}

fn rejected_input(code: Code, message: String, number: usize) -> Ending {
    Ending::Rejected(Rejection { code, message, path: Some(format!("inputs[{number}]")) })
}

/// A result, or `exhausted: output` where the results before it left no room in the outcome.
fn within(result: ItemResult, bytes_left: &mut usize, bytes_max: u64) -> ItemResult {
    let bytes = serde_json::to_vec(&result).map_or(usize::MAX, |text| text.len());
    match bytes_left.checked_sub(bytes) {
        Some(left) => {
            *bytes_left = left;
            result
        }
        None => {
            let message = format!("the results of the batch are more than the {bytes_max} bytes of one outcome");
            let limit = LimitKind::OutputBytes;
            let exhausted = Exhausted { code: Code::Output, message, limit, allowed: bytes_max, stack: Vec::new() };
            ItemResult { ending: Ending::Exhausted(exhausted), logs: Vec::new(), usage: result.usage }
        }
    }
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
