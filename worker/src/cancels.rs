//! Jobs that are not wanted any more. A cancel goes to all workers, and each remembers it for a day.
//!
//! A worker reads the earlier cancels before it takes its first job, so that no job begins that was cancelled while it was queued. Then
//! it reads each new cancel as it comes, and ends the cancelled job if it holds that job.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use scriptmill_sandbox::Clock;
use scriptmill_sdk::Cancel;
use scriptmill_sdk::retry::{self, Retry};
use scriptmill_sdk::topology::CANCELS_KEPT;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use crate::broker::{self, Error, Followed};

/// The most cancels that are remembered; beyond that the oldest are forgotten.
pub const CANCELS_MAX: usize = 65_536;

/// The longest time for which a worker takes no jobs because it has not read all earlier cancels.
const CAUGHT_UP_MAX: Duration = Duration::from_secs(30);

/// A keyed hash of a tenant and a job's id. Since nobody knows its keys, two jobs practically never have the same hash.
type Key = u128;

/// The cancels that are remembered.
#[derive(Debug, Default)]
struct Remembered {
    /// Until when the cancel of each job holds, in milliseconds since the epoch.
    until_ms: HashMap<Key, u64>,
    /// The cancels in the order in which they came. A job that was cancelled twice may be here twice.
    order: VecDeque<(Key, u64)>,
}

impl Remembered {
    fn add(&mut self, key: Key, until_ms: u64, now_ms: u64) {
        if until_ms <= now_ms {
            return;
        }
        let known = self.until_ms.entry(key).or_default();
        if *known >= until_ms {
            return;
        }
        *known = until_ms;
        self.order.push_back((key, until_ms));
        while let Some((oldest, until_ms)) = self.order.front().copied()
            && (until_ms <= now_ms || self.order.len() > CANCELS_MAX)
        {
            self.order.pop_front();
            if self.until_ms.get(&oldest) == Some(&until_ms) {
                self.until_ms.remove(&oldest);
            }
        }
    }

    fn has(&self, key: Key, now_ms: u64) -> bool {
        self.until_ms.get(&key).is_some_and(|until_ms| *until_ms > now_ms)
    }
}

/// The counters of cancels. Clones share them.
#[derive(Clone, Default)]
pub struct Counts {
    heard: Family<ResultLabel, Counter>,
    remembered: Gauge,
    connected: Gauge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

const TAKEN: ResultLabel = ResultLabel { result: "taken" };
const UNREADABLE: ResultLabel = ResultLabel { result: "unreadable" };
/// The cancel's tenant is not the user who published it, though it must be.
const OTHER_PUBLISHER: ResultLabel = ResultLabel { result: "other_publisher" };

impl Counts {
    /// Registers the counters.
    pub(crate) fn register(&self, registry: &mut Registry) {
        for result in [TAKEN, UNREADABLE, OTHER_PUBLISHER] {
            drop(self.heard.get_or_create(&result));
        }
        registry.register("cancels", "Cancels read", self.heard.clone());
        registry.register("cancels_remembered", "Jobs known to be cancelled", self.remembered.clone());
        let help = "1 while cancels are read as they come";
        registry.register("cancels_connected", help, self.connected.clone());
    }

    fn heard(&self, result: ResultLabel) {
        self.heard.get_or_create(&result).inc();
    }
}

/// The jobs that were cancelled. Clones share them.
#[derive(Clone)]
pub struct Cancels {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    hashers: [RandomState; 2],
    state: Mutex<State>,
    caught_up: watch::Sender<bool>,
    counts: Counts,
}

#[derive(Default)]
struct State {
    remembered: Remembered,
    /// The jobs that are watched, each with the number of its watchers.
    watched: HashMap<Key, (CancellationToken, usize)>,
}

/// Where cancels come from, and how they are read.
pub struct Source {
    /// Where the cancels are kept.
    pub cancels: Arc<dyn broker::Cancels>,
    /// The longest pause between attempts to read them.
    pub retry_pause_max: Duration,
    /// Whether a cancel's tenant must be the user who published it, as a job's must.
    pub tenant_is_user: bool,
}

/// Watches whether one job is cancelled. Dropping it ends the watching.
pub struct Watch {
    shared: Arc<Shared>,
    key: Key,
    token: CancellationToken,
}

impl Cancels {
    /// No cancels yet.
    pub fn new(clock: Arc<dyn Clock>, counts: Counts) -> Self {
        let hashers = [RandomState::new(), RandomState::new()];
        let (state, caught_up) = (Mutex::default(), watch::Sender::new(false));
        Self { shared: Arc::new(Shared { clock, hashers, state, caught_up, counts }) }
    }

    /// Remembers that a job is cancelled, and tells those that watch it.
    pub fn cancel(&self, cancel: &Cancel) {
        let now_ms = self.shared.now_ms();
        // A sender's clock that is ahead must not make a cancel hold for longer.
        let asked_ms = cancel.at.and_then(|at| u64::try_from(at.as_millisecond()).ok());
        let until_ms = asked_ms.map_or(now_ms, |at| at.min(now_ms)).saturating_add(millis(CANCELS_KEPT));
        let key = self.shared.key(cancel.tenant.as_str(), &cancel.id);
        let mut state = self.shared.state();
        state.remembered.add(key, until_ms, now_ms);
        self.shared.counts.remembered.set(i64::try_from(state.remembered.until_ms.len()).unwrap_or(i64::MAX));
        if let Some((token, _)) = state.watched.get(&key).filter(|_| until_ms > now_ms) {
            token.cancel();
        }
    }

    /// Begins to watch a job. If the job is cancelled already, the watch says so at once.
    pub fn watch(&self, tenant: &str, id: &str) -> Watch {
        let key = self.shared.key(tenant, id);
        let mut state = self.shared.state();
        let is_cancelled = state.remembered.has(key, self.shared.now_ms());
        let (token, watchers) = state.watched.entry(key).or_default();
        *watchers += 1;
        if is_cancelled {
            token.cancel();
        }
        Watch { shared: self.shared.clone(), key, token: token.clone() }
    }

    /// Waits until all cancels that were there when [`Cancels::follow`] began have been read, but only for a limited time.
    pub async fn caught_up(&self) {
        let mut caught_up = self.shared.caught_up.subscribe();
        if timeout(CAUGHT_UP_MAX, caught_up.wait_for(|caught_up| *caught_up)).await.is_err() {
            tracing::warn!("not all cancels have been read; taking jobs nevertheless");
        }
    }

    /// Notes that there are no cancels to read.
    pub(crate) fn come_from_nowhere(&self) {
        self.shared.caught_up.send_replace(true);
    }

    /// Reads all cancels from the first on, and then each new one, until `end` is cancelled. When the connection is lost it goes on trying,
    /// and then continues behind the last cancel that it has read.
    pub async fn follow(self, source: Source, end: CancellationToken) {
        let mut retry = Retry::up_to(source.retry_pause_max);
        let mut place = None;
        loop {
            let error = tokio::select! {
                () = end.cancelled() => return,
                error = self.read(&source, &mut place, &mut retry) => error,
            };
            self.shared.counts.connected.set(0);
            if !error.is_transient() {
                tracing::error!(%error, "cancels cannot be read");
                // The worker must not wait for cancels that never come.
                return self.come_from_nowhere();
            }
            let pause = retry.next_pause();
            tracing::warn!(%error, ?pause, "not hearing of cancels; trying again after a pause");
            if retry::wait(pause, end.cancelled()).await.is_break() {
                return;
            }
        }
    }

    /// Reads behind this place until the connection is lost, and moves the place on.
    async fn read(&self, source: &Source, place: &mut Option<u64>, retry: &mut Retry) -> Error {
        let mut follower = match source.cancels.follow(*place).await {
            Ok(follower) => follower,
            Err(error) => return error,
        };
        loop {
            match follower.next().await {
                Ok(Followed::Cancel { place: at, body, publisher }) => {
                    *place = Some(at);
                    self.heard(&body, publisher.as_deref(), source.tenant_is_user);
                }
                Ok(Followed::CaughtUp) => {
                    retry.reset();
                    self.shared.caught_up.send_replace(true);
                    self.shared.counts.connected.set(1);
                }
                Err(error) => return error,
            }
        }
    }

    fn heard(&self, body: &[u8], publisher: Option<&str>, tenant_is_user: bool) {
        let cancel = match Cancel::from_slice(body) {
            Ok(cancel) => cancel,
            Err(error) => {
                self.shared.counts.heard(UNREADABLE);
                return tracing::warn!(%error, publisher, "what came as a cancel is none");
            }
        };
        let Cancel { tenant, id, by, reason, .. } = &cancel;
        if tenant_is_user && publisher != Some(tenant.as_str()) {
            self.shared.counts.heard(OTHER_PUBLISHER);
            return tracing::warn!(%tenant, id, publisher, "the tenant of a cancel is not its publisher");
        }
        self.shared.counts.heard(TAKEN);
        tracing::debug!(%tenant, id, by, reason, "a job is cancelled");
        self.cancel(&cancel);
    }
}

impl Shared {
    fn key(&self, tenant: &str, id: &str) -> Key {
        let [high, low] = self.hashers.each_ref().map(|hasher| u128::from(hasher.hash_one((tenant, id))));
        high << 64 | low
    }

    fn now_ms(&self) -> u64 {
        millis(self.clock.now())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// Whether the job is cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Ends when the job is cancelled.
    pub fn cancelled(&self) -> WaitForCancellationFuture<'_> {
        self.token.cancelled()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if let Some((_, watchers)) = state.watched.get_mut(&self.key) {
            *watchers -= 1;
            if *watchers == 0 {
                state.watched.remove(&self.key);
            }
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use scriptmill_sandbox::TokioClock;

    use super::*;
    use crate::broker::embedded::Embedded;

    fn cancels() -> Cancels {
        Cancels::new(Arc::new(TokioClock::new(tokio::runtime::Handle::current())), Counts::default())
    }

    fn cancel(tenant: &str, id: &str) -> Cancel {
        Cancel::new(tenant.parse().unwrap(), id)
    }

    #[test]
    fn what_is_remembered_is_bounded_and_expires() {
        let mut remembered = Remembered::default();
        remembered.add(0, 100, 0);
        assert!(remembered.has(0, 99) && !remembered.has(0, 100) && !remembered.has(1, 0));
        // A second cancel of the job makes it hold for longer; one that would end earlier changes nothing.
        remembered.add(0, 200, 50);
        remembered.add(0, 150, 50);
        assert!(remembered.has(0, 199));
        remembered.add(1, 300, 150);
        assert!(remembered.has(0, 199), "its first word has expired, and the second has not");
        remembered.add(2, 400, 250);
        assert_eq!((remembered.until_ms.len(), remembered.order.len()), (2, 2));
        remembered.add(3, 250, 250);
        assert!(!remembered.until_ms.contains_key(&3), "it has expired before it was heard");
        for n in 0..=CANCELS_MAX as u128 {
            remembered.add(1_000 + n, 1_000, 500);
        }
        assert_eq!((remembered.until_ms.len(), remembered.order.len()), (CANCELS_MAX, CANCELS_MAX));
        assert!(!remembered.has(1_000, 500) && remembered.has(1_001, 500));
    }

    #[tokio::test]
    async fn whoever_watches_a_job_is_told() {
        let cancels = cancels();
        let (early, other) = (cancels.watch("acme", "a"), cancels.watch("acme.sales", "a"));
        let again = cancels.watch("acme", "a");
        assert!(!early.is_cancelled());
        cancels.cancel(&cancel("acme", "a"));
        early.cancelled().await;
        assert!(again.is_cancelled() && cancels.watch("acme", "a").is_cancelled());
        assert!(!other.is_cancelled() && !cancels.watch("acme", "b").is_cancelled());
        drop((early, again));
        assert!(cancels.watch("acme", "a").is_cancelled(), "it holds for those that come later");
        drop(other);
        assert!(cancels.shared.state().watched.is_empty());

        let old = Cancel { at: Some("2020-01-01T00:00:00Z".parse().unwrap()), ..cancel("acme", "old") };
        let watched = cancels.watch("acme", "old");
        cancels.cancel(&old);
        assert!(!watched.is_cancelled() && !cancels.watch("acme", "old").is_cancelled());
    }

    #[tokio::test]
    async fn what_was_said_before_and_what_follows_is_heard_over_a_lost_connection() {
        let broker = Embedded::new(100);
        let body = |id: &str| cancel("acme", id).to_vec().unwrap().into();
        broker.cancel(body("before"));
        broker.cancel("no cancel".into());
        let (cancels, end) = (cancels(), CancellationToken::new());
        let retry_pause_max = Duration::from_millis(10);
        let source = Source { cancels: Arc::new(broker.clone()), retry_pause_max, tenant_is_user: false };
        let following = tokio::spawn(cancels.clone().follow(source, end.clone()));
        cancels.caught_up().await;
        assert!(cancels.watch("acme", "before").is_cancelled());
        let counts = cancels.shared.counts.clone();
        let heard = |result| counts.heard.get_or_create(&result).get();
        assert_eq!((heard(TAKEN), heard(UNREADABLE), counts.remembered.get()), (1, 1, 1));
        broker.cut();
        let later = cancels.watch("acme", "later");
        broker.cancel(body("later"));
        later.cancelled().await;
        assert_eq!((heard(TAKEN), counts.remembered.get()), (2, 2));
        end.cancel();
        following.await.unwrap();
    }

    #[tokio::test]
    async fn a_cancel_of_another_tenant_is_none_where_the_tenant_is_the_user() {
        let cancels = cancels();
        let body = cancel("acme", "a").to_vec().unwrap();
        for publisher in [None, Some("other")] {
            cancels.heard(&body, publisher, true);
            assert!(!cancels.watch("acme", "a").is_cancelled());
        }
        assert_eq!(cancels.shared.counts.heard.get_or_create(&OTHER_PUBLISHER).get(), 2);
        cancels.heard(&body, Some("acme"), true);
        assert!(cancels.watch("acme", "a").is_cancelled());
    }
}
