//! The ledger in PostgreSQL.
//!
//! At most four connections write: one for claims, one for records, one for extensions and one for releases. Each is opened when it is
//! first needed. A fifth deletes old jobs every minute. Each batch is one statement and so one commit, which the server has made safe
//! before it answers. After an error a connection is dropped, and its requests may be sent again.

mod batches;
mod columns;
mod dialler;
mod failure;
mod lane;
mod past;
mod schema;
mod statements;
mod upkeep;

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt as _, join_all};
use sqlx::{Connection as _, PgConnection};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Claim, Claimed, Error, Filter, Job, Ledger, Line, Options, Record, Recorded};
use batches::{Claiming, Extending, Recording, Releasing};
use dialler::Dialler;
use failure::Fault;
use lane::Lane;

/// A ledger in PostgreSQL. Its tasks end when it is closed or dropped.
pub struct Postgres {
    options: Options,
    dialler: Arc<Dialler>,
    claims: Lane<Claiming>,
    records: Lane<Recording>,
    extensions: Lane<Extending>,
    releases: Lane<Releasing>,
    closing: CancellationToken,
    tasks: Mutex<JoinSet<()>>,
}

impl Postgres {
    /// Connects once. If no server answers now, the ledger goes on trying. Call it within a tokio runtime.
    ///
    /// # Errors
    /// The tables have another version, or the server refuses. A person must fix that.
    pub async fn open(options: Options) -> Result<Self, Error> {
        let (dialler, mut tasks) = (Arc::new(Dialler::new(options.clone())), JoinSet::new());
        match dialler.dial().await {
            Ok(connection) => close(connection, &options).await,
            Err(error) if error.is_transient() => tracing::warn!(%error, "the ledger does not answer yet"),
            Err(error) => return Err(error),
        }
        let closing = CancellationToken::new();
        let forgetting = upkeep::keep(dialler.clone(), options.retention);
        let forgetting = closing.clone().run_until_cancelled_owned(forgetting);
        tasks.spawn(async move { _ = forgetting.await });
        Ok(Self {
            claims: Lane::new(&dialler, &closing, &mut tasks),
            records: Lane::new(&dialler, &closing, &mut tasks),
            extensions: Lane::new(&dialler, &closing, &mut tasks),
            releases: Lane::new(&dialler, &closing, &mut tasks),
            options,
            dialler,
            closing,
            tasks: Mutex::new(tasks),
        })
    }

    /// Deletes all jobs that are older than the retention, unless another process is doing so, and returns how many. This also happens by
    /// itself, every minute.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn forget(&self) -> Result<u64, Error> {
        upkeep::forget(&self.dialler, self.options.retention).await
    }

    /// Runs a query on a connection of its own.
    async fn look_up<T>(
        &self,
        what: &'static str,
        look: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Fault>,
    ) -> Result<T, Error> {
        let mut connection = self.dialler.dial().await?;
        let waited = self.options.timeout;
        let found = timeout(waited, look(&mut connection)).await;
        close(connection, &self.options).await;
        found.map_err(|_| Error::Silent { what, waited })?.map_err(Error::from)
    }
}

/// Brings the tables up to date. Returns their version before and after.
///
/// # Errors
/// The server cannot be reached, refuses, or has tables of a newer version.
pub async fn migrate(options: Options) -> Result<(i32, i32), Error> {
    let (connection, found) = Dialler::new(options.clone()).dial_for(true).await?;
    close(connection, &options).await;
    Ok((found, schema::VERSION))
}

/// Closes a connection in order. If that fails, the connection ends all the same.
async fn close(connection: PgConnection, options: &Options) {
    _ = timeout(options.timeout, connection.close()).await;
}

impl Ledger for Postgres {
    fn claim<'a>(&'a self, claim: &'a Arc<Claim>) -> BoxFuture<'a, Result<Claimed, Error>> {
        self.claims.ask(Claiming { claim: claim.clone(), lease: self.options.lease }).boxed()
    }

    fn extend<'a>(&'a self, claims: &'a [Arc<Claim>]) -> BoxFuture<'a, Result<usize, Error>> {
        let lease = self.options.lease;
        let asked = claims.iter().map(move |claim| self.extensions.ask(Extending { claim: claim.clone(), lease }));
        let asked: Vec<_> = asked.collect();
        async move {
            let mut gone = 0;
            for extended in join_all(asked).await {
                gone += usize::from(!extended?);
            }
            Ok(gone)
        }
        .boxed()
    }

    fn release<'a>(&'a self, claim: &'a Arc<Claim>) -> BoxFuture<'a, Result<(), Error>> {
        self.releases.ask(Releasing { claim: claim.clone() }).boxed()
    }

    fn record<'a>(&'a self, claim: &'a Arc<Claim>, record: &'a Record) -> BoxFuture<'a, Result<Recorded, Error>> {
        self.records.ask(Recording { claim: claim.clone(), record: record.clone() }).boxed()
    }

    fn history<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<Line>, Error>> {
        self.look_up("the history", async move |connection| past::lines(connection, filter).await).boxed()
    }

    fn job<'a>(&'a self, tenant: &'a str, job_id: &'a str) -> BoxFuture<'a, Result<Vec<Job>, Error>> {
        self.look_up("a job", async move |connection| past::job(connection, tenant, job_id).await).boxed()
    }

    fn not_answering(&self) -> Option<String> {
        self.claims.down().or_else(|| self.records.down()).map(|error| error.to_string())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {
            self.closing.cancel();
            let mut tasks = self.tasks.lock().await;
            while tasks.join_next().await.is_some() {}
        }
        .boxed()
    }
}
