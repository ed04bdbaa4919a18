//! The cluster's memory of what has been done: which worker began which job, and what the outcome was. The ledger is optional. It is
//! implemented over PostgreSQL, and in memory.
//!
//! A job is claimed before it runs, under a lease that is extended for as long as its worker holds the job. Its outcome is recorded
//! before it is published. A job whose outcome is recorded is answered and does not run. The ledger's clock alone decides leases, so a
//! wrong clock of a worker does no harm.

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

/// Once a statement has this many bytes, nothing further goes into it. What takes more than one write (over TLS, 16 KiB) waits 40 ms for the
/// network's acknowledgement of the first: sqlx leaves Nagle's algorithm on. So order jobs ran at 720 a second and not at 2,700.
pub(crate) const STATEMENT_BYTES: usize = 12 << 10;

/// A ledger. Every request can safely be repeated: a claim and a record carry the claim's token, by which the ledger recognises them.
pub trait Ledger: Send + Sync + 'static {
    /// Claims a job for one run. After an error the job may have been claimed all the same: ask again, or release it.
    fn claim<'a>(&'a self, claim: &'a Arc<Claim>) -> BoxFuture<'a, Result<Claimed, Error>>;

    /// Extends the leases of claims, and returns how many of the claims no longer hold: another worker has claimed the job since, or the
    /// job's outcome is recorded.
    fn extend<'a>(&'a self, claims: &'a [Arc<Claim>]) -> BoxFuture<'a, Result<usize, Error>>;

    /// Gives a claim back, so that others can claim the job at once. Does nothing if the claim no longer holds.
    fn release<'a>(&'a self, claim: &'a Arc<Claim>) -> BoxFuture<'a, Result<(), Error>>;

    /// Records an outcome, unless there is one already. The first outcome counts, whichever claim it came from. The job need not have been
    /// claimed, so an outcome of a job that ran while the ledger was down can be recorded too.
    fn record<'a>(&'a self, claim: &'a Arc<Claim>, record: &'a Record) -> BoxFuture<'a, Result<Recorded, Error>>;

    /// The jobs that match the filter, the latest first.
    fn history<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<Line>, Error>>;

    /// All that is known of one job, one entry for each generation, the latest first.
    fn job<'a>(&'a self, tenant: &'a str, job_id: &'a str) -> BoxFuture<'a, Result<Vec<Job>, Error>>;

    /// Why the ledger does not answer now. Returns `None` while it answers.
    fn not_answering(&self) -> Option<String>;

    /// Closes the connections.
    fn close(&self) -> BoxFuture<'_, ()>;
}
