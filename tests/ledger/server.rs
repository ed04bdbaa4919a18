//! What only PostgreSQL has: who may do what, which version the tables have, and a server that does not answer.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, join_all};
use scriptmill::ledger::postgres::{Postgres, migrate};
use scriptmill::ledger::{Address, Claimed, Error, Ledger as _, Options, Recorded};
use scriptmill_sdk::Code;
use tokio::time::{Instant, sleep, timeout};

use crate::bench::{Database, LONG, SHORT, claim, execute, record};

pub(crate) type Case = for<'a> fn(&'a Database) -> LocalBoxFuture<'a, ()>;

macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        pub(crate) const CASES: &[(&str, Case)] = &[$((stringify!($case), |database| $case(database).boxed_local()),)*];
    };
}

cases![
    workers_that_start_together_make_the_tables_once,
    a_worker_needs_four_rights_and_no_more,
    a_newer_ledger_is_refused,
    addresses_are_tried_in_turn,
    a_server_that_comes_back_is_found,
    an_answer_has_a_deadline,
    old_jobs_are_forgotten,
    a_certificate_must_be_trusted,
];

/// A role of a test's own, removed with it.
struct Role(String);

impl Role {
    async fn with(case: impl AsyncFnOnce(&Role)) {
        let role = Self(format!("scriptmill_test_{}", uuid::Uuid::new_v4().simple()));
        execute(&Database::server(), &format!("create role {} login", role.0)).await;
        let ended = std::panic::AssertUnwindSafe(case(&role)).catch_unwind().await;
        execute(&Database::server(), &format!("drop role {}", role.0)).await;
        if let Err(panic) = ended {
            std::panic::resume_unwind(panic);
        }
    }
}

async fn workers_that_start_together_make_the_tables_once(database: &Database) {
    let opened = join_all((0..8).map(|_| Postgres::open(database.options()))).await;
    for (n, ledger) in opened.into_iter().enumerate() {
        let claimed = ledger.unwrap().claim(&claim(&n.to_string(), 1, "one")).await.unwrap();
        assert_eq!(claimed, Claimed::Granted);
    }
    assert_eq!(database.number("select count(*) from scriptmill_ledger_version").await, 1);
    assert_eq!(migrate(database.options()).await.unwrap(), (1, 1));
}

/// The grants of `docs/ledger.md`, for this role.
fn grants(role: &str) -> String {
    let page = include_str!("../../docs/ledger.md");
    let (_, rest) = page.split_once("<!-- grants -->\n\n```sql\n").unwrap();
    let (statements, _) = rest.split_once("```").unwrap();
    statements.replace("scriptmill_worker", role)
}

async fn a_worker_needs_four_rights_and_no_more(database: &Database) {
    Role::with(async |role| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{}\n", role.0)).unwrap();
        let username_file = Some(PathBuf::from(file.path()));
        let options = Options { username_file, ..database.options() };
        // The role may not make the tables, and the error names the command that does.
        let error = Postgres::open(options.clone()).await.err().unwrap();
        assert!(matches!(&error, Error::Older { found: 0, .. }), "{error}");
        assert!(error.to_string().contains("scriptmill ledger migrate"), "{error}");
        assert_eq!(migrate(database.options()).await.unwrap().0, 0);
        // Without the grants, the role is refused.
        let error = Postgres::open(options.clone()).await.err().unwrap();
        assert_eq!((error.code(), error.is_transient()), (Code::LedgerRefuses, false), "{error}");
        database.execute(&grants(&role.0)).await;

        let ledger = Postgres::open(Options { retention: Duration::ZERO, ..options }).await.unwrap();
        let (first, second) = (claim("a", 1, "one"), claim("b", 1, "one"));
        assert_eq!(ledger.claim(&first).await.unwrap(), Claimed::Granted);
        assert_eq!(ledger.claim(&second).await.unwrap(), Claimed::Granted);
        assert_eq!(ledger.extend(std::slice::from_ref(&first)).await.unwrap(), 0);
        ledger.release(&second).await.unwrap();
        assert_eq!(ledger.record(&first, &record("succeeded", "1")).await.unwrap(), Recorded::First);
        assert_eq!(ledger.job("acme.sales", "a").await.unwrap().len(), 1);
        sleep(SHORT).await;
        assert_eq!(ledger.forget().await.unwrap(), 2);
        ledger.close().await;
        database.execute(&format!("drop owned by {}", role.0)).await;
    })
    .await;
}

async fn a_newer_ledger_is_refused(database: &Database) {
    let ledger = Postgres::open(database.options()).await.unwrap();
    database.execute("insert into scriptmill_ledger_version (version) values (7)").await;
    let error = Postgres::open(database.options()).await.err().unwrap();
    assert_eq!((error.code(), error.is_transient()), (Code::LedgerNewer, false), "{error}");
    assert_eq!(migrate(database.options()).await.err().unwrap().code(), Code::LedgerNewer);
    // A ledger that was open already refuses too, once it connects anew and finds tables that it does not know.
    let error = ledger.claim(&claim("a", 1, "one")).await.unwrap_err();
    assert_eq!(error.code(), Code::LedgerNewer, "{error}");
    assert!(ledger.not_answering().unwrap().contains("SM4123"));

    database.execute("delete from scriptmill_ledger_version").await;
    let no = Options { migrate: false, ..database.options() };
    let error = Postgres::open(no).await.err().unwrap();
    assert_eq!((error.code(), error.is_transient()), (Code::LedgerOlder, false), "{error}");
}

async fn addresses_are_tried_in_turn(database: &Database) {
    let mut url = database.address().url().clone();
    url.set_port(Some(1)).unwrap();
    let gone: Address = url.to_string().parse().unwrap();
    let other: Address =
        database.address().url().as_str().replace(&database.name, "scriptmill_nowhere").parse().unwrap();
    let addresses = vec![gone.clone(), other.clone(), database.address()];
    let ledger = Postgres::open(Options { addresses, ..database.options() }).await.unwrap();
    assert_eq!(ledger.claim(&claim("a", 1, "one")).await.unwrap(), Claimed::Granted);
    // An error that somebody must mend is returned, whatever address is tried after it.
    let refused = Options { addresses: vec![gone.clone(), other, gone], ..database.options() };
    let error = Postgres::open(refused).await.err().unwrap();
    assert_eq!(error.code(), Code::LedgerRefuses, "{error}");
}

async fn a_server_that_comes_back_is_found(database: &Database) {
    let ledger = Postgres::open(database.options()).await.unwrap();
    assert_eq!(ledger.claim(&claim("a", 1, "one")).await.unwrap(), Claimed::Granted);
    // A connection that ended meanwhile is replaced unnoticed.
    database.cut().await;
    assert_eq!(ledger.claim(&claim("b", 1, "one")).await.unwrap(), Claimed::Granted);
    assert_eq!(ledger.not_answering(), None);

    database.lets_in(false).await;
    let error = ledger.claim(&claim("c", 1, "one")).await.unwrap_err();
    assert_eq!((error.code(), error.is_transient()), (Code::LedgerUnreachable, true), "{error}");
    assert!(ledger.not_answering().unwrap().contains("SM4121"));
    // While the server is down, every request fails at once.
    let began = Instant::now();
    for _ in 0..50 {
        assert!(ledger.claim(&claim("c", 1, "one")).await.is_err());
    }
    assert!(began.elapsed() < LONG / 10, "{:?}", began.elapsed());
    // A worker can start meanwhile.
    let started = Postgres::open(database.options()).await.unwrap();
    database.lets_in(true).await;
    for (ledger, id) in [(&ledger, "c"), (&started, "d")] {
        let claim = claim(id, 1, "one");
        let granted = async {
            while ledger.claim(&claim).await.is_err() {
                sleep(Duration::from_millis(50)).await
            }
        };
        timeout(LONG, granted).await.unwrap();
        assert_eq!(ledger.not_answering(), None);
    }
}

async fn an_answer_has_a_deadline(database: &Database) {
    let patient = Postgres::open(database.options()).await.unwrap();
    let first = claim("a", 1, "one");
    assert_eq!(patient.claim(&first).await.unwrap(), Claimed::Granted);
    let ledger = Postgres::open(Options { timeout: SHORT, ..database.options() }).await.unwrap();
    let url = database.address();
    let mut other = <sqlx::PgConnection as sqlx::Connection>::connect(url.url().as_str()).await.unwrap();
    let lock = "begin; lock table scriptmill_ledger in access exclusive mode";
    sqlx::raw_sql(lock).execute(&mut other).await.unwrap();
    let error = timeout(LONG, ledger.record(&first, &record("succeeded", "1"))).await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.is_transient()), (Code::LedgerUnreachable, true), "{error}");
    sqlx::raw_sql("rollback").execute(&mut other).await.unwrap();
    let recorded = async {
        loop {
            if let Ok(recorded) = ledger.record(&first, &record("succeeded", "1")).await {
                return recorded;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    assert_eq!(timeout(LONG, recorded).await.unwrap(), Recorded::First);
}

async fn old_jobs_are_forgotten(database: &Database) {
    let options = Options { retention: LONG / 2, lease: 2 * LONG, ..database.options() };
    let ledger = Postgres::open(options).await.unwrap();
    let rows = "insert into scriptmill_ledger (tenant, job_id, generation, body_hash, script_name, script_hash, worker, claims, attempts, \
                first_at, last_at, status, outcome, recorded_at) \
                select 'acme', 'old-' || n, 0, '', '', '', '', 1, '[]', now() - interval '1 day', now() - interval '1 day', \
                'succeeded', '1', now() - interval '1 day' from generate_series(1, 2500) as n";
    database.execute(rows).await;
    let (held, done) = (claim("held", 1, "one"), claim("done", 1, "one"));
    for claim in [&held, &done] {
        assert_eq!(ledger.claim(claim).await.unwrap(), Claimed::Granted);
    }
    database.pass(LONG).await;
    // A claimed job is not forgotten, however old its claim is. Neither is a job whose outcome is new.
    assert_eq!(ledger.record(&done, &record("succeeded", "1")).await.unwrap(), Recorded::First);
    assert_eq!(ledger.forget().await.unwrap(), 2_500);
    assert_eq!(database.number("select count(*) from scriptmill_ledger").await, 2);
    database.pass(LONG - LONG / 4).await;
    assert_eq!(ledger.forget().await.unwrap(), 1);
    assert_eq!(ledger.job("acme.sales", "held").await.unwrap().len(), 1);
}

async fn a_certificate_must_be_trusted(database: &Database) {
    let other = rcgen::generate_simple_self_signed(["other.example".to_owned()]).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), other.cert.pem()).unwrap();
    // An authority is named, and the address has no sslmode.
    let options = Options { ca_file: Some(PathBuf::from(file.path())), ..database.options() };
    let error = Postgres::open(options).await.err().unwrap();
    assert_eq!((error.code(), error.is_transient()), (Code::LedgerRefuses, false), "{error}");
}
