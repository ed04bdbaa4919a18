//! The way of one job through the rooms: it is read on an executor thread, prepared if necessary, run, and settled.
//!
//! Reading, looking for the image and running are one turn on one thread: a hand-over between threads costs more than a
//! small job. Only a job whose script must be prepared, or that must be claimed in the ledger, leaves its thread in between. A long
//! message is read on a thread of its own, since reading does not hand its thread back: 8 MiB take as long as some hundred small jobs.
//!
//! Data that a job needs only while it runs or waits is boxed at that time. The future of the job's whole way is moved several times,
//! and copying it took a third of the I/O thread's time while it held that data.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use scriptmill_sandbox::Clock;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};

use crate::broker::Broker;
use crate::cancels::{Cancels, Watch};
use crate::execute::{Environment, Runner, Waits};
use crate::intake::Policy;
use crate::job::{Admitted, Ended, Moving, Received, Settling, Slot};
use crate::ledger::leases::{self, Leases};
use crate::metrics::Metrics;
use crate::preparing::Preparing;
use crate::rules::{PATIENCE_MAX, UNACKNOWLEDGED_MAX};
use crate::scale::Others;
use crate::schedule::Executor;
use crate::settle::Settler;

/// How long a job is held while its script is prepared. No script takes that long itself, but it may behind very many others.
const PREPARATION_MAX: Duration = Duration::from_secs(UNACKNOWLEDGED_MAX.as_secs() / 3);

/// A message with more bytes than this counts as long.
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
    /// Another worker may take jobs that this one refuses.
    pub(crate) others: Arc<Others>,
    /// How long a job that cannot begin is held before it is requeued for other workers.
    pub(crate) patience: Duration,
    pub(crate) metrics: Metrics,
    pub(crate) cancels: Cancels,
    /// The claims in the ledger, if there is one.
    pub(crate) leases: Option<Arc<Leases>>,
    /// Cancelled when jobs that have not begun must be requeued.
    pub(crate) drain: CancellationToken,
    /// Cancelled at the end of the grace period: jobs that still run are requeued.
    pub(crate) abort: CancellationToken,
}

/// A job whose script is prepared.
struct Prepared<R: Runner> {
    admitted: Admitted,
    watch: Watch,
    script: R::Script,
    /// How long the preparation took.
    preparation: Duration,
    /// The job in the form in which it is claimed, if there is a ledger.
    claimable: Option<leases::Job>,
}

/// A job that waits for something, and holds no slot meanwhile.
enum Waiting<R: Runner> {
    /// For its script to be prepared.
    Script(Box<Admitted>),
    /// For its claim in the ledger.
    Claim(Box<Prepared<R>>),
}

/// How a job leaves.
pub(crate) enum Step {
    /// Its outcome is known.
    Settle(Box<Settling>),
    /// It goes on to a queue.
    Move(Box<Moving>),
    /// Its delivery is void.
    Lost,
}

impl From<Ended> for Step {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Settling(settling) => Self::Settle(settling),
            Ended::Moving(moving) => Self::Move(moving),
        }
    }
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
                    Some(read) => on(&self.executor, Box::pin(self.clone().begin(read, slot, waits))).await,
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
                Err(Waiting::Script(admitted)) => Box::pin(self.prepare(*admitted)).await,
                Err(Waiting::Claim(prepared)) => Box::pin(self.claim_and_run(*prepared, self.clock.monotonic())).await,
            };
            self.leave(step).await;
        };
        way.instrument(span).await;
    }

    /// Runs a job that was read, if it can run at once. An error is a job that waits, and whose slot is free for others.
    async fn begin(
        self: Arc<Self>,
        read: Result<Admitted, Box<Settling>>,
        mut slot: Slot,
        waits: Waits,
    ) -> Result<Step, Waiting<R>> {
        let admitted = match read {
            Ok(admitted) => admitted,
            Err(settling) if settling.may_run_elsewhere() && self.others.differ() => {
                return Ok(Step::Move(Box::new(settling.pass_on())));
            }
            Err(settling) => {
                slot.begin(waits);
                return Ok(Step::Settle(settling));
            }
        };
        Span::current().record("tenant", admitted.tenant());
        let watch = self.cancels.watch(admitted.tenant(), admitted.id());
        if watch.is_cancelled() {
            slot.begin(waits);
            return Ok(Step::Settle(Box::new(admitted.cancelled(&self.policy))));
        }
        let now = self.clock.now();
        if let Some(start_ms) = admitted.starts_later(now) {
            return Ok(Step::Move(Box::new(admitted.until(start_ms, now))));
        }
        let admitted = match admitted.in_time(now, &self.policy) {
            Ok(admitted) => admitted,
            Err(settling) => {
                slot.begin(waits);
                return Ok(Step::Settle(settling));
            }
        };
        let ready = AssertUnwindSafe(self.runner.ready(admitted.script())).catch_unwind().await;
        self.metrics.looked_up(matches!(ready, Ok(Some(_))));
        match ready {
            Ok(Some(script)) => match self.claimable(&admitted) {
                None => Ok(Box::pin(self.run(admitted, slot, script, watch)).await),
                claimable => {
                    let preparation = Duration::ZERO;
                    Err(Waiting::Claim(Box::new(Prepared { admitted, watch, script, preparation, claimable })))
                }
            },
            Ok(None) => Err(Waiting::Script(Box::new(admitted))),
            Err(_) => {
                slot.begin(waits);
                Ok(Step::Settle(Box::new(admitted.broken(&self.policy))))
            }
        }
    }

    /// Runs a job whose script is ready, to its end or until the worker may wait no longer.
    async fn run(self: Arc<Self>, admitted: Admitted, slot: Slot, script: R::Script, watch: Watch) -> Step {
        let (running, accepted) = admitted.start(slot);
        let environment = Environment { runner: &*self.runner, policy: &self.policy, clock: &*self.clock };
        let execution = AssertUnwindSafe(environment.execute(&script, accepted, running.waits)).catch_unwind();
        tokio::select! {
            biased;
            () = running.lost() => Step::Lost,
            () = watch.cancelled() => Step::Settle(Box::new(running.cancelled(&self.policy))),
            () = self.abort.cancelled() => Step::Move(Box::new(running.abort())),
            outcome = execution => match outcome {
                Ok(outcome) => running.end(outcome, self.clock.now(), &self.policy),
                Err(_) => running.broken(self.clock.now(), &self.policy),
            }
            .into(),
        }
    }

    /// The job in the form in which it is claimed. Returns `None` if there is no ledger. This hashes the whole message, so it is called
    /// on the threads that run scripts.
    fn claimable(&self, admitted: &Admitted) -> Option<leases::Job> {
        self.leases.is_some().then(|| admitted.claimable())
    }

    /// Claims a job in the ledger, if there is one. An error says what must be done with the job instead of running it.
    async fn claim(&self, admitted: Admitted, job: Option<leases::Job>, watch: &Watch) -> Result<Admitted, Step> {
        let Some((leases, job)) = self.leases.as_ref().zip(job) else {
            return Ok(admitted);
        };
        let taken = tokio::select! {
            biased;
            () = admitted.lost() => return Err(Step::Lost),
            () = watch.cancelled() => return Err(Step::Settle(Box::new(admitted.cancelled(&self.policy)))),
            () = self.drain.cancelled() => return Err(Step::Move(Box::new(admitted.requeue()))),
            taken = leases.take(job, PATIENCE_MAX) => taken,
        };
        admitted.taken(taken, self.clock.now(), &self.policy).map_err(Step::from)
    }

    /// Prepares the script of a job, which holds no slot meanwhile, and runs the job once there is a slot again.
    async fn prepare(self: &Arc<Self>, admitted: Admitted) -> Step {
        let began = self.clock.monotonic();
        let watch = self.cancels.watch(admitted.tenant(), admitted.id());
        let prepared = on(&self.preparer, self.clone().make_image(admitted, watch)).await;
        match prepared.unwrap_or(Err(Step::Lost)) {
            Ok(prepared) => self.claim_and_run(*prepared, began).await,
            Err(step) => step,
        }
    }

    /// Claims a job whose script is ready and which has held no slot since `began`, and runs it once there is a slot again.
    async fn claim_and_run(self: &Arc<Self>, prepared: Prepared<R>, began: Duration) -> Step {
        let Prepared { admitted, watch, script, preparation, claimable } = prepared;
        let mut admitted = match self.claim(admitted, claimable, &watch).await {
            Ok(admitted) => admitted,
            Err(step) => return step,
        };
        let permit = tokio::select! {
            biased;
            () = admitted.lost() => return Step::Lost,
            () = watch.cancelled() => return Step::Settle(Box::new(admitted.cancelled(&self.policy))),
            () = self.drain.cancelled() => return Step::Move(Box::new(admitted.requeue())),
            // The semaphore is never closed.
            Ok(permit) = self.slots.clone().acquire_owned() => permit,
            () = self.clock.sleep(self.patience) => return Step::Move(Box::new(admitted.requeue())),
        };
        let since = self.clock.monotonic().saturating_sub(began);
        admitted.waits.slot += since.saturating_sub(preparation);
        admitted.waits.preparation = preparation;
        let slot = Slot::new(permit, &self.metrics.signals);
        on(&self.executor, Box::pin(self.clone().run(admitted, slot, script, watch))).await.unwrap_or(Step::Lost)
    }

    /// Prepares a job's script, and notes how long that took. An error says what must be done with the job instead.
    ///
    /// Of several jobs of one script, the first is held until the script is prepared. The others wait for that only as long as a job waits
    /// for a slot, and then make room for jobs of other scripts.
    async fn make_image(self: Arc<Self>, admitted: Admitted, watch: Watch) -> Result<Box<Prepared<R>>, Step> {
        let began = self.clock.monotonic();
        let place = self.preparing.enter(admitted.script(), admitted.message_bytes());
        let queue = self.preparing.queue(admitted.tenant());
        let patience = if place.is_first { PREPARATION_MAX } else { self.patience };
        let script = tokio::select! {
            biased;
            () = admitted.lost() => return Err(Step::Lost),
            () = watch.cancelled() => return Err(Step::Settle(Box::new(admitted.cancelled(&self.policy)))),
            () = self.drain.cancelled() => return Err(Step::Move(Box::new(admitted.requeue()))),
            script = AssertUnwindSafe(self.runner.prepare(admitted.script(), queue)).catch_unwind() => script,
            () = self.clock.sleep(patience) => return Err(Step::Move(Box::new(admitted.requeue()))),
        };
        let Ok(script) = script else {
            return Err(Step::Settle(Box::new(admitted.broken(&self.policy))));
        };
        let preparation = self.clock.monotonic().saturating_sub(began);
        if place.is_first {
            self.metrics.prepared(preparation);
        }
        let claimable = self.claimable(&admitted);
        Ok(Box::new(Prepared { admitted, watch, script, preparation, claimable }))
    }

    /// Settles a job, or publishes it again.
    pub(crate) async fn leave(&self, step: Step) {
        match step {
            Step::Settle(settling) => {
                settling.answer.log(settling.is_dead_letter);
                self.settler.settle(*settling).await;
            }
            Step::Move(job) => Box::pin(self.settler.republish(*job)).await,
            Step::Lost => self.settler.lost(),
        }
    }
}

/// Runs a step on an executor. Returns `None` if the worker's own code panicked where nothing caught it: the delivery is then dropped,
/// and the broker delivers it again.
fn on<T: Send + 'static>(
    executor: &Executor,
    step: impl Future<Output = T> + Send + 'static,
) -> impl Future<Output = Option<T>> {
    executor.spawn(step.in_current_span())
}
