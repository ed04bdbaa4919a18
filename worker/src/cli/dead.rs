//! `scriptmill dead`: shows the messages that nobody could run or deliver, sends them again or removes them.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use lapin::types::AMQPValue;
use scriptmill::broker::amqp::{DeadLetter, DeadLetters};
use scriptmill::broker::{Header, Message, Routing, Target};
use scriptmill_sdk::amqp::{
    ATTEMPT, CODE, CRASHES, GENERATION, HISTORY, NOT_BEFORE, PASSES, RETRIES, STATUS, UNDELIVERED, UNROUTABLE,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::settings::{BrokerArguments, ConfigArguments};
use super::text::{say, say_json, tame};

const EXAMPLES: &str = "\
Examples:
  scriptmill dead list
  scriptmill dead list --code SM3002 --json
  scriptmill dead show 3f2a91c07b4e
  scriptmill dead replay 3f2a91c07b4e
  scriptmill dead replay --all --code SM5005
  scriptmill dead discard order-4711/approve

A letter is named by its key, which `list` shows, or by its job's id. A job that is replayed goes to the end of the queue of jobs as
a new one; an outcome goes to the queue that did not take it, or to the results exchange. While the command runs, the letters
that it looks at are not to be seen for others.

Exit code: 0 when all of it was done, 1 when the broker cannot be reached, a letter is not there or was not taken, 2 for a wrong call.";

/// Characters of a letter's key.
const KEY_CHARS: usize = 12;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
    /// Letters to look at, from the oldest on
    #[arg(long, global = true, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..))]
    limit: u16,
    /// Print JSON, one line a letter
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    broker: BrokerArguments,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the letters, the oldest first
    List(Filter),
    /// Show all that is known of one letter, and the message itself
    Show {
        /// Its key, or its job's id
        letter: String,
    },
    /// Send letters again, and remove each once the broker has it
    Replay(Choice),
    /// Remove letters for good
    Discard(Choice),
}

#[derive(Debug, Clone, Args)]
struct Filter {
    /// Only those with this code
    #[arg(long)]
    code: Option<String>,
    /// Only those of this tenant
    #[arg(long)]
    tenant: Option<String>,
}

#[derive(Debug, Args)]
struct Choice {
    /// Keys, or ids of jobs
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    letters: Vec<String>,
    /// All that are there
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filter: Filter,
}

/// What is known of a letter.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    key: String,
    /// `job` or `outcome`.
    kind: &'static str,
    /// The job's id.
    id: String,
    tenant: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Why it is here.
    reason: String,
    attempt: u32,
    crashes: u32,
    bytes: usize,
    history: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Identity {
    id: String,
    job_id: String,
    tenant: String,
}

impl Summary {
    fn of(message: &Message) -> Self {
        let envelope = message.properties.envelope();
        let Identity { id, job_id, tenant } = serde_json::from_slice(&message.body).unwrap_or_default();
        let is_outcome = text(message, STATUS).is_some();
        let id = [if is_outcome { job_id } else { id }, envelope.message_id.unwrap_or_default()];
        let id = id.into_iter().find(|id| !id.is_empty()).unwrap_or_default();
        let mut hash = Sha256::new();
        hash.update(id.as_bytes());
        hash.update(&message.body);
        envelope.history.iter().for_each(|entry| hash.update(entry.as_bytes()));
        let key = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let reason = envelope.history.last().cloned().or_else(|| died(message)).unwrap_or_default();
        Self {
            key: key.chars().take(KEY_CHARS).collect(),
            kind: if is_outcome { "outcome" } else { "job" },
            code: text(message, CODE),
            id,
            tenant,
            reason,
            attempt: envelope.attempt,
            crashes: envelope.crashes,
            bytes: message.body.len(),
            history: envelope.history,
        }
    }

    fn is_named(&self, name: &str) -> bool {
        self.key == name || self.id == name
    }
}

impl Filter {
    fn takes(&self, summary: &Summary) -> bool {
        let is =
            |wanted: &Option<String>, found: Option<&str>| wanted.as_deref().is_none_or(|wanted| found == Some(wanted));
        is(&self.code, summary.code.as_deref()) && is(&self.tenant, Some(&summary.tenant))
    }
}

fn text(message: &Message, name: &str) -> Option<String> {
    match message.properties.as_ref().headers().as_ref()?.inner().get(name)? {
        AMQPValue::LongString(text) => Some(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        _ => None,
    }
}

/// Why RabbitMQ itself has put a message here.
fn died(message: &Message) -> Option<String> {
    let headers = message.properties.as_ref().headers().as_ref()?;
    let AMQPValue::FieldArray(deaths) = headers.inner().get("x-death")? else { return None };
    let AMQPValue::FieldTable(death) = deaths.as_slice().first()? else { return None };
    let field = |name: &str| match death.inner().get(name) {
        Some(AMQPValue::LongString(text)) => String::from_utf8_lossy(text.as_bytes()).into_owned(),
        _ => String::new(),
    };
    Some(format!("RabbitMQ: {} in {}", field("reason"), field("queue")))
}

pub(crate) fn dead(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { action, limit, json, broker, config } = arguments;
    let options = config.load(broker.settings())?.broker;
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
    runtime.block_on(async {
        let mut letters = DeadLetters::open(&options, limit).await?;
        let done = act(&mut letters, action, json).await;
        letters.close().await;
        done
    })
}

async fn act(letters: &mut DeadLetters, action: Action, json: bool) -> anyhow::Result<ExitCode> {
    match action {
        Action::List(filter) => list(letters, &filter, json).await,
        Action::Show { letter } => show(letters, &letter, json).await,
        Action::Replay(choice) => each(letters, &choice, json, true).await,
        Action::Discard(choice) => each(letters, &choice, json, false).await,
    }
}

async fn list(letters: &mut DeadLetters, filter: &Filter, json: bool) -> anyhow::Result<ExitCode> {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(["key", "kind", "job", "tenant", "code", "why"]);
    let mut count = 0_usize;
    while let Some(letter) = letters.next().await? {
        let summary = Summary::of(&letter.message);
        if !filter.takes(&summary) {
            continue;
        }
        count += 1;
        if json {
            say_json(serde_json::to_string(&summary)?)?;
        } else {
            let code = summary.code.unwrap_or_default();
            let row = [summary.key, summary.kind.to_owned(), summary.id, summary.tenant, code, summary.reason];
            table.add_row(row.map(|cell| tame(&cell)));
        }
    }
    match (json, count) {
        (true, _) => {}
        (false, 0) => say("no dead letters\n")?,
        (false, _) => say(format_args!("{}\n", table.trim_fmt()))?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(letters: &mut DeadLetters, name: &str, json: bool) -> anyhow::Result<ExitCode> {
    while let Some(letter) = letters.next().await? {
        let summary = Summary::of(&letter.message);
        if !summary.is_named(name) {
            continue;
        }
        let body = String::from_utf8_lossy(&letter.message.body).into_owned();
        if json {
            // The message's own text if it is JSON, else that text as a JSON string.
            let message = RawValue::from_string(body.clone()).or_else(|_| serde_json::value::to_raw_value(&body))?;
            let whole = serde_json::json!({ "letter": summary, "message": message });
            say_json(whole)?;
        } else {
            let Summary { key, kind, id, tenant, code, attempt, crashes, bytes, history, reason } = summary;
            let code = code.unwrap_or_else(|| "none".to_owned());
            let (id, tenant, code) = (tame(&id), tame(&tenant), tame(&code));
            say(format_args!(
                "{key}: {kind} {id} of {tenant}\ncode {code}, attempt {attempt}, {crashes} deaths in quarantine, {bytes} bytes\n"
            ))?;
            let history = if history.is_empty() { vec![reason] } else { history };
            history.iter().try_for_each(|entry| say(format_args!("  {}\n", tame(entry))))?;
            say(format_args!("\n{}\n", tame(&body)))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    anyhow::bail!("there is no dead letter {name} among those that were looked at; --limit looks at more")
}

/// Sends again or removes each letter that is chosen.
async fn each(letters: &mut DeadLetters, choice: &Choice, json: bool, is_replay: bool) -> anyhow::Result<ExitCode> {
    let mut found = vec![false; choice.letters.len()];
    let mut refused = 0_usize;
    while let Some(letter) = letters.next().await? {
        let summary = Summary::of(&letter.message);
        let mut is_chosen = choice.all;
        for (name, found) in choice.letters.iter().zip(&mut found) {
            let is_named = summary.is_named(name);
            *found |= is_named;
            is_chosen |= is_named;
        }
        if !is_chosen || !choice.filter.takes(&summary) {
            continue;
        }
        let done = match is_replay {
            true => replay(letters, letter).await?,
            false => {
                letters.remove(letter).await?;
                "discarded".to_owned()
            }
        };
        refused += usize::from(done.starts_with("kept"));
        match json {
            true => say_json(serde_json::json!({ "letter": summary, "done": done }))?,
            false => say(format_args!("{} {} {}: {}\n", summary.key, summary.kind, tame(&summary.id), tame(&done)))?,
        }
    }
    let missing: Vec<_> =
        choice.letters.iter().zip(&found).filter(|(_, found)| !**found).map(|(name, _)| name).collect();
    ensure!(
        missing.is_empty(),
        "there is no dead letter {missing:?} among those that were looked at; --limit looks at more"
    );
    ensure!(refused == 0, "{refused} letters were not taken, and are still here");
    Ok(ExitCode::SUCCESS)
}

/// Sends a letter where it belongs, and removes it once the broker has it there. Returns what was done.
async fn replay(letters: &DeadLetters, letter: DeadLetter) -> anyhow::Result<String> {
    let properties = &letter.message.properties;
    let is_outcome = text(&letter.message, STATUS).is_some();
    let (target, place) = match text(&letter.message, UNROUTABLE).filter(|queue| !queue.is_empty()) {
        _ if !is_outcome => (Target::JOBS, "the queue of jobs".to_owned()),
        Some(queue) => (Target::Requester(queue.clone()), format!("the queue {queue}")),
        None => {
            let Identity { tenant, .. } = serde_json::from_slice(&letter.message.body).unwrap_or_default();
            (Target::Results { tenant }, "the results exchange".to_owned())
        }
    };
    // A job begins anew. What happened to it before stays in its history.
    let shed: &[&str] = match is_outcome {
        true => &[UNROUTABLE, UNDELIVERED, HISTORY],
        false => &[ATTEMPT, CRASHES, RETRIES, PASSES, NOT_BEFORE, CODE],
    };
    let mut envelope = properties.envelope();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    envelope.remember(u64::try_from(now.as_millis())?, "sent again from the dead letters");
    let job = [
        (HISTORY, Header::Texts(envelope.history)),
        // For the ledger the next generation is another job: it may run once, however often this letter is sent again.
        (GENERATION, Header::Number(i64::from(envelope.generation.saturating_add(1)))),
    ];
    let headers = job.into_iter().filter(|_| !is_outcome);
    let again =
        Message { properties: properties.without(shed).published_again(headers), body: letter.message.body.clone() };
    Ok(match letters.publish(&target, &again).await {
        Ok(Routing::Queued) => {
            letters.remove(letter).await?;
            format!("sent to {place}")
        }
        Ok(Routing::Unroutable) => format!("kept: {place} is not there"),
        Err(error) => format!("kept: {error}"),
    })
}
