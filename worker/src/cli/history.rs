//! `scriptmill history`: what the ledger remembers.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

use anstyle::Style;
use anyhow::bail;
use clap::Args;
use clap::builder::PossibleValuesParser;
use comfy_table::{Table, presets};
use humantime_serde::re::humantime;
use scriptmill::ledger::postgres::Postgres;
use scriptmill::ledger::{Attempt, Filter, Job, Ledger as _, Line};
use serde::Serialize;
use serde_json::value::RawValue;

use super::local;
use super::settings::{ConfigArguments, LedgerArguments};
use super::text::{indented, say, say_json, shown_json, tame};

const EXAMPLES: &str = "\
Examples:
  scriptmill history --since 1h
  scriptmill history --tenant acme.sales --status failed --since 2026-03-01T09:00:00Z --until 2026-03-01T10:00:00Z
  scriptmill history --script main.ts --json | jq '.[].jobId'
  scriptmill history acme.sales order-4711

Without an outcome a job's status is claimed, expired (the lease of its worker has run out) or released (it went back to
its queue). docs/ledger.md is about the ledger.

Exit code: 0, or 1 when the ledger does not answer or does not know the job, 2 for a wrong call.";

const STATUSES: [&str; 9] =
    ["succeeded", "failed", "exhausted", "rejected", "cancelled", "completed", "claimed", "expired", "released"];
/// The most jobs in a list, by default.
const LIMIT: u32 = 50;
const LIMIT_MAX: i64 = 10_000;
const BOLD: Style = Style::new().bold();

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Whose job is to be shown whole
    #[arg(value_name = "TENANT", requires = "job_id")]
    of: Option<String>,
    /// Its id
    #[arg(value_name = "JOB-ID", conflicts_with_all = ["tenant", "script", "status", "since", "until"])]
    job_id: Option<String>,
    /// Jobs of this tenant
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Jobs of the script whose main module has this name, or whose hash begins so
    #[arg(long, value_name = "NAME|HASH")]
    script: Option<String>,
    /// Jobs with this status
    #[arg(long, value_parser = PossibleValuesParser::new(STATUSES))]
    status: Option<String>,
    /// Jobs that were first claimed since: a time such as 2026-03-01T09:00:00Z, or for how long, such as 2h
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,
    /// Jobs that were first claimed before
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
    /// How many jobs at most, the latest first
    #[arg(long, short = 'n', default_value_t = LIMIT, value_parser = clap::value_parser!(u32).range(1..=LIMIT_MAX))]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ledger: LedgerArguments,
    #[command(flatten)]
    config: ConfigArguments,
}

/// A time, or how long ago it was.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    /// Since the Unix epoch.
    At(Duration),
    Ago(Duration),
}

impl Moment {
    fn since_epoch(self, now: Duration) -> Duration {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now.saturating_sub(ago),
        }
    }
}

fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(at) = humantime::parse_rfc3339_weak(text) {
        return Ok(Moment::At(at.duration_since(UNIX_EPOCH).unwrap_or_default()));
    }
    let wrong = |_| "must be a time such as 2026-03-01T09:00:00Z, or for how long, such as 2h".to_owned();
    humantime::parse_duration(text).map(Moment::Ago).map_err(wrong)
}

pub(crate) fn history(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { of, job_id, tenant, script, status, since, until, limit, json, ledger, config } = arguments;
    let mut options = config.load(ledger.settings())?.ledger;
    // This command only looks, so it does not change the tables.
    options.migrate = false;
    local::block_on(async {
        let now = local::clock().now();
        let ledger = Postgres::open(options).await?;
        let text = match (of, job_id) {
            (Some(tenant), Some(job_id)) => {
                let jobs = ledger.job(&tenant, &job_id).await?;
                if jobs.is_empty() {
                    bail!("the ledger does not know the job {job_id} of {tenant}");
                }
                if json { in_json(&whole(jobs))? } else { jobs.iter().map(record).collect() }
            }
            _ => {
                let at = |moment: Option<Moment>| moment.map(|moment| moment.since_epoch(now));
                // Hashes are written in small letters.
                let script = script.map(|script| if is_hash(&script) { script.to_lowercase() } else { script });
                let filter = Filter { tenant, script, status, since: at(since), until: at(until), limit };
                let lines = ledger.history(&filter).await?;
                if json { in_json(&lines.iter().map(Shown::from).collect::<Vec<_>>())? } else { table(&lines) }
            }
        };
        ledger.close().await;
        if json {
            say_json(text)?;
        } else {
            say(text)?;
        }
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

fn is_hash(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_hexdigit())
}

fn in_json(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(format!("{}\n", serde_json::to_string(value)?))
}

/// A line as JSON, with times as a person reads them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    tenant: &'a str,
    job_id: &'a str,
    generation: u32,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    script_name: &'a str,
    script_hash: &'a str,
    worker: &'a str,
    claims: u32,
    claimed_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded_at: Option<String>,
}

impl<'a> From<&'a Line> for Shown<'a> {
    fn from(line: &'a Line) -> Self {
        Self {
            tenant: &line.tenant,
            job_id: &line.job_id,
            generation: line.generation,
            status: &line.status,
            code: line.code.as_deref(),
            script_name: &line.script_name,
            script_hash: &line.script_hash,
            worker: &line.worker,
            claims: line.claims,
            claimed_at: time(line.claimed_ms),
            recorded_at: line.recorded_ms.map(time),
        }
    }
}

/// One job as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Whole {
    #[serde(flatten)]
    line: serde_json::Value,
    body_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_until: Option<String>,
    attempts: Vec<serde_json::Value>,
    /// The outcome's own text, so that no number is parsed and written again.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Box<RawValue>>,
}

fn whole(jobs: Vec<Job>) -> Vec<Whole> {
    let attempt = |Attempt { worker, attempt, claimed_ms, released_ms }: &Attempt| {
        let mut shown = serde_json::json!({ "worker": worker, "attempt": attempt, "claimedAt": time(*claimed_ms) });
        if let Some(ms) = released_ms {
            shown["releasedAt"] = time(*ms).into();
        }
        shown
    };
    let all = jobs.into_iter().map(|job| Whole {
        line: serde_json::to_value(Shown::from(&job.line)).unwrap_or_default(),
        lease_until: job.lease_ms.map(time),
        attempts: job.attempts.iter().map(attempt).collect(),
        outcome: job.outcome.and_then(|body| RawValue::from_string(String::from_utf8(body.into()).ok()?).ok()),
        body_hash: job.body_hash,
    });
    all.collect()
}

fn table(lines: &[Line]) -> String {
    if lines.is_empty() {
        return "no job\n".to_owned();
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["claimed", "tenant", "job", "status", "code", "claims", "script", "worker"]);
    for line in lines {
        let job = match line.generation {
            0 => line.job_id.clone(),
            generation => format!("{} (replay {generation})", line.job_id),
        };
        table.add_row([
            time(line.claimed_ms),
            tame(&line.tenant),
            tame(&job),
            line.status.clone(),
            line.code.clone().unwrap_or_default(),
            line.claims.to_string(),
            format!("{} {}", tame(&line.script_name), short(&line.script_hash)),
            tame(&line.worker),
        ]);
    }
    format!("{}\n", table.trim_fmt())
}

/// One job for a person.
fn record(job: &Job) -> String {
    let Line { tenant, job_id, generation, status, code, script_name, script_hash, .. } = &job.line;
    let mut out = format!("{BOLD}{} of {tenant}{BOLD:#}", tame(job_id));
    if *generation > 0 {
        _ = write!(out, ", replay {generation}");
    }
    let code = code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    _ = writeln!(out, "\n  status    {status}{code}");
    _ = writeln!(out, "  script    {} {script_hash}", tame(script_name));
    _ = writeln!(out, "  message   {}", job.body_hash);
    _ = writeln!(out, "  claims    {}", job.line.claims);
    for Attempt { worker, attempt, claimed_ms, released_ms } in &job.attempts {
        let released = released_ms.map(|ms| format!(", given back {}", time(ms))).unwrap_or_default();
        _ = writeln!(out, "    {} by {}, attempt {attempt}{released}", time(*claimed_ms), tame(worker));
    }
    if let Some(ms) = job.lease_ms {
        _ = writeln!(out, "  leased    until {}", time(ms));
    }
    if let Some(ms) = job.line.recorded_ms {
        _ = writeln!(out, "  recorded  {} by {}", time(ms), tame(&job.line.worker));
    }
    if let Some(outcome) = &job.outcome {
        _ = writeln!(out, "{}", shown_json(&indented(&String::from_utf8_lossy(outcome))));
    }
    out
}

fn time(ms: u64) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(ms)).to_string()
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_times_or_how_long_ago() {
        let cases = [
            ("1970-01-01T00:01:00Z", Some(Moment::At(Duration::from_secs(60)))),
            ("2h", Some(Moment::Ago(Duration::from_secs(7_200)))),
            ("yesterday", None),
        ];
        for (text, expected) in cases {
            assert_eq!(moment(text).ok(), expected, "{text}");
        }
        assert_eq!(Moment::Ago(Duration::from_secs(2)).since_epoch(Duration::from_secs(5)), Duration::from_secs(3));
    }

    #[test]
    fn one_job_reads_well_and_cannot_steer_the_terminal() {
        let line = Line {
            tenant: "acme".to_owned(),
            job_id: "order\u{1b}[2J".to_owned(),
            generation: 1,
            status: "failed".to_owned(),
            code: Some("SM2001".to_owned()),
            script_name: "main.ts".to_owned(),
            script_hash: "ab".repeat(32),
            worker: "pod-2".to_owned(),
            claims: 2,
            claimed_ms: 0,
            recorded_ms: Some(1_500),
        };
        let attempt =
            |worker: &str, released_ms| Attempt { worker: worker.to_owned(), attempt: 1, claimed_ms: 0, released_ms };
        let attempts = vec![attempt("pod-1", Some(500)), attempt("pod-2", None)];
        let outcome = Some(r#"{"value":1e400}"#.into());
        let job = Job { line, body_hash: "cd".repeat(32), lease_ms: None, attempts, outcome };
        let text = anstream::adapter::strip_str(&record(&job)).to_string();
        let expected = format!(
            "order\\u{{1b}}[2J of acme, replay 1\n  status    failed (SM2001)\n  script    main.ts {}\n  message   {}\n  claims    2\n    \
             1970-01-01T00:00:00.000Z by pod-1, attempt 1, given back 1970-01-01T00:00:00.500Z\n    \
             1970-01-01T00:00:00.000Z by pod-2, attempt 1\n  recorded  1970-01-01T00:00:01.500Z by pod-2\n{{\n  \"value\": 1e400\n}}\n",
            "ab".repeat(32),
            "cd".repeat(32),
        );
        assert_eq!(text, expected);
        let json = in_json(&whole(vec![job])).ok();
        assert!(json.as_ref().is_some_and(|json| json.contains(r#""outcome":{"value":1e400}"#)), "{json:?}");
    }
}
