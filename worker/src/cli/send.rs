//! `scriptmill send`: many jobs of one script through the dispatch client, and what came back.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use futures_util::{StreamExt as _, stream};
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use scriptmill::config::Config;
use scriptmill_sandbox::Clock;
use scriptmill_sdk::client::{Client, Options};
use scriptmill_sdk::retry::Retry;
use scriptmill_sdk::{Ending, Job, Outcome, Warning};
use serde::Serialize;

use super::jobs::JobArguments;
use super::settings::{BrokerArguments, ConfigArguments};
use super::text::{grouped, say, say_json, shown_json, span, tame};
use super::{bundle, local};

const EXAMPLES: &str = "\
Examples:
  scriptmill send examples/order-total/main.ts --input examples/order-total/input.json
  scriptmill send order.ts --input order.json --count 10000 --concurrency 500
  scriptmill send order.ts --broker amqp://mq-1,amqp://mq-2 --json | jq .latencyMs

Exit code: 0 when every job came back and succeeded, 1 when not, 2 for a wrong call.";

/// Longer latencies count as this one: an hour, in microseconds.
const LATENCY_US_MAX: u64 = 3_600_000_000;
/// The longest pause before a job that did not reach the queue is sent again.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(6);

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    job: JobArguments,
    /// Jobs to send. Above one, ids given with --id end in -1, -2 …
    #[arg(long, short = 'n', default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// Jobs sent and not yet back, at one time
    #[arg(long, short = 'c', default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    concurrency: u64,
    /// How long to wait for the outcome of a job before it counts as lost
    #[arg(long, default_value = "60s", value_parser = humantime_serde::re::humantime::parse_duration)]
    timeout: Duration,
    /// Print every outcome, as one line of JSON, and the summary on standard error
    #[arg(long)]
    outcomes: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    broker: BrokerArguments,
    #[command(flatten)]
    config: ConfigArguments,
}

/// What came back.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    jobs: u64,
    /// Outcomes by status.
    outcomes: BTreeMap<&'static str, u64>,
    /// Outcomes that did not succeed, by code.
    codes: BTreeMap<String, u64>,
    /// Warnings in outcomes, by code.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    warnings: BTreeMap<String, u64>,
    /// The message of the first warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_warning: Option<String>,
    /// Jobs whose outcome never came.
    lost: u64,
    /// Jobs that the broker never took.
    unsent: u64,
    /// Outcomes beyond the first of a job.
    duplicates: u64,
    seconds: f64,
    jobs_per_second: f64,
    latency_ms: BTreeMap<&'static str, f64>,
    /// Why the first job without an outcome has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_error: Option<String>,
}

/// What became of one job.
enum Back {
    Outcome(Box<Outcome>, Duration),
    Lost(anyhow::Error),
    Unsent(anyhow::Error),
}

pub(crate) fn send(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config = arguments.config.clone().load(arguments.broker.clone().settings())?;
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
    let summary = runtime.block_on(async {
        let script = bundle::read(&arguments.job.script, &local::checker(&config)?).await?;
        let job = arguments.job.job(script.bundle)?;
        let client = Client::connect(options(&config, arguments.concurrency)).await?;
        let summary = send_all(&client, &job, &arguments).await?;
        client.close().await;
        anyhow::Ok(summary)
    })?;
    match (arguments.json, arguments.outcomes) {
        (true, true) => eprintln!("{}", shown_json(&serde_json::to_string_pretty(&summary)?)),
        (true, false) => say_json(serde_json::to_string_pretty(&summary)?)?,
        (false, true) => eprint!("{}", summary.sentences()),
        (false, false) => say(summary.sentences())?,
    }
    let good = summary.outcomes.get("succeeded") == Some(&summary.jobs) && summary.duplicates == 0;
    Ok(ExitCode::from(u8::from(!good)))
}

fn options(config: &Config, concurrency: u64) -> Options {
    Options {
        brokers: config.broker.brokers(),
        prefix: config.broker.prefix.clone(),
        name: "scriptmill send".to_owned(),
        in_flight_max: usize::try_from(concurrency).unwrap_or(usize::MAX),
        message_bytes_max: config.worker.message_size.as_u64(),
        retry_pause_max: config.broker.retry_pause_max,
        ..Options::to([])
    }
}

async fn send_all(client: &Client, job: &Job, arguments: &Arguments) -> anyhow::Result<Summary> {
    let mut latencies = Histogram::<u64>::new_with_bounds(1, LATENCY_US_MAX, 3)?;
    let mut summary = Summary { jobs: arguments.count, ..Summary::default() };
    let bar = progress(arguments.count);
    let clock = local::clock();
    let began = clock.monotonic();
    let jobs = (1..=arguments.count).map(|number| {
        let id = if arguments.count == 1 { job.id.clone() } else { format!("{}-{number}", job.id) };
        send_one(client, &*clock, Job { id, ..job.clone() }, arguments.timeout)
    });
    let concurrency = usize::try_from(arguments.concurrency).unwrap_or(usize::MAX);
    let mut answers = stream::iter(jobs).buffer_unordered(concurrency);
    while let Some(back) = answers.next().await {
        bar.inc(1);
        if let (true, Back::Outcome(outcome, _)) = (arguments.outcomes, &back) {
            say_json(serde_json::to_string(outcome)?)?;
        }
        summary.count(back, &mut latencies);
    }
    bar.finish_and_clear();
    summary.duplicates = client.counts().duplicates;
    summary.seconds = clock.monotonic().saturating_sub(began).as_secs_f64();
    summary.jobs_per_second = arguments.count as f64 / summary.seconds.max(f64::MIN_POSITIVE);
    let quantiles = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)];
    if !latencies.is_empty() {
        summary.latency_ms =
            quantiles.map(|(name, quantile)| (name, latencies.value_at_quantile(quantile) as f64 / 1e3)).into();
    }
    Ok(summary)
}

/// An outcome's warnings, and those of its batch's results.
fn warnings_of(outcome: &Outcome) -> impl Iterator<Item = &Warning> {
    let results = match &outcome.ending {
        Ending::Completed(results) => results.as_slice(),
        _ => &[],
    };
    outcome.warnings.iter().chain(results.iter().flat_map(|result| &result.warnings))
}

/// Sends one job and waits for its outcome. A job that may not have reached the queue is sent again under the same id.
async fn send_one(client: &Client, clock: &dyn Clock, job: Job, timeout: Duration) -> Back {
    let began = clock.monotonic();
    let elapsed = || clock.monotonic().saturating_sub(began);
    let mut retry = Retry::up_to(RETRY_PAUSE_MAX);
    let pending = loop {
        match client.dispatch(&job).await {
            Ok(pending) => break pending,
            Err(error) if error.is_transient() && elapsed() < timeout => tokio::time::sleep(retry.next_pause()).await,
            Err(error) => return Back::Unsent(error.into()),
        }
    };
    match pending.outcome(timeout).await {
        Ok(outcome) => Back::Outcome(Box::new(outcome), elapsed()),
        Err(error) => Back::Lost(error.into()),
    }
}

fn progress(count: u64) -> ProgressBar {
    // indicatif draws nothing where standard error is no terminal.
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} jobs, {per_sec}, {eta} left");
    let bar = ProgressBar::new(count);
    style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style))
}

impl Summary {
    fn count(&mut self, back: Back, latencies: &mut Histogram<u64>) {
        let error = match back {
            Back::Outcome(outcome, latency) => {
                *self.outcomes.entry(outcome.ending.status()).or_default() += 1;
                for Warning { code, message, .. } in warnings_of(&outcome) {
                    *self.warnings.entry(code.to_string()).or_default() += 1;
                    self.first_warning.get_or_insert_with(|| message.clone());
                }
                latencies.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
                let Some(code) = outcome.ending.code() else {
                    return;
                };
                *self.codes.entry(code.to_string()).or_default() += 1;
                return;
            }
            Back::Lost(error) => {
                self.lost += 1;
                error
            }
            Back::Unsent(error) => {
                self.unsent += 1;
                error
            }
        };
        self.first_error.get_or_insert_with(|| format!("{error:#}"));
    }

    fn sentences(&self) -> String {
        use std::fmt::Write as _;

        let mut out = format!(
            "{} {} in {:.1} s, {:.0} a second\n",
            grouped(self.jobs),
            if self.jobs == 1 { "job" } else { "jobs" },
            self.seconds,
            self.jobs_per_second
        );
        for (status, count) in &self.outcomes {
            _ = writeln!(out, "  {status:<10} {:>10}", grouped(*count));
        }
        for (code, count) in &self.codes {
            _ = writeln!(out, "    {code:<8} {:>10}", grouped(*count));
        }
        for (code, count) in &self.warnings {
            _ = writeln!(out, "  warned of  {:>10}  {code}", grouped(*count));
        }
        if let Some(warning) = &self.first_warning {
            _ = writeln!(out, "  the first warning: {}", tame(warning));
        }
        for (what, count) in [("lost", self.lost), ("not sent", self.unsent), ("twice", self.duplicates)] {
            _ = writeln!(out, "  {what:<10} {:>10}", grouped(count));
        }
        if !self.latency_ms.is_empty() {
            let quantile = |name| span((self.latency_ms.get(name).copied().unwrap_or_default() * 1e3) as u64);
            let quantiles = ["p50", "p90", "p99", "max"].map(|name| format!("{name} {}", quantile(name)));
            _ = writeln!(out, "  from dispatch to outcome: {}", quantiles.join(", "));
        }
        if let Some(error) = &self.first_error {
            _ = writeln!(out, "  the first one without an outcome: {}", tame(error));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::*;

    /// What is told of these outcomes, as JSON and as text.
    fn told(outcomes: &[Value]) -> (Value, String) {
        let mut latencies = Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).unwrap();
        let mut summary = Summary::default();
        for outcome in outcomes {
            let outcome: Outcome = serde_json::from_str(&outcome.to_string()).unwrap();
            summary.count(Back::Outcome(Box::new(outcome), Duration::from_millis(1)), &mut latencies);
        }
        (serde_json::to_value(&summary).unwrap(), summary.sentences())
    }

    #[test]
    fn warnings_are_counted_and_the_first_one_is_shown() {
        let lost =
            json!({ "code": "SM2201", "message": "value.a\u{1b} is NaN, written as null", "path": "value.a\u{1b}" });
        let left = json!({ "code": "SM2202", "message": "`save` still waited when the entry returned" });
        let (summary, sentences) = told(&[
            json!({ "jobId": "1", "tenant": "acme", "status": "succeeded", "value": 1 }),
            json!({ "jobId": "2", "tenant": "acme", "status": "succeeded", "value": null, "warnings": [lost] }),
            json!({ "jobId": "3", "tenant": "acme", "status": "completed", "warnings": [left], "results": [
                { "status": "succeeded", "value": 1, "warnings": [lost, left] },
                { "status": "succeeded", "value": 2 },
                { "status": "failed", "warnings": [lost],
                  "error": { "code": "SM2001", "message": "the script threw", "origin": "script", "retryable": false } },
            ] }),
        ]);
        assert_eq!(summary["warnings"], json!({ "SM2201": 3, "SM2202": 2 }));
        assert_eq!(summary["firstWarning"], lost["message"]);
        for line in [
            "\n  warned of           3  SM2201\n",
            "\n  warned of           2  SM2202\n",
            "\n  the first warning: value.a\\u{1b} is NaN, written as null\n",
        ] {
            assert!(sentences.contains(line), "{line:?} is not in {sentences}");
        }
    }

    #[test]
    fn where_nothing_is_warned_of_nothing_is_said_of_warnings() {
        let (summary, sentences) =
            told(&[json!({ "jobId": "1", "tenant": "acme", "status": "succeeded", "value": 1 })]);
        assert_eq!((summary.get("warnings"), summary.get("firstWarning")), (None, None));
        assert!(!sentences.contains("warn"), "{sentences}");
    }
}
