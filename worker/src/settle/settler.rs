//! Publishes, waits for the confirm, acknowledges.
//!
//! Each way out consumes the job's last state, and the delivery with it. A failed publication is tried again with growing
//! pauses until it succeeds or the delivery is void; meanwhile the job keeps its place in the prefetch window, so that a
//! broker in trouble slows the worker down and loses nothing.

use std::sync::Arc;
use std::time::Duration;

use scriptmill_sandbox::Clock;
use scriptmill_sdk::amqp::{ATTEMPT, CODE, Envelope, PUBLISHER, UNROUTABLE};
use scriptmill_sdk::retry::{self, Retry};

use crate::broker::{Broker, Delivery, Header, Message, Properties, Routing, Target};
use crate::job::{Answer, Requeue, Settling};
use crate::metrics::Metrics;

/// Settles jobs. Cheap to clone.
#[derive(Clone)]
pub struct Settler {
    /// Where outcomes are published.
    pub broker: Arc<dyn Broker>,
    /// What is counted.
    pub metrics: Metrics,
    /// The longest pause between two attempts to publish.
    pub retry_pause_max: Duration,
    /// The time that outcomes carry.
    pub clock: Arc<dyn Clock>,
}

/// A delivery died before it was settled. The broker will deliver it again.
#[derive(Debug)]
struct Lost;

impl Settler {
    /// Publishes the outcome, waits for the confirm, acknowledges the job. A message that is no job for this worker is put
    /// with the dead letters in between.
    pub async fn settle(&self, settling: Settling) {
        let _unsettled = self.metrics.signals.settling();
        let Settling { delivery, envelope, answer, is_dead_letter } = settling;
        let published = async {
            self.publish_outcome(&delivery, &envelope, &answer).await?;
            if is_dead_letter { self.publish_dead_letter(&delivery, &envelope, &answer).await } else { Ok(()) }
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
                Ok(Routing::Queued) => self.acknowledge(delivery).await,
                Ok(Routing::Unroutable) | Err(Lost) => Err(Lost),
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
        match self.publish(delivery, &target, &message).await? {
            Routing::Queued => Ok(()),
            Routing::Unroutable => {
                self.keep_unroutable(&target, message).await;
                Ok(())
            }
        }
    }

    /// Puts the message itself with the dead letters, with the code that says why and the AMQP user who published it.
    async fn publish_dead_letter(&self, delivery: &Delivery, envelope: &Envelope, answer: &Answer) -> Result<(), Lost> {
        let code = answer.code().map(|code| (CODE, code.to_string()));
        let publisher = envelope.user_id.clone().map(|user| (PUBLISHER, user));
        let headers = code.into_iter().chain(publisher).map(|(name, text)| (name, Header::Text(text)));
        let properties = delivery.message.properties.published_again(headers);
        let letter = Message { body: delivery.message.body.clone(), properties };
        if self.publish(delivery, &Target::Dead, &letter).await? == Routing::Unroutable {
            tracing::error!("the dead letters have no queue; the message is left to the broker");
            return Err(Lost);
        }
        Ok(())
    }

    /// An outcome whose requester is gone goes to the dead letters. It must not hold up the queue: where that fails
    /// too, it is counted and logged, and gone.
    async fn keep_unroutable(&self, target: &Target, message: Message) {
        self.metrics.unroutable.inc();
        let queue = match target {
            Target::Requester(queue) => queue.as_str(),
            _ => "",
        };
        tracing::warn!(queue, "the queue that wants this outcome is gone; the outcome goes to the dead letters");
        let properties = message.properties.published_again([(UNROUTABLE, Header::Text(queue.to_owned()))]);
        let letter = Message { properties, body: message.body };
        match self.broker.publish(&Target::Dead, &letter).await {
            Ok(Routing::Queued) => {}
            Ok(Routing::Unroutable) => {
                self.metrics.discarded.inc();
                tracing::error!(queue, "an outcome is lost: its requester is gone, and the dead letters have no queue");
            }
            Err(error) => {
                self.metrics.discarded.inc();
                tracing::error!(queue, %error, "an outcome is lost: its requester is gone, and it could not be kept");
            }
        }
    }

    /// Publishes until the broker has it or the delivery is void.
    async fn publish(&self, delivery: &Delivery, target: &Target, message: &Message) -> Result<Routing, Lost> {
        let mut retry = Retry::up_to(self.retry_pause_max);
        loop {
            let published = tokio::select! {
                biased;
                () = delivery.lost() => return Err(Lost),
                published = self.broker.publish(target, message) => published,
            };
            let error = match published {
                Ok(routing) => return Ok(routing),
                Err(error) => error,
            };
            let pause = retry.next_pause();
            tracing::warn!(%error, ?pause, ?target, "could not publish; trying again after a pause");
            self.metrics.publish_retries.inc();
            if retry::wait(pause, delivery.lost()).await.is_break() {
                return Err(Lost);
            }
        }
    }

    async fn acknowledge(&self, delivery: Delivery) -> Result<(), Lost> {
        delivery.acknowledge().await.map_err(|error| {
            tracing::warn!(%error, "an answered job could not be acknowledged; it will run again");
            Lost
        })
    }
}
