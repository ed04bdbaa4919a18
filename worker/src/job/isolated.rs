//! A job in quarantine, which another process reads and runs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use scriptmill_sdk::amqp::Envelope;
use scriptmill_sdk::{Code, Ending, Failure, Job, Origin, Outcome};
use serde::{Deserialize, Serialize};
use tokio_util::sync::WaitForCancellationFuture;

use super::claim;
use super::states::{Ended, Held, Moving, Next, Received, Settling, Why, millis};
use crate::broker::{Queue, Target};
use crate::intake::{Around, Policy};
use crate::ledger::Key;
use crate::ledger::leases::{self, Taken};

/// What became of a message in the process that read it.
#[derive(Debug, Serialize, Deserialize)]
pub enum Ran {
    /// It ran, or was refused where its script or its deadline was.
    Ended {
        /// How it ended.
        outcome: Box<Outcome>,
        /// What follows, if it failed.
        next: Next,
    },
    /// It is no job for this worker.
    Unreadable(Box<Outcome>),
    /// It is to begin later, in milliseconds since the epoch.
    Later(u64),
}

/// Who the message is from, as far as that can be read.
#[derive(Deserialize)]
struct Identity {
    id: String,
    tenant: String,
}

/// A job that another process reads and runs.
pub struct Isolated {
    held: Held,
    received_at: Duration,
}

impl Received {
    /// It runs in another process. Who published it is read from where the worker wrote it that put it into quarantine.
    pub fn isolate(self) -> Isolated {
        let (mut held, received_at) = self.into_held();
        let Envelope { user_id, publisher, .. } = &mut held.around.envelope;
        *user_id = user_id.take().or_else(|| publisher.take());
        Isolated { held, received_at }
    }
}

impl Isolated {
    /// The message's body, what stands around it, and when it came.
    pub fn message(&self) -> (&[u8], &Around, Duration) {
        (&self.held.delivery.message.body, &self.held.around, self.received_at)
    }

    /// Whether the worker that had it before died with it, or its connection.
    pub fn is_redelivered(&self) -> bool {
        self.held.delivery.redelivered
    }

    /// Its id and tenant, as far as they can be read: the tenant may be empty.
    pub fn identity(&self) -> (String, String) {
        match serde_json::from_slice(&self.held.delivery.message.body) {
            Ok(Identity { id, tenant }) => (id, tenant),
            Err(_) => (self.held.around.envelope.message_id.clone().unwrap_or_default(), String::new()),
        }
    }

    /// Somebody has cancelled it. The process that runs it is killed.
    pub fn cancelled(self, (id, tenant): (String, String), policy: &Policy) -> Ended {
        let outcome = policy.cancelled(id, tenant, None);
        Ended::Settling(Box::new(Settling::new(self.held, outcome, policy, false)))
    }

    /// Ends when the delivery is void.
    pub fn lost(&self) -> WaitForCancellationFuture<'_> {
        self.held.delivery.lost()
    }

    /// As the ledger knows it; none where the message cannot be read.
    pub fn claimable(&self) -> Option<leases::Job> {
        let read = || Job::from_slice(&self.held.delivery.message.body).ok();
        let job = catch_unwind(AssertUnwindSafe(read)).ok().flatten()?;
        Some(claim::claimable(&job, &self.held))
    }

    /// The ledger answered so. Where another worker still has the job, it goes back to the quarantine.
    ///
    /// # Errors
    /// It is not to be run now.
    pub fn taken(self, taken: Taken, of: &Key, policy: &Policy) -> Result<Self, Ended> {
        let received_at = self.received_at;
        match claim::answered(self.held, taken, (&of.job_id, &of.tenant), policy)? {
            claim::Next::Run(held) => Ok(Self { held, received_at }),
            claim::Next::Wait(held, _) | claim::Next::Requeue(held) => {
                Err(Ended::Moving(Box::new(Self { held, received_at }.requeue())))
            }
        }
    }

    /// This became of it.
    pub fn ran(self, ran: Ran, now: Duration, policy: &Policy) -> Ended {
        match ran {
            Ran::Ended { outcome, next } => self.held.ended(*outcome, &next, now, policy),
            Ran::Unreadable(outcome) => Ended::Settling(Box::new(Settling::new(self.held, *outcome, policy, true))),
            Ran::Later(start_ms) => Ended::Moving(Box::new(self.held.until(start_ms, now, Why::Delay))),
        }
    }

    /// A process died over it, in this way. It is tried again in quarantine, or set aside once that was the last of `deaths_max`
    /// deaths: the first was that of the worker that had it before it came to quarantine.
    pub fn died(mut self, how: &str, deaths_max: u32, now: Duration, policy: &Policy) -> Ended {
        let envelope = &mut self.held.around.envelope;
        envelope.crashes = envelope.crashes.saturating_add(1);
        envelope.remember(millis(now), &format!("a process died while it ran it in quarantine: {how}"));
        let deaths = envelope.crashes.saturating_add(1);
        if deaths < deaths_max {
            if !self.held.delivery.redelivered {
                // A redelivery has been counted as an attempt already.
                envelope.attempt = envelope.attempt.saturating_add(1);
            }
            return Ended::Moving(Box::new(self.held.moved(Target::Queue(Queue::Quarantine), Why::Crash)));
        }
        let message = format!("{deaths} processes died while they ran this job, the last one so: {how}");
        let failure =
            Failure { code: Code::WorkersDied, message, origin: Origin::Platform, retryable: false, thrown: None };
        let (id, tenant) = self.identity();
        let outcome = policy.unrun(Ending::Failed(failure), id, tenant, None);
        Ended::Settling(Box::new(Settling::new(self.held, outcome, policy, true)))
    }

    /// A connection was lost with it, and nobody need have died: it stays in quarantine, uncharged. It is published again however long that
    /// takes: one that went back as it is, since nothing can be published yet, would come again at once.
    pub fn spared(mut self) -> Moving {
        let what = "a connection was lost with it in quarantine; it stays there, uncharged";
        self.held.around.envelope.remember(millis(self.received_at), what);
        self.held.moved(Target::Queue(Queue::Quarantine), Why::Suspect)
    }

    /// It stays in quarantine, at the end of the queue, and is not charged.
    pub fn requeue(self) -> Moving {
        self.held.moved(Target::Queue(Queue::Quarantine), Why::Requeue)
    }
}
