//! `cargo xtask test262 PATH`: the tests of a checkout of tc39/test262 through the sandbox. They are not checked in.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::workspace::{self, cargo};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// A checkout of tc39/test262: the folder with `harness` and `test` in it
    checkout: PathBuf,
    /// Only tests whose path contains this
    #[arg(long, default_value = "")]
    filter: String,
    /// How many run at a time
    #[arg(long, default_value_t = 2)]
    threads: u16,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let checkout = &options.checkout;
    ensure!(checkout.join("harness/assert.js").exists(), "{} is no checkout of test262", checkout.display());
    // Without --package: with it alone dependencies would get other features, and be built once more.
    let status = cargo()
        .args(["run", "--locked", "--example", "test262", "--"])
        .arg(checkout.canonicalize().with_context(|| format!("could not find {}", checkout.display()))?)
        .args([&options.filter, &options.threads.to_string()])
        .env("SCRIPTMILL_TEST_CACHE_DIR", workspace::root().join("target/engine-cache"))
        .current_dir(workspace::root())
        .status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
