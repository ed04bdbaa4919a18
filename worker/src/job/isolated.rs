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
    /// The job ran, or was refused because of its script or its deadline.
    Ended {
        /// How it ended.
        outcome: Box<Outcome>,
        /// What follows if the job failed.
        next: Next,
    },
    /// The message is no job for this worker.
    Unreadable(Box<Outcome>),
    /// The job is to begin later, at this time in milliseconds since the epoch.
    Later(u64),
}

/// The job's id and tenant, read from a message's body.
#[derive(Deserialize)]
struct Identity {
    id: String,
    tenant: String,
}

/// A job that another process reads and runs.
pub struct Isolated {
    held: Box<Held>,
    received_at: Duration,
}

impl Received {
    /// Prepares the job for running in another process. The worker that put it into quarantine wrote the publisher into a header, from
    /// which it is taken here.
    pub fn isolate(self) -> Isolated {
        let (mut held, received_at) = self.into_held();
        let Envelope { user_id, publisher, .. } = &mut held.around.envelope;
        *user_id = user_id.take().or_else(|| publisher.take());
        Isolated { held, received_at }
    }
}

impl Isolated {
    /// The message's body, its envelope, and when it came.
    pub fn message(&self) -> (&[u8], &Around, Duration) {
        (&self.held.delivery.message.body, &self.held.around, self.received_at)
    }

    /// Whether the worker that had the job before, or its connection, died with it.
    pub fn is_redelivered(&self) -> bool {
        self.held.delivery.redelivered
    }

    /// Whether a process is known to have died over it.
    pub fn is_charged(&self) -> bool {
        self.held.around.envelope.crashes > 0
    }

    /// The job's id and tenant. Both may be empty when the message cannot be read.
    pub fn identity(&self) -> (String, String) {
        match serde_json::from_slice(&self.held.delivery.message.body) {
            Ok(Identity { id, tenant }) => (id, tenant),
            Err(_) => (self.held.around.envelope.message_id.clone().unwrap_or_default(), String::new()),
        }
    }

    /// The job was cancelled. The process that runs it is killed.
    pub fn cancelled(self, (id, tenant): (String, String), policy: &Policy) -> Ended {
        let outcome = policy.cancelled(id, tenant, None);
        Ended::Settling(Box::new(Settling::new(self.held, outcome, policy, false)))
    }

    /// Completes when the delivery is void.
    pub fn lost(&self) -> WaitForCancellationFuture<'_> {
        self.held.delivery.lost()
    }

    /// The job in the form in which it is claimed in the ledger. Returns `None` if the message cannot be read.
    pub fn claimable(&self) -> Option<leases::Job> {
        let read = || Job::from_slice(&self.held.delivery.message.body).ok();
        let job = catch_unwind(AssertUnwindSafe(read)).ok().flatten()?;
        Some(claim::claimable(&job, &self.held))
    }

    /// Acts on the ledger's answer `taken`. If another worker still has the job, it goes back to the quarantine.
    ///
    /// # Errors
    /// The job must not run now.
    pub fn taken(self, taken: Taken, of: &Key, policy: &Policy) -> Result<Self, Ended> {
        let received_at = self.received_at;
        match claim::answered(self.held, taken, (&of.job_id, &of.tenant), policy)? {
            claim::Next::Run(held) => Ok(Self { held, received_at }),
            claim::Next::Wait(held, _) | claim::Next::Requeue(held) => {
                Err(Ended::Moving(Box::new(Self { held, received_at }.requeue())))
            }
        }
    }

    /// Acts on what became of the message in the other process.
    pub fn ran(self, ran: Ran, now: Duration, policy: &Policy) -> Ended {
        match ran {
            Ran::Ended { outcome, next } => self.held.ended(*outcome, &next, now, policy),
            Ran::Unreadable(outcome) => Ended::Settling(Box::new(Settling::new(self.held, *outcome, policy, true))),
            Ran::Later(start_ms) => Ended::Moving(Box::new(self.held.until(start_ms, now, Why::Delay))),
        }
    }

    /// A process died over the job; `how` says in which way. The job is tried again in quarantine. After `deaths_max` deaths it is set
    /// aside instead. The first death was that of the worker that had the job before it came to quarantine.
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

    /// A connection was lost with the job, though perhaps no process died. The job stays in quarantine and no death is counted. It is
    /// published again, however long that takes: if it were requeued as it is, it would come again at once.
    pub fn spared(mut self) -> Moving {
        let what = "a connection was lost with it in quarantine; it stays there, uncharged";
        self.held.around.envelope.remember(millis(self.received_at), what);
        self.held.moved(Target::Queue(Queue::Quarantine), Why::Suspect)
    }

    /// Puts the job at the end of the quarantine's queue, without counting a death.
    pub fn requeue(self) -> Moving {
        self.held.moved(Target::Queue(Queue::Quarantine), Why::Requeue)
    }
}
