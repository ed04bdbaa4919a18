//! A job whose outcome is to come.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::error::{DispatchError, OutcomeError};
use super::replies::{Replies, Ticket};
use crate::Outcome;

/// A job that the broker has taken and whose outcome is still to come. Dropping it stops the wait, not the job.
#[must_use = "the outcome comes from `outcome`"]
pub struct Pending {
    id: String,
    ticket: Ticket,
    replies: Arc<Replies>,
}

impl Pending {
    /// Begins to wait. The place is given back once the outcome has come, or once nobody waits for it any more.
    pub(super) fn new(replies: &Arc<Replies>, id: &str, place: OwnedSemaphorePermit) -> Result<Self, DispatchError> {
        let ticket = replies.expect(id, Some(place)).ok_or_else(|| DispatchError::Pending(id.to_owned()))?;
        Ok(Self { id: id.to_owned(), ticket, replies: replies.clone() })
    }

    /// The job's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Waits for the outcome, `timeout` at most. The wait goes on while the client reconnects.
    ///
    /// # Errors
    /// No outcome came in time, it cannot be read, or the client was closed.
    pub async fn outcome(mut self, timeout: Duration) -> Result<Outcome, OutcomeError> {
        let body: &mut oneshot::Receiver<_> = &mut self.ticket.body;
        match tokio::time::timeout(timeout, body).await {
            Ok(Ok(body)) => {
                serde_json::from_slice(&body).map_err(|source| OutcomeError::Unreadable { id: self.id.clone(), source })
            }
            Ok(Err(_)) => Err(OutcomeError::Closed),
            Err(_) => Err(OutcomeError::TimedOut { id: self.id.clone(), waited: timeout }),
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.replies.forget(&self.id, self.ticket.number);
    }
}
