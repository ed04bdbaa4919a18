//! `scriptmill demo`: the whole worker over a queue in memory, with the examples as its jobs; or a fleet that scales itself.

#[cfg(feature = "kube")]
mod scaling;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytesize::ByteSize;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use prometheus_client::registry::Registry;
use scriptmill::broker::embedded::Embedded;
use scriptmill::broker::{Broker as _, Message, Properties, Target};
use scriptmill::config::{Config, log};
use scriptmill::metrics::Metrics;
use scriptmill::scale::Others;
use scriptmill::service::Parts;
use scriptmill_sdk::amqp::Envelope;
use scriptmill_sdk::{Ending, Job, Outcome};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::examples::{EXAMPLES, Example};
use super::settings::{BrokerArguments, ConfigArguments};
use super::text::{grouped, say, say_json, span, tame};
use super::{local, logs};

const HELP: &str = "\
The queue is in memory, so nothing needs to be installed; everything else is the worker as it runs in production.
The demo ends by itself after a few seconds. Exit code: 0 when every example gave the value it should, else 1.

With --scaling it needs RabbitMQ, and shows how many workers there are while the load rises tenfold and falls: processes that
stand in for Kubernetes' HPA and Deployment start and end them. It takes some three minutes. Exit code: 0 when each job
succeeded, once.";

/// Jobs after the examples, to see how fast they go.
const JOBS: usize = 500;
/// The example they run.
const BUSY: &str = "order-total";
/// How long to wait for the next outcome.
const PATIENCE: Duration = Duration::from_secs(60);
/// The queue that outcomes come back on.
const REPLIES: &str = "demo";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    /// Print the examples' outcomes, each as one line of JSON, and stop. Ids are the examples' names, the tenant is demo
    #[arg(long)]
    outcomes: bool,
    /// Where the examples' clock stands, such as 2026-01-31T09:00:00Z [default: the real time]
    #[arg(long, value_name = "TIME")]
    clock: Option<String>,
    /// Show workers that come and go by the number that they say themselves, on RabbitMQ
    #[cfg(feature = "kube")]
    #[arg(long, conflicts_with_all = ["outcomes", "clock"])]
    scaling: bool,
    /// How long each of the three stretches of load lasts
    #[cfg(feature = "kube")]
    #[arg(long, value_name = "TIME", default_value = "60s", requires = "scaling", value_parser = stretch)]
    stretch: Duration,
    #[command(flatten)]
    broker: BrokerArguments,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(crate) fn demo(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let passed = [arguments.broker.arguments(), arguments.config.arguments()].concat();
    let mut config = arguments.config.load(arguments.broker.settings())?;
    if config.log.filter == log::Options::default().filter {
        // The table is what counts here, so the log is quieter by default.
        config.log.filter = "warn".to_owned();
    }
    let _log = logs::start(&config.log)?;
    let runtime = Runtime::new().context("the runtime cannot be started")?;
    #[cfg(feature = "kube")]
    if arguments.scaling {
        let good = runtime.block_on(scaling::play(&config, passed, arguments.stretch))?;
        return Ok(ExitCode::from(u8::from(!good)));
    }
    let good = runtime.block_on(play(config, arguments.outcomes, arguments.clock.as_deref()))?;
    Ok(ExitCode::from(u8::from(!good)))
}

/// Reads how long a stretch lasts.
#[cfg(feature = "kube")]
fn stretch(text: &str) -> Result<Duration, String> {
    let duration = humantime_serde::re::humantime::parse_duration(text).map_err(|error| error.to_string())?;
    let is_possible = (Duration::from_secs(10)..=Duration::from_secs(3_600)).contains(&duration);
    is_possible.then_some(duration).ok_or_else(|| "must be from 10s to 1h".to_owned())
}

/// Starts the worker over a queue in memory, sends the examples and then many jobs, and stops the worker again. Returns
/// whether all went as it should.
async fn play(config: Config, outcomes: bool, clock: Option<&str>) -> anyhow::Result<bool> {
    let broker = Embedded::new(JOBS + EXAMPLES.len());
    broker.declare_requester(REPLIES);
    let process_clock = local::clock();
    let metrics = Metrics::new(&mut Registry::default(), process_clock.clone());
    let slots = config.worker.slots.get();
    let sandbox = local::sandbox(&config, local::checker(&config)?, slots, process_clock.clone())?;
    let policy = config.worker.policy(false, sandbox.engine_hash());
    let parts = Parts {
        broker: Arc::new(broker.clone()),
        cancels: None,
        runner: Arc::new(sandbox),
        policy,
        clock: process_clock.clone(),
        metrics,
        retry_pause_max: config.broker.retry_pause_max,
        isolation: None,
        others: Arc::new(Others::new(process_clock)),
        leases: None,
        promised_wait: config.scaling.policy.promise.wait,
    };
    let service = config.worker.build(parts).context("the threads that run scripts cannot be started")?;
    let drain = CancellationToken::new();
    let worker = tokio::spawn(service.run(drain.clone()));

    let shown = show_examples(&broker, clock).await?;
    let mut good = shown.iter().all(|shown| shown.as_expected);
    if outcomes {
        for Shown { outcome, .. } in &shown {
            say_json(serde_json::to_string(outcome)?)?;
        }
    } else {
        say(format_args!("{}\n", table(&shown)))?;
        good &= throughput(&broker).await?;
    }
    drain.cancel();
    worker.await.context("the worker broke")?.context("the worker stopped")?;
    Ok(good)
}

/// Sends many jobs of one example and says how fast they went. Returns whether all of them succeeded.
async fn throughput(broker: &Embedded) -> anyhow::Result<bool> {
    let example = EXAMPLES.iter().find(|example| example.name == BUSY).context("the example for many jobs is gone")?;
    let clock = local::clock();
    let began = clock.monotonic();
    for number in 0..JOBS {
        publish(broker, &job(example, format!("{BUSY}-{number}"), None)?).await?;
    }
    let mut succeeded = 0;
    for _ in 0..JOBS {
        succeeded += usize::from(matches!(outcome(broker).await?.ending, Ending::Succeeded(_)));
    }
    let seconds = clock.monotonic().saturating_sub(began).as_secs_f64();
    let rate = JOBS as f64 / seconds.max(f64::MIN_POSITIVE);
    say(format_args!(
        "{succeeded} of {JOBS} jobs of {BUSY} succeeded in {seconds:.2} s: {rate:.0} a second, each in a sandbox of its own\n"
    ))?;
    Ok(succeeded == JOBS)
}

/// What one example gave.
struct Shown {
    example: &'static Example,
    outcome: Outcome,
    as_expected: bool,
}

fn job(example: &Example, id: String, clock: Option<&str>) -> anyhow::Result<Job> {
    example.job(id, clock).with_context(|| format!("the input of example {} is not JSON", example.name))
}

async fn publish(broker: &Embedded, job: &Job) -> anyhow::Result<()> {
    let envelope = Envelope {
        message_id: Some(job.id.clone()),
        correlation_id: Some(job.id.clone()),
        reply_to: Some(REPLIES.to_owned()),
        enqueued_at_ms: u64::try_from(local::clock().now().as_millis()).ok(),
        attempt: 1,
        ..Envelope::default()
    };
    let message = Message { body: serde_json::to_vec(job)?.into(), properties: Properties::of_job(&envelope) };
    broker.publish(&Target::JOBS, &message).await?;
    Ok(())
}

async fn outcome(broker: &Embedded) -> anyhow::Result<Outcome> {
    let message = tokio::time::timeout(PATIENCE, broker.take(REPLIES)).await.context("an outcome did not come")?;
    serde_json::from_slice(&message.body).context("an outcome cannot be read")
}

/// Sends every example once, and puts the outcomes in the order of the examples.
async fn show_examples(broker: &Embedded, clock: Option<&str>) -> anyhow::Result<Vec<Shown>> {
    for example in EXAMPLES {
        publish(broker, &job(example, example.name.to_owned(), clock)?).await?;
    }
    let mut outcomes = BTreeMap::new();
    for _ in EXAMPLES {
        let outcome = outcome(broker).await?;
        outcomes.insert(outcome.job_id.clone(), outcome);
    }
    let shown = |example: &'static Example| {
        let outcome = outcomes.remove(example.name).with_context(|| format!("{} has no outcome", example.name))?;
        let as_expected = as_expected(&outcome, example.expected);
        anyhow::Ok(Shown { example, outcome, as_expected })
    };
    EXAMPLES.iter().map(shown).collect()
}

/// Whether a job gave the value that it should. Values are compared as JSON: layout and the order of keys don't count.
fn as_expected(outcome: &Outcome, expected: &str) -> bool {
    let Ending::Succeeded(value) = &outcome.ending else {
        return false;
    };
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    read(value.get()).is_some_and(|value| Some(value) == read(expected))
}

fn table(shown: &[Shown]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header(["example", "outcome", "fuel", "memory", "prepared", "ran", "waited on the host"]);
    for Shown { example, outcome, as_expected } in shown {
        let usage = &outcome.usage;
        let ending = match (&outcome.ending, as_expected) {
            (Ending::Succeeded(_), true) => "as expected".to_owned(),
            (Ending::Succeeded(value), false) => format!("another value: {}", tame(value.get())),
            (ending, _) => match ending.code() {
                Some(code) => format!("{} ({code})", ending.status()),
                None => ending.status().to_owned(),
            },
        };
        table.add_row([
            example.name.to_owned(),
            ending,
            grouped(usage.fuel),
            ByteSize(usage.peak_memory_bytes).to_string(),
            span(usage.times.prepared_us),
            span(usage.times.ran_us),
            // Without host calls there was nothing to wait for.
            if usage.host_calls > 0 { span(usage.times.host_us) } else { String::new() },
        ]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
