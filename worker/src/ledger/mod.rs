//! The cluster's memory of what has been done: which job was begun by whom, and what came of it. Optional; over PostgreSQL, and
//! in memory.
//!
//! A job is claimed before it runs, under a lease that is extended for as long as its worker holds it, and its outcome is recorded
//! before it is published. A job that was recorded is answered, not run. Leases are decided by the ledger's clock alone, so that
//! no worker's clock can be wrong.

mod address;
mod claim;
mod counts;
pub mod embedded;
mod error;
mod history;
pub mod leases;
mod options;
#[cfg(feature = "ledger")]
pub mod postgres;

use std::sync::Arc;

use futures_util::future::BoxFuture;

pub use address::{Address, InvalidAddress, SslMode};
pub use claim::{Claim, Claimed, Key, Record, Recorded, Script};
pub use error::Error;
pub use history::{Attempt, Filter, Job, Line};
pub use options::{Options, WhenDown};

/// Bytes of one statement, after which no further outcome goes into it.
pub(crate) const STATEMENT_BYTES: usize = 1 << 20;

/// A ledger. Asking anything again is safe: a claim and a record carry the token of the claim, by which the ledger knows them.
pub trait Ledger: Send + Sync + 'static {
    /// Claims a job for one run. After an error it may have been claimed all the same: ask again, or release it.
    fn claim<'a>(&'a self, claim: &'a Arc<Claim>) -> BoxFuture<'a, Result<Claimed, Error>>;

    /// Extends the leases of claims, and returns how many of them are no longer there: another worker has claimed the job since, or
    /// recorded its outcome.
    fn extend<'a>(&'a self, claims: &'a [Arc<Claim>]) -> BoxFuture<'a, Result<usize, Error>>;

    /// Gives a claim back, so that others can claim the job at once. Does nothing where the claim is no longer there.
    fn release<'a>(&'a self, claim: &'a Arc<Claim>) -> BoxFuture<'a, Result<(), Error>>;

    /// Records an outcome, unless there is one already: the first one counts, whosever claim it came of. It need not have been
    /// claimed, so that a job that was run while the ledger was down can be recorded too.
    fn record<'a>(&'a self, claim: &'a Arc<Claim>, record: &'a Record) -> BoxFuture<'a, Result<Recorded, Error>>;

    /// Jobs, the latest first.
    fn history<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<Line>, Error>>;

    /// All that is known of one job, one entry for each generation, the latest first.
    fn job<'a>(&'a self, tenant: &'a str, job_id: &'a str) -> BoxFuture<'a, Result<Vec<Job>, Error>>;

    /// Why it does not answer now, if so.
    fn not_answering(&self) -> Option<String>;

    /// Closes the connections.
    fn close(&self) -> BoxFuture<'_, ()>;
}
