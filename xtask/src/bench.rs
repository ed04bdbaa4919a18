//! `cargo xtask bench`: the comparisons that need more than `cargo bench`.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

use crate::instructions;
use crate::workspace::{self, cargo};

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    comparison: Comparison,
}

#[derive(clap::Subcommand)]
enum Comparison {
    /// Scriptmill beside what users would pick instead, over one RabbitMQ (see BENCHMARKS.md)
    Peers(Arguments),
    /// What the sandbox costs scripts that compute, beside the same engine as native code (needs a C compiler)
    Compute(Arguments),
    /// How built-ins grow with what they are given, beside Node where there is one (see BENCHMARKS.md)
    Growth(Arguments),
    /// How many instructions the hot paths take, held against benches/instructions.json (needs valgrind)
    Instructions,
    /// What a storm of new scripts costs the jobs whose script is ready
    Storm(Arguments),
    /// What scripts and requesters that mean harm cost their neighbours, and whether the worker keeps to its memory
    Hostile(Arguments),
    /// Whether a worker that joins takes its share of a backlog
    Share(Arguments),
    /// Whether a worker's memory stays flat over many jobs
    Soak(Arguments),
}

#[derive(clap::Args)]
struct Arguments {
    /// Handed to the benchmark; `--help` tells which there are
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    match &options.comparison {
        Comparison::Peers(own) => {
            let node_modules = install_peers()?;
            let mut arguments: Vec<OsString> = vec!["--node-modules".into(), node_modules.into()];
            arguments.extend(own.arguments.iter().cloned());
            bench("dist", "peers", &arguments)
        }
        Comparison::Compute(own) => {
            let arguments: [OsString; 2] = ["--native".into(), build_native_quickjs()?.into()];
            bench("release", "compute", &[&arguments, own.arguments.as_slice()].concat())
        }
        // Fuel is the same under every profile, and the tests have built this one.
        Comparison::Growth(own) => bench("dev", "growth", &own.arguments),
        Comparison::Instructions => instructions::run(),
        Comparison::Storm(own) => bench("dist", "peers", &[&["storm".into()], own.arguments.as_slice()].concat()),
        Comparison::Hostile(own) => {
            let arguments = [&["hostile".into()], own.arguments.as_slice()].concat();
            bench_with("dist", "peers", &arguments, &[("SCRIPTMILL_WORKER__THREADS", "2")])
        }
        Comparison::Share(own) => bench("dist", "peers", &[&["share".into()], own.arguments.as_slice()].concat()),
        Comparison::Soak(own) => bench("release", "soak", &own.arguments),
    }
}

/// Builds a benchmark under a profile, and runs it. Benchmarks that compare Scriptmill with others use the profile that is shipped.
fn bench(profile: &str, name: &str, arguments: &[OsString]) -> Result<ExitCode> {
    bench_with(profile, name, arguments, &[])
}

/// As [`bench()`], with settings for the worker that the benchmark starts.
fn bench_with(profile: &str, name: &str, arguments: &[OsString], settings: &[(&str, &str)]) -> Result<ExitCode> {
    let status = cargo()
        .args(["bench", "--workspace", "--profile", profile, "--bench", name, "--"])
        .args(arguments)
        .envs(settings.iter().copied())
        .status()
        .context("could not run cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Builds the QuickJS-NG that runs as native code.
fn build_native_quickjs() -> Result<PathBuf> {
    let target = workspace::root().join("target/native-quickjs");
    let status = cargo()
        .args([
            "build",
            "--release",
            "--locked",
            "--manifest-path",
            "benches/compute/native/Cargo.toml",
            "--target-dir",
        ])
        .arg(&target)
        .status()
        .context("could not run cargo")?;
    ensure!(status.success(), "QuickJS-NG could not be built for this machine");
    Ok(target.join("release/native-quickjs"))
}

/// Installs the peers below `target`, at the versions of the lock file. Returns their `node_modules`.
fn install_peers() -> Result<PathBuf> {
    let (from, to) = (workspace::root().join("benches/peers"), workspace::root().join("target/peers"));
    fs::create_dir_all(&to)?;
    for entry in fs::read_dir(&from)? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "mjs" || extension == "json") {
            fs::copy(&file, to.join(file.file_name().unwrap_or_default()))?;
        }
    }
    let status = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(&to)
        .status()
        .context("npm, which installs the peers, could not be run")?;
    ensure!(status.success(), "npm could not install the peers");
    Ok(to.join("node_modules"))
}
