//! What can be set about the ledger.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::address::Address;
use crate::rules::{Rules, UNACKNOWLEDGED_MAX};

/// The range of the longest wait for one answer.
const MOMENT: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(60);
/// Shorter leases would run out during a short network outage; longer ones would outlast a delivery.
const LEASE: RangeInclusive<Duration> = Duration::from_secs(5)..=UNACKNOWLEDGED_MAX;
/// With less than an hour, a job that is delivered again could run again. More than ten years (as humantime counts them) is a mistake.
const RETENTION: RangeInclusive<Duration> = Duration::from_secs(3_600)..=Duration::from_secs(10 * 31_557_600);

/// The ledger: what has been done, remembered in PostgreSQL for all workers of a cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// PostgreSQL servers of one cluster, such as `postgres://host:5432/database`, tried in this order until one can be written to.
    /// None: there is no ledger.
    #[schemars(extend("writeOnly" = true))]
    pub addresses: Vec<Address>,
    /// A file that holds the user name, in place of the addresses'. Read again at every connection, as are all files here.
    pub username_file: Option<PathBuf>,
    /// A file that holds the password, in place of the addresses'.
    pub password_file: Option<PathBuf>,
    /// A file of certificates (PEM) to trust, beside the system's own. With it an address that says no `sslmode` is `verify-full`;
    /// without it, `prefer`.
    pub ca_file: Option<PathBuf>,
    /// The longest wait for any single answer, such as a connection or a claim.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub timeout: Duration,
    /// How long the claim of a worker that is heard no more keeps others from running its job. A worker extends its claims for as
    /// long as it holds the jobs.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub lease: Duration,
    /// How long a job is remembered after its last claim or its outcome.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub retention: Duration,
    /// What happens to jobs while no server answers: `hold` them until one does, or `go-on` without the ledger.
    pub when_down: WhenDown,
    /// Bring the tables up to date when connecting, if the user may. Else they must be, by `scriptmill ledger migrate`.
    pub migrate: bool,
}

/// What happens to jobs while the ledger is down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum WhenDown {
    /// They wait until it answers.
    #[default]
    Hold,
    /// They run without it, as if there were none.
    GoOn,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            username_file: None,
            password_file: None,
            ca_file: None,
            timeout: Duration::from_secs(5),
            lease: Duration::from_secs(30),
            retention: Duration::from_secs(7 * 24 * 3_600),
            when_down: WhenDown::default(),
            migrate: true,
        }
    }
}

impl Options {
    /// Whether there is a ledger.
    pub fn is_on(&self) -> bool {
        !self.addresses.is_empty()
    }

    /// Checks the options against their ranges.
    pub(crate) fn check(&self, rules: &mut Rules<'_>) {
        let is_built = cfg!(feature = "ledger") || !self.is_on();
        rules.check("addresses", is_built, "must be empty: this build has no feature `ledger`");
        let verifies = |address: &Address| address.ssl_mode().is_none_or(|mode| mode.verifies());
        let all_verify = self.ca_file.is_none() || self.addresses.iter().all(verifies);
        let rule = "is of no use with an sslmode other than verify-ca and verify-full in ledger.addresses";
        rules.check("ca_file", all_verify, rule);
        rules.within("timeout", self.timeout, MOMENT, "");
        rules.within("lease", self.lease, LEASE, "");
        rules.within("retention", self.retention, RETENTION, "");
        let Self { username_file, password_file, ca_file, .. } = self;
        for (name, path) in [("username_file", username_file), ("password_file", password_file)] {
            rules.filled(name, path.as_deref());
        }
        rules.certificates("ca_file", ca_file.as_deref());
    }
}
