//! `scriptmill declare`: the queues and exchanges, for operators and for engines in other languages than Rust.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use comfy_table::{Table, presets};
use scriptmill_sdk::connect::{Brokers, Error, answer};
use scriptmill_sdk::topology::Declaration;
use scriptmill_sdk::{Address, Names, topology};

use super::settings::{BrokerArguments, ConfigArguments};
use super::text::say;

const EXAMPLES: &str = "\
Examples:
  scriptmill declare
  scriptmill declare --broker amqps://mq-1:5671/prod,amqps://mq-2:5671/prod
  scriptmill declare --config /etc/scriptmill.toml

What exists as declared stays as it is, so that the command can be repeated. Workers declare the same when they connect,
and so does the Rust client where its user may. The user needs configure, write and read permission on names under the
prefix.

Exit code: 0 when all of it exists, 1 when the broker cannot be reached or refuses, 2 for a wrong call.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Also declare the queues for jobs that wait for their time, which workers declare when they first need one
    #[arg(long)]
    delays: bool,
    #[command(flatten)]
    broker: BrokerArguments,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(crate) fn declare(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let broker = arguments.config.load(arguments.broker.settings())?.broker;
    let (brokers, names) = (broker.brokers(), Names::new(&broker.prefix));
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
    let declarations = || topology::declarations(&names).into_iter().chain(delays(&names, arguments.delays)).collect();
    let address = runtime.block_on(declare_at_first(&brokers, &declarations))?;
    say(format_args!("{}\n\ndeclared at {address}\n", table(declarations()).trim_fmt()))?;
    Ok(ExitCode::SUCCESS)
}

fn delays(names: &Names, are_wanted: bool) -> impl Iterator<Item = Declaration<'_>> {
    topology::DELAYS_SECONDS.into_iter().filter(move |_| are_wanted).map(|seconds| topology::delay(names, seconds))
}

/// Declares all queues and exchanges at the first address that answers.
async fn declare_at_first<'a>(
    brokers: &'a Brokers,
    declarations: &dyn Fn() -> Vec<Declaration<'a>>,
) -> Result<&'a Address, Error> {
    let mut failed = Error::NoAddress;
    for (turn, address) in brokers.addresses.iter().enumerate() {
        match declare_at(brokers, turn, declarations()).await {
            Ok(()) => return Ok(address),
            Err(error) if error.is_transient() => failed = error,
            Err(error) => return Err(error),
        }
    }
    Err(failed)
}

async fn declare_at(brokers: &Brokers, turn: usize, declarations: Vec<Declaration<'_>>) -> Result<(), Error> {
    let connection = brokers.connect(turn, "scriptmill declare").await?;
    if let Err(error) = topology::declare_all(&connection, declarations, brokers.timeout).await {
        return Err(brokers.refused(turn, error).await);
    }
    answer("connection.close", brokers.timeout, connection.close(200, "declared".into())).await
}

fn table(declarations: Vec<Declaration<'_>>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(["name", "kind", "bound to"]);
    for declaration in declarations {
        let bound = declaration.binding.map_or_else(String::new, |binding| match binding.pattern {
            "" => binding.exchange.to_owned(),
            pattern => format!("{}, routing key {pattern}", binding.exchange),
        });
        table.add_row([&declaration.name, &declaration.kind.to_string(), &bound]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_all_queues_and_what_they_are_bound_to() {
        let lines: Vec<_> =
            table(topology::declarations(&Names::new("shop"))).lines().map(|line| line.trim().to_owned()).collect();
        let squeezed: Vec<_> = lines.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let expected = [
            "name kind bound to",
            "shop.dead fanout exchange",
            "shop.unclaimed fanout exchange",
            "shop.results topic exchange",
            "shop.jobs topic exchange",
            "shop.heartbeats fanout exchange",
            "shop.cancels fanout exchange",
            "shop.dead quorum queue shop.dead",
            "shop.results quorum queue shop.unclaimed",
            "shop.quarantine quorum queue",
            "shop.jobs quorum queue shop.jobs, routing key #",
            "shop.cancels stream shop.cancels",
        ];
        assert_eq!(squeezed, expected);
    }
}
