//! How RabbitMQ is reached.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use scriptmill_sdk::Address;
use scriptmill_sdk::connect::Brokers;
use serde::{Deserialize, Serialize};

use crate::rules::Rules;

/// The most bytes of a prefix.
const PREFIX_BYTES_MAX: usize = 64;
/// How long one answer of the broker, or a pause between two attempts, may take.
const MOMENT: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(600);
/// The range of the AMQP heartbeat's interval.
const HEARTBEAT: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(300);

/// How RabbitMQ is reached, and under which names its queues and exchanges live.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Brokers, tried in this order; after a lost connection the next one has its turn.
    #[schemars(length(min = 1), extend("writeOnly" = true))]
    pub addresses: Vec<Address>,
    /// A file that holds the user name, in place of the addresses'. Read again at every connection, as are all files here.
    pub username_file: Option<PathBuf>,
    /// A file that holds the password, in place of the addresses'.
    pub password_file: Option<PathBuf>,
    /// A file of certificates (PEM) to trust for `amqps`, beside the system's own.
    pub ca_file: Option<PathBuf>,
    /// What the names of all queues and exchanges begin with: `scriptmill` gives `scriptmill.jobs`, `scriptmill.dead` …
    #[schemars(length(min = 1, max = PREFIX_BYTES_MAX))]
    pub prefix: String,
    /// The longest wait for any single answer of the broker, such as a connection, a declaration or a confirm.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub timeout: Duration,
    /// The longest pause between two attempts to connect; pauses grow up to it.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub retry_pause_max: Duration,
    /// How often both sides say that they are alive; a connection silent for twice as long is lost.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub heartbeat: Duration,
    /// Refuse jobs whose `tenant` is not the AMQP `user_id` of their message, which the broker vouches for.
    pub tenant_is_user: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            addresses: "amqp://127.0.0.1:5672".parse().into_iter().collect(),
            username_file: None,
            password_file: None,
            ca_file: None,
            prefix: "scriptmill".to_owned(),
            timeout: Duration::from_secs(15),
            retry_pause_max: Duration::from_secs(30),
            heartbeat: Duration::from_secs(15),
            tenant_is_user: false,
        }
    }
}

impl Options {
    /// Checks the options against their ranges.
    pub(crate) fn check(&self, rules: &mut Rules<'_>) {
        rules.check("addresses", !self.addresses.is_empty(), "must name at least one broker");
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        rules.check(
            "prefix",
            (1..=PREFIX_BYTES_MAX).contains(&self.prefix.len()) && self.prefix.chars().all(is_name),
            format!("must be 1 to {PREFIX_BYTES_MAX} letters, digits, dots, dashes or underscores"),
        );
        rules.within("timeout", self.timeout, MOMENT, "");
        rules.within("retry_pause_max", self.retry_pause_max, MOMENT, "");
        rules.within("heartbeat", self.heartbeat, HEARTBEAT, "");
        let Self { username_file, password_file, ca_file, .. } = self;
        for (name, path) in [("username_file", username_file), ("password_file", password_file)] {
            rules.filled(name, path.as_deref());
        }
        rules.certificates("ca_file", ca_file.as_deref());
        let alone = |one: &Option<PathBuf>, other: &Option<PathBuf>| one.is_some() && other.is_none();
        rules.check("password_file", !alone(password_file, username_file), "needs broker.username_file beside it");
        rules.check("username_file", !alone(username_file, password_file), "needs broker.password_file beside it");
    }

    /// The brokers, in the form that the dispatch client takes too.
    pub fn brokers(&self) -> Brokers {
        Brokers {
            addresses: self.addresses.clone(),
            username_file: self.username_file.clone(),
            password_file: self.password_file.clone(),
            ca_file: self.ca_file.clone(),
            timeout: self.timeout,
            heartbeat: self.heartbeat,
        }
    }
}
