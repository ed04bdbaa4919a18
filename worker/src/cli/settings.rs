//! The flags that all commands with a configuration share.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use scriptmill::config::{Config, Mistakes, Origin, Setting, Sources, flag};

/// Where the configuration comes from: defaults < file < environment < flags.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct ConfigArguments {
    /// A configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "SCRIPTMILL_CONFIG")]
    config: Option<PathBuf>,
    /// Any setting, such as worker.grace=10s; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
}

/// Where a broker is; for the commands that talk to one.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct BrokerArguments {
    /// Brokers, separated by commas [broker.addresses]
    #[arg(long, value_name = "ADDRESS,…")]
    broker: Option<String>,
    /// What queue names begin with [broker.prefix]
    #[arg(long, value_name = "NAME")]
    prefix: Option<String>,
}

/// Where the ledger is; for the commands that talk to it.
#[cfg(feature = "ledger")]
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct LedgerArguments {
    /// PostgreSQL servers, separated by commas [ledger.addresses]
    #[arg(long, value_name = "ADDRESS,…")]
    ledger: Option<String>,
}

#[cfg(feature = "ledger")]
impl LedgerArguments {
    /// What these flags set.
    pub(crate) fn settings(self) -> impl Iterator<Item = (String, Setting)> {
        self.ledger.map(|value| flag("ledger.addresses", value, "--ledger")).into_iter()
    }
}

impl ConfigArguments {
    /// The same flags again, for another process of this program.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let config = self.config.iter().flat_map(|file| ["--config".into(), file.clone().into_os_string()]);
        let set = self.set.iter().flat_map(|(key, value)| ["--set".into(), format!("{key}={value}").into()]);
        config.chain(set).collect()
    }

    /// Reads the configuration. `own` are the settings of the command's own flags; they win over file and environment.
    pub(crate) fn load(self, own: impl IntoIterator<Item = (String, Setting)>) -> Result<Config, Mistakes> {
        let set = self.set.iter().map(|(key, value)| flag(key, value, "--set"));
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            // A value that is not UTF-8 gets replacement characters, and is refused by its type or as an unknown file.
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        Config::load(Sources {
            file: self.config,
            environment: environment.collect(),
            flags: own.into_iter().chain(set).collect(),
        })
    }
}

impl BrokerArguments {
    /// The same flags again, for another process of this program.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let broker = self.broker.iter().flat_map(|value| ["--broker".into(), value.into()]);
        let prefix = self.prefix.iter().flat_map(|value| ["--prefix".into(), value.into()]);
        broker.chain(prefix).collect()
    }

    /// What these flags set.
    pub(crate) fn settings(self) -> impl Iterator<Item = (String, Setting)> {
        let broker = self.broker.map(|value| flag("broker.addresses", value, "--broker"));
        let prefix = self.prefix.map(|value| flag("broker.prefix", value, "--prefix"));
        broker.into_iter().chain(prefix)
    }
}

/// Settings from `--limit fuel=1000`, which is short for `--set worker.limits.fuel=1000`.
pub(crate) fn limits(limits: Vec<(String, String)>) -> impl Iterator<Item = (String, Setting)> {
    limits.into_iter().map(|(name, value)| {
        let origin = Origin::Flag(format!("--limit {name}"));
        (format!("worker.limits.{name}"), Setting { value: value.into(), origin })
    })
}

/// Reads `KEY=VALUE`.
pub(crate) fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.trim().to_owned())),
        _ => Err("must be written KEY=VALUE".to_owned()),
    }
}
