//! `scriptmill cancel`: says that jobs are not wanted any more.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use scriptmill_sdk::client::{Client, Options};
use scriptmill_sdk::{Cancel, Tenant};

use super::settings::{BrokerArguments, ConfigArguments};
use super::text::say;

const EXAMPLES: &str = "\
Examples:
  scriptmill cancel acme.sales order-4711/approve
  scriptmill cancel acme order-1 order-2 --by \"$USER\" --reason \"sent twice\"

A job that is queued, delayed, waiting or running ends with the status cancelled; one that has ended stays as it is. The cancel holds
for 24 hours: another job of the same tenant and id is cancelled too.

Exit code: 0 when the broker has all of them, 1 when not, 2 for a wrong call.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Whose jobs they are
    tenant: Tenant,
    /// Their ids
    #[arg(required = true, value_name = "JOB-ID")]
    ids: Vec<String>,
    /// Who asks for it, for the workers' logs
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Why, for the workers' logs
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    broker: BrokerArguments,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(crate) fn cancel(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { tenant, ids, by, reason, broker, config } = arguments;
    let config = config.load(broker.settings())?.broker;
    let options = Options {
        brokers: config.brokers(),
        prefix: config.prefix.clone(),
        name: "scriptmill cancel".to_owned(),
        retry_pause_max: config.retry_pause_max,
        ..Options::to([])
    };
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
    runtime.block_on(async {
        let client = Client::connect(options).await?;
        for id in ids {
            let (by, reason) = (by.clone(), reason.clone());
            let cancel = Cancel { by, reason, ..Cancel::new(tenant.clone(), id) };
            client.send_cancel(&cancel).await?;
            say(format_args!("{} of {tenant}: all workers will hear that it is cancelled\n", cancel.id))?;
        }
        client.close().await;
        anyhow::Ok(ExitCode::SUCCESS)
    })
}
