//! What jobs cost when they are of many scripts instead of one: `cargo bench --bench many`.
//!
//! In process, as the worker runs jobs: on its threads, in its slots, with its memory for images, all as configured
//! (`SCRIPTMILL_WORKER__SLOTS`, `SCRIPTMILL_SANDBOX__IMAGE_CACHE` and so on). Jobs are of 1, 100, 500 and 1,000 scripts
//! in turn, which differ in a constant and therefore in their images. It prints a job's processor time and page
//! faults, and how many jobs found their script evicted. Processor time says more than time by the clock where threads
//! share processors. All cases take turns in every round, each in a sandbox of its own; the figures are medians. After
//! that, a process of its own for each kind of job measures how much memory one more warm script takes.
//!
//! `-- --quick` is rough; `-- TEXT` measures the cases whose names hold the text, such as `trivial`; `-- --memory` measures memory alone.

#[allow(dead_code, reason = "the messages are for the comparison with peers")]
#[path = "peers/cases.rs"]
mod cases;
mod memory;
mod samples;

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use scriptmill::config::{Config, Sources};
use scriptmill::schedule::Executor;
use scriptmill_sandbox::prepare::{Bounds, Checker};
use scriptmill_sandbox::{Invocation, Options, Sandbox, TokioClock};
use scriptmill_sdk::{Bundle, Ending, Limits};
use tokio::runtime::Runtime;

use cases::{Case, WEIGHED};
use samples::Samples;

const SCRIPTS: [usize; 4] = [1, 100, 500, 1_000];
const ROUNDS: usize = samples::MIN;
/// Time of one case in one round. Linux counts processor time in hundredths of a second.
const SPAN: Duration = Duration::from_millis(500);
const SPAN_QUICK: Duration = Duration::from_millis(100);
/// Jobs of each script before memory is measured.
const WARMING: usize = 3;

fn main() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let kinds = || Case::all().into_iter().filter(Case::is_interactive);
    if let Some(name) = std::env::args().find_map(|argument| Some(argument.strip_prefix("--weigh=")?.to_owned())) {
        let case = kinds().find(|case| case.name == name).context("no such job")?;
        return bench.weigh(&case);
    }
    if !samples::has("--memory") {
        bench.compare(kinds())?;
    }
    for case in kinds() {
        // In a process of its own, since memory that another case left behind would be used again.
        let status = Command::new(std::env::current_exe()?).arg(format!("--weigh={}", case.name)).status()?;
        anyhow::ensure!(status.success(), "{} could not be weighed", case.name);
    }
    Ok(())
}

struct Bench {
    runtime: Runtime,
    config: Config,
    executor: Executor,
}

impl Bench {
    fn new() -> anyhow::Result<Self> {
        let environment = std::env::vars().collect();
        let config = Config::load(Sources { environment, ..Sources::default() })?;
        let threads = config.worker.threads.map_or_else(thread::available_parallelism, Ok)?;
        Ok(Self { runtime: Runtime::new()?, config, executor: Executor::new(threads)? })
    }

    fn scripts(&self, case: &Case, count: usize) -> anyhow::Result<Arc<Scripts>> {
        let limits = Limits::from(&self.config.worker.limits);
        let sandbox = Sandbox::new(Options {
            instances: u32::try_from(self.config.worker.slots.get())?,
            limits,
            image_cache_bytes: self.config.sandbox.image_cache.as_u64(),
            cache_dir: Some(env!("CARGO_TARGET_TMPDIR").into()),
            ..Options::new(
                Checker::in_process(Bounds::default()),
                Arc::new(TokioClock::new(self.runtime.handle().clone())),
            )
        })
        .context("the sandbox")?;
        let bundles = (0..count).map(|number| Bundle::of("main.js", case.numbered(number))).collect();
        Ok(Arc::new(Scripts { sandbox, bundles, input: case.input.to_string(), limits, next: AtomicUsize::new(0) }))
    }

    fn compare(&self, kinds: impl Iterator<Item = Case>) -> anyhow::Result<()> {
        let wanted = samples::wanted();
        let mut measured = Vec::new();
        for kind in kinds {
            for count in SCRIPTS {
                let name = format!("{}, {count} in turn", kind.name);
                if name.contains(&wanted) {
                    let scripts = self.scripts(&kind, count)?;
                    self.load(&scripts, count, Duration::ZERO, count)?;
                    measured.push(Measured { name, scripts, rounds: Vec::new() });
                }
            }
        }
        let span = if samples::quick() { SPAN_QUICK } else { SPAN };
        for _ in 0..ROUNDS {
            for case in &mut measured {
                case.rounds.push(self.load(&case.scripts, case.scripts.bundles.len(), span, 0)?);
            }
        }
        print(&measured);
        let samples = |case: &Measured| case.rounds.iter().map(|round| round.cpu_us() * 1e3).collect();
        let cpu: Vec<_> =
            measured.iter().map(|case| Samples { name: case.name.clone(), samples: samples(case) }).collect();
        samples::report("many scripts", &cpu);
        Ok(())
    }

    /// Prints what further warm scripts add to the memory of this process.
    fn weigh(&self, case: &Case) -> anyhow::Result<()> {
        let scripts = self.scripts(case, WEIGHED)?;
        self.load(&scripts, 1, SPAN, 1)?;
        let own = std::process::id();
        let [resident, taken] = [memory::rollup(own, "Rss:")?, memory::taken(&[own])?];
        self.load(&scripts, WEIGHED, SPAN, WARMING * WEIGHED)?;
        let each = |before: u64, after: u64| after.saturating_sub(before) as f64 / (WEIGHED - 1) as f64 / 1e6;
        println!(
            "{}: each of {WEIGHED} warm scripts takes {:.3} MB, and {:.3} MB of it is resident by the kernel's count",
            case.name,
            each(taken, memory::taken(&[own])?),
            each(resident, memory::rollup(own, "Rss:")?),
        );
        Ok(())
    }

    /// Keeps all slots busy with jobs of the first `count` scripts in turn, for `span` at least and until `jobs_min` jobs have begun.
    fn load(&self, scripts: &Arc<Scripts>, count: usize, span: Duration, jobs_min: usize) -> anyhow::Result<Round> {
        let before = Spent::now()?;
        let load = Arc::new(Load { began: Instant::now(), span, count, jobs_min, started: AtomicUsize::new(0) });
        let slots = 0..self.config.worker.slots.get();
        let tasks: Vec<_> = slots.map(|_| self.executor.spawn(scripts.clone().serve(load.clone()))).collect();
        let (mut jobs, mut evicted) = (0, 0);
        for task in tasks {
            let served = self.runtime.block_on(task).context("a job broke")?;
            jobs += served.jobs;
            evicted += served.made;
        }
        let after = Spent::now()?;
        Ok(Round { jobs, evicted, cpu: after.cpu.saturating_sub(before.cpu), faults: after.faults - before.faults })
    }
}

/// Scripts that differ in a constant, and the sandbox that keeps them.
struct Scripts {
    sandbox: Sandbox,
    bundles: Vec<Bundle>,
    input: String,
    limits: Limits,
    next: AtomicUsize,
}

struct Load {
    began: Instant,
    span: Duration,
    /// Scripts that take turns.
    count: usize,
    jobs_min: usize,
    started: AtomicUsize,
}

#[derive(Default)]
struct Served {
    jobs: u64,
    /// Images that were not in the cache and had to be made.
    made: u64,
}

impl Scripts {
    /// Serves as one slot: runs one job after the other.
    async fn serve(self: Arc<Self>, load: Arc<Load>) -> Served {
        let mut served = Served::default();
        loop {
            let started = load.started.fetch_add(1, Ordering::Relaxed);
            if started >= load.jobs_min && load.began.elapsed() >= load.span {
                return served;
            }
            // The turn continues with the script after the last one of the span before.
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let bundle = &self.bundles[number % load.count];
            let prepared = match self.sandbox.ready(bundle).await {
                Some(prepared) => prepared,
                None => {
                    served.made += 1;
                    self.sandbox.image(bundle).await
                }
            };
            let execution = self.sandbox.run_prepared(&prepared, invocation(&self.input, self.limits)).await;
            assert!(matches!(execution.ending, Ending::Succeeded(_)), "{:?}", execution.ending);
            served.jobs += 1;
            // Lets the other slots run too.
            tokio::task::yield_now().await;
        }
    }
}

fn invocation(input: &str, limits: Limits) -> Invocation<'_> {
    Invocation {
        entry: None,
        input,
        limits,
        job_id: "job-1",
        tenant: "bench",
        attempt: 1,
        deadline_ms: None,
        clock_ms: None,
    }
}

struct Measured {
    name: String,
    scripts: Arc<Scripts>,
    rounds: Vec<Round>,
}

/// What one case did in one round.
struct Round {
    jobs: u64,
    evicted: u64,
    cpu: Duration,
    faults: u64,
}

impl Round {
    fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.jobs as f64
    }
}

impl Measured {
    fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        let samples = self.rounds.iter().map(of).collect();
        Samples { name: String::new(), samples }.median()
    }
}

fn print(measured: &[Measured]) {
    println!("{:<24} {:>12} {:>12} {:>14} {:>9}", "", "CPU µs a job", "/ one script", "page faults", "evicted");
    let mut one = f64::NAN;
    for case in measured {
        let cpu = case.median(Round::cpu_us);
        if case.scripts.bundles.len() == 1 {
            one = cpu;
        }
        let faults = case.median(|round| round.faults as f64 / round.jobs as f64);
        let evicted = case.median(|round| round.evicted as f64 / round.jobs as f64 * 100.0);
        println!("{:<24} {cpu:>12.1} {:>12.2} {faults:>14.2} {evicted:>7.1} %", case.name, cpu / one);
    }
}

/// What this process has spent so far, ended threads included.
struct Spent {
    cpu: Duration,
    faults: u64,
}

impl Spent {
    fn now() -> anyhow::Result<Self> {
        let text = fs::read_to_string("/proc/self/stat")?;
        let (_, fields) = text.rsplit_once(')').context("a process without a name")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        // proc_pid_stat(5): minflt, utime and stime.
        let [faults, user, system] =
            [7, 11, 12].map(|at| fields.get(at).and_then(|field| field.parse().ok()).unwrap_or(0));
        Ok(Self { cpu: Duration::from_millis(10 * (user + system)), faults })
    }
}
