//! What every exporter reads, so that all of them show the same number.

use std::time::{Duration, SystemTime};

use scriptmill_scaling::Demand;
use tokio::sync::watch;

/// The name of the number of replicas, wherever it is a metric.
pub const METRIC: &str = "scriptmill_desired_replicas";

/// The demand of one worker group, as every exporter shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The number of replicas, and what it follows from.
    pub demand: Demand,
    /// How long ago it was computed from what was heard.
    pub age: Duration,
    /// When it was computed, by this machine's clock; only to be shown.
    pub computed: SystemTime,
}

/// Why there is no number. An unknown number is never shown as 0.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unavailable {
    /// There is no such worker group.
    #[error("there is no worker group {0}")]
    UnknownGroup(String),
    /// The fleet is not known at the moment.
    #[error("the load of worker group {group} is unknown: {reason}")]
    Unknown {
        /// The worker group.
        group: String,
        /// Why.
        reason: String,
    },
}

/// Where exporters read the scaling signal.
pub trait Signal: Send + Sync + 'static {
    /// The worker groups there are.
    fn groups(&self) -> Vec<String>;

    /// The demand of a group. It is never older than a few heartbeats.
    ///
    /// # Errors
    /// There is no such group, or what is known of it is too old.
    fn read(&self, group: &str) -> Result<Reading, Unavailable>;

    /// Changes whenever the answer of [`Signal::read`] may have changed for some group.
    fn changes(&self) -> watch::Receiver<()>;
}
