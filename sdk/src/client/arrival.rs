//! An outcome that stays on its queue until its consumer has stored it.

use std::time::Duration;

use futures_util::FutureExt as _;
use lapin::Acker;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicNackOptions};
use tokio::sync::mpsc;

use super::error::OutcomeError;
use crate::Outcome;
use crate::amqp::Envelope;
use crate::connect::{self, answer};

/// An outcome from a durable queue. The broker owns it until [`Arrival::acknowledge`] has been called: store the
/// outcome, then acknowledge it. If it is dropped or its connection is lost, it goes back to its queue and comes again.
#[must_use = "an outcome that is not acknowledged comes again"]
pub struct Arrival {
    job_id: Option<String>,
    body: Vec<u8>,
    redelivered: bool,
    /// `None` once the outcome is settled.
    acker: Option<Acker>,
    timeout: Duration,
}

impl Arrival {
    pub(super) fn new(delivery: Delivery, timeout: Duration) -> Self {
        let Envelope { message_id, correlation_id, .. } = Envelope::read(&delivery.properties);
        let Delivery { data, redelivered, acker, .. } = delivery;
        Self { job_id: message_id.or(correlation_id), body: data, redelivered, acker: Some(acker), timeout }
    }

    /// The job's id, as the message's properties have it. `None` if they have none.
    pub fn job_id(&self) -> Option<&str> {
        self.job_id.as_deref()
    }

    /// The outcome as it came, JSON text.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Whether it may have been handed out before: its connection was lost, or it was dropped.
    pub fn is_redelivered(&self) -> bool {
        self.redelivered
    }

    /// Reads the outcome.
    ///
    /// # Errors
    /// What came is not an outcome. It stays on the queue like any other until it is acknowledged.
    pub fn outcome(&self) -> Result<Outcome, OutcomeError> {
        let id = || self.job_id.clone().unwrap_or_default();
        serde_json::from_slice(&self.body).map_err(|source| OutcomeError::Unreadable { id: id(), source })
    }

    /// Takes the outcome off its queue. Waits until the acknowledgement is on its way to the broker, for the brokers' `timeout` at most.
    ///
    /// # Errors
    /// The connection on which it came is lost: it comes again.
    pub async fn acknowledge(mut self) -> Result<(), connect::Error> {
        let Some(acker) = self.acker.take() else { return Ok(()) };
        match answer("basic.ack", self.timeout, acker.ack(BasicAckOptions::default())).await? {
            true => Ok(()),
            false => Err(connect::Error::Lost("the outcome was not acknowledged before and comes again".to_owned())),
        }
    }

    /// Whether it can still be acknowledged.
    fn is_live(&self) -> bool {
        self.acker.as_ref().is_some_and(Acker::usable)
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        if let Some(acker) = self.acker.take().filter(Acker::usable) {
            // The first poll hands the request to lapin. It is not awaited until it is written.
            let requeue = BasicNackOptions { requeue: true, ..Default::default() };
            _ = acker.nack(requeue).now_or_never();
        }
    }
}

/// Outcomes of jobs that nobody waits for in this process, such as those that an engine dispatched before it was restarted. They
/// come on a reply queue that has a name ([`Options::reply_queue`](super::Options::reply_queue)).
pub struct Unexpected(pub(super) mpsc::Receiver<Arrival>);

impl Unexpected {
    /// Waits for the next outcome. Returns `None` once the client is closed. No outcome is missed if the future is dropped.
    pub async fn next(&mut self) -> Option<Arrival> {
        next_live(&mut self.0).await
    }
}

/// The next outcome that can still be acknowledged. The broker sends the others again.
pub(super) async fn next_live(arrivals: &mut mpsc::Receiver<Arrival>) -> Option<Arrival> {
    loop {
        let arrival = arrivals.recv().await?;
        if arrival.is_live() {
            return Some(arrival);
        }
    }
}
