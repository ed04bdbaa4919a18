//! `cargo xtask faults`: the fault laboratory of `tests/faults`, for as long as is asked for.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::needs::{NEEDS, Need};
use crate::test;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// `--jobs 100000 --faults 40 --seed N`, which repeats a plan; `--help` tells them all
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let _broker =
        NEEDS.iter().filter(|need| need.name() == "RabbitMQ").map(Need::ensure).collect::<Result<Vec<_>>>()?;
    let mut laboratory = test::cargo();
    laboratory.args(["test", "--workspace", "--test", "faults", "--", "--long"]).args(&options.arguments);
    let status = laboratory.status().context("could not run cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
