//! The configuration as one typed struct.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{log, sandbox};
use crate::{broker, exporters, http, ledger, scale, service};

/// Everything that can be set. Durations are written as `30s`, sizes as `64MiB`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Configuration of scriptmill")]
pub struct Config {
    /// How RabbitMQ is reached.
    pub broker: broker::amqp::Options,
    /// What has been done, remembered for all workers of a cluster.
    pub ledger: ledger::Options,
    /// How much the worker takes on, and what a job may use.
    pub worker: service::Options,
    /// How many workers there should be.
    pub scaling: scale::Options,
    /// Who is told that number, beside Prometheus.
    pub scaler: exporters::Options,
    /// How scripts are checked and kept.
    pub sandbox: sandbox::Options,
    /// Health and metrics over HTTP.
    pub http: http::Options,
    /// What the process says about itself, on standard error.
    pub log: log::Options,
}
