//! Publishes, waits for the confirm, acknowledges.
//!
//! Settling or moving a job consumes its last state, and the delivery with it. A failed publication is tried again with growing
//! pauses until it succeeds or the delivery is void. Meanwhile the job keeps its place in the prefetch window, so a broker in
//! trouble slows the worker down and loses nothing. If only one requester's queue refuses outcomes, they wait
//! [apart](super::Undelivered) and finally go to the dead letters.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryFutureExt as _;
use scriptmill_sandbox::Clock;
use scriptmill_sdk::amqp::{
    ATTEMPT, CODE, CRASHES, Envelope, HISTORY, NOT_BEFORE, PASSES, PUBLISHER, RETRIES, UNDELIVERED, UNROUTABLE,
};
use scriptmill_sdk::retry::{self, Retry};

use super::undelivered::{Place, Undelivered};
use crate::broker::{Broker, Delivery, Error, Header, Message, Properties, Routing, Target};
use crate::intake::Around;
use crate::job::{Answer, Held, Moving, Settling, Why};
use crate::ledger::Recorded;
use crate::ledger::leases::Lease;
use crate::metrics::Metrics;

/// The longest pause before an outcome is published again: a requester that reads again must not wait for long.
const REFUSED_PAUSE_MAX: Duration = Duration::from_secs(5);

/// Settles jobs. Cheap to clone.
#[derive(Clone)]
pub struct Settler {
    /// Where outcomes are published.
    pub broker: Arc<dyn Broker>,
    /// The worker's counters.
    pub metrics: Metrics,
    /// The longest pause between two attempts to publish.
    pub retry_pause_max: Duration,
    /// The outcomes that wait because their queue takes none now.
    pub undelivered: Undelivered,
    /// The source of the time that outcomes carry.
    pub clock: Arc<dyn Clock>,
    /// Whether a job's tenant must be its publisher. A message that names no publisher is then no job.
    pub tenant_is_user: bool,
}

/// A delivery died before it was settled. The broker will deliver it again.
#[derive(Debug)]
struct Lost;

/// Why an outcome could not be delivered, as the header of its dead letter says it.
type Undeliverable = &'static str;

/// The outcome's queue does not exist.
const GONE: Undeliverable = "gone";

/// The message of a delivery as it is published again.
fn again(delivery: &Delivery, envelope: &Envelope) -> Message {
    // A publisher must not be able to name another one.
    let properties = delivery.message.properties.without(&[PUBLISHER]).published_again(own_headers(envelope));
    Message { body: delivery.message.body.clone(), properties }
}

/// The headers that workers set on a message that they publish again.
fn own_headers(envelope: &Envelope) -> impl Iterator<Item = (&'static str, Header)> {
    let number = |number: u64| Header::Number(i64::try_from(number).unwrap_or(i64::MAX));
    let publisher = envelope.user_id.clone().or_else(|| envelope.publisher.clone());
    let headers = [
        (ATTEMPT, (envelope.attempt > 1).then(|| number(envelope.attempt.into()))),
        (CRASHES, (envelope.crashes > 0).then(|| number(envelope.crashes.into()))),
        (RETRIES, (envelope.retries > 0).then(|| number(envelope.retries.into()))),
        (PASSES, (envelope.passes > 0).then(|| number(envelope.passes.into()))),
        (NOT_BEFORE, envelope.not_before_ms.map(number)),
        (PUBLISHER, publisher.map(Header::Text)),
        (HISTORY, (!envelope.history.is_empty()).then(|| Header::Texts(envelope.history.clone()))),
    ];
    headers.into_iter().filter_map(|(name, value)| Some((name, value?)))
}

impl Settler {
    /// Publishes the outcome, waits for the confirm, and acknowledges the job. A message that is no job for this worker is put with the
    /// dead letters first, so its requester gets one answer however often that publication has to be tried.
    ///
    /// What few jobs need is in boxes, since a future has room for its largest branch.
    pub async fn settle(&self, settling: Settling) {
        let _unsettled = self.metrics.signals.settling();
        let Settling { mut held, mut answer, is_dead_letter } = settling;
        let published = async {
            let lease = held.lease.take();
            let Held { delivery, around: Around { envelope, .. }, .. } = &mut *held;
            if let Some(lease) = lease {
                Box::pin(self.record(delivery, lease, &mut answer)).await?;
            }
            if is_dead_letter {
                envelope
                    .remember(self.now_ms(), &format!("set aside: {}", answer.reason.as_deref().unwrap_or_default()));
                Box::pin(self.publish_dead_letter(delivery, envelope, &answer)).await?;
            }
            self.publish_outcome(delivery, envelope, &answer).await
        };
        let settled = match published.await {
            Ok(()) => self.acknowledge(held.delivery).await,
            Err(lost) => Err(lost),
        };
        match settled {
            Ok(()) => {
                self.metrics.settled(&answer.counted);
                if is_dead_letter {
                    self.metrics.dead_letter(answer.code());
                }
            }
            Err(Lost) => self.lost(),
        }
    }

    /// Publishes the job to its next queue, waits for the confirm, and acknowledges this delivery. So the broker counts no redelivery
    /// for such a move: unless it was requeued as it is, a redelivered job is one with which a worker or a connection died.
    pub async fn republish(&self, mut job: Moving) {
        if let Some(lease) = job.take_lease() {
            lease.release().await;
        }
        let (delivery, envelope, to, why) = job.into_parts();
        let moved = if why == Why::Requeue {
            self.requeue(delivery, &envelope, &to).await
        } else {
            let message = again(&delivery, &envelope);
            match self.publish(&delivery, &to, &message).await {
                Ok(()) => self.acknowledge(delivery).await,
                Err(Lost) => Err(Lost),
            }
        };
        match moved {
            Ok(()) => self.metrics.moved(why.as_str()),
            Err(Lost) => self.lost(),
        }
    }

    /// Puts the job at the end of its queue. If it cannot be published, it is requeued as it is, to the queue's head, and then counts as
    /// delivered again. That happens while the broker takes no publications (a publication held back would come later, beside the
    /// requeued job), after one failed attempt, and if the job must name its publisher: the broker lets no other user publish it so.
    async fn requeue(&self, delivery: Delivery, envelope: &Envelope, to: &Target) -> Result<(), Lost> {
        let needs_publisher = self.tenant_is_user && *to == Target::JOBS;
        if !needs_publisher && self.broker.not_publishing().is_none() {
            let message = again(&delivery, envelope);
            match self.try_publish(&delivery, to, &message, false).await? {
                Ok(Routing::Queued) => return self.acknowledge(delivery).await,
                Ok(Routing::Unroutable) => {
                    tracing::warn!("no queue takes a job that is requeued; it goes back as it is")
                }
                Err(error) => tracing::warn!(%error, "a job that is requeued was not confirmed; it goes back as it is"),
            }
        }
        delivery.requeue().await.map_err(|error| {
            tracing::warn!(%error, "a job could not be requeued");
            Lost
        })
    }

    /// Counts a delivery that died before it was settled.
    pub fn lost(&self) {
        self.metrics.lost.inc();
        tracing::info!("the delivery died with its connection; the broker will deliver the job again");
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.clock.now().as_millis()).unwrap_or(u64::MAX)
    }

    /// Records the outcome in the ledger. If the ledger has an outcome already, that one is published in place of this one.
    async fn record(&self, delivery: &Delivery, mut lease: Lease, answer: &mut Answer) -> Result<(), Lost> {
        let record = answer.record();
        let mut retry = Retry::up_to(REFUSED_PAUSE_MAX);
        loop {
            let recorded = tokio::select! {
                biased;
                () = delivery.lost() => return Err(Lost),
                recorded = lease.record(&record) => recorded,
            };
            let error = match recorded {
                Ok(Recorded::First) => return Ok(()),
                Ok(Recorded::Earlier(earlier)) => {
                    tracing::info!("the job has an outcome, which is published in place of this one");
                    *answer = Answer::recorded(earlier, std::mem::take(&mut answer.tenant));
                    return Ok(());
                }
                Ok(Recorded::OtherBody) => {
                    tracing::warn!("the ledger knows another job under this id; the outcome is not recorded");
                    return Ok(());
                }
                Err(error) => error,
            };
            if !lease.holds() {
                tracing::warn!(%error, "an outcome is published without being recorded");
                return Ok(());
            }
            let pause = retry.next_pause();
            tracing::warn!(%error, ?pause, "an outcome waits to be recorded; trying again after a pause");
            if retry::wait(pause, delivery.lost()).await.is_break() {
                return Err(Lost);
            }
        }
    }

    async fn publish_outcome(&self, delivery: &Delivery, envelope: &Envelope, answer: &Answer) -> Result<(), Lost> {
        let properties = Properties::of_outcome(envelope, answer.status(), answer.code(), self.now_ms());
        let message = Message { body: answer.body.clone(), properties };
        let target = match &envelope.reply_to {
            Some(queue) => Target::Requester(queue.clone()),
            None => Target::Results { tenant: answer.tenant.clone() },
        };
        // Held until the outcome is delivered, or is with the dead letters.
        let mut waits = None;
        match self.deliver(delivery, &target, &message, &mut waits).await? {
            Ok(()) => Ok(()),
            Err(why) => Box::pin(self.keep(delivery, &target, message, why)).await,
        }
    }

    /// Publishes the job's message to the dead letters, with the code that says why and the AMQP user who published it.
    async fn publish_dead_letter(&self, delivery: &Delivery, envelope: &Envelope, answer: &Answer) -> Result<(), Lost> {
        let code = answer.code().map(|code| (CODE, code.to_string()));
        let headers = code.into_iter().map(|(name, text)| (name, Header::Text(text))).chain(own_headers(envelope));
        let properties = delivery.message.properties.published_again(headers);
        let letter = Message { body: delivery.message.body.clone(), properties };
        self.publish(delivery, &Target::Dead, &letter).await
    }

    /// Publishes an outcome that could not be delivered to the dead letters.
    async fn keep(
        &self,
        delivery: &Delivery,
        target: &Target,
        message: Message,
        why: Undeliverable,
    ) -> Result<(), Lost> {
        self.metrics.unroutable(why);
        let queue = match target {
            Target::Requester(queue) => queue.as_str(),
            _ => "",
        };
        tracing::warn!(queue, why, "an outcome could not be delivered; it goes to the dead letters");
        let mut history = Envelope::default();
        history.remember(self.now_ms(), &format!("the outcome could not be delivered: {why}"));
        let text = |name, text: &str| (name, Header::Text(text.to_owned()));
        let headers = [text(UNROUTABLE, queue), text(UNDELIVERED, why), (HISTORY, Header::Texts(history.history))];
        let letter = Message { properties: message.properties.published_again(headers), body: message.body };
        self.publish(delivery, &Target::Dead, &letter).await
    }

    /// Publishes an outcome until the broker has it, the delivery is void, or the outcome has waited for too long for a queue that
    /// refuses it. `waits` holds since when the outcome has waited, and its place among the waiting outcomes.
    async fn deliver(
        &self,
        delivery: &Delivery,
        target: &Target,
        message: &Message,
        waits: &mut Option<(Duration, Place)>,
    ) -> Result<Result<(), Undeliverable>, Lost> {
        let mut retry = Retry::up_to(self.retry_pause_max.min(REFUSED_PAUSE_MAX));
        let mut is_suspect = false;
        loop {
            let error = match self.try_publish(delivery, target, message, is_suspect).await? {
                Ok(Routing::Queued) => return Ok(Ok(())),
                Ok(Routing::Unroutable) => return Ok(Err(GONE)),
                Err(error) => error,
            };
            is_suspect = matches!(error, Error::Suspect(_));
            if waits.is_none() && (is_suspect || error.refusal().is_some()) {
                let bytes = message.body.len() + delivery.message.body.len();
                *waits = self.undelivered.enter(target, bytes).map(|place| (self.clock.monotonic(), place));
            }
            if let Some(why) = error.refusal() {
                // Each further attempt would cost another connection.
                let is_final = matches!(error, Error::Closes(_));
                let has_waited = waits.as_ref().map(|(since, _)| self.clock.monotonic().saturating_sub(*since));
                if is_final || has_waited.is_none_or(|waited| waited >= self.undelivered.patience()) {
                    return Ok(Err(why));
                }
            }
            if !is_suspect {
                self.pause(delivery, &mut retry, target, &error).await?;
            }
        }
    }

    /// Publishes to a queue of the worker's own until the broker has it or the delivery is void.
    async fn publish(&self, delivery: &Delivery, target: &Target, message: &Message) -> Result<(), Lost> {
        let mut retry = Retry::up_to(self.retry_pause_max);
        let mut is_suspect = false;
        loop {
            let error = match self.try_publish(delivery, target, message, is_suspect).await? {
                Ok(Routing::Queued) => return Ok(()),
                Ok(Routing::Unroutable) => Error::lost("no queue takes it"),
                Err(error) => error,
            };
            is_suspect = matches!(error, Error::Suspect(_));
            self.pause(delivery, &mut retry, target, &error).await?;
        }
    }

    async fn try_publish(
        &self,
        delivery: &Delivery,
        target: &Target,
        message: &Message,
        alone: bool,
    ) -> Result<Result<Routing, Error>, Lost> {
        let published = match alone {
            false => self.broker.publish(target, message),
            true => self.broker.publish_alone(target, message),
        };
        tokio::select! {
            biased;
            () = delivery.lost() => Err(Lost),
            published = published => Ok(published),
        }
    }

    async fn pause(&self, delivery: &Delivery, retry: &mut Retry, target: &Target, error: &Error) -> Result<(), Lost> {
        let pause = retry.next_pause();
        tracing::warn!(%error, ?pause, ?target, "could not publish; trying again after a pause");
        self.metrics.publish_retries.inc();
        match retry::wait(pause, delivery.lost()).await {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Lost),
        }
    }

    fn acknowledge(&self, delivery: Delivery) -> impl Future<Output = Result<(), Lost>> {
        delivery.acknowledge().map_err(|error| {
            tracing::warn!(%error, "an answered job could not be acknowledged; it will run again");
            Lost
        })
    }
}
