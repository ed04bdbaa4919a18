//! `scriptmill ledger`: the ledger's tables.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use scriptmill::ledger::postgres;

use super::local;
use super::settings::{ConfigArguments, LedgerArguments};
use super::text::say;

const EXAMPLES: &str = "\
Examples:
  scriptmill ledger migrate --ledger postgres://scriptmill_owner@db-1/scriptmill
  scriptmill ledger migrate --config /etc/scriptmill.toml

The user must own the tables, or be allowed to create them. docs/ledger.md has the statements that then give the
workers' role the rights that it needs. What is up to date stays as it is, so that the command can be repeated.

Exit code: 0 when the tables are up to date, 1 when they could not be brought to that, 2 for a wrong call.";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the tables, or bring them up to date
    Migrate(Migrate),
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Migrate {
    #[command(flatten)]
    ledger: LedgerArguments,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(crate) fn ledger(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Command::Migrate(Migrate { ledger, config }) = arguments.command;
    let config = config.load(ledger.settings())?;
    let (before, now) = local::block_on(async { Ok(postgres::migrate(config.ledger).await?) })?;
    let before = match before {
        0 => "none".to_owned(),
        version => version.to_string(),
    };
    say(format_args!("the ledger's tables have version {now} (before: {before})\n"))?;
    Ok(ExitCode::SUCCESS)
}
