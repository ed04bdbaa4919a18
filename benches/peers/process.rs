//! The workers as processes: how each is started, and what Linux says of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::future::try_join_all;
use hdrhistogram::Histogram;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::cases::Case;
use crate::load::{Broker, Line, Sender, UNTIMED};
use crate::memory;
use crate::tables::{ECHO, OWN};

/// `/proc` counts processor time in hundredths of a second, on every architecture.
const TICK: Duration = Duration::from_millis(10);
/// Once memory has not grown for this long, all processes have started and all sandboxes are open.
pub(crate) const QUIET: Duration = Duration::from_millis(1500);

/// The hostile jobs make a worker of this name log complaints, which nobody needs to read.
pub(crate) const COMPLAINING: &str = "hostile";

/// The engine as an image ships it, compiled beforehand.
pub(crate) fn shipped_engine() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("shipped").join("engine.bin")
}

/// Compiles the engine into [`shipped_engine`].
pub(crate) async fn ship_engine() -> anyhow::Result<()> {
    let mut precompile = Command::new(env!("CARGO_BIN_EXE_scriptmill"));
    precompile.arg("precompile").arg("--output").arg(shipped_engine()).stdout(Stdio::null());
    anyhow::ensure!(precompile.status().await?.success(), "the engine could not be compiled");
    Ok(())
}

pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Processes that share the queue.
    pub(crate) processes: usize,
}

pub(crate) enum Kind {
    Echo,
    Scriptmill,
    /// A program of `node_modules` that runs `worker.mjs`.
    Node {
        program: PathBuf,
    },
}

impl Peer {
    /// All peers. Those that run scripts on one thread also come with `threads` processes, as many as Scriptmill has threads for scripts.
    pub(crate) fn all(node_modules: Option<&Path>, threads: usize) -> Vec<Self> {
        let mut peers = vec![Self { name: ECHO, kind: Kind::Echo, processes: 1 }, Self::scriptmill(OWN)];
        let programs =
            [("isolated-vm", "node"), ("quickjs-emscripten", "node"), ("bun-vm", "bun"), ("node-vm", "node")];
        let counts = if threads > 1 { vec![1, threads] } else { vec![1] };
        for processes in counts {
            peers.extend(programs.into_iter().flat_map(|(name, program)| {
                let program = node_modules.map(|modules| modules.join(".bin").join(program));
                program.map(|program| Self { name, kind: Kind::Node { program }, processes })
            }));
        }
        peers
    }

    pub(crate) fn scriptmill(name: &'static str) -> Self {
        Self { name, kind: Kind::Scriptmill, processes: 1 }
    }

    /// Its name in the tables.
    pub(crate) fn label(&self) -> String {
        match self.processes {
            1 => self.name.to_owned(),
            processes => format!("{} × {processes}", self.name),
        }
    }

    /// The script of a job that waits in its sandbox. Returns `None` for the echo worker, which has no sandbox.
    pub(crate) fn waiting_script(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Echo => None,
            Kind::Scriptmill => Some("async function main() {\n  await sleep(25000);\n}\n"),
            Kind::Node { .. } => Some(include_str!("scripts/trivial.js")),
        }
    }

    fn command(&self, broker: &Broker, line: &Line, prefetch: usize, cache: &Path) -> anyhow::Result<Command> {
        let mut command = match &self.kind {
            Kind::Echo => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg("echo");
                command
            }
            Kind::Scriptmill => {
                let slots = prefetch.saturating_sub(16).max(1);
                let mut command = Command::new(env!("CARGO_BIN_EXE_scriptmill"));
                command
                    .arg("work")
                    .env("SCRIPTMILL_BROKER__ADDRESSES", &broker.address)
                    .env("SCRIPTMILL_BROKER__PREFIX", &line.prefix)
                    .env("SCRIPTMILL_WORKER__SLOTS", slots.to_string())
                    .env("SCRIPTMILL_WORKER__MESSAGE_SIZE", if slots > 64 { "64KiB" } else { "8MiB" })
                    // With the default of 64 MiB for each slot they would not fit into memory, and the worker would refuse to start.
                    .env("SCRIPTMILL_WORKER__LIMITS__MEMORY", if slots > 64 { "16MiB" } else { "64MiB" })
                    .env("SCRIPTMILL_SANDBOX__CACHE_DIR", cache)
                    .env("SCRIPTMILL_SANDBOX__PRECOMPILED", shipped_engine())
                    .env("SCRIPTMILL_HTTP__ADDRESS", "off")
                    .env("SCRIPTMILL_LOG__FILTER", "warn");
                command
            }
            Kind::Node { program } => {
                let mut command = Command::new(program);
                if self.name == "isolated-vm" {
                    command.arg("--no-node-snapshot");
                }
                let worker = program.ancestors().nth(3).context("node_modules has no parent")?.join("worker.mjs");
                command.arg(worker).arg(self.name).env("NODE_COMPILE_CACHE", cache);
                command
            }
        };
        command
            .env("AMQP_URL", &broker.address)
            .env("QUEUE", &line.sender.jobs)
            .env("PREFETCH", prefetch.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(if self.name == COMPLAINING { Stdio::null() } else { Stdio::inherit() })
            .kill_on_drop(true);
        Ok(command)
    }
}

/// A worker that runs, in one process or in several.
pub(crate) struct Worker {
    line: Line,
    children: Vec<Child>,
    pids: Vec<u32>,
    /// Its answers are the jobs themselves.
    is_echo: bool,
    /// From the start of the process to the first outcome.
    pub(crate) first_outcome: Duration,
}

/// What a worker did under load.
pub(crate) struct Work {
    pub(crate) jobs_per_second: f64,
    /// Processor time of the worker, its children included, for each job.
    pub(crate) cpu_us: f64,
    /// Memory that it takes afterwards, in bytes.
    pub(crate) memory: u64,
}

impl Worker {
    /// Starts a worker for which a job waits already, with the cache that earlier starts have filled.
    pub(crate) async fn start(broker: &Broker, peer: &Peer, prefetch: usize, first: &Case) -> anyhow::Result<Self> {
        Self::start_with(broker, peer, prefetch, first, warm_cache()).await
    }

    /// As [`Worker::start`], with the folder in which the worker keeps what makes its next start faster.
    pub(crate) async fn start_with(
        broker: &Broker,
        peer: &Peer,
        prefetch: usize,
        first: &Case,
        cache: &Path,
    ) -> anyhow::Result<Self> {
        let mut line = broker.line(&format!("{}-{}", peer.name, peer.processes)).await?;
        line.sender.publish(&first.body(), 0).await?;
        let mut command = peer.command(broker, &line, prefetch, cache)?;
        let began = Instant::now();
        let (mut children, mut pids) = (Vec::new(), Vec::new());
        for _ in 0..peer.processes {
            let child = command.spawn().with_context(|| format!("{command:?}"))?;
            pids.push(child.id().context("it ended at once")?);
            children.push(child);
        }
        let (_, outcome) = line.answer().await?;
        let first_outcome = began.elapsed();
        let is_echo = matches!(peer.kind, Kind::Echo);
        if !is_echo {
            first.check(&outcome)?;
        }
        Ok(Self { line, children, pids, is_echo, first_outcome })
    }

    /// Starts another worker on the same queue.
    pub(crate) fn beside(&self, broker: &Broker, peer: &Peer, prefetch: usize) -> anyhow::Result<Child> {
        let mut command = peer.command(broker, &self.line, prefetch, warm_cache())?;
        command.spawn().with_context(|| format!("{command:?}"))
    }

    /// Sends jobs at once.
    pub(crate) async fn send(&self, jobs: Vec<Vec<u8>>) -> anyhow::Result<()> {
        let sender = &self.line.sender;
        let sent = jobs.iter().enumerate().map(|(number, job)| sender.publish(job, number as u64));
        try_join_all(sent).await?;
        Ok(())
    }

    /// Waits for `count` answers.
    pub(crate) async fn answers(&mut self, count: usize, case: &Case) -> anyhow::Result<()> {
        for _ in 0..count {
            let (_, answer) = self.line.answer().await?;
            case.check(&answer)?;
        }
        Ok(())
    }

    /// Keeps the worker busy for `span`.
    pub(crate) async fn load(&mut self, case: &Case, concurrency: usize, span: Duration) -> anyhow::Result<Work> {
        self.work(case, concurrency, span, 0).await
    }

    /// Gives the worker `of_each` jobs of each script.
    pub(crate) async fn jobs(&mut self, case: &Case, concurrency: usize, of_each: usize) -> anyhow::Result<Work> {
        self.work(case, concurrency, Duration::ZERO, (of_each * case.scripts) as u64).await
    }

    async fn work(&mut self, case: &Case, concurrency: usize, span: Duration, jobs_min: u64) -> anyhow::Result<Work> {
        let before = self.cpu()?;
        let is_echo = self.is_echo;
        let check = |answer: &[u8]| if is_echo { Ok(()) } else { case.check(answer) };
        let load = self.line.load(&case.bodies(), concurrency, span, jobs_min, check).await?;
        let used = self.cpu()?.saturating_sub(before);
        Ok(Work {
            jobs_per_second: load.jobs as f64 / load.elapsed.as_secs_f64(),
            cpu_us: used.as_secs_f64() * 1e6 / load.jobs as f64,
            memory: self.memory()?,
        })
    }

    /// The value that the worker gives for a job. Returns `None` for the echo worker.
    pub(crate) async fn value(&mut self, case: &Case) -> anyhow::Result<Option<Value>> {
        self.line.sender.publish(&case.body(), 0).await?;
        let (_, answer) = self.line.answer().await?;
        if self.is_echo { Ok(None) } else { case.value(&answer).map(Some) }
    }

    pub(crate) async fn latency(&mut self, case: &Case, rate: u32, span: Duration) -> anyhow::Result<Histogram<u64>> {
        let is_echo = self.is_echo;
        let check = |answer: &[u8]| if is_echo { Ok(()) } else { case.check(answer) };
        self.line.latency(&case.bodies(), rate, span, 0, check).await
    }

    /// As [`Worker::latency`], and beside it how long the jobs were in the worker, from their delivery to their end, as
    /// their outcomes say. The rest of the latency is spent in the broker and on the way to it and back.
    pub(crate) async fn latency_and_within(
        &mut self,
        case: &Case,
        rate: u32,
        span: Duration,
    ) -> anyhow::Result<(Histogram<u64>, Histogram<u64>)> {
        let within = Mutex::new(Histogram::new_with_bounds(1, 3_600_000_000, 3)?);
        let check = |answer: &[u8]| {
            case.check(answer)?;
            let outcome: Value = serde_json::from_slice(answer)?;
            let times = &outcome["usage"]["times"];
            let micros = ["waitedUs", "preparedUs", "ranUs"].iter().filter_map(|name| times[name].as_u64()).sum();
            within.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(micros);
            Ok(())
        };
        let latencies = self.line.latency(&case.bodies(), rate, span, 0, check).await?;
        Ok((latencies, within.into_inner().unwrap_or_else(PoisonError::into_inner)))
    }

    /// The latency of one kind of job while all of `storm`, sent at once, goes through the worker too.
    pub(crate) async fn latency_beside(
        &mut self,
        case: &Case,
        rate: u32,
        storm: Vec<Vec<u8>>,
    ) -> anyhow::Result<Histogram<u64>> {
        let (sender, jobs) = (self.line.sender.clone(), storm.len());
        let sending = tokio::spawn(async move {
            for (number, job) in storm.iter().enumerate() {
                sender.publish(job, UNTIMED + number as u64).await?;
            }
            anyhow::Ok(())
        });
        let latencies =
            self.line.latency(&case.bodies(), rate, Duration::ZERO, jobs, |answer| case.check(answer)).await;
        sending.await.context("the storm broke")??;
        latencies
    }

    /// The sender to the worker's queue of jobs.
    pub(crate) fn sender(&self) -> &Sender {
        &self.line.sender
    }

    /// The id of its process, or of the first of several.
    pub(crate) fn pid(&self) -> u32 {
        self.pids[0]
    }

    /// Gives the worker `count` jobs whose sandboxes wait.
    pub(crate) async fn hold(&self, case: &Case, count: usize) -> anyhow::Result<()> {
        for number in 0..count {
            self.line.sender.publish(&case.body(), number as u64).await?;
        }
        Ok(())
    }

    /// Waits until the worker's memory no longer grows, and returns by how much it exceeds `before`.
    pub(crate) async fn settled_growth(&self, before: u64) -> anyhow::Result<u64> {
        let mut memory = self.memory()?;
        loop {
            tokio::time::sleep(QUIET).await;
            let now = self.memory()?;
            // A hundredth more or less is noise.
            if now < memory + memory / 100 && now > before {
                return Ok(now - before);
            }
            memory = now;
        }
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        for child in &mut self.children {
            child.kill().await?;
        }
        Ok(())
    }

    /// Memory of the worker and its children, in bytes.
    pub(crate) fn memory(&self) -> anyhow::Result<u64> {
        let mut pids = Vec::new();
        for &root in &self.pids {
            pids.extend(family(root)?);
        }
        memory::taken(&pids)
    }

    fn cpu(&self) -> anyhow::Result<Duration> {
        let mut ticks = 0;
        for &root in &self.pids {
            for pid in family(root)? {
                let fields = stat(pid)?;
                // utime, stime, and those of children that have ended.
                ticks += fields[11..15].iter().filter_map(|field| field.parse::<u32>().ok()).sum::<u32>();
            }
        }
        Ok(TICK * ticks)
    }
}

/// The folder in which workers find what they kept at earlier starts.
fn warm_cache() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// Memory of a process and its descendants in bytes, by a field of proc_pid_smaps_rollup(5).
pub(crate) fn memory_of(pid: u32, field: &str) -> anyhow::Result<u64> {
    family(pid)?.into_iter().map(|pid| memory::rollup(pid, field)).sum()
}

/// The fields of `/proc/PID/stat` after the name, which may hold anything.
fn stat(pid: u32) -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = text.rsplit_once(')').context("a process without a name")?;
    Ok(fields.split_whitespace().map(str::to_owned).collect())
}

/// A process and its descendants.
fn family(pid: u32) -> anyhow::Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        if let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok())
            // The process may have ended meanwhile.
            && let Ok(fields) = stat(pid)
        {
            parents.push((pid, fields[1].parse::<u32>()?));
        }
    }
    let mut family = vec![pid];
    let mut at = 0;
    while let Some(&member) = family.get(at) {
        family.extend(parents.iter().filter(|(_, parent)| *parent == member).map(|(pid, _)| *pid));
        at += 1;
    }
    Ok(family)
}
