//! `cargo xtask test`: what the tests need, then the tests.

use std::ffi::OsString;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use anyhow::{Context, Result};

use crate::needs::{NEEDS, Need, Started, say_what_is_left_out};
use crate::workspace;

/// The exit code when a person must install something first: that of a wrong use of the command line.
const NEED_MISSING: u8 = 2;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Handed to the test runner: a filter, `--no-capture`, `-p CRATE` …
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let (started, missing): (Vec<_>, Vec<_>) = NEEDS.iter().map(Need::ensure).partition(Result::is_ok);
    let _started: Vec<Started> = started.into_iter().flatten().collect();
    for why in missing.iter().filter_map(|need| need.as_ref().err()) {
        eprintln!("error: {why:#}");
    }
    say_what_is_left_out();
    if missing.is_empty() { run_tests(options) } else { Ok(ExitCode::from(NEED_MISSING)) }
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
        if options.arguments.is_empty() && !run_doc_tests()?.success() {
            return Ok(ExitCode::FAILURE);
        }
        tests.args(["nextest", "run"]);
    } else {
        tests.args(["test", "--no-fail-fast"]);
    }
    if !names_packages(&options.arguments) {
        tests.arg("--workspace");
    }
    let status = tests.args(&options.arguments).status().context("could not run cargo")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Runs the documentation tests. nextest runs none of them; `cargo test` runs them by itself.
fn run_doc_tests() -> Result<ExitStatus> {
    cargo().args(["test", "--doc", "--workspace", "--quiet"]).status().context("could not run cargo")
}

/// Whether the arguments choose packages; cargo lets `--workspace` win over that.
fn names_packages(arguments: &[OsString]) -> bool {
    arguments
        .iter()
        .filter_map(|argument| argument.to_str())
        .take_while(|argument| *argument != "--")
        .any(|argument| argument.starts_with("-p") || argument.starts_with("--package"))
}

/// Cargo, with one compiled-engine cache for all tests.
pub(crate) fn cargo() -> Command {
    let cache = workspace::root().join("target/engine-cache");
    let mut command = workspace::cargo();
    command
        // For tests that call the sandbox, and for those that run the worker.
        .env("SCRIPTMILL_TEST_CACHE_DIR", &cache)
        .env("SCRIPTMILL_SANDBOX__CACHE_DIR", &cache)
        .envs(NEEDS.iter().filter_map(Need::variable));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_may_be_named() {
        let cases = [
            ("-p xtask", true),
            ("-pxtask", true),
            ("--no-capture --package=xtask", true),
            ("a_filter", false),
            ("-- -p", false),
            ("", false),
        ];
        for (line, named) in cases {
            let arguments: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            assert_eq!(names_packages(&arguments), named, "{line:?}");
        }
    }
}
