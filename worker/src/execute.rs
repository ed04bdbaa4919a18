//! One job on an executor thread: from the message to the outcome.

use std::time::{Duration, SystemTime};

use futures_util::future::{BoxFuture, FutureExt};
use scriptmill_sandbox::{Execution, Invocation, Sandbox};
use scriptmill_sdk::{Code, Ending, Failure, Origin, Outcome};

use crate::intake::Accepted;

/// What runs jobs: a sandbox, or a stand-in for it in tests of the way to it.
pub trait Runner: Send + Sync + 'static {
    /// SHA-256 of the engine, in hexadecimal.
    fn engine(&self) -> &str;

    /// Runs a job, handing the thread back at every slice.
    fn run<'a>(&'a self, job: &'a Accepted) -> BoxFuture<'a, Execution>;
}

impl Runner for Sandbox {
    fn engine(&self) -> &str {
        self.engine_hash()
    }

    fn run<'a>(&'a self, accepted: &'a Accepted) -> BoxFuture<'a, Execution> {
        let job = &accepted.job;
        let invocation = Invocation {
            entry: job.entry.as_deref(),
            input: job.input.get(),
            limits: accepted.limits,
            job_id: &job.id,
            tenant: &job.tenant,
            attempt: accepted.attempt,
            deadline_ms: accepted.deadline_ms,
            clock_ms: accepted.clock_ms,
        };
        self.execute(&job.script, invocation).boxed()
    }
}

/// Runs a job, unless its deadline passed while it waited.
pub async fn execute(runner: &dyn Runner, mut accepted: Accepted, waited: Duration) -> Outcome {
    let left = accepted.deadline_ms.map(|deadline_ms| Duration::from_millis(deadline_ms).saturating_sub(since_epoch()));
    let mut execution = match left {
        Some(Duration::ZERO) => {
            let message = "the deadline passed before the job could begin".to_owned();
            Execution::unrun(Ending::Cancelled { code: Code::DeadlinePassed, message })
        }
        left => {
            accepted.limits.wall_time = left.unwrap_or(Duration::MAX).min(accepted.limits.wall_time);
            runner.run(&accepted).await
        }
    };
    execution.usage.times.queued_us = accepted.queued_us;
    execution.usage.times.waited_us += u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
    Outcome {
        job_id: accepted.job.id,
        tenant: accepted.job.tenant,
        ending: execution.ending,
        diagnostics: execution.diagnostics,
        logs: execution.logs,
        usage: execution.usage,
        engine: runner.engine().to_owned(),
    }
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
