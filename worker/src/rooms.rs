//! The way of one job through the rooms: read on an executor thread, prepared if need be, run, settled.
//!
//! Reading, looking for the image and running are one turn on one thread: a hand-over between threads costs more than a
//! small job. Only a job whose script must be prepared comes back in between; and a long message is read on a thread of its own,
//! since reading hands its thread back to nobody: one of 8 MiB takes as long as some hundred small jobs.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use scriptmill_sandbox::Clock;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};

use crate::broker::Broker;
use crate::execute::{Environment, Runner, Waits};
use crate::intake::Policy;
use crate::job::{Admitted, Received, Requeue, Settling, Slot};
use crate::metrics::Metrics;
use crate::preparing::Preparing;
use crate::rules::UNACKNOWLEDGED_MAX;
use crate::schedule::Executor;
use crate::settle::Settler;

/// How long a script may be prepared while its job is held. Nothing takes that long; behind very many others it may.
const PREPARATION_MAX: Duration = Duration::from_secs(UNACKNOWLEDGED_MAX.as_secs() / 3);

/// A message longer than that is long.
const LONG_MESSAGE: usize = 256 << 10;

/// What every job needs on its way.
pub(crate) struct Rooms<R: Runner> {
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) runner: Arc<R>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) executor: Executor,
    pub(crate) preparer: Executor,
    pub(crate) reader: Executor,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) preparing: Preparing,
    pub(crate) settler: Settler,
    pub(crate) policy: Policy,
    /// How long a job that cannot begin is held before it goes back to the queue, from where others can take it.
    pub(crate) patience: Duration,
    pub(crate) metrics: Metrics,
    /// Set when jobs that have not begun are to be requeued.
    pub(crate) drain: CancellationToken,
    /// Set at the end of the grace period: what still runs is requeued.
    pub(crate) abort: CancellationToken,
}

/// How a job leaves.
enum Step {
    /// Its outcome is known.
    Settle(Box<Settling>),
    /// The worker leaves before the job could end.
    Requeue(Box<Requeue>),
    /// Its delivery is void.
    Lost,
}

impl<R: Runner> Rooms<R> {
    /// Sees one job through.
    pub(crate) async fn see_through(self: Arc<Self>, mut received: Received, slot: Slot) {
        let waits = received.has_slot(&*self.clock);
        let span = received.span();
        let way = async {
            let begun = if received.message_bytes() > LONG_MESSAGE {
                let rooms = self.clone();
                match on(&self.reader, async move { received.admit(&rooms.policy) }).await {
                    Some(read) => on(&self.executor, self.clone().begin(read, slot, waits)).await,
                    None => None,
                }
            } else {
                let rooms = self.clone();
                let begin = async move {
                    let read = received.admit(&rooms.policy);
                    rooms.begin(read, slot, waits).await
                };
                on(&self.executor, begin).await
            };
            let step = match begun.unwrap_or(Ok(Step::Lost)) {
                Ok(step) => step,
                Err(admitted) => self.prepare(*admitted).await,
            };
            self.leave(step).await;
        };
        way.instrument(span).await;
    }

    /// Runs a job that was read, if its script is ready. An error is the job whose script must be prepared; its slot is free
    /// for others.
    async fn begin(
        self: Arc<Self>,
        read: Result<Admitted, Box<Settling>>,
        mut slot: Slot,
        waits: Waits,
    ) -> Result<Step, Box<Admitted>> {
        let admitted = match read {
            Ok(admitted) => admitted,
            Err(settling) => {
                slot.begin(waits);
                return Ok(Step::Settle(settling));
            }
        };
        Span::current().record("tenant", admitted.tenant());
        match AssertUnwindSafe(self.runner.ready(admitted.script())).catch_unwind().await {
            Ok(Some(script)) => Ok(self.run(admitted, slot, script).await),
            Ok(None) => Err(Box::new(admitted)),
            Err(_) => {
                slot.begin(waits);
                Ok(Step::Settle(Box::new(admitted.broken(&self.policy))))
            }
        }
    }

    /// Runs a job whose script is ready, to its end or until the worker may wait no longer.
    async fn run(self: Arc<Self>, admitted: Admitted, slot: Slot, script: R::Script) -> Step {
        let (running, accepted) = admitted.start(slot);
        let environment = Environment { runner: &*self.runner, policy: &self.policy, clock: &*self.clock };
        let execution = AssertUnwindSafe(environment.execute(&script, accepted, running.waits)).catch_unwind();
        tokio::select! {
            biased;
            () = running.lost() => Step::Lost,
            () = self.abort.cancelled() => Step::Requeue(Box::new(running.abort())),
            outcome = execution => Step::Settle(Box::new(match outcome {
                Ok(outcome) => running.end(outcome, &self.policy),
                Err(_) => running.broken(&self.policy),
            })),
        }
    }

    /// Prepares the script of a job that holds no slot meanwhile, and runs the job once there is one again.
    async fn prepare(self: &Arc<Self>, admitted: Admitted) -> Step {
        let began = self.clock.monotonic();
        let prepared = on(&self.preparer, self.clone().make_image(admitted)).await;
        let (mut admitted, script, preparation) = match prepared.unwrap_or(Err(Step::Lost)) {
            Ok(prepared) => *prepared,
            Err(step) => return step,
        };
        let permit = tokio::select! {
            biased;
            () = admitted.lost() => return Step::Lost,
            () = self.drain.cancelled() => return Step::Requeue(Box::new(admitted.requeue())),
            // The semaphore is never closed.
            Ok(permit) = self.slots.clone().acquire_owned() => permit,
            () = self.clock.sleep(admitted.patience(self.patience)) => return Step::Requeue(Box::new(admitted.requeue())),
        };
        let since = self.clock.monotonic().saturating_sub(began);
        admitted.waits.slot += since.saturating_sub(preparation);
        admitted.waits.preparation = preparation;
        let slot = Slot::new(permit, &self.metrics.signals);
        on(&self.executor, self.clone().run(admitted, slot, script)).await.unwrap_or(Step::Lost)
    }

    /// Prepares a job's script, and says how long that took. An error says what is to be done with the job instead.
    ///
    /// Of several jobs of one script the first is held until it is prepared. The others wait for it as long as jobs wait for a
    /// slot, and then make room for jobs of other scripts.
    async fn make_image(self: Arc<Self>, admitted: Admitted) -> Result<Box<(Admitted, R::Script, Duration)>, Step> {
        let began = self.clock.monotonic();
        let place = self.preparing.enter(admitted.script(), admitted.message_bytes());
        let queue = self.preparing.queue(admitted.tenant());
        let patience = if place.is_first { PREPARATION_MAX } else { admitted.patience(self.patience) };
        let script = tokio::select! {
            biased;
            () = admitted.lost() => return Err(Step::Lost),
            () = self.drain.cancelled() => return Err(Step::Requeue(Box::new(admitted.requeue()))),
            script = AssertUnwindSafe(self.runner.prepare(admitted.script(), queue)).catch_unwind() => script,
            () = self.clock.sleep(patience) => return Err(Step::Requeue(Box::new(admitted.requeue()))),
        };
        let Ok(script) = script else {
            return Err(Step::Settle(Box::new(admitted.broken(&self.policy))));
        };
        let preparation = self.clock.monotonic().saturating_sub(began);
        Ok(Box::new((admitted, script, preparation)))
    }

    async fn leave(&self, step: Step) {
        match step {
            Step::Settle(settling) => {
                let (status, code) = (settling.answer.status(), settling.answer.code());
                match settling.is_dead_letter {
                    false => tracing::debug!(status, ?code, "the job ended"),
                    true => tracing::warn!(?code, "the message is no job for this worker; it goes to the dead letters"),
                }
                self.settler.settle(*settling).await;
            }
            Step::Requeue(job) => self.settler.requeue(*job).await,
            Step::Lost => self.settler.lost(),
        }
    }
}

/// Runs a step on an executor. `None` if the worker's own code broke where nothing caught it: the delivery is dropped then,
/// and the broker delivers it again.
async fn on<T: Send + 'static>(executor: &Executor, step: impl Future<Output = T> + Send + 'static) -> Option<T> {
    executor.spawn(step.in_current_span()).await
}
