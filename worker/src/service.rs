//! The worker as a whole: it takes jobs, sees each one through the rooms, and leaves in order when it is told to.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytesize::ByteSize;
use schemars::JsonSchema;
use scriptmill_sdk::Limits;
use scriptmill_sdk::amqp::Envelope;
use scriptmill_sdk::connect::pauses;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::broker::{Broker, Delivery, Error, Subscription};
use crate::execute::{self, Runner, Waits};
use crate::intake::{self, Accepted, Policy};
use crate::limits;
use crate::metrics::Metrics;
use crate::parked::Parking;
use crate::schedule::Executor;
use crate::settle::{Answer, Desk};

/// How much a worker takes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Jobs that may have begun and not ended at one time: running, or waiting on the host. Each may take up to the
    /// memory limit.
    pub slots: NonZeroUsize,
    /// Threads that run scripts. Absent: one for each processor.
    pub threads: Option<NonZeroUsize>,
    /// Jobs taken from the queue beyond `slots`, so that a free slot finds its next job at hand while the outcomes of
    /// others await their confirm.
    pub prefetch_margin: u16,
    /// On SIGTERM, how long what has begun may take to end; what has not by then is given back to the queue.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub grace: Duration,
    /// The largest job message taken and the largest outcome published, 15 MiB at most.
    #[schemars(with = "String")]
    pub message_size: ByteSize,
    /// The largest input of a job.
    #[schemars(with = "String")]
    pub input_size: ByteSize,
    /// Inputs of one batch.
    pub batch_inputs: NonZeroUsize,
    /// Memory for jobs whose script is being prepared. They hold no slot, and further jobs are taken in their place until
    /// this is used up.
    #[schemars(with = "String")]
    pub preparing_size: ByteSize,
    /// What one job may use at most; in a batch, what each input may use.
    pub limits: limits::Options,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            slots: NonZeroUsize::MIN.saturating_add(15),
            threads: None,
            prefetch_margin: 16,
            grace: Duration::from_secs(25),
            message_size: ByteSize::mib(8),
            input_size: ByteSize::mib(4),
            batch_inputs: NonZeroUsize::MIN.saturating_add(999),
            preparing_size: ByteSize::mib(64),
            limits: limits::Options::default(),
        }
    }
}

impl Options {
    /// What is taken for a job.
    pub fn policy(&self, tenant_is_user: bool, engine: &str) -> Policy {
        Policy {
            message_bytes_max: self.message_size.as_u64(),
            input_bytes_max: self.input_size.as_u64(),
            batch_inputs_max: self.batch_inputs.get(),
            limits: Limits::from(&self.limits),
            tenant_is_user,
            engine: engine.to_owned(),
        }
    }

    fn threads(&self) -> NonZeroUsize {
        self.threads.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
    }

    fn prefetch(&self) -> u16 {
        u16::try_from(self.slots.get()).unwrap_or(u16::MAX).saturating_add(self.prefetch_margin)
    }

    /// How long jobs may go on in a drain: the grace period less what giving them back takes.
    fn running_grace(&self) -> Duration {
        self.grace.saturating_sub((self.grace / 5).min(Duration::from_secs(5)))
    }
}

/// What a worker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Looking for a broker.
    Connecting,
    /// Taking jobs.
    Consuming,
    /// Told to leave: taking no more.
    Draining,
}

/// A worker.
pub struct Service<R: Runner> {
    rooms: Arc<Rooms<R>>,
    options: Options,
    retry_pause_max: Duration,
    status: watch::Sender<Status>,
}

/// What every job needs on its way.
struct Rooms<R: Runner> {
    broker: Arc<dyn Broker>,
    runner: Arc<R>,
    executor: Executor,
    preparing: Executor,
    slots: Arc<Semaphore>,
    parked: Parking,
    desk: Desk,
    policy: Arc<Policy>,
    metrics: Metrics,
    /// Set when jobs that have not begun are to be given back.
    draining: CancellationToken,
    /// Set at the end of the grace period: what still runs is given back.
    hurry: CancellationToken,
}

impl<R: Runner> Service<R> {
    /// A worker that takes jobs from `broker` and runs them by `runner`. `retry_pause_max` bounds the pauses between
    /// attempts to reach the broker.
    ///
    /// # Errors
    /// The system starts no more threads.
    pub fn new(
        broker: Arc<dyn Broker>,
        runner: Arc<R>,
        options: Options,
        policy: Policy,
        retry_pause_max: Duration,
        metrics: Metrics,
    ) -> std::io::Result<Self> {
        metrics.slots.set(i64::try_from(options.slots.get()).unwrap_or(i64::MAX));
        let rooms = Rooms {
            executor: Executor::new(options.threads())?,
            preparing: Executor::preparing()?,
            slots: Arc::new(Semaphore::new(options.slots.get())),
            parked: Parking::new(metrics.clone()),
            desk: Desk::new(broker.clone(), metrics.clone(), retry_pause_max),
            policy: Arc::new(policy),
            draining: CancellationToken::new(),
            hurry: CancellationToken::new(),
            broker,
            runner,
            metrics,
        };
        let (status, _) = watch::channel(Status::Connecting);
        Ok(Self { rooms: Arc::new(rooms), options, retry_pause_max, status })
    }

    /// What the worker is doing, now and from now on.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Works until `drain` is cancelled and then leaves within the grace period. Without a broker it goes on trying.
    ///
    /// # Errors
    /// A queue exists with other properties than the worker's: trying again would not help.
    pub async fn run(self, drain: CancellationToken) -> Result<(), Error> {
        let mut jobs = JoinSet::new();
        let mut waits = pauses(self.retry_pause_max);
        let ended = loop {
            let subscribed = tokio::select! {
                () = drain.cancelled() => break Ok(None),
                subscribed = self.rooms.broker.subscribe(self.options.prefetch()) => subscribed,
            };
            let error = match subscribed {
                Ok(subscription) => {
                    waits = pauses(self.retry_pause_max);
                    self.became(Status::Consuming);
                    match self.consume(subscription, &mut jobs, &drain).await {
                        Ok(drained) => break Ok(Some(drained)),
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            self.became(Status::Connecting);
            if !error.is_passing() {
                break Err(error);
            }
            let pause = waits.next().unwrap_or(self.retry_pause_max);
            tracing::warn!(%error, ?pause, "not receiving jobs; trying again after a pause");
            tokio::select! {
                () = drain.cancelled() => break Ok(None),
                () = tokio::time::sleep(pause) => {}
            }
        };
        self.became(Status::Draining);
        self.rooms.draining.cancel();
        let subscription = match ended {
            Ok(subscription) => subscription,
            Err(error) => return Err(error),
        };
        self.leave(jobs, subscription).await;
        Ok(())
    }

    /// Takes jobs, each beginning as soon as there is a slot, in the order in which they came. Told to drain, it stops
    /// taking, gives back what has not begun, and answers with the subscription that what has begun still needs.
    async fn consume(
        &self,
        mut subscription: Box<dyn Subscription>,
        jobs: &mut JoinSet<()>,
        drain: &CancellationToken,
    ) -> Result<Box<dyn Subscription>, Error> {
        // Bounded by the prefetch.
        let mut waiting = VecDeque::new();
        let waiting_gauge = Waiting(&self.rooms.metrics);
        let mut parked = self.rooms.parked.watch();
        let mut wider_by = 0;
        loop {
            waiting_gauge.set(waiting.len());
            tokio::select! {
                biased;
                () = drain.cancelled() => break,
                _ = parked.changed() => {
                    let parked = *parked.borrow_and_update();
                    let is_room = parked.bytes < self.options.preparing_size.as_u64();
                    wider_by = if is_room { parked.jobs } else { wider_by.min(parked.jobs) };
                    subscription.widen(wider_by);
                }
                slot = self.rooms.slots.clone().acquire_owned(), if !waiting.is_empty() => {
                    if let (Ok(slot), Some((delivery, at))) = (slot, waiting.pop_front()) {
                        let rooms = self.rooms.clone();
                        jobs.spawn(async move { rooms.job(delivery, slot, at).await });
                    }
                }
                // What the jobs leave behind is collected as they end.
                Some(_) = jobs.join_next(), if !jobs.is_empty() => {}
                delivery = subscription.next() => match delivery {
                    Some(Ok(delivery)) => waiting.push_back((self.received(delivery), Instant::now())),
                    Some(Err(error)) => {
                        for _ in waiting {
                            self.rooms.desk.lost();
                        }
                        return Err(error);
                    }
                    None => return Err(Error::lost("the subscription ended")),
                },
            }
        }
        tracing::info!(running = jobs.len(), waiting = waiting.len(), "draining: taking no more jobs");
        self.became(Status::Draining);
        if let Err(error) = subscription.stop().await {
            tracing::warn!(%error, "the broker may still send jobs; they will go back");
        }
        let mut unbegun = waiting.into_iter().map(|(delivery, _)| delivery).collect::<Vec<_>>();
        while let Ok(Some(Ok(delivery))) = tokio::time::timeout(Duration::from_secs(1), subscription.next()).await {
            unbegun.push(self.received(delivery));
        }
        for delivery in unbegun {
            let rooms = self.rooms.clone();
            jobs.spawn(async move { rooms.give_back(delivery, 0).await });
        }
        Ok(subscription)
    }

    /// Waits for what has begun, gives back what takes too long, and says goodbye to the broker.
    async fn leave(&self, mut jobs: JoinSet<()>, subscription: Option<Box<dyn Subscription>>) {
        let told = Instant::now();
        let running_grace = self.options.running_grace();
        if tokio::time::timeout(running_grace, drained(&mut jobs)).await.is_err() {
            tracing::warn!(running = jobs.len(), "the grace period ends: giving back what still runs");
            self.rooms.hurry.cancel();
            let left = self.options.grace.saturating_sub(told.elapsed());
            if tokio::time::timeout(left, drained(&mut jobs)).await.is_err() {
                tracing::warn!(
                    jobs = jobs.len(),
                    "leaving without an answer from the broker; it will deliver these jobs again"
                );
                jobs.abort_all();
                drained(&mut jobs).await;
            }
        }
        if let Some(subscription) = subscription {
            subscription.close().await;
        }
        self.rooms.broker.close().await;
        tracing::info!("drained");
    }

    fn received(&self, delivery: Delivery) -> Delivery {
        self.rooms.metrics.deliveries.inc();
        if delivery.redelivered {
            self.rooms.metrics.redeliveries.inc();
        }
        delivery
    }

    fn became(&self, status: Status) {
        self.rooms.metrics.connected.set(i64::from(status == Status::Consuming));
        self.status.send_replace(status);
    }
}

async fn drained(jobs: &mut JoinSet<()>) {
    while jobs.join_next().await.is_some() {}
}

impl<R: Runner> Rooms<R> {
    /// Sees one job through.
    async fn job(&self, delivery: Delivery, slot: OwnedSemaphorePermit, received: Instant) {
        let envelope = Arc::new(Envelope::read(&delivery.message.properties));
        let id = envelope.message_id.clone().unwrap_or_default();
        let span = tracing::info_span!("job", id, tenant = tracing::field::Empty, traceparent = envelope.traceparent);
        self.job_in_span(delivery, envelope, slot, received.elapsed()).instrument(span).await;
    }

    async fn job_in_span(
        &self,
        delivery: Delivery,
        envelope: Arc<Envelope>,
        slot: OwnedSemaphorePermit,
        waited: Duration,
    ) {
        let done = tokio::select! {
            biased;
            () = delivery.lost() => return self.desk.lost(),
            done = self.run(&delivery, &envelope, slot, waited) => done,
            () = self.hurry.cancelled() => return self.give_back(delivery, 1).await,
        };
        match done {
            Some(Done::Answered(answer)) => {
                tracing::debug!(status = answer.status(), code = ?answer.code(), "the job ended");
                self.desk.settle(delivery, &envelope, answer).await;
            }
            Some(Done::Refused(answer)) => {
                tracing::warn!(code = ?answer.code(), "the message is no job for this worker; it goes to the dead letters");
                self.desk.dead_letter(delivery, &envelope, answer).await;
            }
            None => self.give_back(delivery, 0).await,
        }
    }

    /// Reads a job and runs it in its slot. One whose script must be prepared first leaves the slot to others meanwhile;
    /// `None` if the worker is told to leave before it has one again.
    async fn run(
        &self,
        delivery: &Delivery,
        envelope: &Arc<Envelope>,
        slot: OwnedSemaphorePermit,
        waited: Duration,
    ) -> Option<Done> {
        let running = Running::new(&self.metrics);
        let work = {
            let (message, envelope, policy) = (delivery.message.clone(), envelope.clone(), self.policy.clone());
            let (redelivered, received_at, runner) = (delivery.redelivered, delivery.received_at, self.runner.clone());
            async move {
                let accepted = match intake::read(&message, &envelope, redelivered, received_at, &policy) {
                    Ok(accepted) => accepted,
                    Err(outcome) => return Ok(Done::Refused(Answer::new(*outcome, policy.message_bytes_max))),
                };
                tracing::Span::current().record("tenant", accepted.job.tenant.as_str());
                match runner.ready(&accepted.job.script).await {
                    Some(script) => {
                        let waits = Waits { slot: waited, ..Waits::default() };
                        Ok(answered(&*runner, &script, accepted, waits, &policy).await)
                    }
                    None => Err(Box::new(accepted)),
                }
            }
        };
        match self.executor.spawn(work.in_current_span()).await {
            Some(Ok(done)) => Some(done),
            Some(Err(accepted)) => {
                // The next job may begin while this one's script is prepared.
                drop((slot, running));
                self.prepare_and_run(delivery, envelope, *accepted, waited).await
            }
            None => Some(self.broken(envelope)),
        }
    }

    async fn prepare_and_run(
        &self,
        delivery: &Delivery,
        envelope: &Envelope,
        accepted: Accepted,
        waited: Duration,
    ) -> Option<Done> {
        let began = Instant::now();
        let ready = async {
            let _parked = self.parked.park(delivery.message.body.len());
            let runner = self.runner.clone();
            let prepare = async move { (runner.prepare(&accepted.job.script).await, accepted, began.elapsed()) };
            let prepared = self.preparing.spawn(prepare.in_current_span()).await;
            (prepared, self.slots.acquire().await)
        };
        let (prepared, _slot) = tokio::select! {
            biased;
            () = self.draining.cancelled() => return None,
            ready = ready => ready,
        };
        let _running = Running::new(&self.metrics);
        let Some((script, accepted, preparation)) = prepared else { return Some(self.broken(envelope)) };
        let waits = Waits { slot: waited + began.elapsed() - preparation, preparation };
        let (runner, policy) = (self.runner.clone(), self.policy.clone());
        let work = async move { answered(&*runner, &script, accepted, waits, &policy).await };
        let done = self.executor.spawn(work.in_current_span()).await;
        Some(done.unwrap_or_else(|| self.broken(envelope)))
    }

    /// The answer to a job in whose middle the worker's own code broke.
    fn broken(&self, envelope: &Envelope) -> Done {
        let job_id = envelope.message_id.clone().unwrap_or_default();
        let outcome = execute::broken(job_id, self.runner.engine());
        Done::Answered(Answer::new(outcome, self.policy.message_bytes_max))
    }

    /// Gives a job back; `begun` is 1 if this attempt at it had begun.
    async fn give_back(&self, delivery: Delivery, begun: u32) {
        let envelope = Envelope::read(&delivery.message.properties);
        let attempt = intake::attempt(&delivery.message, &envelope, delivery.redelivered);
        self.desk.give_back(delivery, &envelope, attempt.saturating_add(begun)).await;
    }
}

/// What became of a message.
enum Done {
    /// It was a job, with this outcome.
    Answered(Answer),
    /// It is no job for this worker.
    Refused(Answer),
}

async fn answered<R: Runner>(
    runner: &R,
    script: &R::Script,
    accepted: Accepted,
    waits: Waits,
    policy: &Policy,
) -> Done {
    let outcome = execute::execute(runner, script, accepted, waits, policy).await;
    Done::Answered(Answer::new(outcome, policy.message_bytes_max))
}

/// Counts a running job for as long as it lives.
struct Running<'a>(&'a Metrics);

impl<'a> Running<'a> {
    fn new(metrics: &'a Metrics) -> Self {
        metrics.running.inc();
        Self(metrics)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.dec();
    }
}

/// Shows how many jobs wait; none when it is gone.
struct Waiting<'a>(&'a Metrics);

impl Waiting<'_> {
    fn set(&self, waiting: usize) {
        self.0.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.set(0);
    }
}
