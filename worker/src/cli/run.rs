//! `scriptmill run`: one script, once, here and now.

use std::io::{IsTerminal as _, stdout};
use std::process::ExitCode;

use clap::Args;
use scriptmill_sdk::Ending;

use super::jobs::JobArguments;
use super::settings::{self, ConfigArguments};
use super::text::{say, say_json};
use super::{bundle, local, report};

const EXAMPLES: &str = "\
Examples:
  scriptmill run order.ts --input order.json
  echo '{\"net\": 100}' | scriptmill run tax.ts --input -
  scriptmill run order.ts --id order-7 --clock 2026-01-31T09:00:00Z    the same value and fuel every time
  scriptmill run slow.ts --limit fuel=1000000 --limit wall_time=5s

Exit code: 0 when the job succeeded, 1 when not, 2 for a wrong call.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    job: JobArguments,
    /// A limit, such as fuel=1000000, memory=32MiB or wall_time=5s; may be given several times
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = settings::assignment)]
    limits: Vec<(String, String)>,
    /// Print the outcome as JSON even on a terminal
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config = arguments.config.load(settings::limits(arguments.limits))?;
    let (outcome, script) = local::block_on(async {
        let checker = local::checker(&config)?;
        let script = bundle::read(&arguments.job.script, &checker).await?;
        let job = arguments.job.job(script.bundle.clone())?;
        let sandbox = local::sandbox(&config, checker, 1, local::clock())?;
        let mut outcome = local::outcome(&sandbox, &job, &config).await?;
        script.complete(&mut outcome.diagnostics);
        Ok((outcome, job.script))
    })?;
    if arguments.json || !stdout().is_terminal() {
        say_json(serde_json::to_string(&outcome)?)?;
    } else {
        say(report::outcome(&outcome, &script))?;
    }
    let succeeded = matches!(outcome.ending, Ending::Succeeded(_));
    Ok(ExitCode::from(u8::from(!succeeded)))
}
