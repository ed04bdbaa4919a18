//! What the sandbox and its metering cost scripts that compute: each script as a fresh, metered job, beside the same
//! QuickJS-NG as native code without metering or limits. `cargo xtask bench compute` builds the native program and runs
//! this.
//!
//! The two alternate in the rounds of each script, and the medians are printed. The native time covers the call alone;
//! ours covers the whole job.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use clap::Parser;
use scriptmill_sandbox::measure::complete;
use scriptmill_sandbox::prepare::{Bounds, Checker};
use scriptmill_sandbox::{Image, Invocation, Options, Sandbox, TokioClock};
use scriptmill_sdk::{Bundle, Ending, Limits};

const SCRIPTS: [&str; 8] = ["calls", "floats", "maps", "objects", "patterns", "sieve", "sorting", "strings"];

#[derive(Parser)]
struct Arguments {
    /// The program that runs scripts in native code
    #[arg(long)]
    native: PathBuf,
    /// Turns of each script
    #[arg(long, default_value_t = 25)]
    rounds: usize,
    // What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/compute/scripts");
    let runtime = tokio::runtime::Runtime::new()?;
    let mut options =
        Options::new(Checker::in_process(Bounds::default()), Arc::new(TokioClock::new(runtime.handle().clone())));
    options.cache_dir = Some(env!("CARGO_TARGET_TMPDIR").into());
    let sandbox = Sandbox::new(options).context("the sandbox")?;
    let mut native = Native::start(&arguments.native)?;

    println!("{:<10} {:>12} {:>12} {:>8}   {:>12}", "script", "native µs", "metered µs", "ratio", "fuel");
    let mut product = 1.0;
    for name in SCRIPTS {
        let path = folder.join(name).with_extension("js");
        let bundle = Bundle::of("main.js", std::fs::read_to_string(&path)?);
        let image = complete(sandbox.image(&bundle)).map_err(|refusal| anyhow::anyhow!("{name}: {refusal:?}"))?;
        let mut times = [Vec::new(), Vec::new()];
        let mut fuel = 0;
        for _ in 0..arguments.rounds {
            let (native_ns, expected) = native.run(&path)?;
            let began = Instant::now();
            let (value, used) = run(&sandbox, &image)?;
            times[0].push(native_ns);
            times[1].push(u64::try_from(began.elapsed().as_nanos())?);
            ensure!(value == expected, "{name}: the sandbox gives {value}, native code {expected}");
            fuel = used;
        }
        let [native_us, metered_us] = times.map(|mut times| {
            times.sort_unstable();
            times[times.len() / 2] as f64 / 1e3
        });
        let ratio = metered_us / native_us;
        product *= ratio;
        println!("{name:<10} {native_us:>12.1} {metered_us:>12.1} {ratio:>8.2}   {fuel:>12}");
    }
    let mean = product.powf(1.0 / SCRIPTS.len() as f64);
    println!("metered / native, geometric mean: {mean:.2} (must: 2.3 at most, aim: 1.7)");
    Ok(())
}

fn run(sandbox: &Sandbox, image: &Image) -> anyhow::Result<(String, u64)> {
    let job = Invocation {
        entry: None,
        input: "null",
        limits: Limits { fuel: u64::MAX / 2, ..Limits::default() },
        job_id: "job-1",
        tenant: "bench",
        attempt: 1,
        deadline_ms: None,
        clock_ms: None,
    };
    let execution = complete(sandbox.run(image, job));
    match execution.ending {
        Ending::Succeeded(value) => Ok((value.get().to_owned(), execution.usage.fuel)),
        other => bail!("{other:?}"),
    }
}

/// The program that runs scripts in native code.
struct Native {
    child: Child,
    paths: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Native {
    fn start(program: &Path) -> anyhow::Result<Self> {
        let start = || Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = start().with_context(|| program.display().to_string())?;
        let (paths, answers) = child.stdin.take().zip(child.stdout.take()).context("it has no pipes")?;
        Ok(Self { child, paths, answers: BufReader::new(answers) })
    }

    /// Returns the nanoseconds of the call, and its value.
    fn run(&mut self, script: &Path) -> anyhow::Result<(u64, String)> {
        writeln!(self.paths, "{}", script.display())?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let (ns, value) = answer.trim_end().split_once(' ').context("native code gave no answer")?;
        Ok((ns.parse()?, value.to_owned()))
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        // Both calls fail only if the child has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
