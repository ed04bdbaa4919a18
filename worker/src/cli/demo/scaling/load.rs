//! The jobs: a load that rises tenfold and falls again, and what came back.

use std::fmt;
use std::time::Duration;

use anyhow::Context as _;
use lapin::options::{ExchangeDeleteOptions, QueueDeleteOptions};
use scriptmill::config::Config;
use scriptmill_scaling::simulate::{self, Trace};
use scriptmill_sdk::client::{Client, Options};
use scriptmill_sdk::{Bundle, Job, Names, Outcome, topology};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// How long a job holds its slot.
pub(super) const SERVICE: Duration = Duration::from_millis(500);
const SCRIPT: &str = "export default async function main() {\n  await sleep(500);\n}\n";
/// How long to wait for an outcome before its job counts as lost.
const PATIENCE: Duration = Duration::from_secs(120);

/// A load in three stretches of one length.
#[derive(Clone, Copy)]
pub(super) struct Stretches {
    pub(super) each: Duration,
    /// Jobs a second in each.
    pub(super) rates: [f64; 3],
}

impl Stretches {
    pub(super) fn new(each: Duration) -> Self {
        Self { each, rates: [4.0, 40.0, 4.0] }
    }

    /// Jobs a second at the time `elapsed`.
    pub(super) fn rate_at(&self, elapsed: Duration) -> f64 {
        let which = (elapsed.as_secs_f64() / self.each.as_secs_f64()) as usize;
        self.rates.get(which).copied().unwrap_or(0.0)
    }

    /// When each job comes: evenly spaced within a stretch.
    fn arrivals(self) -> impl Iterator<Item = Duration> {
        let seconds = self.each.as_secs_f64();
        (0_u32..).zip(self.rates).flat_map(move |(stretch, rate)| {
            let jobs = (seconds * rate) as u32;
            (0..jobs).map(move |job| Duration::from_secs_f64(f64::from(stretch) * seconds + f64::from(job) / rate))
        })
    }

    /// The same load for the simulator.
    pub(super) fn trace(self) -> Trace {
        let job = |at: Duration| simulate::Job { at: at.as_secs_f64(), service: SERVICE.as_secs_f64(), wait: 0.0 };
        let mut trace = Trace::empty("demo");
        trace.jobs = self.arrivals().map(job).collect();
        trace.seconds = 3.0 * self.each.as_secs_f64();
        trace
    }
}

/// Sends the jobs, as a process engine would.
pub(super) struct Load {
    client: Client,
    options: Options,
    promise: Duration,
}

/// What came back from the jobs.
pub(super) struct Report {
    jobs: u64,
    succeeded: u64,
    lost: u64,
    twice: u64,
    late: u64,
    promise: Duration,
}

impl Load {
    /// Connects, and so declares the queues.
    pub(super) async fn connect(config: &Config, prefix: &str) -> anyhow::Result<Self> {
        let options = Options {
            brokers: config.broker.brokers(),
            prefix: prefix.to_owned(),
            name: "scriptmill demo".to_owned(),
            ..Options::to([])
        };
        let connected = Client::connect(options.clone()).await;
        let client = connected
            .context("the demo needs RabbitMQ: --broker says where it is, `docker compose up rabbitmq` starts one")?;
        Ok(Self { client, options, promise: config.scaling.policy.promise.wait })
    }

    /// Sends all jobs, each when it is due, and waits for their outcomes.
    pub(super) async fn run(&self, stretches: Stretches) -> anyhow::Result<Report> {
        let began = Instant::now();
        let mut outcomes = JoinSet::new();
        let mut jobs = 0;
        for at in stretches.arrivals() {
            sleep_until(began + at).await;
            let script = Bundle::of("main.ts", SCRIPT);
            let job = Job::new(format!("demo-{jobs}"), "demo".parse().context("no such tenant")?, script);
            let pending = self.client.dispatch(&job).await.context("a job could not be sent")?;
            outcomes.spawn(pending.outcome(PATIENCE));
            jobs += 1;
        }
        let mut report = Report { jobs, succeeded: 0, lost: 0, twice: 0, late: 0, promise: self.promise };
        while let Some(outcome) = outcomes.join_next().await {
            match outcome.context("the demo broke")? {
                Ok(outcome) => report.add(&outcome),
                Err(_) => report.lost += 1,
            }
        }
        report.twice = self.client.counts().duplicates;
        Ok(report)
    }

    /// Removes the queues and exchanges.
    pub(super) async fn remove(self) -> anyhow::Result<()> {
        self.client.close().await;
        let connection = self.options.brokers.connect(0, &self.options.name).await.context("no broker answers")?;
        let channel = connection.create_channel().await?;
        for declaration in topology::declarations(&Names::new(&self.options.prefix)) {
            let name = declaration.name.as_str().into();
            if declaration.kind.is_exchange() {
                channel.exchange_delete(name, ExchangeDeleteOptions::default()).await?;
            } else {
                channel.queue_delete(name, QueueDeleteOptions::default()).await?;
            }
        }
        Ok(())
    }
}

impl Report {
    fn add(&mut self, outcome: &Outcome) {
        let times = &outcome.usage.times;
        let waited = Duration::from_micros(times.queued_us.unwrap_or(0) + times.waited_us + times.prepared_us);
        self.succeeded += u64::from(outcome.ending.status() == "succeeded");
        self.late += u64::from(waited > self.promise);
    }

    /// Whether each job succeeded, once.
    pub(super) fn is_good(&self) -> bool {
        self.succeeded == self.jobs && self.lost == 0 && self.twice == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { jobs, succeeded, lost, twice, late, promise } = self;
        let share = 100.0 * *late as f64 / (*jobs).max(1) as f64;
        writeln!(f, "{succeeded} of {jobs} jobs succeeded, {lost} lost, {twice} outcomes twice.")?;
        writeln!(f, "{late} jobs, {share:.1} %, waited longer than {promise:?} for a slot.")
    }
}
