//! `cargo xtask test`: what the tests need, then the tests.

use std::ffi::OsString;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::workspace_root;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Handed to the test runner: a filter, `--no-capture`, `-p CRATE` …
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    run_tests(options)
}

/// Runs the tests, all in the dev profile, so that nothing is built twice; the runner's summary comes last.
fn run_tests(options: &Options) -> Result<ExitCode> {
    let nextest = cargo()
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let mut tests = cargo();
    if nextest {
        tests.args(["nextest", "run", "--workspace"]);
    } else {
        tests.args(["test", "--workspace", "--no-fail-fast"]);
    }
    let status = tests
        .args(&options.arguments)
        .status()
        .context("could not run cargo")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The cargo that runs us, at the workspace's root, with one compiled-engine cache for all tests.
fn cargo() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = workspace_root();
    let mut command = Command::new(cargo);
    command
        .env("SCRIPTMILL_CACHE_DIR", root.join("target/engine-cache"))
        .current_dir(root);
    command
}
