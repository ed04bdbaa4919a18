//! How the cost of built-ins grows with the size of their input. The operations of `operations.js` run at four sizes: in the sandbox by
//! fuel, which repeats to the unit, and in Node by processor time. `cargo xtask bench growth` runs this.
//!
//! The growth between two sizes is an exponent: 1 if ten times the input takes ten times as long, 2 if it takes a
//! hundred times as long. Operations that grow faster here than in Node are marked.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use scriptmill_sandbox::measure::complete;
use scriptmill_sandbox::prepare::{Bounds, Checker};
use scriptmill_sandbox::{Image, Invocation, Options, Sandbox, TokioClock};
use scriptmill_sdk::{Bundle, Code, Ending, Limits};
use serde::Deserialize;
use serde_json::json;

const SIZES: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// Ten times what a job has by default, since making a million of something takes fuel too. Quadratic operations use it up.
const FUEL: u64 = 100_000_000_000;
/// Enough for a million small objects and what an operation makes of them.
const MEMORY: u64 = 2 << 30;
/// How far exponents may differ: Node's time is noisy, and some linear operations have exponents below 1.
const NOISE: f64 = 0.3;
/// The largest exponent that counts as linear: sorting has 1.1.
const LINEAR: f64 = 1.2;

type Failure = Box<dyn std::error::Error>;

/// What one operation took at each size at which it could be tried.
struct Measured {
    name: String,
    /// Units of fuel. If the last entry is [`FUEL`], the job used it up.
    fuel: Vec<u64>,
    /// Microseconds of processor time. Empty without Node.
    node: Vec<f64>,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let markdown = arguments.iter().any(|argument| argument == "--markdown");
    let filter = arguments.iter().find(|argument| !argument.starts_with('-')).map_or("", String::as_str);
    if arguments.iter().any(|argument| argument == "--help") {
        println!("[--quick] [--steep] [--markdown] [FILTER]");
        println!("A table of the operations whose name holds FILTER. --steep shows those alone that take more than");
        println!("so many times the fuel for so many times as much; --quick leaves the largest size out.");
        return Ok(());
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let sizes = if quick { &SIZES[..3] } else { &SIZES[..] };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/growth");
    let mut node = node(&folder, filter, sizes);
    let mut all = Vec::new();
    let bench = Bench::new(&folder)?;
    for name in bench.names()?.into_iter().filter(|name| name.contains(filter)) {
        let mut fuel = Vec::new();
        for &size in sizes {
            match bench.fuel(&name, size) {
                Ok(used) => fuel.push(used),
                Err(reason) => {
                    eprintln!("{reason}");
                    break;
                }
            }
            if fuel.ends_with(&[FUEL]) {
                break;
            }
        }
        let node = node.remove(&name).unwrap_or_default();
        all.push(Measured { name, fuel, node });
    }
    let (count, faults) = (all.len(), all.iter().filter(|measured| measured.is_fault()).count());
    if arguments.iter().any(|argument| argument == "--steep") {
        all.retain(|measured| measured.growth().into_iter().any(|growth| growth > LINEAR));
    }
    print(&all, markdown);
    println!("\n{count} operations, {faults} grow faster than in Node");
    Ok(())
}

/// The growth between each two neighbouring sizes. `measured` begins with the smallest size.
fn growth(measured: &[f64]) -> Vec<f64> {
    measured.windows(2).map(|pair| (pair[1].max(1.0) / pair[0].max(1.0)).log10()).collect()
}

impl Measured {
    fn growth(&self) -> Vec<f64> {
        growth(&self.fuel.iter().map(|&used| used as f64).collect::<Vec<_>>())
    }

    /// Whether the operation grows faster here than in Node. A size at which Node was not tried does not count: Node is
    /// too slow there itself.
    fn is_fault(&self) -> bool {
        let node = growth(&self.node);
        self.growth().into_iter().zip(node).any(|(here, there)| here > LINEAR && here > there + NOISE)
    }
}

fn print(all: &[Measured], markdown: bool) {
    let show = |exponents: Vec<f64>| {
        let shown: Vec<_> = exponents.iter().map(|exponent| format!("{exponent:.2}")).collect();
        shown.join(" ")
    };
    let heads = ["operation", "fuel for each", "growth", "in Node", ""];
    let mut rows: Vec<[String; 5]> = vec![heads.map(str::to_owned)];
    for measured in all {
        let each = measured.fuel.last().map_or(0.0, |&used| used as f64 / SIZES[measured.fuel.len() - 1] as f64);
        let more = if measured.fuel.ends_with(&[FUEL]) { " and more" } else { "" };
        let mark = if measured.is_fault() { "faster than in Node" } else { "" };
        rows.push([
            measured.name.clone(),
            format!("{each:.0}{more}"),
            format!("{}{more}", show(measured.growth())),
            show(growth(&measured.node)),
            mark.to_owned(),
        ]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 5] = std::array::from_fn(width);
    let (edge, between) = if markdown { ("| ", " | ") } else { ("", "  ") };
    for (index, row) in rows.iter().enumerate() {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("{edge}{}{}", cells.join(between), edge.chars().rev().collect::<String>());
        if index == 0 && markdown {
            println!("|{}", widths.map(|width| format!("{}|", "-".repeat(width + 2))).concat());
        }
    }
}

/// The operations in the sandbox.
struct Bench {
    sandbox: Sandbox,
    image: Arc<Image>,
    _runtime: tokio::runtime::Runtime,
}

impl Bench {
    fn new(folder: &Path) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Runtime::new()?;
        let mut options =
            Options::new(Checker::in_process(Bounds::default()), Arc::new(TokioClock::new(runtime.handle().clone())));
        options.instances = 1;
        options.limits = limits();
        options.cache_dir = Some(env!("CARGO_TARGET_TMPDIR").into());
        // A rebuilt engine, to compare it with the one that is checked in.
        if let Some(path) = std::env::var_os("SCRIPTMILL_ENGINE_WASM") {
            options.wasm = std::fs::read(path)?.into();
        }
        let sandbox = Sandbox::new(options)?;
        let bundle = Bundle::of("operations.js", std::fs::read_to_string(folder.join("operations.js"))?);
        let image = complete(sandbox.image(&bundle)).map_err(|refusal| format!("{refusal:?}"))?;
        Ok(Self { sandbox, image, _runtime: runtime })
    }

    fn names(&self) -> Result<Vec<String>, Failure> {
        match self.run("{}") {
            Ending::Succeeded(names) => Ok(serde_json::from_str(names.get())?),
            other => Err(format!("{other:?}").into()),
        }
    }

    /// Returns the units of fuel that the operation uses, or [`FUEL`] if it needs more.
    fn fuel(&self, name: &str, size: u64) -> Result<u64, Failure> {
        match self.run(&json!({ "name": name, "size": size }).to_string()) {
            Ending::Succeeded(used) => Ok(serde_json::from_str(used.get())?),
            Ending::Exhausted(exhausted) if exhausted.code == Code::Fuel => Ok(FUEL),
            other => Err(format!("{name}, {size}: {other:?}").into()),
        }
    }

    fn run(&self, input: &str) -> Ending {
        let job = Invocation {
            entry: None,
            input,
            limits: limits(),
            job_id: "job-1",
            tenant: "bench",
            attempt: 1,
            deadline_ms: None,
            clock_ms: None,
        };
        complete(self.sandbox.run(&self.image, job)).ending
    }
}

fn limits() -> Limits {
    Limits { fuel: FUEL, memory_bytes: MEMORY, wall_time: Duration::from_secs(600), ..Limits::default() }
}

/// The times of the operations in Node. Empty, with a note on stderr, if Node cannot be run.
fn node(folder: &Path, filter: &str, sizes: &[u64]) -> HashMap<String, Vec<f64>> {
    #[derive(Deserialize)]
    struct Line {
        name: String,
        times: Vec<f64>,
    }
    let mut node = Command::new("node");
    node.arg("--max-old-space-size=4096")
        .arg(folder.join("node.mjs"))
        .arg(filter)
        .args(sizes.iter().map(u64::to_string));
    match node.stderr(Stdio::inherit()).output() {
        Ok(output) => {
            let lines = String::from_utf8_lossy(&output.stdout).into_owned();
            let read = |line: &str| serde_json::from_str(line).ok().map(|Line { name, times }| (name, times));
            lines.lines().filter_map(read).collect()
        }
        Err(error) => {
            eprintln!("without Node, which could not be run: {error}");
            HashMap::new()
        }
    }
}
