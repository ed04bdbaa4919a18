//! What endless scripts cost the short ones beside them: `cargo bench --bench executor`.
//!
//! In process, at half load: short jobs arrive evenly, half as many as the threads could run, first alone and then beside two endless
//! scripts for each thread. The rounds alternate, and the medians of their quantiles are printed. The latency of a job runs from when it is
//! handed to the executor to its end. Criterion reports on the rounds' quantiles; `-- --quick` is rough.

mod samples;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use async_task::FallibleTask;
use hdrhistogram::Histogram;
use scriptmill::schedule::Executor;
use scriptmill_sandbox::prepare::{Bounds, Checker};
use scriptmill_sandbox::{Image, Invocation, Options, Sandbox, TokioClock};
use scriptmill_sdk::{Bundle, Ending, Limits};

use samples::Samples;

const ROUNDS: usize = samples::MIN;
/// Short jobs in a round.
const JOBS: u32 = 4_000;
const JOBS_QUICK: u32 = 400;
const ENDLESS_PER_THREAD: usize = 2;

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let clock = Arc::new(TokioClock::new(runtime.handle().clone()));
    let mut options = Options::new(Checker::in_process(Bounds::default()), clock);
    options.cache_dir = Some(env!("CARGO_TARGET_TMPDIR").into());
    let sandbox = Sandbox::new(options).context("the sandbox")?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/order-total");
    let input: Arc<str> = std::fs::read_to_string(folder.join("input.json"))?.into();
    let image = |source: &str| {
        let bundle = Bundle::of("main.ts", source);
        let made = runtime.block_on(sandbox.image(&bundle));
        made.map_err(|refusal| anyhow::anyhow!("{refusal:?}"))
    };
    let short = image(&std::fs::read_to_string(folder.join("main.ts"))?)?;
    let endless = image("export default () => { for (;;); };")?;

    // Leaves one processor to this thread, which hands the jobs over. Otherwise the kernel would let it wait for a busy
    // processor, and the jobs that it is late with would arrive all at once.
    let threads = NonZeroUsize::new(thread::available_parallelism()?.get() - 1).unwrap_or(NonZeroUsize::MIN);
    let bench = Bench { executor: Executor::new(threads)?, sandbox, short, input };
    let began = Instant::now();
    for _ in 0..200 {
        runtime.block_on(bench.spawn_short(&Latencies::default()));
    }
    // Half as many jobs as the threads could run.
    let interval = began.elapsed() / 200 * 2 / u32::try_from(threads.get())?;
    println!("{threads} threads, a short job every {interval:.0?}");
    let names = ["p50: alone", "p50: beside endless scripts", "p99: alone", "p99: beside endless scripts"];
    let mut measured = names.map(|name| Samples { name: name.to_owned(), samples: Vec::new() });
    for _ in 0..ROUNDS {
        for (beside, count) in [0, ENDLESS_PER_THREAD * threads.get()].into_iter().enumerate() {
            let running: Vec<_> = (0..count).map(|_| bench.spawn_endless(&endless)).collect();
            let [p50_us, p99_us] = bench.round(interval, &runtime)?;
            measured[beside].samples.push(p50_us as f64 * 1_000.0);
            measured[2 + beside].samples.push(p99_us as f64 * 1_000.0);
            drop(running);
        }
    }
    samples::report("executor", &measured);
    for (name, pair) in ["p50", "p99"].into_iter().zip(measured.chunks(2)) {
        let [alone, beside] = [0, 1].map(|which| pair[which].median() / 1_000.0);
        println!("{name}: alone {alone:.0} µs, beside endless scripts {beside:.0} µs: {:.2} ×", beside / alone);
    }
    Ok(())
}

/// Microseconds.
type Latencies = Arc<Mutex<Vec<u64>>>;

struct Bench {
    executor: Executor,
    sandbox: Sandbox,
    short: Arc<Image>,
    input: Arc<str>,
}

impl Bench {
    fn round(&self, interval: Duration, runtime: &tokio::runtime::Runtime) -> anyhow::Result<[u64; 2]> {
        let latencies = Latencies::default();
        let began = Instant::now();
        let mut tasks = Vec::new();
        let jobs = if samples::quick() { JOBS_QUICK } else { JOBS };
        for number in 0..jobs {
            thread::sleep((began + interval * number).saturating_duration_since(Instant::now()));
            tasks.push(self.spawn_short(&latencies));
        }
        runtime.block_on(async {
            for task in tasks {
                task.await;
            }
        });
        let mut histogram = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3)?;
        for latency in latencies.lock().map_err(|_| anyhow::anyhow!("a job broke"))?.iter() {
            histogram.saturating_record(*latency);
        }
        Ok([0.5, 0.99].map(|quantile| histogram.value_at_quantile(quantile)))
    }

    fn spawn_short(&self, latencies: &Latencies) -> FallibleTask<(), AtomicU32> {
        let (sandbox, image, input) = (self.sandbox.clone(), self.short.clone(), self.input.clone());
        let (latencies, began) = (latencies.clone(), Instant::now());
        self.executor.spawn(async move {
            let execution = sandbox.run(&image, invocation(&input, Limits::default())).await;
            assert!(matches!(execution.ending, Ending::Succeeded(_)), "{:?}", execution.ending);
            let latency = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            latencies.lock().expect("no job broke").push(latency);
        })
    }

    fn spawn_endless(&self, image: &Arc<Image>) -> FallibleTask<(), AtomicU32> {
        let (sandbox, image) = (self.sandbox.clone(), image.clone());
        let limits = Limits { fuel: u64::MAX / 2, wall_time: Duration::MAX, ..Limits::default() };
        self.executor.spawn(async move { drop(sandbox.run(&image, invocation("null", limits)).await) })
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
