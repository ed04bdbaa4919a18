//! Whether a worker that joins takes its share of a backlog: `cargo xtask bench share`.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cases::Case;
use crate::load::Broker;
use crate::process::{Peer, Worker};

#[derive(clap::Args)]
pub(crate) struct Share {
    /// Jobs that are sent at once
    #[arg(long, default_value_t = 1_500)]
    jobs: usize,
    /// After so many seconds the second worker is started
    #[arg(long, default_value_t = 3.0)]
    joins: f64,
    /// Rounds, each with a script that is new to the first worker and with one that it has prepared
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// Slots of each worker, and what its prefetch margin adds.
const PREFETCH: usize = 32;
const SLOTS: f64 = 16.0;
/// How long a job holds its slot, in seconds.
const SERVICE: f64 = 0.5;
const SOURCE: &str = "export default async function main() {\n  await sleep(500);\n}\n";

pub(crate) async fn run(broker: &Broker, share: &Share) -> anyhow::Result<()> {
    let scriptmill = Peer::scriptmill("scriptmill");
    let [trivial, ..] = Case::all();
    let case = Case { name: "half a second", source: SOURCE, input: Value::Null, hold: false, batch: None, scripts: 1 };
    // In the ideal case both work from when the second joins, and end together.
    let ideal = (share.jobs as f64 * SERVICE / SLOTS + share.joins) / 2.0;
    println!(
        "{} jobs of {SERVICE} s at once on one worker of {SLOTS} slots; a second is started after {} s: at best {ideal:.1} s",
        share.jobs, share.joins
    );
    for (name, is_known) in [("cold", false), ("warm", true)] {
        let mut longest = 0.0_f64;
        for round in 0..share.rounds {
            let mut first = Worker::start(broker, &scriptmill, PREFETCH, &trivial).await?;
            let body = case.new_script(round);
            if is_known {
                first.send(vec![body.clone()]).await?;
                first.answers(1, &case).await?;
            }
            let began = Instant::now();
            first.send(vec![body; share.jobs]).await?;
            tokio::time::sleep(Duration::from_secs_f64(share.joins).saturating_sub(began.elapsed())).await;
            let mut second = first.beside(broker, &scriptmill, PREFETCH)?;
            first.answers(share.jobs, &case).await?;
            let seconds = began.elapsed().as_secs_f64();
            longest = longest.max(seconds / ideal);
            println!("{name} {}: {seconds:.1} s", round + 1);
            second.kill().await?;
            first.stop().await?;
        }
        println!("{name}: {longest:.2} × the ideal time at most (must: 1.15 at most)");
    }
    Ok(())
}
