//! `scriptmill declare`: the queues and exchanges, for operators and for engines in other languages than Rust.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use comfy_table::{Table, presets};
use scriptmill_sdk::connect::{Brokers, Error, answer};
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
    #[command(flatten)]
    broker: BrokerArguments,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(crate) fn declare(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let broker = arguments.config.load(arguments.broker.settings())?.broker;
    let (brokers, names) = (broker.brokers(), Names::new(&broker.prefix));
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
    let address = runtime.block_on(declare_at_first(&brokers, &names))?;
    say(format_args!("{}\n\ndeclared at {address}\n", table(&names).trim_fmt()))?;
    Ok(ExitCode::SUCCESS)
}

/// Declares all of it at the first address that answers.
async fn declare_at_first<'a>(brokers: &'a Brokers, names: &Names) -> Result<&'a Address, Error> {
    let mut failed = Error::NoAddress;
    for (turn, address) in brokers.addresses.iter().enumerate() {
        match declare_at(brokers, turn, names).await {
            Ok(()) => return Ok(address),
            Err(error) if error.is_transient() => failed = error,
            Err(error) => return Err(error),
        }
    }
    Err(failed)
}

async fn declare_at(brokers: &Brokers, turn: usize, names: &Names) -> Result<(), Error> {
    let connection = brokers.connect(turn, "scriptmill declare").await?;
    topology::declare(&connection, names, brokers.timeout).await?;
    answer("connection.close", brokers.timeout, connection.close(200, "declared".into())).await
}

fn table(names: &Names) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(["name", "kind", "bound to"]);
    for declaration in topology::declarations(names) {
        let bound = declaration.binding.map_or_else(String::new, |binding| match binding.pattern {
            "" => binding.exchange.to_owned(),
            pattern => format!("{}, routing key {pattern}", binding.exchange),
        });
        table.add_row([declaration.name, &declaration.kind.to_string(), &bound]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_all_queues_and_what_they_are_bound_to() {
        let lines: Vec<_> = table(&Names::new("shop")).lines().map(|line| line.trim().to_owned()).collect();
        let squeezed: Vec<_> = lines.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let expected = [
            "name kind bound to",
            "shop.dead fanout exchange",
            "shop.unclaimed fanout exchange",
            "shop.results topic exchange",
            "shop.jobs topic exchange",
            "shop.heartbeats fanout exchange",
            "shop.dead quorum queue shop.dead",
            "shop.results quorum queue shop.unclaimed",
            "shop.jobs quorum queue shop.jobs, routing key #",
        ];
        assert_eq!(squeezed, expected);
    }
}
