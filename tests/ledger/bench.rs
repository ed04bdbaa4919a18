//! The ledgers under test: one in memory, and one in a database of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt as _;
use scriptmill::ledger::embedded::Embedded;
use scriptmill::ledger::postgres::Postgres;
use scriptmill::ledger::{Address, Claim, Key, Ledger, Options, Record, Script};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// `SHORT` passes within a test. `LONG` does not, however slow the machine is, unless [`Bench::pass`] lets it pass.
pub(crate) const SHORT: Duration = Duration::from_millis(400);
pub(crate) const LONG: Duration = Duration::from_secs(600);

/// A place where ledgers of one cluster live.
pub(crate) enum Bench {
    /// In memory, by a clock that is this many milliseconds fast.
    Embedded(Arc<AtomicU64>),
    Postgres(Database),
}

impl Bench {
    /// Two workers' handles of one ledger that grants claims for [`LONG`].
    pub(crate) async fn two(&self) -> [Arc<dyn Ledger>; 2] {
        match self {
            Self::Embedded(fast) => {
                let fast = fast.clone();
                let fast = move || Duration::from_millis(fast.load(Ordering::Relaxed));
                let now = move || SystemTime::UNIX_EPOCH.elapsed().unwrap() + fast();
                let ledger: Arc<dyn Ledger> = Arc::new(Embedded::new(LONG, 10_000, Arc::new(now)));
                [ledger.clone(), ledger]
            }
            Self::Postgres(database) => {
                let options = Options { lease: LONG, ..database.options() };
                let (one, other) = (Postgres::open(options.clone()).await, Postgres::open(options).await);
                [Arc::new(one.unwrap()), Arc::new(other.unwrap())]
            }
        }
    }

    pub(crate) async fn one(&self) -> Arc<dyn Ledger> {
        let [one, _] = self.two().await;
        one
    }

    /// Lets time pass for the ledger, so that what expires does not depend on the machine's speed.
    pub(crate) async fn pass(&self, time: Duration) {
        match self {
            Self::Embedded(fast) => _ = fast.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed),
            Self::Postgres(database) => database.pass(time).await,
        }
    }
}

/// A database of a test's own.
pub(crate) struct Database {
    pub(crate) name: String,
}

impl Database {
    /// The server to test against, as a user who may make databases and roles.
    pub(crate) fn server() -> Address {
        let server = std::env::var("SCRIPTMILL_TEST_POSTGRES");
        server.as_deref().unwrap_or("postgres://postgres:postgres@127.0.0.1:5432/postgres").parse().unwrap()
    }

    pub(crate) fn address(&self) -> Address {
        let mut url = Self::server().url().clone();
        url.set_path(&self.name);
        url.to_string().parse().unwrap()
    }

    pub(crate) fn options(&self) -> Options {
        Options { addresses: vec![self.address()], ..Options::default() }
    }

    /// Runs statements as the owner.
    pub(crate) async fn execute(&self, statements: &str) {
        execute(&self.address(), statements).await;
    }

    /// Lets time pass for the ledger by making its rows older, since nobody can set a server's clock.
    pub(crate) async fn pass(&self, time: Duration) {
        let older = |column: &str| format!("{column} = {column} - interval '{} milliseconds'", time.as_millis());
        let columns = ["lease_until", "first_at", "last_at", "recorded_at"].map(older);
        self.execute(&format!("update scriptmill_ledger set {}", columns.join(", "))).await;
    }

    /// Sets whether the server lets anybody into the database. If not, the existing connections are ended too.
    pub(crate) async fn lets_in(&self, yes: bool) {
        execute(&Self::server(), &format!("alter database {} allow_connections {yes}", self.name)).await;
        if !yes {
            self.cut().await;
        }
    }

    /// Ends the existing connections.
    pub(crate) async fn cut(&self) {
        let cut = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{}'", self.name);
        execute(&Self::server(), &cut).await;
    }

    pub(crate) async fn number(&self, query: &'static str) -> i64 {
        let mut connection = PgConnection::connect(self.address().url().as_str()).await.unwrap();
        sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap()
    }
}

pub(crate) async fn execute(address: &Address, statements: &str) {
    let mut connection = PgConnection::connect(address.url().as_str())
        .await
        .unwrap_or_else(|error| panic!("these tests need a PostgreSQL; SCRIPTMILL_TEST_POSTGRES says which: {error}"));
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await.unwrap();
}

/// Runs a test on a database of its own, and removes it even if it fails.
pub(crate) async fn with_database(case: impl AsyncFnOnce(Database)) {
    let name = format!("scriptmill_test_{}", uuid::Uuid::new_v4().simple());
    execute(&Database::server(), &format!("create database {name}")).await;
    let database = Database { name: name.clone() };
    let ended = std::panic::AssertUnwindSafe(case(database)).catch_unwind().await;
    execute(&Database::server(), &format!("drop database {name} with (force)")).await;
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}

/// A claim of this worker for a job whose message is `body`.
pub(crate) fn claim(job_id: &str, body: u8, worker: &str) -> Arc<Claim> {
    claim_of(Key { tenant: "acme.sales".to_owned(), job_id: job_id.to_owned(), generation: 0 }, body, worker)
}

pub(crate) fn claim_of(key: Key, body: u8, worker: &str) -> Arc<Claim> {
    let script = Script { name: "main.ts".to_owned(), hash: [0xab; 32] };
    Arc::new(Claim::new(key, [body; 32], script, worker.to_owned(), 1))
}

pub(crate) fn record(status: &str, body: &str) -> Record {
    let code = (status == "failed").then(|| "SM2001".to_owned());
    Record { status: status.to_owned(), code, body: body.to_owned().into() }
}
