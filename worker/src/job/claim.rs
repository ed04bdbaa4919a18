//! How a job is claimed in the ledger before it runs, and what follows from the ledger's answer.

use std::time::Duration;

use scriptmill_sdk::{Code, Ending, Job, Rejection};
use sha2::{Digest as _, Sha256};

use super::answer::Answer;
use super::states::{Admitted, Ended, Held, Settling, Why, millis};
use crate::broker::Target;
use crate::intake::Policy;
use crate::ledger::leases::{self, Taken};
use crate::ledger::{Key, Script};

/// How long a job that another worker has claimed waits on a queue before it is claimed again.
const WAIT_MIN: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_secs(5);

impl Admitted {
    /// The job in the form in which it is claimed in the ledger.
    pub fn claimable(&self) -> leases::Job {
        claimable(&self.accepted.job, &self.held)
    }

    /// Acts on the ledger's answer `taken`. If another worker has the job, this one waits on a queue until the other may have ended it.
    ///
    /// # Errors
    /// The job must not run now.
    pub fn taken(mut self, taken: Taken, now: Duration, policy: &Policy) -> Result<Self, Ended> {
        let Job { id, tenant, .. } = &self.accepted.job;
        match answered(self.held, taken, (id, tenant.as_str()), policy)? {
            Next::Run(held) => {
                self.held = held;
                Ok(self)
            }
            Next::Wait(held, left) => {
                let start_ms = millis(now + left.clamp(WAIT_MIN, WAIT_MAX));
                Err(Ended::Moving(Box::new(held.until(start_ms, now, Why::Delay))))
            }
            Next::Requeue(held) => Err(Ended::Moving(Box::new(held.moved(Target::JOBS, Why::Requeue)))),
        }
    }
}

/// What follows from the ledger's answer.
pub(super) enum Next {
    Run(Box<Held>),
    Wait(Box<Held>, Duration),
    Requeue(Box<Held>),
}

/// The job in the form in which it is claimed in the ledger.
pub(super) fn claimable(job: &Job, held: &Held) -> leases::Job {
    let mut hash = Sha256::new();
    for module in &job.script.modules {
        for text in [&module.name, &module.source] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
    }
    let name = job.script.modules.first().map_or_else(String::new, |module| module.name.clone());
    let envelope = &held.around.envelope;
    let (tenant, job_id, generation) = (job.tenant.to_string(), job.id.clone(), envelope.generation);
    leases::Job {
        key: Key { tenant, job_id, generation },
        body_hash: Sha256::digest(&held.delivery.message.body).into(),
        script: Script { name, hash: hash.finalize().into() },
        attempt: envelope.attempt,
    }
}

/// What follows from the ledger's answer `taken` for the job with this id and tenant.
pub(super) fn answered(
    mut held: Box<Held>,
    taken: Taken,
    (id, tenant): (&str, &str),
    policy: &Policy,
) -> Result<Next, Ended> {
    let settling = |settling| Err(Ended::Settling(Box::new(settling)));
    match taken {
        Taken::Run(lease) => {
            held.lease = Some(lease);
            Ok(Next::Run(held))
        }
        Taken::Recorded(record) => {
            settling(Settling::answered(held, Answer::recorded(record, tenant.to_owned()), false))
        }
        Taken::Held { left } => Ok(Next::Wait(held, left)),
        Taken::OtherBody => {
            let message = format!("another job of {tenant} has the id {id}: its message differs from this one");
            let rejection = Rejection { code: Code::JobIdReused, message, path: Some("id".to_owned()) };
            let outcome = policy.unrun(Ending::Rejected(rejection), id.to_owned(), tenant.to_owned(), None);
            settling(Settling::new(held, outcome, policy, true))
        }
        Taken::Down => Ok(Next::Requeue(held)),
    }
}
