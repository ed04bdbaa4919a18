//! Whether a worker's memory stays flat: `cargo xtask bench soak --jobs 1000000` runs a million jobs through the whole
//! worker on a queue in memory and prints its memory at each tenth.
//!
//! The jobs are what a busy worker meets. Most are of a thousand scripts in turn and return. Some throw, use up their
//! fuel or their memory, or are no jobs at all. One in a hundred brings a script that was never seen before, so that
//! images are made all along and, once the default memory for them is used up, evicted.

mod memory;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use prometheus_client::registry::Registry;
use scriptmill::broker::embedded::Embedded;
use scriptmill::broker::{Broker as _, Message, Properties, Target};
use scriptmill::config::Config;
use scriptmill::metrics::Metrics;
use scriptmill::scale::Others;
use scriptmill::service::{Options, Parts};
use scriptmill_sandbox::prepare::{Bounds, Checker};
use scriptmill_sandbox::{Sandbox, TokioClock};
use scriptmill_sdk::amqp::Envelope;
use serde_json::json;
use tokio_util::sync::CancellationToken;

const REPLIES: &str = "replies";
/// Jobs under way at one time.
const UNDER_WAY: u64 = 64;
/// One of this many jobs brings a new script.
const NEW_SCRIPT_EVERY: u64 = 100;
/// The number of tenants to whom the scripts belong.
const TENANTS: u64 = 20;

#[derive(Parser)]
struct Arguments {
    /// Jobs to run
    #[arg(long, default_value_t = 100_000)]
    jobs: u64,
    /// Scripts that take turns in most of them
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    scripts: u64,
    // What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { jobs, scripts, .. } = Arguments::parse();
    let clock = Arc::new(TokioClock::new(tokio::runtime::Handle::current()));
    let mut options = scriptmill_sandbox::Options::new(Checker::in_process(Bounds::default()), clock.clone());
    options.image_cache_bytes = Config::default().sandbox.image_cache.as_u64();
    options.cache_dir = Some(env!("CARGO_TARGET_TMPDIR").into());
    let sandbox = Sandbox::new(options).context("the sandbox")?;
    let options = Options::default();
    let policy = options.policy(false, sandbox.engine_hash());
    let broker = Embedded::new(2 * UNDER_WAY as usize);
    broker.declare_requester(REPLIES);
    let metrics = Metrics::new(&mut Registry::default(), clock.clone());
    let parts = Parts {
        broker: Arc::new(broker.clone()),
        cancels: None,
        runner: Arc::new(sandbox),
        policy,
        clock: clock.clone(),
        metrics,
        retry_pause_max: Duration::from_secs(1),
        isolation: None,
        others: Arc::new(Others::new(clock)),
        leases: None,
        promised_wait: Duration::from_secs(1),
    };
    let service = options.build(parts)?;
    let drain = CancellationToken::new();
    let worker = tokio::spawn(service.run(drain.clone()));

    println!("{:>12} {:>10} {:>14}", "jobs", "jobs/s", "memory MB");
    let tenth = (jobs / 10).max(1);
    let mut tenths = Vec::new();
    let mut began = Instant::now();
    for number in 0..jobs + UNDER_WAY {
        if number < jobs {
            publish(&broker, number, scripts).await?;
        }
        if number < UNDER_WAY {
            continue;
        }
        broker.take(REPLIES).await;
        let done = number + 1 - UNDER_WAY;
        if done.is_multiple_of(tenth) {
            let rate = tenth as f64 / began.elapsed().as_secs_f64();
            let memory = memory::taken(&[std::process::id()])? as f64 / 1e6;
            println!("{done:>12} {rate:>10.0} {memory:>14.1}");
            tenths.push(memory);
            began = Instant::now();
            // Removes the dead letters of messages that were no jobs.
            while tokio::time::timeout(Duration::ZERO, broker.take_dead()).await.is_ok() {}
        }
    }
    if let (Some(half), Some(end)) = (tenths.get(4), tenths.get(9)) {
        println!("memory at the end / at half of the jobs: {:.2}", end / half);
    }
    drain.cancel();
    worker.await.context("the worker broke")?.context("the worker stopped").map(drop)
}

async fn publish(broker: &Embedded, number: u64, scripts: u64) -> anyhow::Result<()> {
    // Fifteen of twenty jobs are of the scripts in turn.
    let own = (number / 20 * 15 + number % 20) % scripts;
    let source = match number % 20 {
        0 => "export default () => { throw new RangeError('asked to'); };".to_owned(),
        1 => "export default () => { for (;;); };".to_owned(),
        2 => "export default () => { const all = []; for (;;) all.push('a'.repeat(1e5) + all.length); };".to_owned(),
        3 => "export default () => new Promise((done) => setTimeout(done, 1));".to_owned(),
        4 => "export default () => Array.from({ length: 2000 }, (_, n) => ({ n, text: `${n}` }));".to_owned(),
        _ if number % NEW_SCRIPT_EVERY == 7 => format!("const own = {number};\nexport default () => own;"),
        _ => format!(
            "const own = {own};\nexport default (input) => ({{ ...input, sum: input.rows.reduce((sum, row) => sum + row, own) }});"
        ),
    };
    let script = json!({ "modules": [{ "name": "main.ts", "source": source }] });
    let input = json!({ "rows": (0..50).collect::<Vec<_>>(), "text": "x".repeat(500) });
    let limits = json!({ "fuel": 20_000_000, "memoryBytes": 16 << 20 });
    let tenant = format!("soak-{}", own % TENANTS);
    let mut job =
        json!({ "id": number.to_string(), "tenant": tenant, "script": script, "input": input, "limits": limits });
    if number % 1_000 == 5 {
        job["tenant"] = json!("NOBODY");
    }
    let envelope = Envelope { reply_to: Some(REPLIES.to_owned()), attempt: 1, ..Envelope::default() };
    let message = Message { body: job.to_string().into(), properties: Properties::of_job(&envelope) };
    broker.publish(&Target::JOBS, &message).await?;
    Ok(())
}
