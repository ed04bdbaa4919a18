//! A broker in memory, for `demo` and for tests. It promises the same as RabbitMQ, except that it does not survive a restart.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use scriptmill_scaling::Depth;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use super::delivery::{Delivery, Receipt};
use super::error::Error;
use super::message::{Message, Queue, Routing, Target};
use super::{Broker, Cancels, Followed, Follower, Heartbeats, Listener, Subscription};

/// The most heartbeats that are kept for a slow listener; beyond that the oldest are dropped.
const HEARTBEATS_MAX: usize = 1_024;

/// A broker in memory. Clones share it.
#[derive(Clone)]
pub struct Embedded {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Notified when a message came or room was made.
    changed: Notify,
    heartbeats: broadcast::Sender<Bytes>,
    /// The most messages of any one queue. Further ones are refused.
    length_max: usize,
}

#[derive(Default)]
struct State {
    jobs: Line,
    quarantine: Line,
    next_consumer: u64,
    /// Jobs that wait for their time.
    delayed: usize,
    requesters: HashMap<String, VecDeque<Message>>,
    results: VecDeque<Message>,
    dead: VecDeque<Message>,
    cancels: VecDeque<(u64, Bytes)>,
    next_cancel: u64,
    connection: CancellationToken,
}

/// A queue that workers take jobs from.
#[derive(Default)]
struct Line {
    /// The jobs that are ready, by their place in the queue: a requeued job gets its old place.
    ready: BTreeMap<u64, Stored>,
    /// The unsettled deliveries by their place, each with the consumer that holds it.
    held: HashMap<u64, (u64, Stored)>,
    next_place: u64,
    /// How many consumers take jobs.
    consumers: u32,
}

struct Stored {
    message: Message,
    redelivered: bool,
}

impl Line {
    fn len(&self) -> usize {
        self.ready.len() + self.held.len()
    }

    fn push(&mut self, message: Message) {
        self.ready.insert(self.next_place, Stored { message, redelivered: false });
        self.next_place += 1;
    }

    /// Puts back the deliveries for whose place and consumer `which` is true.
    fn put_back(&mut self, which: impl Fn(u64, u64) -> bool) {
        for (place, (_, stored)) in self.held.extract_if(|place, (consumer, _)| which(*place, *consumer)) {
            self.ready.insert(place, Stored { redelivered: true, ..stored });
        }
    }
}

impl Embedded {
    /// A broker whose queues hold at most `length_max` messages each.
    pub fn new(length_max: usize) -> Self {
        let (heartbeats, _) = broadcast::channel(HEARTBEATS_MAX);
        let (state, changed) = (Mutex::default(), Notify::new());
        Self { shared: Arc::new(Shared { state, changed, heartbeats, length_max }) }
    }

    /// Makes a requester's queue. Outcomes to queues that were never made are unroutable.
    pub fn declare_requester(&self, queue: &str) {
        self.shared.state().requesters.entry(queue.to_owned()).or_default();
    }

    /// Adds a cancel. When there are too many, the oldest is dropped.
    pub fn cancel(&self, body: Bytes) {
        let mut state = self.shared.state();
        let place = state.next_cancel;
        state.next_cancel += 1;
        state.cancels.push_back((place, body));
        if state.cancels.len() > self.shared.length_max {
            state.cancels.pop_front();
        }
        drop(state);
        self.shared.changed.notify_waiters();
    }

    /// Takes the next message of a requester's queue, waiting for it.
    pub async fn take(&self, queue: &str) -> Message {
        self.wait(|state| state.requesters.get_mut(queue).and_then(VecDeque::pop_front)).await
    }

    /// Takes the next outcome that had no requester, waiting for it.
    pub async fn take_result(&self) -> Message {
        self.wait(|state| state.results.pop_front()).await
    }

    /// Takes the next dead letter, waiting for it.
    pub async fn take_dead(&self) -> Message {
        self.wait(|state| state.dead.pop_front()).await
    }

    /// How many jobs are not yet settled, those in quarantine included.
    pub fn unsettled(&self) -> usize {
        let state = self.shared.state();
        state.jobs.len() + state.quarantine.len()
    }

    /// Breaks all subscriptions, as a lost connection does.
    pub fn cut(&self) {
        let mut state = self.shared.state();
        std::mem::take(&mut state.connection).cancel();
        state.jobs.put_back(|_, _| true);
        state.quarantine.put_back(|_, _| true);
        drop(state);
        self.shared.changed.notify_waiters();
    }

    async fn wait<T>(&self, mut take: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(taken) = take(&mut self.shared.state()) {
                self.shared.changed.notify_waiters();
                return taken;
            }
            changed.await;
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn line(&mut self, queue: Queue) -> &mut Line {
        match queue {
            Queue::Jobs => &mut self.jobs,
            Queue::Quarantine => &mut self.quarantine,
        }
    }
}

impl Broker for Embedded {
    fn subscribe(&self, queue: Queue, prefetch: u16) -> BoxFuture<'_, Result<Box<dyn Subscription>, Error>> {
        let mut state = self.shared.state();
        let (consumer, lost) = (state.next_consumer, state.connection.child_token());
        state.next_consumer += 1;
        state.line(queue).consumers += 1;
        let (broker, prefetch) = (self.clone(), prefetch.into());
        let consuming = Consuming { broker, queue, consumer, prefetch, more: 0, lost, stopped: false };
        std::future::ready(Ok(Box::new(consuming) as Box<dyn Subscription>)).boxed()
    }

    fn publish<'a>(&'a self, target: &'a Target, message: &'a Message) -> BoxFuture<'a, Result<Routing, Error>> {
        let mut state = self.shared.state();
        let length_max = self.shared.length_max;
        let queue = match target {
            Target::Queue(queue) => {
                if state.line(*queue).len() >= length_max {
                    return std::future::ready(Err(Error::Full)).boxed();
                }
                state.line(*queue).push(message.clone());
                None
            }
            Target::Delay { seconds } => {
                if state.delayed >= length_max {
                    return std::future::ready(Err(Error::Full)).boxed();
                }
                state.delayed += 1;
                let (shared, delay, message) = (self.shared.clone(), Duration::from_secs(*seconds), message.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    let mut state = shared.state();
                    state.delayed -= 1;
                    state.jobs.push(message);
                    drop(state);
                    shared.changed.notify_waiters();
                });
                None
            }
            Target::Requester(queue) => match state.requesters.get_mut(queue) {
                Some(queue) => Some(queue),
                None => return std::future::ready(Ok(Routing::Unroutable)).boxed(),
            },
            Target::Results { .. } => Some(&mut state.results),
            Target::Dead => {
                if state.dead.len() >= length_max {
                    state.dead.pop_front();
                }
                Some(&mut state.dead)
            }
        };
        if let Some(queue) = queue {
            if queue.len() >= length_max {
                return std::future::ready(Err(Error::Full)).boxed();
            }
            queue.push_back(message.clone());
        }
        drop(state);
        self.shared.changed.notify_waiters();
        std::future::ready(Ok(Routing::Queued)).boxed()
    }

    fn publish_alone<'a>(&'a self, target: &'a Target, message: &'a Message) -> BoxFuture<'a, Result<Routing, Error>> {
        self.publish(target, message)
    }

    fn not_publishing(&self) -> Option<&'static str> {
        None
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }
}

struct Consuming {
    broker: Embedded,
    queue: Queue,
    consumer: u64,
    prefetch: usize,
    more: usize,
    lost: CancellationToken,
    stopped: bool,
}

impl Subscription for Consuming {
    fn next(&mut self) -> BoxFuture<'_, Option<Result<Delivery, Error>>> {
        async move {
            if self.stopped {
                return None;
            }
            let Self { queue, consumer, prefetch, more, .. } = *self;
            let taken = self.broker.wait(|state| {
                let line = state.line(queue);
                if line.held.values().filter(|(holder, _)| *holder == consumer).count() >= prefetch + more {
                    return None;
                }
                let (place, stored) = line.ready.pop_first()?;
                let taken = (place, stored.message.clone(), stored.redelivered);
                line.held.insert(place, (consumer, stored));
                Some(taken)
            });
            tokio::select! {
                biased;
                () = self.lost.cancelled() => Some(Err(Error::lost("cut"))),
                (place, message, redelivered) = taken => {
                    let receipt = Place { broker: self.broker.clone(), queue, place: Some(place), lost: self.lost.clone() };
                    Some(Ok(Delivery::new(message, redelivered, Box::new(receipt), self.lost.clone())))
                }
            }
        }
        .boxed()
    }

    fn extend_window(&mut self, more: usize) {
        self.more = more;
    }

    fn consumers(&self) -> usize {
        usize::from(!self.stopped)
    }

    fn stop(&mut self) -> BoxFuture<'_, Result<(), Error>> {
        self.leave();
        std::future::ready(Ok(())).boxed()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        std::future::ready(()).boxed()
    }
}

impl Consuming {
    /// Takes no more jobs.
    fn leave(&mut self) {
        if !std::mem::replace(&mut self.stopped, true) {
            self.broker.shared.state().line(self.queue).consumers -= 1;
        }
    }
}

impl Drop for Consuming {
    fn drop(&mut self) {
        self.leave();
        self.lost.cancel();
        let consumer = self.consumer;
        self.broker.shared.state().line(self.queue).put_back(|_, holder| holder == consumer);
        self.broker.shared.changed.notify_waiters();
    }
}

impl Cancels for Embedded {
    fn follow(&self, after: Option<u64>) -> BoxFuture<'_, Result<Box<dyn Follower>, Error>> {
        let state = self.shared.state();
        let lost = state.connection.clone();
        let caught_up_at = state.next_cancel;
        drop(state);
        let from = after.map_or(0, |place| place + 1);
        let following = Following { broker: self.clone(), from, caught_up_at: Some(caught_up_at), lost };
        std::future::ready(Ok(Box::new(following) as Box<dyn Follower>)).boxed()
    }
}

struct Following {
    broker: Embedded,
    /// The place of the next cancel.
    from: u64,
    /// The place of the first cancel that came after the reading began. `None` once the reader was told that it has caught up.
    caught_up_at: Option<u64>,
    lost: CancellationToken,
}

impl Follower for Following {
    fn next(&mut self) -> BoxFuture<'_, Result<Followed, Error>> {
        async move {
            let (from, caught_up_at) = (self.from, self.caught_up_at);
            let followed = self.broker.wait(|state| {
                let next = state.cancels.iter().find(|(place, _)| *place >= from);
                match (next, caught_up_at) {
                    (Some((place, _)), Some(end)) if *place >= end => Some(Followed::CaughtUp),
                    (None, Some(_)) => Some(Followed::CaughtUp),
                    (next, _) => next.map(|(place, body)| Followed::Cancel {
                        place: *place,
                        body: body.clone(),
                        publisher: None,
                    }),
                }
            });
            let followed = tokio::select! {
                biased;
                () = self.lost.cancelled() => return Err(Error::lost("cut")),
                followed = followed => followed,
            };
            match followed {
                Followed::Cancel { place, .. } => self.from = place + 1,
                Followed::CaughtUp => self.caught_up_at = None,
            }
            Ok(followed)
        }
        .boxed()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        std::future::ready(()).boxed()
    }
}

impl Heartbeats for Embedded {
    fn listen(&self) -> BoxFuture<'_, Result<Box<dyn Listener>, Error>> {
        let (heartbeats, lost) = (self.shared.heartbeats.subscribe(), self.shared.state().connection.clone());
        let listening = Listening { broker: self.clone(), heartbeats, lost };
        std::future::ready(Ok(Box::new(listening) as Box<dyn Listener>)).boxed()
    }
}

struct Listening {
    broker: Embedded,
    heartbeats: broadcast::Receiver<Bytes>,
    lost: CancellationToken,
}

impl Listening {
    fn connected(&self) -> Result<&Shared, Error> {
        if self.lost.is_cancelled() { Err(Error::lost("cut")) } else { Ok(&self.broker.shared) }
    }
}

impl Listener for Listening {
    fn next(&mut self) -> BoxFuture<'_, Result<Bytes, Error>> {
        async move {
            loop {
                let heard = tokio::select! {
                    biased;
                    () = self.lost.cancelled() => return Err(Error::lost("cut")),
                    heard = self.heartbeats.recv() => heard,
                };
                match heard {
                    Ok(heartbeat) => return Ok(heartbeat),
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(error @ broadcast::error::RecvError::Closed) => return Err(Error::lost(&error.to_string())),
                }
            }
        }
        .boxed()
    }

    fn send(&mut self, heartbeat: Vec<u8>) -> BoxFuture<'_, Result<(), Error>> {
        // Every listener gets it, this one too, so there is always a receiver.
        let sent = self.connected().map(|shared| drop(shared.heartbeats.send(heartbeat.into())));
        std::future::ready(sent).boxed()
    }

    fn depth(&mut self) -> BoxFuture<'_, Result<Option<Depth>, Error>> {
        let depth = self.connected().map(|shared| {
            let state = shared.state();
            let ready = u32::try_from(state.jobs.ready.len()).unwrap_or(u32::MAX);
            Some(Depth { ready, consumers: state.jobs.consumers })
        });
        std::future::ready(depth).boxed()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        std::future::ready(()).boxed()
    }
}

/// The place of one delivery in its queue.
struct Place {
    broker: Embedded,
    queue: Queue,
    place: Option<u64>,
    lost: CancellationToken,
}

impl Place {
    fn settle(&mut self, settle: impl FnOnce(&mut Line, u64)) -> Result<(), Error> {
        let mut state = self.broker.shared.state();
        let place = self.place.take();
        let result = match place {
            // After a cut another delivery may hold the place.
            _ if self.lost.is_cancelled() => Err(Error::lost("the delivery died with its connection")),
            Some(place) => {
                settle(state.line(self.queue), place);
                Ok(())
            }
            None => Ok(()),
        };
        drop(state);
        self.broker.shared.changed.notify_waiters();
        result
    }
}

impl Receipt for Place {
    fn acknowledge(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        let settled = self.settle(|line, place| drop(line.held.remove(&place)));
        std::future::ready(settled).boxed()
    }

    fn requeue(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        let settled = self.settle(put_back);
        std::future::ready(settled).boxed()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.place.is_some() {
            // A delivery of a cut connection is back on the queue already.
            let _ = self.settle(put_back);
        }
    }
}

fn put_back(line: &mut Line, settled: u64) {
    line.put_back(|place, _| place == settled);
}
