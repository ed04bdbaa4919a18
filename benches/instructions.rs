//! Instructions of the hot paths, counted by callgrind: `cargo xtask bench instructions` compares them with
//! `benches/instructions.json`. Unlike times, the counts are the same on a busy machine.
//!
//! Each path runs once to warm up and once to be counted. Kernel and disk are not counted.

#![allow(missing_docs, unreachable_pub, clippy::disallowed_methods, reason = "what the macros make")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gungraun::{library_benchmark, library_benchmark_group, main};
use scriptmill::intake::{self, Accepted, Around, Policy};
use scriptmill::job::Answer;
use scriptmill::service;
use scriptmill::signals::Signals;
use scriptmill_sandbox::measure::complete;
use scriptmill_sandbox::prepare::{self, Bounds, Checked, Checker};
use scriptmill_sandbox::{Clock, Execution, Image, Invocation, Options, Sandbox};
use scriptmill_sdk::{Bundle, Ending, Job, Limits, LogLevel, LogLine, Outcome, Usage};
use serde_json::value::RawValue;

/// No script here asks for the time or waits.
struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Duration {
        Duration::ZERO
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _: Duration) -> futures_util::future::BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// The number of scripts of which `run_in_turn` runs one job each. A sandbox for one job has fewer memories than that.
const IN_TURN: usize = 8;

/// A sandbox and scripts that are ready in it.
struct Ready {
    sandbox: Sandbox,
    images: Vec<Arc<Image>>,
    input: String,
}

impl Ready {
    /// Runs each script once.
    fn run(&self) -> Vec<Execution> {
        let run = |image| complete(self.sandbox.run(image, invocation(&self.input)));
        self.images.iter().map(|image| run(image)).collect()
    }
}

fn example_file(name: &str, file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name).join(file);
    std::fs::read_to_string(path).expect("an example's file")
}

fn example(name: &str) -> (Bundle, String) {
    (Bundle::of("main.ts", example_file(name, "main.ts")), example_file(name, "input.json"))
}

fn ready(name: &str) -> Ready {
    ready_in_turn(name, 1)
}

/// The script, and `count - 1` others that differ from it in a constant.
fn ready_in_turn(name: &str, count: usize) -> Ready {
    let mut options = Options::new(Checker::in_process(Bounds::default()), Arc::new(StoppedClock));
    options.instances = 1;
    options.precompiled = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("precompiled/engine.bin"));
    let sandbox = Sandbox::new(options).expect("a sandbox");
    let (bundle, input) = match name {
        "json" => (Bundle::of("main.js", "export default (input) => input;"), rows()),
        "trivial" => (Bundle::of("main.js", "export default (input) => input.id;"), r#"{"id":7}"#.to_owned()),
        name => example(name),
    };
    let image = |number| {
        let mut bundle = bundle.clone();
        if number > 0 {
            bundle.modules[0].source.push_str(&format!("\nconst own = {number};"));
        }
        let Ok(image) = complete(sandbox.image(&bundle)) else { panic!("the image of {name}") };
        image
    };
    let images = (0..count).map(image).collect();
    let ready = Ready { sandbox, images, input };
    for execution in ready.run() {
        assert!(matches!(execution.ending, Ending::Succeeded(_)));
    }
    ready
}

/// About 10 KB.
fn rows() -> String {
    let row =
        |n: u32| format!(r#"{{"id":{n},"name":"Contact number {n}","score":{},"tags":["a","b"]}}"#, n as f64 / 8.0);
    format!("[{}]", (0..150).map(row).collect::<Vec<_>>().join(","))
}

fn invocation(input: &str) -> Invocation<'_> {
    Invocation {
        entry: None,
        input,
        limits: Limits::default(),
        job_id: "job-1",
        tenant: "bench",
        attempt: 1,
        deadline_ms: None,
        clock_ms: None,
    }
}

#[library_benchmark]
#[bench::trivial(args = ("trivial"), setup = ready)]
#[bench::order(args = ("order-total"), setup = ready)]
#[bench::json(args = ("json"), setup = ready)]
fn run(ready: Ready) -> (Vec<Execution>, Ready) {
    (ready.run(), ready)
}

#[library_benchmark]
#[bench::trivial(args = ("trivial", IN_TURN), setup = ready_in_turn)]
#[bench::order(args = ("order-total", IN_TURN), setup = ready_in_turn)]
fn run_in_turn(ready: Ready) -> (Vec<Execution>, Ready) {
    (ready.run(), ready)
}

fn new_script() -> Bundle {
    let (bundle, _) = example("order-total");
    drop(prepare::check(&bundle, &Bounds::default()));
    bundle
}

#[library_benchmark]
#[bench::order(setup = new_script)]
fn check(bundle: Bundle) -> (Checked, Bundle) {
    (prepare::check(&bundle, &Bounds::default()), bundle)
}

struct Received {
    body: Bytes,
    around: Around,
    policy: Policy,
}

impl Received {
    fn read(&self) -> Accepted {
        intake::read(&self.body, &self.around, Duration::ZERO, &self.policy).expect("a job")
    }
}

fn received() -> Received {
    let (script, input) = example("order-total");
    let input = RawValue::from_string(input).expect("JSON");
    let job = Job { input, ..Job::new("job-1", "bench".parse().expect("a tenant"), script) };
    let received = Received {
        body: serde_json::to_vec(&job).expect("JSON").into(),
        around: Around::default(),
        policy: service::Options::default().policy(false, "engine"),
    };
    received.read();
    received
}

#[library_benchmark]
#[bench::order(setup = received)]
fn read(received: Received) -> (Accepted, Received) {
    (received.read(), received)
}

fn outcome() -> Outcome {
    let value = example_file("order-total", "expected.json");
    Outcome {
        job_id: "job-1".to_owned(),
        tenant: "bench".to_owned(),
        ending: Ending::Succeeded(RawValue::from_string(value).expect("JSON")),
        diagnostics: Vec::new(),
        logs: vec![LogLine { level: LogLevel::Info, text: "an order of 3 lines".to_owned() }],
        warnings: Vec::new(),
        usage: Usage::default(),
        engine: "engine".to_owned(),
    }
}

#[library_benchmark]
#[bench::order(setup = outcome)]
fn answer(outcome: Outcome) -> Answer {
    Answer::new(outcome, 8 << 20)
}

fn counted() -> Arc<Signals> {
    let signals = Signals::new(Arc::new(StoppedClock));
    count_job(&signals);
    signals
}

/// Counts everything that is counted for one job.
fn count_job(signals: &Arc<Signals>) {
    let unstarted = signals.delivered();
    let mut slot = signals.occupy();
    slot.begin(Duration::from_millis(3));
    drop(unstarted);
    drop(slot);
    drop(signals.settling());
}

#[library_benchmark]
#[bench::job(setup = counted)]
fn signals(signals: Arc<Signals>) -> Arc<Signals> {
    count_job(&signals);
    signals
}

library_benchmark_group!(name = instructions, benchmarks = [run, run_in_turn, check, read, answer, signals]);
main!(library_benchmark_groups = instructions);
