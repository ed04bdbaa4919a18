//! Scriptmill beside what users would pick instead: the same jobs over the same RabbitMQ, in turn, in one run.
//!
//! `cargo xtask bench peers` installs the peers and runs this. Every worker takes jobs from a quorum queue of its own,
//! runs each in a fresh sandbox, publishes the outcome persistently, waits for the confirm and acknowledges. All workers
//! are up from the beginning; only one is under load at a time, and the rounds go through all of them in turn, so that
//! what the machine does meanwhile hits all alike. The tables show medians over the rounds.

mod cases;
mod echo;
mod figures;
mod hostile;
mod load;
mod process;
mod share;
mod storm;
mod tables;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::cases::Case;
use crate::load::Broker;
use crate::process::{Kind, Peer, Worker};
use crate::tables::{Memory, Results};

/// Extra sandboxes that wait while their memory is weighed.
const WAITING: usize = 400;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// Where the peers are installed; without it only the echo worker and Scriptmill are measured
    #[arg(long)]
    node_modules: Option<PathBuf>,
    /// Only workers whose name holds this text, beside the echo worker
    #[arg(long)]
    only: Option<String>,
    /// Rounds through all workers and jobs
    #[arg(long, default_value_t = 5)]
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
    /// The RabbitMQ to use
    #[arg(long, global = true, default_value = "amqp://guest:guest@127.0.0.1:5672/%2F")]
    broker: String,
    // What `cargo bench` adds.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Be the echo worker: reply and acknowledge, nothing else
    Echo,
    /// Measure Scriptmill alone, beside a storm of new scripts
    Storm(storm::Storm),
    /// Measure Scriptmill alone, beside scripts and requesters that mean harm
    Hostile(hostile::Hostile),
    /// Measure Scriptmill alone, when a second worker joins a backlog
    Share(share::Share),
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Runtime::new()?;
    match &arguments.role {
        Some(Role::Echo) => runtime.block_on(echo::run()),
        Some(Role::Storm(storm)) => {
            runtime.block_on(with_broker(&arguments.broker, async |broker| storm::run(broker, storm).await))
        }
        Some(Role::Hostile(hostile)) => {
            runtime.block_on(with_broker(&arguments.broker, async |broker| hostile::run(broker, hostile).await))
        }
        Some(Role::Share(share)) => {
            runtime.block_on(with_broker(&arguments.broker, async |broker| share::run(broker, share).await))
        }
        None => runtime.block_on(compare(&arguments)),
    }
}

/// Connects, and removes whatever was made there however it ends.
async fn with_broker<T>(address: &str, work: impl AsyncFnOnce(&Broker) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let broker = Broker::connect(address).await?;
    let done = tokio::select! {
        done = work(&broker) => done,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    broker.clear().await?;
    done
}

async fn compare(arguments: &Arguments) -> anyhow::Result<()> {
    let results = with_broker(&arguments.broker, async |broker| measure(broker, arguments).await).await?;
    print!("{results}");
    figures::print(&results);
    Ok(())
}

async fn measure(broker: &Broker, arguments: &Arguments) -> anyhow::Result<Results> {
    let peers = Peer::all(arguments.node_modules.as_deref());
    let wanted =
        |peer: &Peer| peer.name == "echo" || arguments.only.as_deref().is_none_or(|text| peer.name.contains(text));
    let peers: Vec<Peer> = peers.into_iter().filter(wanted).collect();
    let cases = Case::all();
    let mut results = Results::new(&peers, &cases);
    let span = Duration::from_secs_f64(arguments.seconds);

    let mut workers = Vec::new();
    for peer in &peers {
        eprintln!("starting {}", peer.name);
        workers.push(Worker::start(broker, peer, 32, &cases[0]).await.with_context(|| peer.name.to_owned())?);
    }
    for case in &cases {
        let mut agreed = None;
        for (peer, worker) in peers.iter().zip(&mut workers) {
            let name = || format!("{}: {}", peer.name, case.name);
            if let Some(value) = worker.value(case).await.with_context(name)? {
                let agreed = agreed.get_or_insert_with(|| value.clone());
                anyhow::ensure!(*agreed == value, "{} gives another value than the workers before", name());
            }
            // Peers that compile code while they run get the time for it.
            worker.load(case, 1, Duration::from_millis(300)).await.with_context(name)?;
        }
    }
    for round in 1..=arguments.rounds {
        eprintln!("round {round} of {}", arguments.rounds);
        for case in &cases {
            for (peer, worker) in peers.iter().zip(&mut workers) {
                results.load(peer, case, worker.load(case, arguments.concurrency, span).await?);
                if matches!(peer.kind, Kind::Scriptmill) && case.name == "trivial" {
                    results.batch(worker.load(&Case::batch(), arguments.concurrency, span).await?);
                }
                if case.is_interactive() {
                    results.latency(peer, case, worker.latency(case, arguments.rate, span).await?);
                }
            }
        }
    }
    for worker in workers {
        worker.stop().await?;
    }
    for peer in &peers {
        eprintln!("start and memory of {}", peer.name);
        for _ in 0..arguments.rounds {
            let worker = Worker::start(broker, peer, 32, &cases[0]).await?;
            results.start(peer, worker.first_outcome);
            worker.stop().await?;
        }
        if let Some(waiting) = peer.waiting_script().map(Case::waiting) {
            let worker = Worker::start(broker, peer, WAITING + 100, &cases[0]).await?;
            let idle = worker.resident()?;
            let before = worker.proportional()?;
            worker.hold(&waiting, WAITING).await?;
            let extra = worker.settled_growth(before).await?;
            results.memory(peer, Memory { idle, per_sandbox: extra / WAITING as u64 });
            worker.stop().await?;
        } else {
            let worker = Worker::start(broker, peer, 32, &cases[0]).await?;
            results.memory(peer, Memory { idle: worker.resident()?, per_sandbox: 0 });
            worker.stop().await?;
        }
    }
    Ok(results)
}
