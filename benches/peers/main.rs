//! Scriptmill beside what users would pick instead: the same jobs over the same RabbitMQ, in turn, in one run.
//!
//! `cargo xtask bench peers` installs the peers and runs this. Every worker takes jobs from a quorum queue of its own,
//! runs each in a fresh sandbox, publishes the outcome persistently, waits for the confirm and acknowledges. For each kind of
//! job all workers are up from the beginning; only one is under load at a time, and the rounds go through all of them in turn,
//! so that what the machine does meanwhile hits all alike. Jobs that somebody waits for are of 1, 100 and 1,000 scripts in turn.
//! The tables show medians over the rounds.

mod cases;
mod compare;
mod echo;
mod figures;
mod hostile;
mod load;
#[path = "../memory.rs"]
mod memory;
mod process;
mod share;
mod storm;
mod tables;

use clap::{Parser, Subcommand};

use crate::load::Broker;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    comparison: compare::Options,
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
    if !matches!(arguments.role, Some(Role::Echo)) {
        runtime.block_on(process::ship_engine())?;
    }
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
        None => runtime
            .block_on(with_broker(&arguments.broker, async |broker| compare::run(broker, &arguments.comparison).await)),
    }
}

/// Connects to the broker and does the work. Whatever was made there is removed, also after an error or an interrupt.
async fn with_broker<T>(address: &str, work: impl AsyncFnOnce(&Broker) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let broker = Broker::connect(address).await?;
    let done = tokio::select! {
        done = work(&broker) => done,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    broker.clear().await?;
    done
}
