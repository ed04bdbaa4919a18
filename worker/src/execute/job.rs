//! A whole job: its one call or its batch, and the outcome.

use std::time::Duration;

use scriptmill_sdk::Outcome;

use super::call::{Call, Environment, Waits};
use super::runner::Runner;
use crate::intake::Accepted;

impl<R: Runner> Environment<'_, R> {
    /// Runs a job, unless its deadline passed while it waited.
    pub async fn execute(&self, script: &R::Script, accepted: Box<Accepted>, waits: Waits) -> Outcome {
        let call = Call { environment: self, script, accepted: &accepted };
        let mut execution = match &accepted.job.inputs {
            None => call.run(&accepted.job.id, &accepted.job.input, accepted.deadline_ms).await,
            // In a box, since a future has room for its largest branch, and most jobs are not batches.
            Some(inputs) => Box::pin(call.run_batch(inputs)).await,
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
            warnings: execution.warnings,
            usage: execution.usage,
            engine: self.runner.engine().to_owned(),
        }
    }

    /// Prepares a job's script if necessary, and runs the job: the same as the worker does, without its queues.
    pub async fn prepare_and_execute(&self, accepted: Accepted) -> Outcome {
        let began = self.clock.monotonic();
        let script = self.runner.prepare(&accepted.job.script, 0).await;
        let preparation = self.clock.monotonic().saturating_sub(began);
        self.execute(&script, Box::new(accepted), Waits { preparation, ..Waits::default() }).await
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
