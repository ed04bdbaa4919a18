//! `cargo xtask bench instructions`: how many instructions the hot paths take, counted by callgrind, beside what they took
//! when `benches/instructions.json` was written. Counts don't depend on what else the machine does.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::workspace::{self, cargo};

/// How far a path may differ from its baseline, in percent: hash seeds and the C library differ a little.
const TOLERANCE_PERCENT: f64 = 2.0;
/// The benchmark crate, and the program of the same version that runs valgrind for it.
const CRATE: &str = "gungraun";
const RUNNER: &str = "gungraun-runner";

/// What `benches/instructions.json` holds.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Baseline {
    /// The compiler of the counted code. The code of another compiler is not comparable.
    rustc: String,
    /// Instructions by path.
    instructions: BTreeMap<String, u64>,
}

pub(crate) fn run() -> Result<ExitCode> {
    ensure!(
        Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success()),
        "instructions are counted by valgrind, which is not here (Debian: apt-get install valgrind)"
    );
    let rustc = rustc()?;
    let counted = Baseline { rustc, instructions: count()? };
    let path = workspace::root().join("benches/instructions.json");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&counted)?))?;
        println!("{} is written", path.display());
        return Ok(ExitCode::SUCCESS);
    }
    let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let baseline: Baseline = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    Ok(compare(&baseline, &counted))
}

/// Prints both, and fails if they differ.
fn compare(baseline: &Baseline, counted: &Baseline) -> ExitCode {
    let mut differs = baseline.instructions.keys().any(|path| !counted.instructions.contains_key(path));
    println!("{:<20} {:>12} {:>12} {:>9}", "instructions", "baseline", "now", "");
    for (path, now) in &counted.instructions {
        let before = baseline.instructions.get(path).copied().unwrap_or(0);
        let percent = (*now as f64 / before as f64 - 1.0) * 100.0;
        let beyond = percent.abs() > TOLERANCE_PERCENT;
        differs |= beyond;
        println!("{path:<20} {before:>12} {now:>12} {percent:>+8.2}%{}", if beyond { "  <--" } else { "" });
    }
    if baseline.rustc != counted.rustc {
        println!("not compared: the baseline is of {}, this is {}", baseline.rustc, counted.rustc);
        return ExitCode::SUCCESS;
    }
    if differs {
        println!(
            "a path differs by more than {TOLERANCE_PERCENT} %: mend what made it slower, or, if the change is meant, write the \
             new baseline with BLESS=1 cargo xtask bench instructions"
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Runs every path under callgrind.
fn count() -> Result<BTreeMap<String, u64>> {
    #[derive(Deserialize)]
    struct Summary {
        function_name: String,
        id: String,
        profiles: Vec<Profile>,
    }
    #[derive(Deserialize)]
    struct Profile {
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        total: Total,
    }
    #[derive(Deserialize)]
    struct Total {
        metrics: Metrics,
    }
    #[derive(Deserialize)]
    struct Metrics {
        #[serde(rename = "Ir")]
        instructions: Metric,
    }
    #[derive(Deserialize)]
    struct Metric {
        values: Values,
    }
    #[derive(Deserialize)]
    struct Values {
        new: u64,
    }
    // The engine is compiled beforehand, since that takes minutes under valgrind. It is compiled for the least of
    // processors, since valgrind lacks features that this processor may have. The build is of the whole workspace: a
    // package alone has other features, and would be built anew.
    let built =
        cargo().args(["build", "--workspace", "--bin", "scriptmill"]).status().context("could not run cargo")?;
    ensure!(built.success(), "scriptmill could not be built");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace::root().join("target"), PathBuf::from);
    let precompiled = Command::new(target.join("debug/scriptmill"))
        .args(["precompile", "--cpu", "x86-64-v2", "--output"])
        .arg(target.join("tmp/precompiled/engine.bin"))
        .stdout(Stdio::null())
        .status()
        .context("could not run scriptmill")?;
    ensure!(precompiled.success(), "the engine could not be compiled");
    let output = cargo()
        // Built as the tests are. Counts of optimised code would be a little truer, but building it takes ten minutes more.
        .args(["bench", "--workspace", "--profile", "dev", "--bench", "instructions", "--", "--output-format=json"])
        .env("GUNGRAUN_RUNNER", runner()?)
        .stderr(Stdio::inherit())
        .output()
        .context("could not run cargo")?;
    ensure!(output.status.success(), "the paths could not be counted");
    let mut counts = BTreeMap::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let summary: Summary =
            serde_json::from_str(line).with_context(|| format!("the runner's output can't be read: {line:.200}"))?;
        let profile = summary.profiles.first().context("the runner has counted nothing")?;
        let path = format!("{} {}", summary.function_name, summary.id);
        counts.insert(path, profile.data.total.metrics.instructions.values.new);
    }
    Ok(counts)
}

/// The program that runs valgrind: built below `target`, once for each version.
fn runner() -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        version: String,
    }
    let lock: Lock = toml::from_str(&fs::read_to_string(workspace::root().join("Cargo.lock"))?)?;
    let package = lock.package.into_iter().find(|package| package.name == CRATE);
    let version = package.with_context(|| format!("Cargo.lock does not name {CRATE}"))?.version;
    let root = workspace::root().join("target").join(format!("{RUNNER}-{version}"));
    let program = root.join("bin").join(RUNNER);
    if !program.exists() {
        let status = cargo()
            .args(["install", "--locked", "--debug", RUNNER, "--version", &version, "--root"])
            .arg(&root)
            .status()
            .context("could not run cargo")?;
        ensure!(status.success(), "{RUNNER} {version} could not be installed");
    }
    Ok(program)
}

fn rustc() -> Result<String> {
    let output = Command::new("rustc").arg("--version").output().context("could not run rustc")?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
