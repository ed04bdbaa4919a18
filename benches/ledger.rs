//! How fast the ledger is: jobs claimed and recorded a second, by how many are under way at one time, beside a floor that takes one
//! statement and one commit for each. `cargo bench --bench ledger`, against the server of `SCRIPTMILL_TEST_POSTGRES`.
#![allow(clippy::unwrap_used, reason = "a benchmark")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use scriptmill::ledger::postgres::Postgres;
use scriptmill::ledger::{Address, Claim, Claimed, Key, Ledger as _, Options, Record, Recorded, Script};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

const ROUND: Duration = Duration::from_secs(4);
const AT_ONCE: [usize; 4] = [1, 16, 64, 256];
/// As long as the outcome of a small job.
const OUTCOME_BYTES: usize = 400;

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let server = std::env::var("SCRIPTMILL_TEST_POSTGRES");
    let server = server.unwrap_or_else(|_| "postgres://postgres:postgres@127.0.0.1:5432/postgres".to_owned());
    let name = format!("scriptmill_bench_{}", uuid::Uuid::new_v4().simple());
    let mut admin = PgConnection::connect(&server).await.unwrap();
    let execute = async |connection: &mut PgConnection, statement: String| {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.unwrap();
    };
    execute(&mut admin, format!("create database {name}")).await;
    let server: Address = server.parse().unwrap();
    let mut url = server.url().clone();
    url.set_path(&name);
    let address: Address = url.to_string().parse().unwrap();

    let ledger =
        Arc::new(Postgres::open(Options { addresses: vec![address.clone()], ..Options::default() }).await.unwrap());
    let floor = single(address.url().as_str()).await;
    println!("a statement and a commit for each, one after the other: {floor:.0} jobs/s");
    println!("{:>8} {:>8} {:>9} {:>9} {:>10}", "at once", "jobs/s", "ratio", "commits/s", "jobs/batch");
    for at_once in AT_ONCE {
        let before = commits(&mut admin, &name).await;
        let began = Instant::now();
        let done: usize =
            join_all(
                (0..at_once).map(|lane| {
                    let ledger = ledger.clone();
                    async move {
                        tokio::spawn(async move { jobs(&ledger, &format!("{at_once}-{lane}")).await }).await.unwrap()
                    }
                }),
            )
            .await
            .into_iter()
            .sum();
        let seconds = began.elapsed().as_secs_f64();
        // The server updates its counters with a delay.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let commits = (commits(&mut admin, &name).await - before) as f64;
        let rate = done as f64 / seconds;
        let batch = 2.0 * done as f64 / commits.max(1.0);
        println!("{at_once:>8} {rate:>8.0} {:>9.1} {:>9.0} {batch:>10.1}", rate / floor, commits / seconds);
    }
    ledger.close().await;
    execute(&mut admin, format!("drop database {name} with (force)")).await;
}

/// Claims and records one job after the other, and returns how many.
async fn jobs(ledger: &Postgres, lane: &str) -> usize {
    let began = Instant::now();
    let record = Record { status: "succeeded".to_owned(), code: None, body: vec![b'x'; OUTCOME_BYTES].into() };
    let mut done = 0;
    while began.elapsed() < ROUND {
        let key = Key { tenant: "acme.sales".to_owned(), job_id: format!("order-{lane}-{done}"), generation: 0 };
        let script = Script { name: "main.ts".to_owned(), hash: [7; 32] };
        let claim = Arc::new(Claim::new(key, [1; 32], script, "bench".to_owned(), 1));
        assert_eq!(ledger.claim(&claim).await.unwrap(), Claimed::Granted);
        assert_eq!(ledger.record(&claim, &record).await.unwrap(), Recorded::First);
        done += 1;
    }
    done
}

/// The floor: the same rows, with one statement for each step of a job.
async fn single(url: &str) -> f64 {
    const INSERT: &str = "insert into scriptmill_ledger \
        (tenant, job_id, generation, body_hash, script_name, script_hash, worker, claims, attempts) \
        values ('floor', $1, 0, $2, 'main.ts', $2, 'bench', 1, '[]')";
    const UPDATE: &str = "update scriptmill_ledger set status = 'succeeded', outcome = $2, recorded_at = now() \
        where tenant = 'floor' and job_id = $1 and generation = 0";
    let mut connection = PgConnection::connect(url).await.unwrap();
    let (began, outcome) = (Instant::now(), vec![b'x'; OUTCOME_BYTES]);
    let mut done = 0;
    while began.elapsed() < ROUND {
        let id = format!("order-{done}");
        sqlx::query(INSERT).bind(&id).bind([7_u8; 32]).execute(&mut connection).await.unwrap();
        sqlx::query(UPDATE).bind(&id).bind(&outcome).execute(&mut connection).await.unwrap();
        done += 1;
    }
    done as f64 / began.elapsed().as_secs_f64()
}

async fn commits(connection: &mut PgConnection, database: &str) -> i64 {
    let count = sqlx::query_scalar("select xact_commit from pg_stat_database where datname = $1").bind(database);
    count.fetch_one(connection).await.unwrap()
}
