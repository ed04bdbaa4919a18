//! What scripts and requesters that mean harm cost their neighbours: `cargo xtask bench hostile`.
//!
//! A worker of 2 threads and 16 slots gets small jobs of one tenant at a steady rate. Beside them, a mix of hostile
//! jobs of other tenants tries to hurt it; each mix gets a new worker. It prints how long the small jobs took and
//! how much of that in the worker; the most memory of the worker and its children, against the sum that the worker
//! tells at start; and whether each hostile job ended as it does alone on an idle worker.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use scriptmill::config::{Config, Sources};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::cases::Case;
use crate::load::{Broker, Line, Sender};
use crate::process::{COMPLAINING, Peer, Worker};

#[derive(clap::Args)]
pub(crate) struct Hostile {
    /// Small jobs a second
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// Seconds of each mix
    #[arg(long, default_value_t = 20.0)]
    seconds: f64,
    /// Only mixes whose name holds this text, beside the endless loops
    #[arg(long)]
    mix: Option<String>,
}

/// How much longer small jobs may take beside a mix than beside endless loops, at p99.
const WORSE_MAX: f64 = 3.0;
/// The mix with which all others are compared.
const BASE: &str = "endless loops";
/// How long one hostile job may take on an idle worker.
const ALONE: Duration = Duration::from_secs(120);
/// Hostile jobs under way at one time. There are more slots than that, so that small jobs wait for threads and not for slots.
const UNDER_WAY: usize = 8;
/// Jobs whose outcomes are never read, sent at once.
const UNREAD: usize = 60;
const SAMPLES: Duration = Duration::from_millis(100);

struct Mix {
    name: &'static str,
    /// Returns the script and the input of the hostile job with this number.
    job: fn(usize) -> (String, Value),
    to: To,
}

/// Where the outcomes of a mix go.
#[derive(Clone, Copy, PartialEq)]
enum To {
    Requester,
    FullQueue,
    Malformed,
}

fn mixes() -> Vec<Mix> {
    let mix = |name, job| Mix { name, job, to: To::Requester };
    let small: fn(usize) -> _ = |_| ("export default () => 1;".to_owned(), Value::Null);
    vec![
        mix(BASE, |_| ("export default () => { for (;;); };".to_owned(), Value::Null)),
        mix("logs of a top level", |n| {
            let calls = "f(); ".repeat(8);
            (format!("const f = console.log; for (;;) {{ {calls}}} export default () => {n};"), Value::Null)
        }),
        mix("cancelled timers", |_| {
            ("export default () => { for (;;) clearTimeout(setTimeout(() => {}, 1e6)); };".to_owned(), Value::Null)
        }),
        mix("places of errors", |_| (error_places(), Value::Null)),
        mix("slow checks", |n| (slow_check(n), Value::Null)),
        mix("an enum that doubles", |n| (enum_doubles(n), Value::Null)),
        mix("many images", |n| {
            let fill = n % 256;
            let source = format!(
                "const table = new Uint8Array(3_000_000).fill({fill}); export default () => table.length + {n};"
            );
            (source, Value::Null)
        }),
        Mix { name: "a full reply queue", job: small, to: To::FullQueue },
        Mix { name: "a malformed reply-to", job: small, to: To::Malformed },
    ]
}

fn error_places() -> String {
    let body = "x=x+y;".repeat(51_200);
    format!(
        "let x=1,y=2;\nexport function library():void{{{body}}}\nexport default function(input:any){{ (Error as any).stackTraceLimit=1000;
  const make=(d:number,cause:any):Error=>{{ if(d===0) return new Error('e',{{cause}}); const made=make(d-1,cause); return made; }};
  let e:any=undefined; for(let i=0;i<9;i++) e=make(60,e); throw e; }}"
    )
}

fn slow_check(number: usize) -> String {
    let functions: String = (0..12_000).map(|n| format!("function f{n}(): void;\nf{n}();\n")).collect();
    format!("{functions}export default () => {number};")
}

fn enum_doubles(number: usize) -> String {
    let members: String = (1..24).map(|n| format!(" A{n} = A{0} + A{0},\n", n - 1)).collect();
    format!("enum E {{ A0 = 'xxxxxxxxxx',\n{members}}}\nexport default () => {number};")
}

/// How many jobs of a mix ended with each status and code.
type Verdicts = BTreeMap<String, usize>;

pub(crate) async fn run(broker: &Broker, options: &Hostile) -> anyhow::Result<()> {
    let told = Config::load(Sources::default())?.budget().bytes();
    println!("{} small jobs a second beside each; the worker tells {} MiB at start", options.rate, told >> 20);
    let [of_loops, within] = ["of loops'", "in worker"];
    println!("{:<22} {:>9} {:>9} {of_loops:>11} {within:>9} {:>10}  verdicts", "beside", "p50", "p99", "memory");
    let mut base = None;
    let mut broken = Vec::new();
    let wanted = |mix: &Mix| mix.name == BASE || options.mix.as_deref().is_none_or(|text| mix.name.contains(text));
    for (number, mix) in mixes().into_iter().filter(wanted).enumerate() {
        let measured = async {
            let alone = alone(broker, &mix, number).await?;
            anyhow::Ok((alone, beside(broker, options, &mix, number).await?))
        };
        let (alone, beside) = match measured.await {
            Ok(measured) => measured,
            Err(error) => {
                println!("{:<22} {error:#}", mix.name);
                broken.push(format!("{}: {error:#}", mix.name));
                continue;
            }
        };
        let base_p99 = *base.get_or_insert(beside.p99);
        let worse = beside.p99 as f64 / base_p99 as f64;
        let is_same = beside.verdicts.keys().all(|verdict| alone.is_empty() || alone.contains_key(verdict));
        let milliseconds = |micros: u64| format!("{:.1} ms", micros as f64 / 1e3);
        println!(
            "{:<22} {:>9} {:>9} {worse:>10.2}× {:>9} {:>6} MiB  {}",
            mix.name,
            milliseconds(beside.p50),
            milliseconds(beside.p99),
            milliseconds(beside.within_p99),
            beside.memory >> 20,
            said(&beside.verdicts, &alone, is_same),
        );
        for (holds, what) in [
            (worse <= WORSE_MAX, "small jobs wait too long"),
            (beside.memory <= told, "the worker takes more memory than it told"),
            (is_same, "a job ends otherwise than on an idle worker"),
        ] {
            if !holds {
                broken.push(format!("{}: {what}", mix.name));
            }
        }
    }
    anyhow::ensure!(broken.is_empty(), "not as it must be:\n{}", broken.join("\n"));
    Ok(())
}

fn said(verdicts: &Verdicts, alone: &Verdicts, is_same: bool) -> String {
    let list = |verdicts: &Verdicts| {
        let words: Vec<_> = verdicts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
        if words.is_empty() { "none".to_owned() } else { words.join(", ") }
    };
    if is_same { list(verdicts) } else { format!("{}, but alone {}", list(verdicts), list(alone)) }
}

/// How the first job of a mix ends on an idle worker.
async fn alone(broker: &Broker, mix: &Mix, number: usize) -> anyhow::Result<Verdicts> {
    let mut verdicts = Verdicts::new();
    if mix.to == To::Requester {
        let worker = start(broker).await?;
        let mut replies = broker.line(&format!("alone-{number}")).await?;
        let sender = worker.sender().replying_to(replies.sender.replies());
        sender.publish(&body(mix, 0), 0).await?;
        let outcome = tokio::time::timeout(ALONE, replies.next_answer()).await;
        let outcome = outcome.context("no outcome on an idle worker")??.context("nobody answers")?;
        *verdicts.entry(verdict(&outcome)?).or_default() += 1;
        worker.stop().await?;
    }
    Ok(verdicts)
}

struct Beside {
    p50: u64,
    p99: u64,
    /// The 99th percentile of the time in the worker.
    within_p99: u64,
    memory: u64,
    verdicts: Verdicts,
}

async fn beside(broker: &Broker, options: &Hostile, mix: &Mix, number: usize) -> anyhow::Result<Beside> {
    let [trivial, ..] = Case::all();
    let mut worker = start(broker).await?;
    let replies = broker.line(&format!("replies-{number}")).await?;
    let reply_to = match mix.to {
        To::Requester => replies.sender.replies().to_owned(),
        To::FullQueue => broker.full_queue(&format!("full-{number}")).await?,
        To::Malformed => "amq.rabbitmq.reply-to.AAAA.BBBB".to_owned(),
    };
    let sender = worker.sender().replying_to(&reply_to);
    let peak = sample(worker.pid());
    let span = Duration::from_secs_f64(options.seconds);
    let mut verdicts = Verdicts::new();
    let harm = harm(mix, sender, replies, &mut verdicts);
    let latencies = tokio::select! {
        latencies = worker.latency_and_within(&trivial, options.rate, span) => latencies,
        harmed = harm => Err(harmed.err().unwrap_or_else(|| anyhow::anyhow!("the hostile jobs ended"))),
    };
    let memory = peak.stop().await?;
    worker.stop().await?;
    let (latencies, within) = latencies?;
    let [p50, p99] = [0.5, 0.99].map(|at| latencies.value_at_quantile(at));
    Ok(Beside { p50, p99, within_p99: within.value_at_quantile(0.99), memory, verdicts })
}

async fn start(broker: &Broker) -> anyhow::Result<Worker> {
    let [trivial, ..] = Case::all();
    Worker::start(broker, &Peer::scriptmill(COMPLAINING), 32, &trivial).await
}

/// Sends hostile jobs for as long as it is polled, and counts how they end.
async fn harm(mix: &Mix, sender: Sender, mut replies: Line, verdicts: &mut Verdicts) -> anyhow::Result<()> {
    let at_once = if mix.to == To::Requester { UNDER_WAY } else { UNREAD };
    for number in 0..at_once {
        sender.publish(&body(mix, number), number as u64).await?;
    }
    if mix.to != To::Requester {
        return std::future::pending().await;
    }
    let mut number = at_once;
    loop {
        let Some(outcome) = replies.next_answer().await? else { anyhow::bail!("nobody answers") };
        *verdicts.entry(verdict(&outcome)?).or_default() += 1;
        sender.publish(&body(mix, number), number as u64).await?;
        number += 1;
    }
}

fn body(mix: &Mix, number: usize) -> Vec<u8> {
    let (source, input) = (mix.job)(number);
    let script = json!({ "modules": [{ "name": "main.ts", "source": source }] });
    let tenant = format!("hostile-{}", number % 5);
    json!({ "id": "hostile", "tenant": tenant, "script": script, "input": input }).to_string().into_bytes()
}

/// Status and code of an outcome.
fn verdict(outcome: &[u8]) -> anyhow::Result<String> {
    let outcome: Value = serde_json::from_slice(outcome)?;
    let [status, code] = [&outcome["status"], &outcome["error"]["code"]].map(|text| text.as_str().unwrap_or_default());
    Ok(format!("{status} {code}").trim().to_owned())
}

/// The most memory of a worker and its children: their pages, and the growth of files in memory.
struct Peak(JoinHandle<u64>, tokio::sync::oneshot::Sender<()>);

fn sample(pid: u32) -> Peak {
    let (stop, mut stopped) = tokio::sync::oneshot::channel();
    let sampling = tokio::spawn(async move {
        let (mut peak, before) = (0, shared_memory());
        let began = Instant::now();
        while stopped.try_recv().is_err() && began.elapsed() < Duration::from_secs(600) {
            let pages = crate::process::memory_of(pid, "Pss_Anon:").unwrap_or(0);
            peak = peak.max(pages + shared_memory().saturating_sub(before));
            tokio::time::sleep(SAMPLES).await;
        }
        peak
    });
    Peak(sampling, stop)
}

impl Peak {
    async fn stop(self) -> anyhow::Result<u64> {
        // Sending fails only if the sampling has ended by itself.
        let _ = self.1.send(());
        Ok(self.0.await?)
    }
}

/// Bytes of the files in memory of all processes.
fn shared_memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Shmem:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) << 10
}
