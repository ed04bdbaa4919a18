//! The part of a process in its fleet: it sends what it counts, hears the other processes, and computes from all of that how
//! many workers there should be.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use scriptmill_sandbox::Clock;
use scriptmill_scaling::{BEAT, Beat, Controller, Depth};
use scriptmill_sdk::retry::{self, Retry};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::explain::Explainer;
use super::heartbeat::{Heartbeat, Ignored};
use super::options::Options;
use super::others::Others;
use super::prometheus::Gauges;
use super::signal::Signal;
use super::view::{Heard, View};
use crate::broker::{Error, Heartbeats, Listener};
use crate::signals::Signals;

/// From one look at the queue to the next, by a process that looks between heartbeats: a tenth of a second. An autoscaler that asks
/// then sees all but what began in that time.
const LOOK: Duration = BEAT.checked_div(20).expect("twenty is not zero");

/// This process in its fleet.
pub struct Fleet {
    heartbeats: Arc<dyn Heartbeats>,
    clock: Arc<dyn Clock>,
    /// The time from the start to the first heartbeat: a part of a beat, so that processes started together don't speak together.
    first: Duration,
    retry_pause_max: Duration,
    own: Own,
}

/// What a process knows and says.
struct Own {
    clock: Arc<dyn Clock>,
    heartbeat: Heartbeat,
    controller: Controller,
    heard: Heard,
    is_leaving: bool,
    looks: bool,
    view: Arc<View>,
    pods: watch::Sender<Vec<Pod>>,
    others: Arc<Others>,
    explainer: Arc<Explainer>,
}

/// A pod of Kubernetes in which a worker runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Slots of the worker that are in use.
    pub busy: u32,
}

/// What a process needs in its fleet.
pub struct Parts {
    /// Where processes hear each other.
    pub heartbeats: Arc<dyn Heartbeats>,
    /// What this process counts.
    pub signals: Arc<Signals>,
    /// A fingerprint of its bounds on jobs, if it takes jobs.
    pub bounds: Option<String>,
    /// Whether this process looks at the queue ten times a second, and raises the number at once if many more jobs come than usual. A
    /// scaler does, which autoscalers ask. Workers don't: all of a large fleet would ask the broker for the same.
    pub looks: bool,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The longest pause between attempts to reach the broker. It is cut to two seconds, so that the fleet is known again
    /// within two beats after the broker is reached.
    pub retry_pause_max: Duration,
}

impl Options {
    /// A process in its fleet. `registry` shows what it knows and what it ignored.
    pub fn build(self, parts: Parts, registry: &mut Registry) -> Fleet {
        let Parts { heartbeats, signals, bounds, looks, clock, retry_pause_max } = parts;
        let Self { group, pod, policy } = self;
        let id = Uuid::new_v4();
        let process = id.simple().to_string();
        let view = Arc::new(View::new(group.clone(), clock.clone()));
        let explainer = Explainer::new(view.clone(), group.clone(), policy.clone(), clock.clone());
        let gauges = Gauges::new(view.clone());
        registry.register_collector(Box::new(gauges));
        let own = Own {
            heartbeat: Heartbeat::new(process.clone(), group, pod, bounds, signals, Ignored::new(registry)),
            controller: Controller::new(policy, process),
            heard: Heard::default(),
            is_leaving: false,
            looks,
            view,
            pods: watch::Sender::default(),
            others: Arc::new(Others::new(clock.clone())),
            explainer: Arc::new(explainer),
            clock: clock.clone(),
        };
        // The id's last byte is random.
        let first = BEAT * u32::from(id.as_bytes()[15]) / 256;
        Fleet { heartbeats, clock, first, retry_pause_max: retry_pause_max.min(BEAT), own }
    }
}

impl Fleet {
    /// Where exporters read how many workers there should be.
    pub fn signal(&self) -> Arc<dyn Signal> {
        self.own.view.clone()
    }

    /// The pods in which workers run, as they are heard.
    pub fn pods(&self) -> watch::Receiver<Vec<Pod>> {
        self.own.pods.subscribe()
    }

    /// What is known of the other workers.
    pub fn others(&self) -> Arc<Others> {
        self.own.others.clone()
    }

    /// Why it is that number.
    pub fn explainer(&self) -> Arc<Explainer> {
        self.own.explainer.clone()
    }

    /// Takes part in the fleet until `end` is cancelled. Once `leaving` is cancelled, it says that it takes no more jobs.
    /// Without a broker it keeps trying to connect.
    pub async fn run(mut self, leaving: CancellationToken, end: CancellationToken) {
        let mut ticks = interval_at(Instant::now() + self.first, BEAT);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while let Some(mut listener) = self.connect(&mut ticks, &end).await {
            self.own.heard.is_connected = true;
            self.own.others.listening(true);
            let ended = self.own.take_part(&mut *listener, &mut ticks, &leaving, &end).await;
            self.own.heard.is_connected = false;
            self.own.others.listening(false);
            match ended {
                Ok(()) => {
                    // The last heartbeat is on its way. It may stay unheard.
                    let _ = tokio::time::timeout(BEAT, listener.close()).await;
                    return;
                }
                Err(error) => tracing::warn!(%error, "other workers are not heard; trying again"),
            }
        }
    }

    /// Connects, and meanwhile computes the number at every tick from what is known. Returns `None` if it is to end.
    async fn connect(&mut self, ticks: &mut Interval, end: &CancellationToken) -> Option<Box<dyn Listener>> {
        let connecting = connected(&*self.heartbeats, self.retry_pause_max, end);
        tokio::pin!(connecting);
        loop {
            tokio::select! {
                connected = &mut connecting => return connected,
                _ = ticks.tick() => self.own.compute(self.clock.monotonic()),
            }
        }
    }
}

async fn connected(
    heartbeats: &dyn Heartbeats,
    retry_pause_max: Duration,
    end: &CancellationToken,
) -> Option<Box<dyn Listener>> {
    let mut retry = Retry::up_to(retry_pause_max);
    loop {
        let listening = tokio::select! {
            biased;
            () = end.cancelled() => return None,
            listening = heartbeats.listen() => listening,
        };
        let error = match listening {
            Ok(listener) => return Some(listener),
            Err(error) => error,
        };
        let pause = retry.next_pause();
        tracing::debug!(%error, ?pause, "other workers are not heard; trying again after a pause");
        if retry::wait(pause, end.cancelled()).await == ControlFlow::Break(()) {
            return None;
        }
    }
}

impl Own {
    /// Hears and sends heartbeats, until it is to end or the connection ends.
    async fn take_part(
        &mut self,
        listener: &mut dyn Listener,
        ticks: &mut Interval,
        leaving: &CancellationToken,
        end: &CancellationToken,
    ) -> Result<(), Error> {
        let mut looks = interval_at(Instant::now() + LOOK, LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = end.cancelled() => {
                    self.is_leaving = true;
                    return match tokio::time::timeout(BEAT, self.speak(listener, false)).await {
                        Ok(Err(error)) => Err(error),
                        Ok(Ok(())) | Err(_) => Ok(()),
                    };
                }
                () = leaving.cancelled(), if !self.is_leaving => {
                    self.is_leaving = true;
                    self.speak(listener, false).await?;
                }
                _ = ticks.tick() => {
                    if let Some(depth) = listener.depth().await? {
                        let now = self.clock.monotonic();
                        self.controller.sight(now, depth);
                        self.heard.depth = Some(now);
                    }
                    self.compute(self.clock.monotonic());
                    self.speak(listener, false).await?;
                }
                _ = looks.tick(), if self.looks => match listener.depth().await? {
                    Some(depth) => {
                        if self.look(self.clock.monotonic(), depth) {
                            self.speak(listener, true).await?;
                        }
                    }
                    // No heartbeat is read during a question that nobody answers.
                    None => looks.reset_after(BEAT),
                },
                heard = listener.next() => {
                    let now = self.clock.monotonic();
                    if let Some(beat) = self.heartbeat.hear(&heard?) {
                        self.others.hear(&beat);
                        self.hear(now, beat);
                    }
                }
            }
        }
    }

    fn hear(&mut self, now: Duration, beat: Beat) {
        self.explainer.hear(now, &beat);
        let is_worker = beat.level.consumers > 0;
        let before = self.replicas();
        if self.heartbeat.differs_from(&beat) {
            self.others.heard_one_that_differs();
        }
        if !self.controller.hear(now, beat) {
            self.heartbeat.ignore_too_many();
        } else if is_worker {
            self.heard.worker = Some(now);
        }
        if self.replicas() != before {
            self.show(now);
        }
    }

    fn replicas(&self) -> Option<u32> {
        self.controller.demand().map(|demand| demand.replicas)
    }

    fn compute(&mut self, now: Duration) {
        self.controller.tick(now);
        self.show(now);
        let pod = |(name, busy): (&str, u32)| Pod { name: name.to_owned(), busy };
        self.pods.send_replace(self.controller.pods().map(pod).collect());
    }

    /// Looks at the queue between two beats. Returns whether that raised the number.
    fn look(&mut self, now: Duration, depth: Depth) -> bool {
        self.heard.depth = Some(now);
        let is_raised = self.controller.look(now, depth);
        if is_raised {
            self.show(now);
        }
        is_raised
    }

    fn show(&self, now: Duration) {
        self.view.computed(now, self.controller.demand().cloned(), self.heard);
        self.explainer.remember();
    }

    /// Sends the heartbeat, and hears it itself at once. `raised` says that the number was raised just now.
    async fn speak(&mut self, listener: &mut dyn Listener, raised: bool) -> Result<(), Error> {
        let now = self.clock.monotonic();
        let demand = self.controller.demand().cloned();
        let beat = Beat { raised, ..self.heartbeat.beat(self.is_leaving, demand) };
        let bytes = match beat.write() {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::error!(%error, "the heartbeat cannot be written");
                return Ok(());
            }
        };
        self.heartbeat.sends(&bytes);
        listener.send(bytes).await?;
        self.hear(now, beat);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::atomic::Ordering;

    use bytes::Bytes;
    use futures_util::future::{BoxFuture, FutureExt as _};

    use super::super::view::tests::Stopped;
    use super::*;

    /// A broker in memory.
    #[derive(Default)]
    struct Broker {
        /// Jobs in the queue.
        ready: u32,
        /// A heartbeat that is to be heard.
        next: Option<Vec<u8>>,
        /// The last heartbeat that was sent.
        sent: watch::Sender<Vec<u8>>,
    }

    impl Heartbeats for Broker {
        fn listen(&self) -> BoxFuture<'_, Result<Box<dyn Listener>, Error>> {
            std::future::pending().boxed()
        }
    }

    impl Listener for Broker {
        fn next(&mut self) -> BoxFuture<'_, Result<Bytes, Error>> {
            match self.next.take() {
                Some(beat) => async { Ok(beat.into()) }.boxed(),
                None => std::future::pending().boxed(),
            }
        }

        fn send(&mut self, beat: Vec<u8>) -> BoxFuture<'_, Result<(), Error>> {
            self.sent.send_replace(beat);
            async { Ok(()) }.boxed()
        }

        fn depth(&mut self) -> BoxFuture<'_, Result<Option<Depth>, Error>> {
            async { Ok(Some(Depth { ready: self.ready, consumers: 1 })) }.boxed()
        }

        fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
            async {}.boxed()
        }
    }

    /// A process with 8 slots that heard only itself for 80 s, in which no job came.
    async fn process(clock: &Arc<Stopped>, looks: bool) -> Own {
        let signals = Signals::new(clock.clone());
        signals.has_slots(8);
        signals.has_consumers(1);
        let heartbeats = Arc::<Broker>::default();
        let parts = Parts { heartbeats, signals, bounds: None, looks, clock: clock.clone(), retry_pause_max: BEAT };
        let Fleet { mut own, .. } = Options::default().build(parts, &mut Registry::default());
        own.heard.is_connected = true;
        for beat in 0..40 {
            clock.0.store(BEAT.as_secs() * beat, Ordering::SeqCst);
            let now = clock.monotonic();
            own.controller.sight(now, Depth { ready: 0, consumers: 1 });
            own.compute(now);
            own.speak(&mut Broker::default(), false).await.unwrap();
        }
        assert_eq!(shown(&own), 2);
        own
    }

    fn shown(own: &Own) -> u32 {
        own.view.read("default").unwrap().demand.replicas
    }

    /// Takes part without a beat of its own until what is watched changes.
    async fn take_part<T>(own: &mut Own, broker: &mut Broker, mut watched: watch::Receiver<T>) {
        watched.mark_unchanged();
        let never = CancellationToken::new();
        let mut no_beat = interval_at(Instant::now() + Duration::from_secs(3_600), BEAT);
        tokio::select! {
            ended = own.take_part(broker, &mut no_beat, &never, &never) => panic!("{ended:?}"),
            changed = tokio::time::timeout(Duration::from_secs(60), watched.changed()) => changed.unwrap().unwrap(),
        }
    }

    #[tokio::test]
    async fn a_surge_shows_in_all_processes_before_the_next_beat() {
        let clock = Arc::<Stopped>::default();
        let (mut scaler, mut worker) = (process(&clock, true).await, process(&clock, false).await);
        let mut broker = Broker { ready: 5_000, ..Broker::default() };
        let sent = broker.sent.subscribe();
        take_part(&mut scaler, &mut broker, sent.clone()).await;
        assert_eq!(shown(&scaler), 60, "all that the policy allows");
        broker.next = Some(sent.borrow().clone());
        let shows = worker.view.changes();
        take_part(&mut worker, &mut broker, shows).await;
        assert_eq!(shown(&worker), 60);
    }
}
