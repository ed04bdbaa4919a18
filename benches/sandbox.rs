//! What a fresh sandbox for every job costs, as ratios to the floor below which no sandbox gets.
//!
//! `cargo bench --bench sandbox` measures every case once in each of many rounds, in turn, so that a noisy moment hits
//! all of them alike, and prints medians and ratios. Criterion is given the rounds as samples: by itself it would
//! measure one case after the other, and the drift of the machine would be in the ratios. `-- --no-pagemap-scan`
//! measures as on a kernel before Linux 6.7; `-- --quick` is rough; `-- TEXT` measures the floor and the cases whose
//! names hold the text; criterion's own options work too. `SCRIPTMILL_ENGINE_WASM` names another engine.

mod samples;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scriptmill_sandbox::measure::{Floor, Reused, complete, instantiate};
use scriptmill_sandbox::prepare::{Bounds, Checker};
use scriptmill_sandbox::{Clock, ENGINE_WASM, EngineOptions, Image, Invocation, Options, Sandbox};
use scriptmill_sdk::{Bundle, Ending, Limits, Module};

use samples::{Samples, has};

const ROUNDS: usize = 80;
/// Time for one case in one round.
const SPAN: Duration = Duration::from_millis(10);
/// Calls of a reused instance, before it is made anew.
const RENEWED_AFTER: u32 = 10_000;

fn main() {
    let rounds = if samples::quick() { samples::MIN } else { ROUNDS };
    let pagemap_scan = !has("--no-pagemap-scan");
    let (metered, unmetered) = (sandbox(true, pagemap_scan), sandbox(false, pagemap_scan));
    let scripts = [Script::read("trivial", "trivial"), Script::read("order", "order-total")];
    let images = scripts.each_ref().map(|script| {
        [&metered, &unmetered].map(|sandbox| complete(sandbox.image(&script.bundle)).expect("an example's image"))
    });
    let floor = Floor::new(&unmetered).expect("an empty module");
    // The slots of this sandbox have never run a job, so no pages are reset here. Resetting them is part of a fresh job's cost.
    let idle = sandbox(false, pagemap_scan);
    let idle_image = complete(idle.image(&scripts[0].bundle)).expect("an example's image");

    let mut cases = vec![
        Case::new("floor: empty module", || floor.instantiate().expect("room in the pool")),
        Case::new("instantiate, unmetered", || {
            complete(instantiate(&idle, &idle_image, &job("null"))).expect("room in the pool");
        }),
    ];
    for (script, images) in scripts.iter().zip(&images) {
        for (sandbox, image, how) in [(&metered, &images[0], "metered"), (&unmetered, &images[1], "unmetered")] {
            let instance = || complete(Reused::new(sandbox, image, &job("null"))).expect("room in the pool");
            let mut reused = instance();
            let mut calls = 0;
            cases.push(Case::new(format!("{}: reused, {how}", script.name), move || {
                // An entry is called once in an instance's life, so nothing frees what calling it leaves behind.
                calls = (calls + 1) % RENEWED_AFTER;
                if calls == 0 {
                    reused = instance();
                }
                complete(reused.run(&script.input)).expect("a value");
            }));
            cases.push(Case::new(format!("{}: fresh, {how}", script.name), move || {
                fresh(sandbox, image, &script.input);
            }));
        }
        let metered = &metered;
        cases.push(Case::new(format!("{}: prepare", script.name), move || {
            complete(metered.prepare(&script.bundle)).map(drop).expect("an example's image");
        }));
    }
    let wanted = samples::wanted();
    cases.retain(|case| case.measured.name.contains(&wanted) || case.measured.name.starts_with("floor"));
    for _ in 0..rounds {
        cases.iter_mut().for_each(Case::measure);
    }
    let measured: Vec<_> = cases.into_iter().map(|case| case.measured).collect();
    samples::report(if pagemap_scan { "sandbox" } else { "sandbox without pagemap scan" }, &measured);
    print(&measured);
}

fn print(cases: &[Samples]) {
    let floor = cases[0].median();
    for case in cases {
        let median = case.median();
        println!("{:<28} {:>10.2} µs {:>10.1} × floor", case.name, median / 1_000.0, median / floor);
    }
    let ratio = |one: &str, other: &str| {
        let median = |name: &str| cases.iter().find(|case| case.name == name).map(Samples::median);
        if let (Some(one_ns), Some(other_ns)) = (median(one), median(other)) {
            println!("{one} / {other}: {:.2}", one_ns / other_ns);
        }
    };
    ratio("order: fresh, unmetered", "order: reused, unmetered");
    ratio("order: fresh, metered", "order: reused, metered");
    ratio("order: prepare", "order: fresh, metered");
}

struct Script {
    name: &'static str,
    bundle: Bundle,
    input: String,
}

impl Script {
    fn read(name: &'static str, example: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(example);
        let source = std::fs::read_to_string(folder.join("main.ts")).expect("the example");
        let input = std::fs::read_to_string(folder.join("input.json")).expect("its input");
        Self { name, bundle: Bundle { modules: vec![Module::new("main.ts", source)] }, input }
    }
}

struct Case<'a> {
    work: Box<dyn FnMut() + 'a>,
    /// Times of one call.
    measured: Samples,
}

impl<'a> Case<'a> {
    fn new(name: impl Into<String>, work: impl FnMut() + 'a) -> Self {
        Self { work: Box::new(work), measured: Samples { name: name.into(), samples: Vec::new() } }
    }

    fn measure(&mut self) {
        let began = Instant::now();
        let mut calls = 0_u32;
        while began.elapsed() < SPAN {
            (self.work)();
            calls += 1;
        }
        #[allow(clippy::cast_precision_loss, reason = "a few milliseconds")]
        self.measured.samples.push(began.elapsed().as_nanos() as f64 / f64::from(calls));
    }
}

fn sandbox(metered: bool, pagemap_scan: bool) -> Sandbox {
    let options = Options::new(Checker::in_process(Bounds::default()), Arc::new(StoppedClock));
    let engine = EngineOptions {
        wasm: std::env::var_os("SCRIPTMILL_ENGINE_WASM")
            .map_or(ENGINE_WASM.into(), |file| std::fs::read(file).expect("an engine").into()),
        instances: 8,
        memory_bytes: Limits::default().memory_bytes,
        metered,
        pagemap_scan,
        precompiled: None,
        cache_dir: Some(env!("CARGO_TARGET_TMPDIR").into()),
    };
    Sandbox::with_engine(options, &engine).expect("a sandbox")
}

struct StoppedClock;

impl Clock for StoppedClock {
    fn sleep(&self, _: Duration) -> futures_util::future::BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

fn job(input: &str) -> Invocation<'_> {
    Invocation {
        entry: None,
        input,
        limits: Limits::default(),
        job_id: "job-1",
        tenant: "acme",
        attempt: 1,
        deadline_ms: None,
        clock_ms: None,
    }
}

fn fresh(sandbox: &Sandbox, image: &Image, input: &str) {
    let execution = complete(sandbox.run(image, job(input)));
    assert!(matches!(execution.ending, Ending::Succeeded(_)), "{:?}", execution.ending);
}
