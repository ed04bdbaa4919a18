//! The comparison: all workers in turn, part by part.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum;
use scriptmill::config::{Config, Sources};

use crate::cases::{Case, WEIGHED};
use crate::figures;
use crate::load::Broker;
use crate::process::{Kind, Peer, QUIET, Worker};
use crate::tables::{
    BATCHES, COLD, CPU, EACH, ECHO, FURTHER, IDLE, JOBS, MEMORY, P50, P99, Results, START, WAITING, WARM,
};

/// Sandboxes that wait while their memory is measured.
const HELD: usize = 400;
/// Jobs of each script before memory is measured. When there is only one script, it gets as many jobs in all.
const JOBS_OF_EACH: usize = 4;
/// Messages prefetched by each process.
const PREFETCH: usize = 32;
/// The most scripts in turn for which latency is measured.
const LATENCY_SCRIPTS_MAX: usize = 100;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where the peers are installed; without it only the echo worker and Scriptmill are measured
    #[arg(long)]
    node_modules: Option<PathBuf>,
    /// What is measured
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Part::Load, Part::Start, Part::Memory])]
    parts: Vec<Part>,
    /// Only workers whose name holds this text, beside the echo worker
    #[arg(long)]
    only: Option<String>,
    /// Only jobs whose name holds this text
    #[arg(long, default_value = "")]
    job: String,
    /// Rounds through all workers and jobs
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of load for one worker and one kind of job in one round
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Jobs under way at one time
    #[arg(long, default_value_t = 64)]
    concurrency: usize,
    /// Jobs a second while latency is measured
    #[arg(long, default_value_t = 200)]
    rate: u32,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Part {
    /// Jobs a second, their processor time, and how long they take at a steady rate
    Load,
    /// From the start of a process to its first outcome
    Start,
    /// Memory: idle, with many scripts, with sandboxes that wait
    Memory,
}

pub(crate) async fn run(broker: &Broker, options: &Options) -> anyhow::Result<()> {
    let environment = std::env::vars().collect();
    let config = Config::load(Sources { environment, ..Sources::default() })?;
    let threads = config.worker.threads.map_or_else(std::thread::available_parallelism, Ok)?;
    let is_wanted =
        |peer: &Peer| peer.name == ECHO || options.only.as_deref().is_none_or(|text| peer.label().contains(text));
    let peers: Vec<Peer> =
        Peer::all(options.node_modules.as_deref(), threads.get()).into_iter().filter(is_wanted).collect();
    let cases: Vec<Case> = Case::all().into_iter().filter(|case| case.name.contains(&options.job)).collect();
    let comparison = Comparison { broker, options, peers, cases };
    eprintln!("this takes about {} minutes", comparison.minutes());
    let mut results = Results::default();
    for part in [Part::Load, Part::Start, Part::Memory].into_iter().filter(|part| options.parts.contains(part)) {
        match part {
            Part::Load => comparison.load(&mut results).await?,
            Part::Start => comparison.starts(&mut results).await?,
            Part::Memory => comparison.memory(&mut results).await?,
        }
    }
    results.print();
    results.print_ahead();
    figures::print(&results);
    Ok(())
}

struct Comparison<'a> {
    broker: &'a Broker,
    options: &'a Options,
    peers: Vec<Peer>,
    cases: Vec<Case>,
}

impl Comparison<'_> {
    /// Roughly how many minutes the whole run takes.
    fn minutes(&self) -> u64 {
        let Options { parts, rounds, seconds, .. } = self.options;
        let mixes = || self.cases.iter().flat_map(Case::mixes);
        let timed = mixes().filter(is_timed).count();
        let of_one = parts.iter().map(|part| match part {
            // Warming up takes half as much again.
            Part::Load => *rounds as f64 * seconds * (1.5 * mixes().count() as f64 + timed as f64) + 10.0,
            Part::Start => *rounds as f64 * 1.5,
            Part::Memory => 20.0,
        });
        (of_one.sum::<f64>() * self.peers.len() as f64 / 60.0).ceil() as u64
    }

    async fn load(&self, results: &mut Results) -> anyhow::Result<()> {
        for case in &self.cases {
            eprintln!("{}: starting all workers", case.name);
            let mut workers = Vec::new();
            let mut agreed = None;
            for peer in &self.peers {
                let name = || format!("{}: {}", peer.label(), case.name);
                let mut worker = Worker::start(self.broker, peer, PREFETCH, case).await.with_context(name)?;
                if let Some(value) = worker.value(case).await.with_context(name)? {
                    let agreed = agreed.get_or_insert_with(|| value.clone());
                    anyhow::ensure!(*agreed == value, "{} gives another value than the workers before", name());
                }
                // Peers that compile code at run time get the time for it.
                worker.load(case, self.options.concurrency, Duration::from_secs(1)).await.with_context(name)?;
                workers.push(worker);
            }
            for round in 1..=self.options.rounds {
                eprintln!("{}: round {round} of {}", case.name, self.options.rounds);
                for mix in case.mixes() {
                    for (peer, worker) in self.peers.iter().zip(&mut workers) {
                        self.round(peer, worker, &mix, results).await.with_context(|| peer.label())?;
                    }
                }
            }
            for worker in workers {
                worker.stop().await?;
            }
        }
        Ok(())
    }

    async fn round(&self, peer: &Peer, worker: &mut Worker, mix: &Case, results: &mut Results) -> anyhow::Result<()> {
        let Options { concurrency, rate, seconds, .. } = *self.options;
        let (name, column, span) = (peer.label(), mix.label(), Duration::from_secs_f64(seconds));
        if mix.scripts > 1 {
            // Runs each script on every worker shortly before, so that the worker may keep what it made of it.
            worker.jobs(mix, concurrency, 2).await?;
        }
        let work = worker.load(mix, concurrency, span).await?;
        results.add(JOBS, &name, &column, work.jobs_per_second);
        results.add(CPU, &name, &column, work.cpu_us);
        if is_timed(mix) {
            let latencies = worker.latency(mix, rate, span).await?;
            for (what, quantile) in [(P50, 0.5), (P99, 0.99)] {
                results.add(what, &name, &column, latencies.value_at_quantile(quantile) as f64);
            }
        }
        if matches!(peer.kind, Kind::Scriptmill) && column == "trivial" {
            let batches = worker.load(&Case::batch(), concurrency, span).await?;
            results.add(BATCHES, &name, &column, batches.jobs_per_second);
        }
        Ok(())
    }

    async fn starts(&self, results: &mut Results) -> anyhow::Result<()> {
        let [trivial, ..] = Case::all();
        // Several processes start as fast as one does.
        for peer in self.peers.iter().filter(|peer| peer.processes == 1) {
            eprintln!("start of {}", peer.label());
            Worker::start(self.broker, peer, PREFETCH, &trivial).await?.stop().await?;
            for _ in 0..self.options.rounds {
                let warm = Worker::start(self.broker, peer, PREFETCH, &trivial).await?;
                results.add(START, peer.name, WARM, milliseconds(warm.first_outcome));
                warm.stop().await?;
                let empty = tempfile::tempdir()?;
                let cold = Worker::start_with(self.broker, peer, PREFETCH, &trivial, empty.path()).await?;
                results.add(START, peer.name, COLD, milliseconds(cold.first_outcome));
                cold.stop().await?;
            }
        }
        Ok(())
    }

    async fn memory(&self, results: &mut Results) -> anyhow::Result<()> {
        for peer in &self.peers {
            let name = peer.label();
            eprintln!("memory of {name}");
            for case in self.cases.iter().filter(|case| case.is_interactive()) {
                let mut worker = Worker::start(self.broker, peer, PREFETCH, case).await?;
                // If the worker has several processes, the others are up too by then.
                tokio::time::sleep(QUIET).await;
                results.add(MEMORY, &name, IDLE, worker.memory()? as f64 / 1e6);
                let concurrency = self.options.concurrency;
                let one = worker.jobs(case, concurrency, JOBS_OF_EACH * WEIGHED).await?.memory as f64;
                let many = worker.jobs(&case.of(WEIGHED), concurrency, JOBS_OF_EACH).await?.memory as f64;
                results.add(MEMORY, &name, format!("{}, 1 script", case.name), one / 1e6);
                results.add(MEMORY, &name, format!("{}, {WEIGHED} scripts", case.name), many / 1e6);
                if name != ECHO {
                    let each = (many - one) / WEIGHED as f64;
                    results.add(EACH, &name, format!("{FURTHER}, {}", case.name), each / 1e3);
                }
                worker.stop().await?;
            }
            if let Some(waiting) = peer.waiting_script().map(Case::waiting).filter(|_| peer.processes == 1) {
                let [trivial, ..] = Case::all();
                let worker = Worker::start(self.broker, peer, HELD + 100, &trivial).await?;
                let before = worker.memory()?;
                worker.hold(&waiting, HELD).await?;
                let extra = worker.settled_growth(before).await?;
                results.add(EACH, &name, WAITING, extra as f64 / HELD as f64 / 1e3);
                worker.stop().await?;
            }
        }
        Ok(())
    }
}

/// Whether the latency of these jobs is measured.
fn is_timed(case: &Case) -> bool {
    case.is_interactive() && case.scripts <= LATENCY_SCRIPTS_MAX
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
