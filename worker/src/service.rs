//! The life of a worker: it takes jobs, hands each one to the rooms, and ends in order when it is asked to.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytesize::ByteSize;
use schemars::JsonSchema;
use scriptmill_sandbox::Clock;
use scriptmill_sdk::Limits;
use scriptmill_sdk::retry::{self, Retry};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::broker::{Broker, Delivery, Error, Subscription};
use crate::execute::Runner;
use crate::intake::Policy;
use crate::job::{Received, Slot};
use crate::limits;
use crate::metrics::Metrics;
use crate::preparing::Preparing;
use crate::progress::{self, Part, Stall};
use crate::rooms::Rooms;
use crate::rules::{PATIENCE_MAX, Rules, UNACKNOWLEDGED_MAX};
use crate::schedule::Executor;
use crate::settle::{self, Settler, Undelivered};
use crate::window::Window;

/// More slots at one time: an instance takes about six mappings, and Linux gives a process 65,530 by default
/// (`vm.max_map_count`).
const SLOTS_MAX: usize = 10_000;
/// More threads than that help no machine.
const THREADS_MAX: usize = 1_024;
/// More inputs would take a batch past its time.
const BATCH_INPUTS_MAX: usize = 100_000;
/// How often the window is fitted to what the worker counts, and jobs that it holds for too long go back.
const TICK: Duration = Duration::from_millis(250);
/// How long the broker may take to cancel the consumers of a worker that leaves. The jobs go on meanwhile.
const STOP_MAX: Duration = Duration::from_secs(5);
/// What is left of the grace period for the heartbeat that says that the worker has left.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// A smaller message could not hold the outcome of a job that says why it failed; RabbitMQ 4 refuses messages above 16 MiB
/// by default, and headers need room too.
pub(crate) const MESSAGE_SIZE: RangeInclusive<ByteSize> = ByteSize::kib(64)..=ByteSize::mib(15);

/// How much a worker takes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Jobs that may have begun and not ended at one time: running, or waiting on the host. Each may take up to the
    /// memory limit.
    #[schemars(range(max = SLOTS_MAX))]
    pub slots: NonZeroUsize,
    /// Threads that run scripts. Absent: one for each processor.
    #[schemars(range(max = THREADS_MAX))]
    pub threads: Option<NonZeroUsize>,
    /// Jobs taken from the queue beyond `slots` at most, so that a free slot finds its next job at hand while the outcomes of
    /// others await their confirm. So many are taken while jobs are short: those beyond `slots` are to wait no longer than
    /// a twentieth of `scaling.promise.wait` in the mean.
    pub prefetch_margin: u16,
    /// How long leaving may take in all after SIGTERM, whatever the broker does. What has begun may go on for most of it (all but
    /// 5 s, or a fifth where that is less), and is then requeued.
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
    #[schemars(range(max = BATCH_INPUTS_MAX))]
    pub batch_inputs: NonZeroUsize,
    /// Memory for jobs whose script is being prepared. They hold no slot, and further jobs are taken in their place until
    /// this is used up.
    #[schemars(with = "String")]
    pub preparing_size: ByteSize,
    /// Outcomes whose queue does not take them.
    pub undelivered: settle::Options,
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
            undelivered: settle::Options::default(),
            limits: limits::Options::default(),
        }
    }
}

impl Options {
    /// Holds the options against their ranges.
    pub(crate) fn check(&self, rules: &mut Rules<'_>) {
        rules.within("slots", self.slots.get(), ..=SLOTS_MAX, "");
        if let Some(threads) = self.threads {
            rules.within("threads", threads.get(), ..=THREADS_MAX, "");
        }
        rules.within("grace", self.grace, ..=UNACKNOWLEDGED_MAX, "that is half of RabbitMQ's consumer timeout");
        let reason = "RabbitMQ 4 refuses messages above 16 MiB";
        rules.within("message_size", self.message_size, MESSAGE_SIZE, reason);
        rules.within("batch_inputs", self.batch_inputs.get(), ..=BATCH_INPUTS_MAX, "");
        limits::fits_message("input_size", self.input_size, self.message_size, rules);
        rules.section("undelivered", |rules| self.undelivered.check(rules));
        rules.section("limits", |rules| self.limits.check(self.message_size, rules));
    }

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

    /// How long jobs may go on in a drain: the grace period less what requeueing them takes.
    fn running_grace(&self) -> Duration {
        self.grace.saturating_sub((self.grace / 5).min(Duration::from_secs(5)))
    }

    /// How long a drain may take before the connections are closed.
    fn settling_grace(&self) -> Duration {
        self.grace.saturating_sub((self.grace / 10).min(Duration::from_secs(1)))
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
    promised_wait: Duration,
    status: watch::Sender<Status>,
    /// Looks at the queue, of which there are several a second.
    looks: Arc<AtomicU64>,
    stall: watch::Sender<Option<Stall>>,
}

/// Jobs that a worker held when it was told to drain.
struct Drained {
    subscription: Box<dyn Subscription>,
    /// They have not begun.
    waiting: VecDeque<Received>,
}

/// What a worker is made of.
pub struct Parts<R: Runner> {
    /// Where jobs come from and outcomes go.
    pub broker: Arc<dyn Broker>,
    /// What runs jobs.
    pub runner: Arc<R>,
    /// What is taken for a job.
    pub policy: Policy,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Metrics,
    /// The longest pause between attempts to reach the broker.
    pub retry_pause_max: Duration,
    /// How long most jobs are to wait at most.
    pub promised_wait: Duration,
}

impl Options {
    /// A worker of these parts. Call it within a tokio runtime.
    ///
    /// # Errors
    /// The system starts no more threads.
    pub fn build<R: Runner>(self, parts: Parts<R>) -> std::io::Result<Service<R>> {
        let Parts { broker, runner, policy, clock, metrics, retry_pause_max, promised_wait } = parts;
        metrics.signals.has_slots(self.slots.get());
        let rooms = Rooms {
            executor: Executor::new(self.threads())?,
            preparer: Executor::preparing()?,
            reader: Executor::reading()?,
            slots: Arc::new(Semaphore::new(self.slots.get())),
            preparing: Preparing::new(metrics.clone()),
            settler: Settler {
                broker: broker.clone(),
                metrics: metrics.clone(),
                retry_pause_max,
                undelivered: Undelivered::new(self.undelivered.clone(), metrics.undelivered.clone()),
                clock: clock.clone(),
            },
            drain: CancellationToken::new(),
            abort: CancellationToken::new(),
            broker,
            runner,
            policy,
            patience: (promised_wait / 4).clamp(TICK, PATIENCE_MAX),
            clock,
            metrics,
        };
        let (status, stall) = (watch::Sender::new(Status::Connecting), watch::Sender::new(None));
        let (rooms, looks) = (Arc::new(rooms), Arc::default());
        Ok(Service { rooms, options: self, retry_pause_max, promised_wait, status, looks, stall })
    }
}

impl<R: Runner> Service<R> {
    /// What the worker is doing, now and from now on.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Where the worker has work and makes no progress, now and from now on.
    pub fn stall(&self) -> watch::Receiver<Option<Stall>> {
        self.stall.subscribe()
    }

    /// Works until `drain` is cancelled and then leaves within the grace period, of which it returns what is left. Without a
    /// broker it goes on trying.
    ///
    /// # Errors
    /// A queue exists with other properties than the worker's: trying again would not help.
    pub async fn run(self, drain: CancellationToken) -> Result<Duration, Error> {
        let mut jobs = JoinSet::new();
        // It ends with this function.
        let mut watched = JoinSet::new();
        watched.spawn(progress::watch(self.parts(), self.stall.clone()));
        let mut retry = Retry::up_to(self.retry_pause_max);
        let drained = loop {
            let subscribed = tokio::select! {
                () = drain.cancelled() => break None,
                subscribed = self.rooms.broker.subscribe(self.slots()) => subscribed,
            };
            let error = match subscribed {
                Ok(subscription) => {
                    let since = self.rooms.clock.monotonic();
                    self.became(Status::Consuming);
                    match self.consume(subscription, &mut jobs, &drain).await {
                        Ok(drained) => break Some(drained),
                        Err(error) => {
                            // One message can end every subscription at once.
                            if self.rooms.clock.monotonic().saturating_sub(since) >= self.retry_pause_max {
                                retry.reset();
                            }
                            error
                        }
                    }
                }
                Err(error) => error,
            };
            self.became(Status::Connecting);
            if !error.is_transient() {
                self.became(Status::Draining);
                self.rooms.drain.cancel();
                return Err(error);
            }
            let pause = retry.next_pause();
            tracing::warn!(%error, ?pause, "not receiving jobs; trying again after a pause");
            if retry::wait(pause, drain.cancelled()).await.is_break() {
                break None;
            }
        };
        self.became(Status::Draining);
        Ok(self.release(jobs, drained).await)
    }

    /// What is watched for progress.
    fn parts(&self) -> impl Fn() -> Vec<Part> + Send + 'static {
        let (rooms, looks, status) = (self.rooms.clone(), self.looks.clone(), self.status.subscribe());
        move || {
            let undelivered = u32::try_from(*rooms.settler.undelivered.watch().borrow()).unwrap_or(u32::MAX);
            let unsettled = rooms.metrics.signals.unsettled().saturating_sub(undelivered);
            let can_settle = *status.borrow() == Status::Consuming && rooms.broker.not_publishing().is_none();
            vec![
                Part {
                    name: "the queue",
                    is_due: *status.borrow() == Status::Consuming,
                    done: looks.load(Ordering::Relaxed),
                },
                Part { name: "scripts", is_due: rooms.executor.due() > 0, done: rooms.executor.turns() },
                Part {
                    name: "outcomes",
                    is_due: can_settle && unsettled > 0,
                    done: rooms.metrics.signals.settlements(),
                },
            ]
        }
    }

    /// Takes jobs, each beginning as soon as there is a slot, in the order in which they came, until it is told to drain.
    async fn consume(
        &self,
        mut subscription: Box<dyn Subscription>,
        jobs: &mut JoinSet<()>,
        drain: &CancellationToken,
    ) -> Result<Drained, Error> {
        // Bounded by the window.
        let mut waiting = VecDeque::new();
        let mut preparing = self.rooms.preparing.watch();
        let mut undelivered = self.rooms.settler.undelivered.watch();
        let signals = &self.rooms.metrics.signals;
        let (slots, margin) = (self.options.slots.get(), self.options.prefetch_margin.into());
        let mut window = Window::new(slots, margin, self.promised_wait, &signals.snapshot());
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            signals.has_consumers(subscription.consumers());
            tokio::select! {
                biased;
                () = drain.cancelled() => return Ok(Drained { subscription, waiting }),
                _ = undelivered.changed() => {
                    window.holds_undelivered(*undelivered.borrow_and_update());
                    subscription.extend_window(window.more());
                }
                _ = preparing.changed() => {
                    let load = *preparing.borrow_and_update();
                    window.prepares(load, load.bytes < self.options.preparing_size.as_u64());
                    subscription.extend_window(window.more());
                }
                _ = ticks.tick() => {
                    self.looks.fetch_add(1, Ordering::Relaxed);
                    window.counted(&signals.snapshot());
                    subscription.extend_window(window.more());
                    for overdue in self.overdue(&mut waiting) {
                        self.requeue(overdue, jobs);
                    }
                }
                permit = self.rooms.slots.clone().acquire_owned(), if !waiting.is_empty() => {
                    if let (Ok(permit), Some(received)) = (permit, waiting.pop_front()) {
                        let slot = Slot::new(permit, signals);
                        jobs.spawn(self.rooms.clone().see_through(received, slot));
                    }
                }
                // What the jobs leave behind is collected as they end.
                Some(_) = jobs.join_next(), if !jobs.is_empty() => {}
                delivery = subscription.next() => match delivery {
                    Some(Ok(delivery)) => waiting.push_back(self.received(delivery)),
                    Some(Err(error)) => {
                        for _ in waiting {
                            self.rooms.settler.lost();
                        }
                        return Err(error);
                    }
                    None => return Err(Error::lost("the subscription ended")),
                },
            }
        }
    }

    /// Takes out of those that wait for a slot the ones that have waited for too long.
    fn overdue(&self, waiting: &mut VecDeque<Received>) -> VecDeque<Received> {
        let is_overdue = |received: &Received| received.is_overdue(self.rooms.patience, &*self.rooms.clock);
        if !waiting.iter().any(is_overdue) {
            return VecDeque::new();
        }
        let (overdue, others) = waiting.drain(..).partition(is_overdue);
        *waiting = others;
        overdue
    }

    fn requeue(&self, received: Received, jobs: &mut JoinSet<()>) {
        let settler = self.rooms.settler.clone();
        jobs.spawn(async move { settler.requeue(received.requeue()).await });
    }

    fn slots(&self) -> u16 {
        u16::try_from(self.options.slots.get()).unwrap_or(u16::MAX)
    }

    /// Takes no more jobs, requeues what has not begun, waits for what has, requeues what takes too long, and closes the
    /// connections to the broker: all of it within the grace period, of which it returns what is left.
    async fn release(&self, mut jobs: JoinSet<()>, drained: Option<Drained>) -> Duration {
        let told = self.rooms.clock.monotonic();
        let left = |grace: Duration| grace.saturating_sub(self.rooms.clock.monotonic().saturating_sub(told));
        let running_grace = self.options.running_grace();
        let mut subscription = None;
        if let Some(Drained { subscription: mut taking, mut waiting }) = drained {
            tracing::info!(running = jobs.len(), waiting = waiting.len(), "draining: taking no more jobs");
            // Nothing is requeued before: what is on its way to a consumer when it is cancelled would count as tried.
            match timeout(left(running_grace).min(STOP_MAX), self.stop_taking(&mut *taking, &mut waiting)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the broker may still send jobs; they will go back"),
                Err(_) => tracing::warn!("the broker may still send jobs, since it does not answer; they will go back"),
            }
            for received in waiting {
                self.requeue(received, &mut jobs);
            }
            subscription = Some(taking);
        }
        self.rooms.drain.cancel();
        if timeout(left(running_grace), self.drained(&mut jobs, &mut subscription)).await.is_err() {
            tracing::warn!(running = jobs.len(), "the grace period ends: requeueing what still runs");
            self.rooms.abort.cancel();
            let settling = left(self.options.settling_grace());
            if timeout(settling, self.drained(&mut jobs, &mut subscription)).await.is_err() {
                tracing::warn!(
                    jobs = jobs.len(),
                    "leaving without an answer from the broker; it will deliver these jobs again"
                );
                jobs.abort_all();
                while jobs.join_next().await.is_some() {}
            }
        }
        self.rooms.metrics.signals.has_consumers(0);
        let closed = async {
            if let Some(subscription) = subscription {
                subscription.close().await;
            }
            self.rooms.broker.close().await;
        };
        match timeout(left(self.options.grace.saturating_sub(LAST_WORDS)), closed).await {
            Ok(()) => tracing::info!("drained"),
            Err(_) => tracing::warn!("drained, though the broker did not say that it closed the connections"),
        }
        left(self.options.grace)
    }

    /// Takes no more jobs; those that are on their way join the others that wait.
    async fn stop_taking(
        &self,
        subscription: &mut dyn Subscription,
        waiting: &mut VecDeque<Received>,
    ) -> Result<(), Error> {
        subscription.stop().await?;
        while let Some(Ok(delivery)) = subscription.next().await {
            waiting.push_back(self.received(delivery));
        }
        Ok(())
    }

    /// Waits for what has begun. Consumers count until all that they delivered is settled, as they do for the broker: the fleet
    /// takes consumers that nobody speaks for as workers that are not heard.
    async fn drained(&self, jobs: &mut JoinSet<()>, subscription: &mut Option<Box<dyn Subscription>>) {
        loop {
            let consumers = subscription.as_ref().map_or(0, |subscription| subscription.consumers());
            self.rooms.metrics.signals.has_consumers(consumers);
            if jobs.join_next().await.is_none() {
                return;
            }
        }
    }

    fn received(&self, delivery: Delivery) -> Received {
        if delivery.redelivered {
            self.rooms.metrics.redeliveries.inc();
        }
        Received::new(delivery, &*self.rooms.clock, &self.rooms.metrics.signals)
    }

    fn became(&self, status: Status) {
        self.rooms.metrics.connected.set(i64::from(status == Status::Consuming));
        if status == Status::Connecting {
            self.rooms.metrics.signals.has_consumers(0);
        }
        self.status.send_replace(status);
    }
}
