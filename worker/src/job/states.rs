//! The states of a job. Each is a type of its own that consumes the one before, so that no step can be left out, taken twice
//! or taken in another order:
//!
//! ```text
//! Received ──admit──▶ Admitted ──start──▶ Running ──end──▶ Settling ──▶ settled: nothing is left of it
//!    │                   │                   │                 ▲
//!    │                   └─────requeue───────┴──▶ Moving ──▶ on another queue, or at the end of its own
//!    └──admit, but the message is no job for this worker ──────┘
//! ```
//!
//! A job in quarantine runs in another process: `Received ──isolate──▶ Isolated`, and from there on to `Settling` or `Moving`.
//!
//! All states hold the delivery. The envelope, and with it the number of this attempt at the job, is read once and travels along, in a
//! box: a job is moved from state to state and from thread to thread, and each move copies what is not.
//! A state that is dropped drops its delivery, which the broker then delivers again.
//!
//! A job cannot run before it is admitted and has a slot:
//!
//! ```compile_fail,E0599
//! fn run(received: scriptmill::job::Received, slot: scriptmill::job::Slot) {
//!     received.start(slot);
//! }
//! ```
//!
//! and a job that is settled cannot be settled again:
//!
//! ```compile_fail,E0382
//! async fn settle(settler: scriptmill::settle::Settler, settling: scriptmill::job::Settling) {
//!     settler.settle(settling).await;
//!     settler.settle(settling).await;
//! }
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use scriptmill_sandbox::Clock;
use scriptmill_sdk::amqp::Envelope;
use scriptmill_sdk::topology::delay_towards;
use scriptmill_sdk::{Bundle, Code, Job, Outcome, RetryPolicy};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::WaitForCancellationFuture;

use super::answer::Answer;
use crate::broker::{Delivery, Queue, Target};
use crate::execute::{Waits, deadline_passed};
use crate::intake::{self, Accepted, Around, Policy};
use crate::ledger::leases::Lease;
use crate::signals::{Occupied, Signals, Unstarted};

/// How long a job that is left to other workers waits, in seconds, and how often it is left to them at most. Together that is ten
/// minutes, the time that a rolling change takes.
const PASS_SECONDS: u64 = 2;
const PASSES_MAX: u32 = 300;

/// The part that every state holds.
pub(crate) struct Held {
    pub(crate) delivery: Delivery,
    pub(crate) around: Around,
    /// The job's claim in the ledger, once it has one. Dropping the lease gives the claim back.
    pub(crate) lease: Option<Lease>,
}

impl Held {
    /// Moves the job on to a queue, for this reason.
    pub(super) fn moved(self: Box<Self>, to: Target, why: Why) -> Moving {
        Moving { held: self, to, why }
    }

    /// Makes the job wait on a queue until `start_ms`, in milliseconds since the epoch; `now` is the current time.
    pub(super) fn until(mut self: Box<Self>, start_ms: u64, now: Duration, why: Why) -> Moving {
        self.around.envelope.not_before_ms = Some(start_ms);
        let seconds = delay_towards(start_ms.saturating_sub(millis(now)));
        self.moved(Target::Delay { seconds }, why)
    }

    /// A run has ended with `outcome`. The job runs again if its retry policy asks for that; otherwise it is settled.
    pub(super) fn ended(mut self: Box<Self>, outcome: Outcome, next: &Next, now: Duration, policy: &Policy) -> Ended {
        let envelope = &mut self.around.envelope;
        match next.start_ms(&outcome, envelope.retries, now) {
            None => Ended::Settling(Box::new(Settling::new(self, outcome, policy, false))),
            Some(start_ms) => {
                let code = outcome.ending.code().map_or_else(String::new, |code| code.to_string());
                envelope.remember(millis(now), &format!("run {} ended with {code}; it runs again", envelope.attempt));
                envelope.retries = envelope.retries.saturating_add(1);
                envelope.attempt = envelope.attempt.saturating_add(1);
                Ended::Moving(Box::new(self.until(start_ms, now, Why::Retry)))
            }
        }
    }
}

/// How a run ended.
pub enum Ended {
    /// The run's outcome is the job's outcome.
    Settling(Box<Settling>),
    /// The job runs again.
    Moving(Box<Moving>),
}

/// What decides whether a job runs again after a run that failed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Next {
    retry: Option<RetryPolicy>,
    deadline_ms: Option<u64>,
}

impl Next {
    /// The retry policy and the deadline of this job.
    pub fn of(accepted: &Accepted) -> Self {
        Self { retry: accepted.job.retry.clone(), deadline_ms: accepted.deadline_ms }
    }

    /// When the job runs again after `runs` failed runs and this outcome. Returns `None` if its policy asks for no further run, or if
    /// that run would begin after its deadline.
    fn start_ms(&self, outcome: &Outcome, runs: u32, now: Duration) -> Option<u64> {
        let policy = self.retry.as_ref().filter(|policy| policy.asks_for_another(&outcome.ending, runs))?;
        let start_ms = millis(now).saturating_add(policy.pause_ms_after(runs));
        self.deadline_ms.is_none_or(|deadline_ms| start_ms < deadline_ms).then_some(start_ms)
    }
}

/// The right to have a job begun. Dropping it gives the slot to the next one.
pub struct Slot {
    /// Stands before the permit, so that this job's end is counted before the next job's beginning.
    occupied: Occupied,
    _permit: OwnedSemaphorePermit,
}

impl Slot {
    /// A slot that `signals` counts for as long as it is held.
    pub fn new(permit: OwnedSemaphorePermit, signals: &Arc<Signals>) -> Self {
        Self { occupied: signals.occupy(), _permit: permit }
    }

    /// Counts that a job begins in this slot after these waits. A job that is refused begins and ends at once.
    pub(crate) fn begin(&mut self, waits: Waits) {
        self.occupied.begin(waits.slot);
    }
}

/// A message that has come. Its body has not been read.
pub struct Received {
    held: Box<Held>,
    /// When it came by the wall clock, since the Unix epoch.
    received_at: Duration,
    /// When it came by the monotonic clock.
    received: Duration,
    waits: Waits,
    unstarted: Unstarted,
}

impl Received {
    /// A delivery that has come just now.
    pub fn new(delivery: Delivery, clock: &dyn Clock, signals: &Arc<Signals>) -> Self {
        let properties = &delivery.message.properties;
        let mut envelope = properties.envelope();
        envelope.attempt = properties.attempt(&envelope, delivery.redelivered);
        let around = Around { headers_bytes: properties.headers_bytes(), envelope };
        let held = Box::new(Held { delivery, around, lease: None });
        let (received_at, received, waits) = (clock.now(), clock.monotonic(), Waits::default());
        Self { held, received_at, received, waits, unstarted: signals.delivered() }
    }

    /// Whether the message names a time of sending that cannot be true.
    pub fn is_misdated(&self) -> bool {
        intake::is_misdated(&self.held.around.envelope, self.received_at)
    }

    /// The span in which everything that happens to the job is logged. The tenant is recorded once it is known.
    pub fn span(&self) -> tracing::Span {
        let Envelope { message_id, traceparent, .. } = &self.held.around.envelope;
        let id = message_id.as_deref().unwrap_or_default();
        tracing::info_span!("job", id, tenant = tracing::field::Empty, traceparent)
    }

    /// Notes that the job has a slot now, and returns how long it waited for one.
    pub fn has_slot(&mut self, clock: &dyn Clock) -> Waits {
        self.waits.slot = clock.monotonic().saturating_sub(self.received);
        self.waits
    }

    /// Whether the job has been held for longer than `patience` and has not begun.
    pub fn is_overdue(&self, patience: Duration, clock: &dyn Clock) -> bool {
        clock.monotonic().saturating_sub(self.received) > patience
    }

    /// Bytes of the message.
    pub fn message_bytes(&self) -> usize {
        self.held.delivery.message.body.len()
    }

    /// Reads the message.
    ///
    /// # Errors
    /// The message is no job for this worker: it is settled with the outcome that says why, and becomes a dead letter. Or the
    /// worker's own code panicked: it is settled with the outcome that says so.
    pub fn admit(self, policy: &Policy) -> Result<Admitted, Box<Settling>> {
        let Self { held, received_at, waits, unstarted, .. } = self;
        let read = || intake::read(&held.delivery.message.body, &held.around, received_at, policy);
        match catch_unwind(AssertUnwindSafe(read)) {
            Ok(Ok(accepted)) => Ok(Admitted { held, accepted: Box::new(accepted), waits, unstarted }),
            Ok(Err(outcome)) => Err(Box::new(Settling::new(held, *outcome, policy, true))),
            Err(_) => Err(Box::new(Settling::broken(held, policy))),
        }
    }

    /// It goes back to the queue as it came.
    pub fn requeue(self) -> Moving {
        self.held.moved(Target::JOBS, Why::Requeue)
    }

    /// Whether a worker or a connection died with the job.
    pub fn is_suspect(&self) -> bool {
        self.held.delivery.redelivered
    }

    /// Moves the job to the quarantine without counting a death: only one of the worker's jobs has killed it, and the others were
    /// merely there.
    pub fn quarantine(self) -> Moving {
        let Self { mut held, received_at, .. } = self;
        let what = "a worker or a connection died with it; it goes to the quarantine";
        let envelope = &mut held.around.envelope;
        envelope.remember(millis(received_at), what);
        // Anybody may have written this header on the queue of jobs; in quarantine it is trusted.
        envelope.publisher = None;
        held.moved(Target::Queue(Queue::Quarantine), Why::Suspect)
    }

    /// Returns the job if its time has come. An error is a job that is to begin later, on its way to a queue to wait there.
    pub fn is_due(self) -> Result<Self, Box<Moving>> {
        match self.held.around.envelope.not_before_ms {
            Some(start_ms) if start_ms > millis(self.received_at) => {
                Err(Box::new(self.held.until(start_ms, self.received_at, Why::Delay)))
            }
            _ => Ok(self),
        }
    }

    /// The held part and when the message came, for a job that runs in another process.
    pub(super) fn into_held(self) -> (Box<Held>, Duration) {
        (self.held, self.received_at)
    }
}

/// A job that may run on this worker now. It holds no slot: its script may have to be prepared first.
pub struct Admitted {
    pub(super) held: Box<Held>,
    pub(super) accepted: Box<Accepted>,
    /// How long the job has waited so far.
    pub waits: Waits,
    unstarted: Unstarted,
}

impl Admitted {
    /// Whose job it is.
    pub fn tenant(&self) -> &str {
        self.accepted.job.tenant.as_str()
    }

    /// Its script.
    pub fn script(&self) -> &Bundle {
        &self.accepted.job.script
    }

    /// Bytes of its message.
    pub fn message_bytes(&self) -> usize {
        self.held.delivery.message.body.len()
    }

    /// Ends when the delivery is void.
    pub fn lost(&self) -> WaitForCancellationFuture<'_> {
        self.held.delivery.lost()
    }

    /// The worker's own code broke over it.
    pub fn broken(self, policy: &Policy) -> Settling {
        let Job { id, tenant, .. } = self.accepted.job;
        Settling::new(self.held, policy.broken(id, tenant.into()), policy, false)
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.accepted.job.id
    }

    /// Somebody has cancelled it.
    pub fn cancelled(self, policy: &Policy) -> Settling {
        let Accepted { job: Job { id, tenant, .. }, queued_us, .. } = *self.accepted;
        Settling::new(self.held, policy.cancelled(id, tenant.into(), queued_us), policy, false)
    }

    /// When the job is to begin, in milliseconds since the epoch. Returns `None` if it may begin at `now`.
    pub fn starts_later(&self, now: Duration) -> Option<u64> {
        self.accepted.start_ms.filter(|start_ms| *start_ms > millis(now))
    }

    /// Makes the job wait on a queue until `start_ms`, in milliseconds since the epoch.
    pub fn until(self, start_ms: u64, now: Duration) -> Moving {
        self.held.until(start_ms, now, Why::Delay)
    }

    /// Returns the job if its deadline has not passed by `now`.
    ///
    /// # Errors
    /// The deadline has passed: the job is settled without having run.
    pub fn in_time(self, now: Duration, policy: &Policy) -> Result<Self, Box<Settling>> {
        match self.accepted.deadline_ms {
            Some(deadline_ms) if deadline_ms <= millis(now) => {
                let Accepted { job: Job { id, tenant, .. }, queued_us, .. } = *self.accepted;
                let outcome = policy.unrun(deadline_passed(deadline_ms, now), id, tenant.into(), queued_us);
                Err(Box::new(Settling::new(self.held, outcome, policy, false)))
            }
            _ => Ok(self),
        }
    }

    /// Begins the job in its slot.
    pub fn start(self, mut slot: Slot) -> (Running, Box<Accepted>) {
        let Self { held, accepted, waits, unstarted } = self;
        slot.begin(waits);
        drop(unstarted);
        let identity = (accepted.job.id.clone(), accepted.job.tenant.to_string());
        (Running { held, waits, next: Next::of(&accepted), identity, _slot: slot }, accepted)
    }

    /// It goes back to the queue as it came.
    pub fn requeue(self) -> Moving {
        self.held.moved(Target::JOBS, Why::Requeue)
    }
}

/// A job that has begun. It holds its slot.
pub struct Running {
    held: Box<Held>,
    /// How long the job waited before it began.
    pub waits: Waits,
    next: Next,
    /// Its id and its tenant.
    identity: (String, String),
    _slot: Slot,
}

impl Running {
    /// Ends when the delivery is void.
    pub fn lost(&self) -> WaitForCancellationFuture<'_> {
        self.held.delivery.lost()
    }

    /// The job's run ended at `now` with this outcome.
    pub fn end(self, outcome: Outcome, now: Duration, policy: &Policy) -> Ended {
        self.held.ended(outcome, &self.next, now, policy)
    }

    /// The worker's own code broke over it.
    pub fn broken(self, now: Duration, policy: &Policy) -> Ended {
        let (id, tenant) = self.identity.clone();
        self.end(policy.broken(id, tenant), now, policy)
    }

    /// Somebody has cancelled it.
    pub fn cancelled(self, policy: &Policy) -> Settling {
        let (id, tenant) = self.identity;
        Settling::new(self.held, policy.cancelled(id, tenant, None), policy, false)
    }

    /// Puts the job back on the queue, and counts one more attempt.
    pub fn abort(self) -> Moving {
        let Self { mut held, .. } = self;
        held.around.envelope.attempt = held.around.envelope.attempt.saturating_add(1);
        held.moved(Target::JOBS, Why::Requeue)
    }
}

/// A job whose outcome is known and not yet published.
pub struct Settling {
    /// If it holds a claim in the ledger, the outcome is recorded there before it is published.
    pub(crate) held: Box<Held>,
    pub(crate) answer: Answer,
    /// Whether the message goes to the dead letters: it is no job for this worker, or workers died of it.
    pub(crate) is_dead_letter: bool,
}

impl Settling {
    pub(super) fn new(held: Box<Held>, outcome: Outcome, policy: &Policy, is_dead_letter: bool) -> Self {
        Self::answered(held, Answer::new(outcome, policy.message_bytes_max), is_dead_letter)
    }

    pub(super) fn answered(held: Box<Held>, answer: Answer, is_dead_letter: bool) -> Self {
        Self { held, answer, is_dead_letter }
    }

    /// Whether the job was refused because of bounds that another worker may have set higher, and has not been passed on too often.
    pub fn may_run_elsewhere(&self) -> bool {
        use Code::{BatchTooLarge, InputTooLarge, LimitAboveWorker, MessageTooLarge, NewerContract};
        let is_bound = matches!(
            self.answer.code(),
            Some(BatchTooLarge | InputTooLarge | LimitAboveWorker | MessageTooLarge | NewerContract)
        );
        is_bound && self.held.around.envelope.passes < PASSES_MAX
    }

    /// Leaves the job to other workers, after a pause.
    pub fn pass_on(self) -> Moving {
        let Self { mut held, .. } = self;
        held.around.envelope.passes += 1;
        held.moved(Target::Delay { seconds: PASS_SECONDS }, Why::Pass)
    }

    /// Settles a message over which the worker's own code panicked before it was read.
    fn broken(held: Box<Held>, policy: &Policy) -> Self {
        let job_id = held.around.envelope.message_id.clone().unwrap_or_default();
        Self::new(held, policy.broken(job_id, String::new()), policy, false)
    }
}

/// Why a job goes on to a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It could not begin or go on in this worker.
    Requeue,
    /// A worker or a connection died with it.
    Suspect,
    /// A process died while it ran it in quarantine.
    Crash,
    /// It failed, and is to run again.
    Retry,
    /// Its time has not come.
    Delay,
    /// It exceeds this worker's bounds, and other workers may take it.
    Pass,
}

impl Why {
    /// The reason as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requeue => "requeue",
            Self::Suspect => "suspect",
            Self::Crash => "crash",
            Self::Retry => "retry",
            Self::Delay => "delay",
            Self::Pass => "pass",
        }
    }
}

/// A job that goes on to a queue: to the end of its own, or to another.
pub struct Moving {
    held: Box<Held>,
    to: Target,
    why: Why,
}

impl Moving {
    /// Takes out the job's claim in the ledger, which is given back before the job moves on.
    pub(crate) fn take_lease(&mut self) -> Option<Lease> {
        self.held.lease.take()
    }

    /// The delivery, the envelope with which the message is published again, its target, and the reason.
    pub(crate) fn into_parts(self) -> (Delivery, Envelope, Target, Why) {
        let Self { held, to, why } = self;
        let Held { delivery, around: Around { envelope, .. }, .. } = *held;
        (delivery, envelope, to, why)
    }
}

/// Since the epoch, in milliseconds.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
