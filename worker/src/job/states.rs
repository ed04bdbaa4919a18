//! The states of a job. Each is a type of its own that consumes the one before, so that no step can be left out, taken twice
//! or taken in another order:
//!
//! ```text
//! Received ──admit──▶ Admitted ──start──▶ Running ──end──▶ Settling ──▶ settled: nothing is left of it
//!    │                   │                   │                 ▲
//!    │                   └─────requeue───────┴──abort──▶ Requeue ──▶ settled
//!    └──admit, but the message is no job for this worker ──────┘
//! ```
//!
//! All of them hold the delivery. What was read from around the message (its envelope, and which attempt at the job this
//! is) is read once and travels along. A state that is dropped drops its delivery, which the broker then delivers again.
//!
//! A job cannot run before it is admitted and has a slot:
//!
//! ```compile_fail,E0599
//! fn run(received: scriptmill::job::Received, slot: scriptmill::job::Slot) {
//!     received.start(slot);
//! }
//! ```
//!
//! and what is settled cannot be settled again:
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
use scriptmill_sdk::{Bundle, Outcome};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::WaitForCancellationFuture;

use super::answer::Answer;
use crate::broker::Delivery;
use crate::execute::Waits;
use crate::intake::{self, Accepted, Around, Policy};
use crate::rules::PATIENCE_MAX;
use crate::signals::{Occupied, Signals, Unstarted};

/// What every state holds.
struct Held {
    delivery: Delivery,
    around: Around,
}

impl Held {
    /// How long it may be held without beginning, where `patience` is that of most jobs. One whose message names its publisher
    /// can only go back as it is, which RabbitMQ counts against the delivery limit: it is held for longer.
    fn patience(&self, patience: Duration) -> Duration {
        if self.around.envelope.user_id.is_some() { PATIENCE_MAX.max(patience) } else { patience }
    }
}

/// The right to have a job begun. Dropping it gives the slot to the next one.
pub struct Slot {
    /// Before the permit, so that its end is counted before the next one's beginning.
    occupied: Occupied,
    _permit: OwnedSemaphorePermit,
}

impl Slot {
    /// A slot, counted by `signals` for as long as it is held.
    pub fn new(permit: OwnedSemaphorePermit, signals: &Arc<Signals>) -> Self {
        Self { occupied: signals.occupy(), _permit: permit }
    }

    /// Counts that a job begins in it, after these waits; one that is refused begins and ends at once.
    pub(crate) fn begin(&mut self, waits: Waits) {
        self.occupied.begin(waits.slot);
    }
}

/// A message that has come. Its body has not been looked into.
pub struct Received {
    held: Held,
    /// By the time of day, since the Unix epoch.
    received_at: Duration,
    /// By the monotonic clock.
    received: Duration,
    waits: Waits,
    unstarted: Unstarted,
}

impl Received {
    /// A delivery that has come just now.
    pub fn new(delivery: Delivery, clock: &dyn Clock, signals: &Arc<Signals>) -> Self {
        let properties = &delivery.message.properties;
        let envelope = properties.envelope();
        let attempt = properties.attempt(&envelope, delivery.redelivered);
        let around = Around { headers_bytes: properties.headers_bytes(), envelope, attempt };
        let held = Held { delivery, around };
        let (received_at, received, waits) = (clock.now(), clock.monotonic(), Waits::default());
        Self { held, received_at, received, waits, unstarted: signals.delivered() }
    }

    /// The span in which all that happens to the job is logged. Its tenant is recorded once it is known.
    pub fn span(&self) -> tracing::Span {
        let Envelope { message_id, traceparent, .. } = &self.held.around.envelope;
        let id = message_id.as_deref().unwrap_or_default();
        tracing::info_span!("job", id, tenant = tracing::field::Empty, traceparent)
    }

    /// Notes that there is a slot for it now, and says how long it waited.
    pub fn has_slot(&mut self, clock: &dyn Clock) -> Waits {
        self.waits.slot = clock.monotonic().saturating_sub(self.received);
        self.waits
    }

    /// Whether it has been held for so long without beginning that it is to go back, where `patience` is that of most jobs.
    pub fn is_overdue(&self, patience: Duration, clock: &dyn Clock) -> bool {
        clock.monotonic().saturating_sub(self.received) > self.held.patience(patience)
    }

    /// Bytes of the message.
    pub fn message_bytes(&self) -> usize {
        self.held.delivery.message.body.len()
    }

    /// Reads the message.
    ///
    /// # Errors
    /// It is no job for this worker: it is settled with the outcome that says why, and becomes a dead letter. Or the
    /// worker's own code broke over it: it is settled with the outcome that says so.
    pub fn admit(self, policy: &Policy) -> Result<Admitted, Box<Settling>> {
        let Self { held, received_at, waits, unstarted, .. } = self;
        let read = || intake::read(&held.delivery.message.body, &held.around, received_at, policy);
        match catch_unwind(AssertUnwindSafe(read)) {
            Ok(Ok(accepted)) => Ok(Admitted { held, accepted, waits, unstarted }),
            Ok(Err(outcome)) => Err(Box::new(Settling::new(held, *outcome, policy, true))),
            Err(_) => Err(Box::new(Settling::broken(held, policy))),
        }
    }

    /// It goes back to the queue as it came.
    pub fn requeue(self) -> Requeue {
        Requeue(self.held)
    }
}

/// A job that may run here and now. It holds no slot: its script may have to be prepared first.
pub struct Admitted {
    held: Held,
    accepted: Accepted,
    /// How long it has waited so far.
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

    /// How long it may be held without beginning, where `patience` is that of most jobs.
    pub fn patience(&self, patience: Duration) -> Duration {
        self.held.patience(patience)
    }

    /// The worker's own code broke over it.
    pub fn broken(self, policy: &Policy) -> Settling {
        Settling::broken(self.held, policy)
    }

    /// Takes its slot.
    pub fn start(self, mut slot: Slot) -> (Running, Accepted) {
        let Self { held, accepted, waits, unstarted } = self;
        slot.begin(waits);
        drop(unstarted);
        (Running { held, waits, _slot: slot }, accepted)
    }

    /// It goes back to the queue as it came.
    pub fn requeue(self) -> Requeue {
        Requeue(self.held)
    }
}

/// A job that has begun. It holds its slot.
pub struct Running {
    held: Held,
    /// How long it waited before it began.
    pub waits: Waits,
    _slot: Slot,
}

impl Running {
    /// Ends when the delivery is void.
    pub fn lost(&self) -> WaitForCancellationFuture<'_> {
        self.held.delivery.lost()
    }

    /// It came to its end, with this outcome.
    pub fn end(self, outcome: Outcome, policy: &Policy) -> Settling {
        Settling::new(self.held, outcome, policy, false)
    }

    /// The worker's own code broke over it.
    pub fn broken(self, policy: &Policy) -> Settling {
        Settling::broken(self.held, policy)
    }

    /// It goes back to the queue, and has been tried once more.
    pub fn abort(self) -> Requeue {
        let Self { mut held, .. } = self;
        held.around.attempt = held.around.attempt.saturating_add(1);
        Requeue(held)
    }
}

/// A job whose outcome is known and not yet published.
pub struct Settling {
    pub(crate) delivery: Delivery,
    pub(crate) envelope: Envelope,
    pub(crate) answer: Answer,
    /// The message is no job for this worker: it is kept among the dead letters.
    pub(crate) is_dead_letter: bool,
}

impl Settling {
    fn new(held: Held, outcome: Outcome, policy: &Policy, is_dead_letter: bool) -> Self {
        let Held { delivery, around: Around { envelope, .. } } = held;
        Self { delivery, envelope, answer: Answer::new(outcome, policy.message_bytes_max), is_dead_letter }
    }

    /// Settled with the outcome that says that the worker's own code broke. The job may not have been read.
    fn broken(held: Held, policy: &Policy) -> Self {
        let job_id = held.around.envelope.message_id.clone().unwrap_or_default();
        Self::new(held, policy.broken(job_id), policy, false)
    }
}

/// A job that goes back to its queue.
pub struct Requeue(Held);

impl Requeue {
    /// The delivery, its envelope, and the attempt that the next delivery will be.
    pub(crate) fn into_parts(self) -> (Delivery, Envelope, u32) {
        let Held { delivery, around: Around { envelope, attempt, .. } } = self.0;
        (delivery, envelope, attempt)
    }
}
