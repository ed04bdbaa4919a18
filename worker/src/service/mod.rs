//! The life of a worker: it takes jobs, sees each one through the rooms, and drains when it is told to.

mod options;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use scriptmill_sandbox::Clock;
use scriptmill_sdk::retry::{self, Retry};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::broker::{self, Broker, Delivery, Error, Queue, Subscription};
use crate::cancels::{Cancels, Source};
use crate::execute::Runner;
use crate::intake::Policy;
use crate::job::{Moving, Received, Slot};
use crate::ledger::leases::Leases;
use crate::metrics::Metrics;
use crate::preparing::Preparing;
use crate::progress::{self, Part, Stall};
use crate::quarantine::{Isolation, Lane, Places};
use crate::rooms::Rooms;
use crate::rules::PATIENCE_MAX;
use crate::scale::Others;
use crate::schedule::Executor;
use crate::settle::{Settler, Undelivered};
use crate::signals::Signals;
use crate::window::Window;

pub(crate) use options::MESSAGE_SIZE;
pub use options::Options;

/// How often the worker adapts the prefetch window to its counts, and requeues jobs that it has held for too long.
const TICK: Duration = Duration::from_millis(250);
/// With a ledger, how many jobs for each slot may wait for it: a statement takes as long as some jobs run.
pub(crate) const CLAIMS_OF_A_SLOT: usize = 2;
/// How long the broker may take to cancel the consumers of a worker that drains. Its jobs go on meanwhile.
const STOP_MAX: Duration = Duration::from_secs(5);
/// The part of the grace period that is reserved for the heartbeat that says that the worker has left.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// What a worker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Looking for a broker.
    Connecting,
    /// Taking jobs.
    Consuming,
    /// Draining: taking no more jobs.
    Draining,
}

/// A worker.
pub struct Service<R: Runner> {
    rooms: Arc<Rooms<R>>,
    /// Where cancels come from. `None` once the worker reads them.
    cancels: Option<Source>,
    /// The lane for jobs in quarantine, if this worker takes some.
    lane: Option<Arc<Lane>>,
    options: Options,
    retry_pause_max: Duration,
    promised_wait: Duration,
    status: watch::Sender<Status>,
    /// How often the worker's loop has looked at the queue: several times a second.
    looks: Arc<AtomicU64>,
    stall: watch::Sender<Option<Stall>>,
    /// Why the worker receives no jobs. `None` while it receives them.
    trouble: watch::Sender<Option<String>>,
}

/// Jobs that a worker held when it was told to drain.
struct Drained {
    subscription: Box<dyn Subscription>,
    /// Jobs that have not begun.
    waiting: VecDeque<Received>,
}

/// What a worker is made of.
pub struct Parts<R: Runner> {
    /// Where jobs come from and outcomes go.
    pub broker: Arc<dyn Broker>,
    /// Where cancels of jobs are kept. Without it the worker reads none.
    pub cancels: Option<Arc<dyn broker::Cancels>>,
    /// The runner of jobs.
    pub runner: Arc<R>,
    /// The runner of jobs with which a worker died. Without it they run beside all others.
    pub isolation: Option<Arc<dyn Isolation>>,
    /// What is known of the other workers.
    pub others: Arc<Others>,
    /// The policy by which messages are taken for jobs.
    pub policy: Policy,
    /// The source of the time.
    pub clock: Arc<dyn Clock>,
    /// The worker's counters.
    pub metrics: Metrics,
    /// The claims in the ledger, if there is one.
    pub leases: Option<Arc<Leases>>,
    /// The longest pause between attempts to reach the broker.
    pub retry_pause_max: Duration,
    /// The longest wait of most jobs: `scaling.promise.wait`.
    pub promised_wait: Duration,
}

impl Options {
    /// A worker of these parts. Call it within a tokio runtime.
    ///
    /// # Errors
    /// The operating system starts no more threads.
    pub fn build<R: Runner>(self, parts: Parts<R>) -> std::io::Result<Service<R>> {
        let Parts {
            broker,
            cancels,
            runner,
            isolation,
            leases,
            others,
            policy,
            clock,
            metrics,
            retry_pause_max,
            promised_wait,
        } = parts;
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
                tenant_is_user: policy.tenant_is_user,
            },
            cancels: Cancels::new(clock.clone(), metrics.cancels.clone()),
            drain: CancellationToken::new(),
            abort: CancellationToken::new(),
            broker,
            runner,
            others,
            // A job that must name its publisher is requeued as it came, and is then redelivered like one whose worker died.
            patience: if policy.tenant_is_user { PATIENCE_MAX } else { (promised_wait / 4).clamp(TICK, PATIENCE_MAX) },
            policy,
            clock,
            metrics,
            leases,
        };
        let (status, stall) = (watch::Sender::new(Status::Connecting), watch::Sender::new(None));
        let lane = isolation.filter(|_| self.quarantine.slots > 0).map(|isolation| {
            Arc::new(Lane {
                options: self.quarantine.clone(),
                isolation,
                places: Places::new(self.quarantine.slots, rooms.slots.clone(), rooms.metrics.signals.clone()),
                window: self.quarantine_window(),
                broker: rooms.broker.clone(),
                settler: rooms.settler.clone(),
                cancels: rooms.cancels.clone(),
                policy: rooms.policy.clone(),
                clock: rooms.clock.clone(),
                signals: Signals::new(rooms.clock.clone()),
                retry_pause_max,
                leases: rooms.leases.clone(),
                others: rooms.others.clone(),
                drain: rooms.drain.clone(),
                abort: rooms.abort.clone(),
            })
        });
        let tenant_is_user = rooms.policy.tenant_is_user;
        let cancels = cancels.map(|cancels| Source { cancels, retry_pause_max, tenant_is_user });
        let (rooms, looks) = (Arc::new(rooms), Arc::default());
        let trouble = watch::Sender::new(None);
        let options = self;
        Ok(Service { rooms, cancels, lane, options, retry_pause_max, promised_wait, status, looks, stall, trouble })
    }
}

impl<R: Runner> Service<R> {
    /// Watches what the worker is doing.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Watches why the worker receives no jobs: the obstacle and the error.
    pub fn trouble(&self) -> watch::Receiver<Option<String>> {
        self.trouble.subscribe()
    }

    /// Watches where the worker has work and makes no progress.
    pub fn stall(&self) -> watch::Receiver<Option<Stall>> {
        self.stall.subscribe()
    }

    /// Works until `drain` is cancelled, and then drains within the grace period. Returns what is left of the grace period. While no
    /// broker answers it goes on trying.
    ///
    /// # Errors
    /// A queue exists with other properties than the worker needs: trying again would not help.
    pub async fn run(mut self, drain: CancellationToken) -> Result<Duration, Error> {
        let mut jobs = JoinSet::new();
        // These tasks end with this function.
        let mut watched = JoinSet::new();
        watched.spawn(progress::watch(self.parts(), self.stall.clone()));
        let mut lanes = JoinSet::new();
        if let Some(lane) = &self.lane {
            lanes.spawn(lane.clone().run());
        }
        match self.cancels.take() {
            Some(source) => _ = watched.spawn(self.rooms.cancels.clone().follow(source, CancellationToken::new())),
            None => self.rooms.cancels.come_from_nowhere(),
        }
        let mut retry = Retry::up_to(self.retry_pause_max);
        let drained = loop {
            let subscribed = async {
                self.rooms.cancels.caught_up().await;
                self.rooms.broker.subscribe(Queue::Jobs, self.slots()).await
            };
            let subscribed = tokio::select! {
                () = drain.cancelled() => break None,
                subscribed = subscribed => subscribed,
            };
            let error = match subscribed {
                Ok(subscription) => {
                    let since = self.rooms.clock.monotonic();
                    self.became(Status::Consuming);
                    match self.consume(subscription, &mut jobs, &drain).await {
                        Ok(drained) => break Some(drained),
                        Err(error) => {
                            // One message may end every new subscription immediately, so a short one does not reset the pause.
                            if self.rooms.clock.monotonic().saturating_sub(since) >= self.retry_pause_max {
                                retry.reset();
                            }
                            error
                        }
                    }
                }
                Err(error) => error,
            };
            self.trouble.send_replace(Some(format!("{}: {error}", error.obstacle())));
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
        Ok(self.release(jobs, lanes, drained).await)
    }

    /// The parts of the worker that are watched for progress.
    fn parts(&self) -> impl Fn() -> Vec<Part> + Send + 'static {
        let (rooms, looks, status) = (self.rooms.clone(), self.looks.clone(), self.status.subscribe());
        move || {
            let undelivered = u32::try_from(*rooms.settler.undelivered.watch().borrow()).unwrap_or(u32::MAX);
            let unsettled = rooms.metrics.signals.unsettled().saturating_sub(undelivered);
            let is_holding = rooms.leases.as_ref().is_some_and(|leases| leases.holding().is_some());
            let can_publish = rooms.broker.not_publishing().is_none() && !is_holding;
            let can_settle = *status.borrow() == Status::Consuming && can_publish;
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

    /// Takes jobs until it is told to drain. The jobs begin in the order in which they came, each as soon as there is a slot.
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
        let claims = if self.rooms.leases.is_some() { CLAIMS_OF_A_SLOT * slots } else { 0 };
        let mut window = Window::new(slots, margin, self.promised_wait, &signals.snapshot()).with_claims(claims);
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
                        self.move_on(overdue.requeue(), jobs);
                    }
                }
                permit = self.rooms.slots.clone().acquire_owned(), if !waiting.is_empty() => {
                    if let (Ok(permit), Some(received)) = (permit, waiting.pop_front()) {
                        let slot = Slot::new(permit, signals);
                        jobs.spawn(self.rooms.clone().see_through(received, slot));
                    }
                }
                // Joins the tasks of jobs as they end.
                Some(_) = jobs.join_next(), if !jobs.is_empty() => {}
                delivery = subscription.next() => match delivery {
                    Some(Ok(delivery)) => match self.admits(self.received(delivery)) {
                        Ok(received) => waiting.push_back(received),
                        Err(moving) => self.move_on(*moving, jobs),
                    },
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

    /// Removes the jobs that have waited for a slot for too long from `waiting`, and returns them.
    fn overdue(&self, waiting: &mut VecDeque<Received>) -> VecDeque<Received> {
        let is_overdue = |received: &Received| received.is_overdue(self.rooms.patience, &*self.rooms.clock);
        if !waiting.iter().any(is_overdue) {
            return VecDeque::new();
        }
        let (overdue, others) = waiting.drain(..).partition(is_overdue);
        *waiting = others;
        overdue
    }

    /// Returns a job that may wait for a slot here. An error is a job on its way to another queue: its time has not come, or a worker or a
    /// connection died with it.
    fn admits(&self, received: Received) -> Result<Received, Box<Moving>> {
        if self.lane.is_some() && received.is_suspect() {
            return Err(Box::new(received.quarantine()));
        }
        received.is_due()
    }

    fn move_on(&self, job: Moving, jobs: &mut JoinSet<()>) {
        let settler = self.rooms.settler.clone();
        jobs.spawn(async move { settler.republish(job).await });
    }

    fn slots(&self) -> u16 {
        u16::try_from(self.options.slots.get()).unwrap_or(u16::MAX)
    }

    /// Drains within the grace period: takes no more jobs, requeues those that have not begun, waits for those that have, requeues those
    /// that take too long, and closes the connections to the broker. Returns what is left of the grace period.
    async fn release(&self, mut jobs: JoinSet<()>, mut lanes: JoinSet<()>, drained: Option<Drained>) -> Duration {
        let told = self.rooms.clock.monotonic();
        let left = |grace: Duration| grace.saturating_sub(self.rooms.clock.monotonic().saturating_sub(told));
        let running_grace = self.options.running_grace();
        let mut subscription = None;
        if let Some(Drained { subscription: mut taking, mut waiting }) = drained {
            tracing::info!(running = jobs.len(), waiting = waiting.len(), "draining: taking no more jobs");
            // No job is requeued before: a delivery on its way to a consumer that is then cancelled would count as an attempt.
            match timeout(left(running_grace).min(STOP_MAX), self.stop_taking(&mut *taking, &mut waiting)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the broker may still send jobs; they will go back"),
                Err(_) => tracing::warn!("the broker may still send jobs, since it does not answer; they will go back"),
            }
            for received in waiting {
                self.move_on(received.requeue(), &mut jobs);
            }
            subscription = Some(taking);
        }
        self.rooms.drain.cancel();
        if timeout(left(running_grace), self.drained(&mut jobs, &mut lanes, &mut subscription)).await.is_err() {
            tracing::warn!(running = jobs.len(), "the grace period ends: requeueing what still runs");
            self.rooms.abort.cancel();
            let settling = left(self.options.settling_grace());
            if timeout(settling, self.drained(&mut jobs, &mut lanes, &mut subscription)).await.is_err() {
                tracing::warn!(
                    jobs = jobs.len(),
                    "leaving without an answer from the broker; it will deliver these jobs again"
                );
                for set in [&mut jobs, &mut lanes] {
                    set.shutdown().await;
                }
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

    /// Takes no more jobs. Those that are on their way join `waiting`.
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

    /// Waits for the jobs that have begun. A consumer counts until all its deliveries are settled, as it does for the broker: the fleet
    /// takes consumers that no heartbeat reports for workers that are not heard.
    async fn drained(
        &self,
        jobs: &mut JoinSet<()>,
        lanes: &mut JoinSet<()>,
        subscription: &mut Option<Box<dyn Subscription>>,
    ) {
        loop {
            let consumers = subscription.as_ref().map_or(0, |subscription| subscription.consumers());
            self.rooms.metrics.signals.has_consumers(consumers);
            if jobs.join_next().await.is_none() {
                break;
            }
        }
        while lanes.join_next().await.is_some() {}
    }

    fn received(&self, delivery: Delivery) -> Received {
        if delivery.redelivered {
            self.rooms.metrics.redeliveries.inc();
        }
        let received = Received::new(delivery, &*self.rooms.clock, &self.rooms.metrics.signals);
        if received.is_misdated() {
            self.rooms.metrics.misdated.inc();
        }
        received
    }

    fn became(&self, status: Status) {
        self.rooms.metrics.connected.set(i64::from(status == Status::Consuming));
        if status == Status::Connecting {
            self.rooms.metrics.signals.has_consumers(0);
        }
        if status == Status::Consuming {
            self.trouble.send_replace(None);
        }
        self.status.send_replace(status);
    }
}
