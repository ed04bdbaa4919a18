//! What a storm of new scripts costs the jobs whose script is ready: `cargo xtask bench storm`.

use std::time::{Duration, Instant};

use crate::cases::Case;
use crate::load::Broker;
use crate::process::{Peer, Worker};

#[derive(clap::Args)]
pub(crate) struct Storm {
    /// Jobs that are sent at once, each with a script that was never seen before
    #[arg(long, default_value_t = 2_000)]
    scripts: usize,
    /// Rounds, each without the storm and with it
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Jobs a second whose script is ready
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// Seconds of each round without the storm
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
}

/// What goes through the worker beside the jobs whose latency is measured.
const BESIDE: [&str; 3] = ["nothing", "as many ready jobs", "the new scripts"];

pub(crate) async fn run(broker: &Broker, storm: &Storm) -> anyhow::Result<()> {
    let [_, order, ..] = Case::all();
    let scriptmill = Peer::scriptmill("scriptmill");
    let mut worker = Worker::start(broker, &scriptmill, 32, &order).await?;
    println!("{} order jobs a second, whose script is ready, beside {} new scripts at once", storm.rate, storm.scripts);
    println!("{:>6}  {:<18} {:>8} {:>8} {:>8}   µs", "round", "beside", "p50", "p99", "longest");
    let mut medians = [Vec::new(), Vec::new(), Vec::new()];
    let mut longest = [Vec::new(), Vec::new(), Vec::new()];
    for round in 0..storm.rounds {
        let first = round * storm.scripts;
        for (which, name) in BESIDE.into_iter().enumerate() {
            let began = Instant::now();
            let latencies = match which {
                0 => worker.latency(&order, storm.rate, Duration::from_secs_f64(storm.seconds)).await?,
                1 => worker.latency_beside(&order, storm.rate, vec![order.body(); storm.scripts]).await?,
                _ => {
                    let scripts = (first..first + storm.scripts).map(|number| order.new_script(number)).collect();
                    worker.latency_beside(&order, storm.rate, scripts).await?
                }
            };
            let [p50, p99] = [0.5, 0.99].map(|at| latencies.value_at_quantile(at));
            medians[which].push(p50);
            longest[which].push(latencies.max());
            let seconds = began.elapsed().as_secs_f64();
            println!("{:>6}  {name:<18} {p50:>8} {p99:>8} {:>8}   in {seconds:.1} s", round + 1, latencies.max());
        }
    }
    let [alone, _, storm] = medians.map(median);
    let [_, ready, new] = longest.map(median);
    println!("p50 beside the new scripts / alone: {:.2} (must: 2 at most)", storm / alone);
    println!("longest beside the new scripts / beside as many ready jobs: {:.2} (must: 2 at most)", new / ready);
    worker.stop().await
}

fn median(mut samples: Vec<u64>) -> f64 {
    samples.sort_unstable();
    samples[samples.len() / 2] as f64
}
