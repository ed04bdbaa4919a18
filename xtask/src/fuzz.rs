//! `cargo xtask fuzz`: the fuzz targets, each for a minute, from their seeds. What they find stays below `target/fuzz`.

use std::fs;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::workspace;

/// The exit code when something must be installed first: that of a wrong call.
const NEED_MISSING: u8 = 2;
/// Longer inputs take longer, and find little that short ones don't.
const INPUT_BYTES_MAX: u32 = 4096;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Which of them: job, check or guest; without one, all
    #[arg(value_parser = ["job", "check", "guest"])]
    target: Option<String>,
    /// Seconds for each
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let is_there = |arguments: &[&str]| {
        let mut command = Command::new("cargo");
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !is_there(&["+nightly", "fuzz", "--version"]) {
        eprintln!(
            "error: fuzzing needs a nightly toolchain and cargo-fuzz: rustup toolchain install nightly, then \
             cargo install cargo-fuzz"
        );
        return Ok(ExitCode::from(NEED_MISSING));
    }
    let all = ["job", "check", "guest"];
    let targets = options.target.as_deref().map_or_else(|| all.to_vec(), |target| vec![target]);
    for target in targets {
        if !fuzz(target, options.seconds)? {
            eprintln!("error: the target {target} found something: see above for the input");
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs one target. Returns false if it found something.
fn fuzz(target: &str, seconds: u32) -> Result<bool> {
    let root = workspace::root();
    let work = root.join("target/fuzz");
    let corpus = work.join("corpus").join(target);
    fs::create_dir_all(&corpus)?;
    let status = Command::new("cargo")
        .args(["+nightly", "fuzz", "run", "--fuzz-dir", "fuzz", "--target-dir"])
        .arg(&work)
        .arg(target)
        .args([&corpus, &root.join("fuzz/seeds").join(target)])
        .arg("--")
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg(format!("-artifact_prefix={}/", work.display()))
        .current_dir(&root)
        .status()
        .context("could not run cargo")?;
    Ok(status.success())
}
