//! Publishes, waits for the confirm, acknowledges.
//!
//! Each way out consumes the job's last state, and the delivery with it. A failed publication is tried again with growing
//! pauses until it succeeds or the delivery is void; meanwhile the job keeps its place in the prefetch window, so that a
//! broker in trouble slows the worker down and loses nothing. Where the broker is well and one requester's queue is not, its
//! outcomes wait [apart](super::Undelivered), and go to the dead letters in the end.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use scriptmill_sandbox::Clock;
use scriptmill_sdk::amqp::{ATTEMPT, CODE, Envelope, PUBLISHER, UNDELIVERED, UNROUTABLE};
use scriptmill_sdk::retry::{self, Retry};

use super::undelivered::{Place, Undelivered};
use crate::broker::{Broker, Delivery, Error, Header, Message, Properties, Routing, Target};
use crate::job::{Answer, Requeue, Settling};
use crate::metrics::Metrics;

/// The longest pause before an outcome is published again: a requester who reads again is not to wait for long.
const REFUSED_PAUSE_MAX: Duration = Duration::from_secs(5);

/// Settles jobs. Cheap to clone.
#[derive(Clone)]
pub struct Settler {
    /// Where outcomes are published.
    pub broker: Arc<dyn Broker>,
    /// What is counted.
    pub metrics: Metrics,
    /// The longest pause between two attempts to publish.
    pub retry_pause_max: Duration,
    /// Outcomes that wait since their place takes none now.
    pub undelivered: Undelivered,
    /// The time that outcomes carry.
    pub clock: Arc<dyn Clock>,
}

/// A delivery died before it was settled. The broker will deliver it again.
#[derive(Debug)]
struct Lost;

/// Why an outcome is not where it should be, in the words of the header that says so.
type Undeliverable = &'static str;

/// Its queue is not there.
const GONE: Undeliverable = "gone";

impl Settler {
    /// Publishes the outcome, waits for the confirm, acknowledges the job. A message that is no job for this worker is put
    /// with the dead letters before: its requester is answered once, however often that has to be tried.
    pub async fn settle(&self, settling: Settling) {
        let _unsettled = self.metrics.signals.settling();
        let Settling { delivery, envelope, answer, is_dead_letter } = settling;
        let published = async {
            if is_dead_letter {
                self.publish_dead_letter(&delivery, &envelope, &answer).await?;
            }
            self.publish_outcome(&delivery, &envelope, &answer).await
        };
        let settled = match published.await {
            Ok(()) => self.acknowledge(delivery).await,
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

    /// Puts the job at the end of its queue and acknowledges this delivery of it. A broker that counts deliveries so counts
    /// none for it.
    pub async fn requeue(&self, job: Requeue) {
        let (delivery, envelope, attempt) = job.into_parts();
        let requeued = if envelope.user_id.is_some() {
            // The message names its publisher (`user_id`), and the broker lets no other user publish it so: it goes back as it is.
            delivery.requeue().await.map_err(|error| {
                tracing::warn!(%error, "a job could not be requeued");
                Lost
            })
        } else {
            let header = (attempt > 1).then(|| (ATTEMPT, Header::Number(i64::from(attempt))));
            let properties = delivery.message.properties.published_again(header);
            let job = Message { body: delivery.message.body.clone(), properties };
            match self.publish(&delivery, &Target::Jobs, &job).await {
                Ok(()) => self.acknowledge(delivery).await,
                Err(Lost) => Err(Lost),
            }
        };
        match requeued {
            Ok(()) => {
                self.metrics.requeued.inc();
            }
            Err(Lost) => self.lost(),
        }
    }

    /// Counts a delivery that died before it was settled.
    pub fn lost(&self) {
        self.metrics.lost.inc();
        tracing::info!("the delivery died with its connection; the broker will deliver the job again");
    }

    async fn publish_outcome(&self, delivery: &Delivery, envelope: &Envelope, answer: &Answer) -> Result<(), Lost> {
        let now_ms = u64::try_from(self.clock.now().as_millis()).unwrap_or(u64::MAX);
        let properties = Properties::of_outcome(envelope, answer.status(), answer.code(), now_ms);
        let message = Message { body: answer.body.clone(), properties };
        let target = match &envelope.reply_to {
            Some(queue) => Target::Requester(queue.clone()),
            None => Target::Results { tenant: answer.tenant.clone() },
        };
        // Held until it is with the dead letters, where it goes there.
        let mut waits = None;
        match self.deliver(delivery, &target, &message, &mut waits).await? {
            Ok(()) => Ok(()),
            Err(why) => self.keep(delivery, &target, message, why).await,
        }
    }

    /// Puts the message itself with the dead letters, with the code that says why and the AMQP user who published it.
    async fn publish_dead_letter(&self, delivery: &Delivery, envelope: &Envelope, answer: &Answer) -> Result<(), Lost> {
        let code = answer.code().map(|code| (CODE, code.to_string()));
        let publisher = envelope.user_id.clone().map(|user| (PUBLISHER, user));
        let headers = code.into_iter().chain(publisher).map(|(name, text)| (name, Header::Text(text)));
        let properties = delivery.message.properties.published_again(headers);
        let letter = Message { body: delivery.message.body.clone(), properties };
        self.publish(delivery, &Target::Dead, &letter).await
    }

    /// Puts an outcome with the dead letters that could not be delivered.
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
        let headers =
            [(UNROUTABLE, queue), (UNDELIVERED, why)].map(|(name, text)| (name, Header::Text(text.to_owned())));
        let letter = Message { properties: message.properties.published_again(headers), body: message.body };
        self.publish(delivery, &Target::Dead, &letter).await
    }

    /// Publishes an outcome until the broker has it, the delivery is void, or it has waited for too long for a queue that
    /// does not take it. `waits` is since when it has, with its place among those that do.
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
                // A further attempt would cost a further connection.
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

    async fn acknowledge(&self, delivery: Delivery) -> Result<(), Lost> {
        delivery.acknowledge().await.map_err(|error| {
            tracing::warn!(%error, "an answered job could not be acknowledged; it will run again");
            Lost
        })
    }
}
