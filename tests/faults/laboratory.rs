//! Brokers, workers and an engine, and the faults that a plan makes in them.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lapin::options::QueueDeleteOptions;
use scriptmill::broker::Address;
use tempfile::TempDir;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use crate::engine::Engine;
use crate::history::Event;
use crate::link::Link;
use crate::nodes::{Nodes, kept_folder, programs};
use crate::plan::{EVERYWHERE, Kind, OUR_BROKER, OUR_CLUSTER, OUR_LEDGER, Plan, Step};
use crate::postgres::{self, Postgres};
use crate::receiver::receive;
use crate::recorder::Recorder;
use crate::report::Report;
use crate::requesters::request;
use crate::support::{LONG, remove_all, server, soon};
use crate::workers::Worker;

pub(crate) const WORKERS: usize = 3;
/// The user as whom workers connect to brokers of our own.
pub(crate) const WORKERS_USER: &str = "worker";
const ENGINE_USER: &str = "guest";

/// What a run has, and how much of it.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) seed: u64,
    /// The fewest jobs. More are sent if the faults take longer.
    pub(crate) jobs: u64,
    pub(crate) faults: usize,
    /// Jobs a second.
    pub(crate) rate: u32,
    /// How many brokers are started for the run: one, or several as a cluster. With 0 the run uses the broker that runs already.
    pub(crate) nodes: usize,
    /// Whether the workers have a ledger, in a PostgreSQL of our own.
    pub(crate) ledger: bool,
    /// Whether logs are kept even if nothing was lost.
    pub(crate) keeps: bool,
    /// The kinds of faults. If empty, all kinds that are possible here.
    pub(crate) kinds: Vec<Kind>,
}

/// The brokers, workers and engine of a run.
pub(crate) struct Laboratory {
    pub(crate) nodes: Option<Nodes>,
    pub(crate) ledger: Option<Postgres>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) recorder: Arc<Recorder>,
    /// What went wrong beside lost jobs.
    pub(crate) complaints: Vec<String>,
    keeps: bool,
    logs: TempDir,
}

/// Carries out the plan of these options, and reports on it.
pub(crate) async fn run(options: &Options) -> Report {
    let all = || kinds(options.nodes, options.ledger);
    let kinds = if options.kinds.is_empty() { all() } else { options.kinds.clone() };
    let mut plan = Plan::new(options.seed, options.jobs, options.faults, &kinds, WORKERS, options.nodes.max(1));
    let mut laboratory = Laboratory::new(options).await;
    let receiving = receive(&laboratory.engine).await;
    let mut sending = JoinSet::new();
    sending.spawn(laboratory.engine.clone().send());
    sending.spawn(request(laboratory.engine.clone()));
    laboratory.all_ready("before any fault").await;
    let mut taken = 0;
    for (number, step) in plan.steps.iter().enumerate() {
        // A fault that does not end well ends the plan: what goes wrong later could not be blamed on the right fault.
        taken = number + 1;
        if !(laboratory.reach(step.at_job).await && laboratory.take(number, step).await) {
            break;
        }
    }
    plan.steps.truncate(taken);
    laboratory.come_to_rest(sending).await;
    laboratory.end(plan, receiving).await
}

/// The kinds of faults that are possible with `nodes` brokers of the run's own, with or without a ledger.
pub(crate) fn kinds(nodes: usize, ledger: bool) -> Vec<Kind> {
    let our_broker = if nodes > 0 { OUR_BROKER } else { &[] };
    let our_cluster = if nodes > 1 { OUR_CLUSTER } else { &[] };
    let our_ledger = if ledger { OUR_LEDGER } else { &[] };
    [EVERYWHERE, our_broker, our_cluster, our_ledger].concat()
}

impl Laboratory {
    async fn new(options: &Options) -> Self {
        let logs = kept_folder("scriptmill-workers-");
        let nodes = match options.nodes {
            0 => None,
            count => Some(Nodes::start(programs().expect("RabbitMQ's programs"), count).await),
        };
        if let Some(nodes) = &nodes {
            nodes.must(0, &["add_user", WORKERS_USER, WORKERS_USER]).await;
            nodes.must(0, &["set_permissions", WORKERS_USER, ".*", ".*", ".*"]).await;
        }
        let prefix = format!("scriptmill-faults-{}", uuid::Uuid::new_v4().simple());
        let brokers = |user: &str| -> Vec<Address> {
            let at = |nodes: &Nodes| (0..nodes.count()).map(|number| nodes.address(number, user)).collect();
            let addresses: Vec<String> = nodes.as_ref().map_or_else(|| vec![server()], at);
            addresses.iter().map(|address| address.parse().unwrap()).collect()
        };
        let ledger = match options.ledger {
            false => None,
            true => Some(Postgres::start(postgres::programs().expect("PostgreSQL's programs")).await),
        };
        let mut workers = Vec::new();
        for number in 0..WORKERS {
            let link = Link::to(&brokers(WORKERS_USER), number).await;
            let ledger = ledger.as_ref().map(Postgres::address);
            workers.push(Worker::start(number, link, &prefix, ledger, logs.path()).await);
        }
        let recorder = Arc::new(Recorder::new());
        let link = Link::to(&brokers(ENGINE_USER), 0).await;
        let engine = Arc::new(Engine::new(link, prefix, recorder.clone(), options.jobs, options.rate, options.ledger));
        Self { nodes, ledger, workers, engine, recorder, complaints: Vec::new(), keeps: options.keeps, logs }
    }

    /// Makes one fault, puts it right and waits until what it took away is back. Returns false if that fails.
    async fn take(&mut self, number: usize, step: &Step) -> bool {
        let target = match self.aim(step).await {
            Ok(target) => target,
            Err(why) => {
                self.complaints.push(format!("before {step}: {why}"));
                return false;
            }
        };
        let before = self.recorder.waiting();
        self.recorder.note(Event::Struck { step: number });
        eprintln!("{:>3}. {step} ({:?})", number + 1, step.lasts);
        self.strike(step, target).await;
        self.recorder.note(Event::Healed { step: number });
        !step.recovers || self.recover(step, before).await
    }

    /// Waits until workers take jobs, outcomes come, and the jobs in `before`, confirmed before the fault, have their outcomes.
    async fn recover(&mut self, step: &Step, before: HashSet<String>) -> bool {
        self.all_ready(&step.to_string()).await;
        let answered = self.recorder.answered();
        let flows = async {
            while self.recorder.answered() == answered || !self.recorder.waiting().is_disjoint(&before) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        if timeout(LONG, flows).await.is_err() {
            let missing: Vec<_> = self.recorder.waiting().intersection(&before).cloned().collect();
            self.complaints.push(format!("{step}: {LONG:?} after it was over no outcome has come of {missing:?}"));
            return false;
        }
        true
    }

    async fn all_ready(&mut self, after: &str) {
        for worker in &mut self.workers {
            if let Err(why) = worker.is_ready().await {
                self.complaints.push(format!("{after}: {why}"));
            }
        }
    }

    /// Waits until `jobs` jobs are confirmed. Gives up when nothing has moved for [`LONG`].
    async fn reach(&mut self, jobs: u64) -> bool {
        let (mut seen, mut since) = ((0, 0), Instant::now());
        while self.recorder.confirmed() < jobs {
            let now = (self.recorder.confirmed(), self.recorder.answered());
            if now != seen {
                (seen, since) = (now, Instant::now());
            }
            if since.elapsed() > LONG {
                self.complaints
                    .push(format!("nothing moved for {LONG:?}, {} jobs under way", self.recorder.under_way()));
                return false;
            }
            sleep(Duration::from_millis(10)).await;
        }
        true
    }

    /// Waits until every job has its outcome.
    async fn come_to_rest(&mut self, sending: JoinSet<()>) {
        self.engine.is_over.store(true, Ordering::SeqCst);
        self.reach(self.engine.jobs).await;
        if timeout(LONG, sending.join_all()).await.is_err() {
            self.complaints.push(format!("jobs are not confirmed, or requests not answered, after {LONG:?}"));
        }
        self.recorder.note(Event::Calm);
        let rest = async {
            while self.recorder.under_way() > 0 {
                sleep(Duration::from_millis(20)).await;
            }
        };
        // The history shows which outcomes are missing.
        let _ = timeout(LONG, rest).await;
        // Outcomes beyond a job's first come late.
        sleep(Duration::from_secs(2)).await;
    }

    async fn end(mut self, plan: Plan, receiving: Vec<JoinHandle<()>>) -> Report {
        for worker in std::mem::take(&mut self.workers) {
            for event in worker.said() {
                self.recorder.note(event);
            }
            if let Err(why) = worker.end().await {
                self.complaints.push(why);
            }
        }
        for reader in receiving {
            reader.abort();
        }
        let has_ledger = self.ledger.is_some();
        let report = Report::new(plan, &self.recorder.take(), self.complaints.clone(), has_ledger);
        let is_kept = self.keeps || !report.is_well();
        if is_kept {
            eprintln!("what the workers said is in {}", self.logs.path().display());
        }
        self.logs.disable_cleanup(is_kept);
        if let Some(ledger) = self.ledger.take() {
            if is_kept {
                eprintln!("what the ledger's PostgreSQL said is in {}", ledger.folder().display());
            }
            ledger.end(is_kept).await;
        }
        match self.nodes.take() {
            Some(nodes) => {
                if is_kept {
                    eprintln!("what the brokers said is in {}", nodes.folder().display());
                }
                nodes.end(is_kept).await;
            }
            None => self.remove_queues().await,
        }
        report
    }

    async fn remove_queues(&self) {
        let names = &self.engine.names;
        let connection = soon("a connection", self.engine.connect(0, "faults: removal")).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        remove_all(&channel, names).await;
        for name in ["engine", "stubborn"] {
            channel.queue_delete(names.reply_queue(name).into(), QueueDeleteOptions::default()).await.unwrap();
        }
        connection.close(200, "done".into()).await.unwrap();
    }
}
