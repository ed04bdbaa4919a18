//! One job on an executor thread: from the message to the outcome. A batch runs its inputs one after the other, each as
//! a job of its own would run.

use std::time::{Duration, Instant, SystemTime};

use scriptmill_sandbox::{Execution, Invocation, Prepared, Sandbox};
use scriptmill_sdk::{
    Bundle, Code, Ending, Exhausted, Failure, ItemResult, LimitKind, Origin, Outcome, Rejection, Usage,
};
use serde_json::value::RawValue;

use crate::intake::{Accepted, Policy};

/// Time that a whole batch may take: half of RabbitMQ's consumer timeout, after which it would be delivered again.
const BATCH_TIME_MAX: Duration = Duration::from_secs(15 * 60);
/// Bytes of an outcome that are left for what is not a result.
const OUTCOME_HEAD_BYTES: usize = 32 << 10;
/// Bytes that a result takes when it did not fit, at most.
const UNFIT_BYTES: usize = 512;

/// What runs jobs: a sandbox, or a stand-in for it in tests of the way to it.
pub trait Runner: Send + Sync + 'static {
    /// A script that was prepared: it can run, or each of its jobs ends as the preparation did.
    type Script: Send + Sync + 'static;

    /// SHA-256 of the engine, in hexadecimal.
    fn engine(&self) -> &str;

    /// The script, if it was prepared before.
    fn ready(&self, bundle: &Bundle) -> impl Future<Output = Option<Self::Script>> + Send;

    /// Prepares a script, which takes as long as many jobs do. Whoever asks for the same one meanwhile waits for it.
    fn prepare(&self, bundle: &Bundle) -> impl Future<Output = Self::Script> + Send;

    /// Calls an entry of a script once, handing the thread back at every slice.
    fn run(&self, script: &Self::Script, invocation: Invocation<'_>) -> impl Future<Output = Execution> + Send;
}

impl Runner for Sandbox {
    type Script = Prepared;

    fn engine(&self) -> &str {
        self.engine_hash()
    }

    fn ready(&self, bundle: &Bundle) -> impl Future<Output = Option<Prepared>> + Send {
        self.ready(bundle)
    }

    fn prepare(&self, bundle: &Bundle) -> impl Future<Output = Prepared> + Send {
        self.image(bundle)
    }

    fn run(&self, script: &Prepared, invocation: Invocation<'_>) -> impl Future<Output = Execution> + Send {
        self.run_prepared(script, invocation)
    }
}

/// How long a job waited for what it needs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waits {
    /// For a slot.
    pub slot: Duration,
    /// For its script to be prepared.
    pub preparation: Duration,
}

/// Runs a job, unless its deadline passed while it waited.
pub async fn execute<R: Runner>(
    runner: &R,
    script: &R::Script,
    accepted: Accepted,
    waits: Waits,
    policy: &Policy,
) -> Outcome {
    let call = Call { runner, script, accepted: &accepted };
    let mut execution = match &accepted.job.inputs {
        None => call.run(&accepted.job.id, &accepted.job.input, accepted.deadline_ms).await,
        Some(inputs) => call.run_batch(inputs, policy).await,
    };
    let times = &mut execution.usage.times;
    times.queued_us = accepted.queued_us;
    times.waited_us = times.waited_us.saturating_add(micros(waits.slot));
    times.prepared_us = micros(waits.preparation);
    Outcome {
        job_id: accepted.job.id,
        tenant: accepted.job.tenant.into(),
        ending: execution.ending,
        diagnostics: execution.diagnostics,
        logs: execution.logs,
        usage: execution.usage,
        engine: runner.engine().to_owned(),
    }
}

/// Prepares a job's script, if need be, and runs the job: what the worker does, without its queues.
pub async fn prepare_and_execute<R: Runner>(runner: &R, accepted: Accepted, policy: &Policy) -> Outcome {
    let began = Instant::now();
    let script = runner.prepare(&accepted.job.script).await;
    let waits = Waits { preparation: began.elapsed(), ..Waits::default() };
    execute(runner, &script, accepted, waits, policy).await
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A job's script, and what its calls have in common.
struct Call<'a, R: Runner> {
    runner: &'a R,
    script: &'a R::Script,
    accepted: &'a Accepted,
}

impl<R: Runner> Call<'_, R> {
    async fn run(&self, id: &str, input: &RawValue, deadline_ms: Option<u64>) -> Execution {
        let accepted = self.accepted;
        let left = deadline_ms.map_or(Duration::MAX, |ms| Duration::from_millis(ms).saturating_sub(since_epoch()));
        if left.is_zero() {
            let message = "the deadline passed before the job could begin".to_owned();
            return Execution::unrun(Ending::Cancelled { code: Code::DeadlinePassed, message });
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
        self.runner.run(self.script, invocation).await
    }

    /// Runs each input of a batch as the job `ID#0`, `ID#1` … What refuses the script or the entry refuses the whole batch.
    async fn run_batch(&self, inputs: &[Box<RawValue>], policy: &Policy) -> Execution {
        let accepted = self.accepted;
        let mut batch = Execution::unrun(Ending::Completed(Vec::new()));
        let mut results = Vec::with_capacity(inputs.len());
        let latest = u64::try_from((since_epoch() + BATCH_TIME_MAX).as_millis()).unwrap_or(u64::MAX);
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

/// The outcome of a job in whose middle the worker's own code broke.
pub fn broken(job_id: String, engine: &str) -> Outcome {
    let failure = Failure {
        code: Code::EngineFault,
        message: "the worker failed while it ran the job".to_owned(),
        origin: Origin::Platform,
        retryable: true,
        thrown: None,
    };
    let Execution { ending, diagnostics, logs, usage } = Execution::unrun(Ending::Failed(failure));
    Outcome { job_id, tenant: String::new(), ending, diagnostics, logs, usage, engine: engine.to_owned() }
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
