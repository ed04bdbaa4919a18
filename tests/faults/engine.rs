//! A process engine: it sends jobs until each is confirmed, and takes the outcomes from durable queues.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{Channel, Confirmation, Connection};
use scriptmill_sdk::Names;
use scriptmill_sdk::connect::{Brokers, Error, answer};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::history::Event;
use crate::jobs::{Job, Replies};
use crate::link::Link;
use crate::recorder::Recorder;

/// The longest wait for an answer of the broker. Where a confirm takes longer, the job is sent again.
pub(crate) const WAIT: Duration = Duration::from_secs(5);
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(200);
const TICK: Duration = Duration::from_millis(10);
/// The most jobs without an outcome at one time.
const UNDER_WAY_MAX: usize = 1_000;

/// The process engine's state, and what the laboratory tells it.
pub(crate) struct Engine {
    pub(crate) link: Link,
    pub(crate) prefix: String,
    pub(crate) names: Names,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) jobs: u64,
    /// Jobs a second.
    pub(crate) rate: u32,
    /// Whether jobs may end differently each time that they run.
    has_ledger: bool,
    sent: AtomicU64,
    unconfirmed: Mutex<BTreeSet<u64>>,
    /// Whether it sends no new jobs for now.
    pub(crate) holds: AtomicBool,
    /// Whether it ends once `jobs` jobs are sent. Until then it sends more.
    pub(crate) is_over: AtomicBool,
    /// Whether the stubborn requester reads its queue.
    pub(crate) reads: AtomicBool,
}

/// Whether the broker has the job in a queue.
type Confirmed = Result<bool, Error>;

impl Engine {
    pub(crate) fn new(
        link: Link,
        prefix: String,
        recorder: Arc<Recorder>,
        jobs: u64,
        rate: u32,
        has_ledger: bool,
    ) -> Self {
        let (sent, unconfirmed) = (AtomicU64::new(0), Mutex::default());
        let (holds, is_over, reads) = (AtomicBool::new(false), AtomicBool::new(false), AtomicBool::new(true));
        let names = Names::new(&prefix);
        Self { link, prefix, names, recorder, jobs, rate, has_ledger, sent, unconfirmed, holds, is_over, reads }
    }

    pub(crate) async fn connect(&self, turn: usize, name: &str) -> Result<Connection, Error> {
        let brokers = Brokers { timeout: WAIT, heartbeat: HEARTBEAT, ..self.link.brokers() };
        brokers.connect(turn, name).await
    }

    /// Whether every job that was sent is confirmed.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.unconfirmed.lock().unwrap().is_empty()
    }

    /// Sends all jobs, and more until told that it is over. Begins again on a new connection as often as it must.
    pub(crate) async fn send(self: Arc<Self>) {
        let mut turn = 0;
        while !self.is_done() {
            if let Ok(connection) = self.connect(turn, "faults: jobs").await {
                // Jobs that were not confirmed are sent again on the next connection.
                let _ = self.send_over(&connection).await;
                let _ = answer("connection.close", PAUSE, connection.close(200, "done".into())).await;
            }
            turn += 1;
            sleep(PAUSE).await;
        }
    }

    fn is_done(&self) -> bool {
        let is_over = self.is_over.load(Ordering::SeqCst) && self.sent.load(Ordering::SeqCst) >= self.jobs;
        is_over && self.is_confirmed()
    }

    async fn send_over(&self, connection: &Connection) -> Result<(), Error> {
        let channel = answer("channel.open", WAIT, connection.create_channel()).await?;
        answer("confirm.select", WAIT, channel.confirm_select(ConfirmSelectOptions::default())).await?;
        let mut again: VecDeque<u64> = self.unconfirmed.lock().unwrap().iter().copied().collect();
        let mut confirms = FuturesUnordered::new();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut due = 0.0;
        while !self.is_done() {
            tokio::select! {
                Some((number, confirmed)) = confirms.next() => self.confirmed(number, confirmed, &mut again)?,
                _ = ticks.tick() => {
                    due += f64::from(self.rate) * TICK.as_secs_f64();
                    while due >= 1.0 {
                        due -= 1.0;
                        if let Some(number) = again.pop_front().or_else(|| self.next()) {
                            let confirm = self.publish(&channel, number).await?;
                            confirms.push(confirm);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The next new job, if one may be sent.
    fn next(&self) -> Option<u64> {
        let is_last = self.is_over.load(Ordering::SeqCst) && self.sent.load(Ordering::SeqCst) >= self.jobs;
        if is_last || self.holds.load(Ordering::SeqCst) || self.recorder.under_way() >= UNDER_WAY_MAX {
            return None;
        }
        let number = self.sent.fetch_add(1, Ordering::SeqCst) + 1;
        self.unconfirmed.lock().unwrap().insert(number);
        Some(number)
    }

    async fn publish(&self, channel: &Channel, number: u64) -> Result<BoxFuture<'static, (u64, Confirmed)>, Error> {
        let Job { id, body, replies, expects } = &Job::new(number, self.has_ledger);
        let reply_to = match replies {
            Replies::Engine => Some(self.names.reply_queue("engine")),
            Replies::Stubborn => Some(self.names.reply_queue("stubborn")),
            Replies::Results => None,
        };
        let properties = Job::envelope(id, reply_to).job_properties();
        self.recorder.note(Event::Published { job: id.clone(), expects });
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let published =
            channel.basic_publish(self.names.jobs.as_str().into(), "acme.sales".into(), options, body, properties);
        let confirm = answer("basic.publish", WAIT, published).await?;
        let confirmed = async move {
            let confirmed = answer("confirm", WAIT, confirm).await;
            (number, confirmed.map(|confirmation| matches!(confirmation, Confirmation::Ack(None))))
        };
        Ok(confirmed.boxed())
    }

    fn confirmed(&self, number: u64, confirmed: Confirmed, again: &mut VecDeque<u64>) -> Result<(), Error> {
        if confirmed? {
            self.unconfirmed.lock().unwrap().remove(&number);
            self.recorder.note(Event::Confirmed { job: Job::id(number) });
        } else {
            again.push_back(number);
        }
        Ok(())
    }
}
