//! The claims of a worker. It asks for a claim before a job runs, extends the claim for as long as it holds the job, and then gives the
//! claim back or records the outcome.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use scriptmill_sdk::retry::Retry;
use tokio::runtime::Handle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use uuid::Uuid;

use super::counts::Counts;
use super::{Claim, Claimed, Error, Key, Ledger, Record, Recorded, Script, WhenDown};

/// How often a lease is extended within its length, so that some of the attempts may fail.
const TIMES: u32 = 4;
/// The longest pause before a ledger that is down is asked again.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The claims that a worker holds. A task extends all of them at once, and ends with the last handle.
pub struct Leases {
    ledger: Arc<dyn Ledger>,
    /// The claims that are kept, by their tokens. Bounded by the jobs that a worker holds.
    kept: Mutex<HashMap<Uuid, Arc<Claim>>>,
    when_down: WhenDown,
    worker: String,
    runtime: Handle,
    counts: Counts,
}

/// A job as a worker knows it when it asks for a claim.
pub struct Job {
    /// Which one.
    pub key: Key,
    /// SHA-256 of its message.
    pub body_hash: [u8; 32],
    /// Its script.
    pub script: Script,
    /// Which attempt at it this is.
    pub attempt: u32,
}

/// What a worker must do with a job that it has tried to claim.
pub enum Taken {
    /// This worker runs the job: it has the claim, or it goes on without the ledger while that is down.
    Run(Lease),
    /// The job's outcome is known, and is published again.
    Recorded(Record),
    /// Another worker has the job, for at least `left` unless it gives the claim back.
    Held {
        /// How long the other claim holds.
        left: Duration,
    },
    /// The id belongs to another job.
    OtherBody,
    /// The ledger is down, and jobs are held until it answers.
    Down,
}

impl Leases {
    /// Claims of `ledger` in the name of `worker`, whose leases last for `lease`. Call it within a tokio runtime.
    pub fn new(ledger: Arc<dyn Ledger>, lease: Duration, when_down: WhenDown, worker: String) -> Arc<Self> {
        let (kept, runtime, counts) = (Mutex::default(), Handle::current(), Counts::new());
        let leases = Arc::new(Self { ledger, kept, when_down, worker, runtime, counts });
        tokio::spawn(extend(Arc::downgrade(&leases), lease / TIMES));
        leases
    }

    /// Registers metrics of the requests to the ledger and of its answers.
    pub fn register(self: &Arc<Self>, registry: &mut Registry) {
        self.counts.register(registry);
        registry.register_collector(Box::new(View(self.clone())));
    }

    /// Claims a job. If jobs are held while the ledger is down, this asks again until `patience` has passed. Dropping the future gives
    /// the claim back.
    pub async fn take(self: &Arc<Self>, job: Job, patience: Duration) -> Taken {
        let mut asked = pin!(self.ask(job, patience));
        // Jobs ask on the threads that run scripts, which have no tokio timer.
        let entered = poll_fn(|context| {
            let _entered = self.runtime.enter();
            asked.as_mut().poll(context)
        });
        entered.await
    }

    async fn ask(self: &Arc<Self>, job: Job, patience: Duration) -> Taken {
        let Job { key, body_hash, script, attempt } = job;
        let claim = Arc::new(Claim::new(key, body_hash, script, self.worker.clone(), attempt));
        // The claim is kept from now on, since it may be granted although the answer is lost.
        let mut lease = self.keep(claim);
        let until = Instant::now() + patience;
        let mut retry = Retry::up_to(PAUSE_MAX);
        loop {
            let asked = Instant::now();
            let answer = self.ledger.claim(&lease.claim).await;
            self.counts.claimed(&answer, asked.elapsed());
            let error = match answer {
                Ok(Claimed::Granted) => return Taken::Run(lease),
                Ok(others) => {
                    lease.is_over = true;
                    return match others {
                        Claimed::Recorded(record) => Taken::Recorded(record),
                        Claimed::Held { left } => Taken::Held { left },
                        Claimed::OtherBody | Claimed::Granted => Taken::OtherBody,
                    };
                }
                Err(error) => error,
            };
            match self.when_down {
                WhenDown::GoOn => {
                    tracing::warn!(%error, "a job runs without the ledger");
                    return Taken::Run(lease);
                }
                WhenDown::Hold if Instant::now() >= until => return Taken::Down,
                WhenDown::Hold => {
                    let pause = retry.next_pause();
                    tracing::warn!(%error, ?pause, "a job waits for the ledger");
                    sleep(pause).await;
                }
            }
        }
    }

    /// The ledger.
    pub fn ledger(&self) -> &Arc<dyn Ledger> {
        &self.ledger
    }

    /// Why jobs are held now. Returns `None` while they are not.
    pub fn holding(&self) -> Option<String> {
        self.ledger.not_answering().filter(|_| self.when_down == WhenDown::Hold)
    }

    /// Keeps a claim until the returned lease is dropped.
    pub fn keep(self: &Arc<Self>, claim: Arc<Claim>) -> Lease {
        self.lock().insert(claim.token, claim.clone());
        Lease { claim, leases: self.clone(), is_over: false }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Arc<Claim>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn extend(leases: Weak<Leases>, every: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(leases) = leases.upgrade() else {
            return;
        };
        let kept: Vec<_> = leases.lock().values().cloned().collect();
        if kept.is_empty() {
            continue;
        }
        match leases.ledger.extend(&kept).await {
            // Some of the claims may have been recorded meanwhile.
            Ok(0) => {}
            Ok(gone) => tracing::debug!(gone, "claims were recorded or lost before their leases could be extended"),
            Err(error) => tracing::warn!(%error, claims = kept.len(), "leases could not be extended"),
        }
    }
}

/// A claim that is kept. Dropping the lease gives the claim back, unless the job's outcome was recorded.
pub struct Lease {
    claim: Arc<Claim>,
    leases: Arc<Leases>,
    is_over: bool,
}

impl Lease {
    /// The claim.
    pub fn claim(&self) -> &Arc<Claim> {
        &self.claim
    }

    /// Records the job's outcome.
    ///
    /// # Errors
    /// The ledger does not answer. The outcome may have been recorded all the same: record it again.
    pub async fn record(&mut self, record: &Record) -> Result<Recorded, Error> {
        let asked = Instant::now();
        let recorded = self.leases.ledger.record(&self.claim, record).await;
        self.leases.counts.recorded(&recorded, asked.elapsed());
        self.is_over |= recorded.is_ok();
        recorded
    }

    /// Whether jobs are held while the ledger is down.
    pub fn holds(&self) -> bool {
        self.leases.when_down == WhenDown::Hold
    }

    /// Gives the claim back, and waits until others can claim the job.
    pub async fn release(mut self) {
        self.is_over = true;
        give_back(&*self.leases.ledger, &self.claim).await;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.leases.lock().remove(&self.claim.token);
        if !self.is_over {
            let (ledger, claim) = (self.leases.ledger.clone(), self.claim.clone());
            self.leases.runtime.spawn(async move { give_back(&*ledger, &claim).await });
        }
    }
}

async fn give_back(ledger: &dyn Ledger, claim: &Arc<Claim>) {
    if let Err(error) = ledger.release(claim).await {
        tracing::warn!(%error, "a claim could not be given back; it holds until its lease runs out");
    }
}

/// The gauges that are read at every scrape.
struct View(Arc<Leases>);

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("View")
    }
}

impl Collector for View {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let connected = i64::from(self.0.ledger.not_answering().is_none());
        let held = i64::try_from(self.0.lock().len()).unwrap_or(i64::MAX);
        let gauges = [
            ("ledger_connected", "1 while the ledger answers", connected),
            ("ledger_claims_held", "Claims that this worker keeps, asked for or granted", held),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}
