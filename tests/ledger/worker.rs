//! Whole workers with a ledger, beside a real RabbitMQ.

use std::time::Duration;

use scriptmill::ledger::Ledger as _;
use scriptmill::ledger::postgres::Postgres;
use scriptmill_sdk::amqp::{CODE, Envelope};
use serde_json::json;
use tokio::process::Child;
use tokio::time::{sleep, timeout};

use crate::bench::Database;
use crate::support::{LONG, Rabbit, get, is_ready, start_command};

/// Ends differently each time that it runs.
const RANDOM: &str = "export default async (ms) => { await sleep(ms); return Date.now(); };";

const SETTINGS: [(&str, &str); 2] = [("SCRIPTMILL_WORKER__SLOTS", "3"), ("SCRIPTMILL_LEDGER__LEASE", "5s")];

async fn put(rabbit: &Rabbit, id: &str, ms: u32, reply_to: &str, generation: u32) {
    let script = json!({ "modules": [{ "name": "main.ts", "source": RANDOM }] });
    let job = json!({ "id": id, "tenant": "acme", "script": script, "input": ms });
    let (message_id, reply_to) = (Some(id.to_owned()), Some(reply_to.to_owned()));
    let properties = Envelope { message_id, reply_to, generation, ..Envelope::default() }.job_properties();
    rabbit.put(&rabbit.names.jobs, job.to_string().as_bytes(), properties).await;
}

/// `count` workers, each with its address for health.
async fn workers(rabbit: &Rabbit, database: &Database, count: usize) -> Vec<(Child, String)> {
    let address = database.address().url().to_string();
    let settings = [SETTINGS.as_slice(), &[("SCRIPTMILL_LEDGER__ADDRESSES", address.as_str())]].concat();
    let mut started = Vec::new();
    for _ in 0..count {
        started.push(start_command("work", &settings, rabbit).await);
    }
    started
}

async fn body(rabbit: &Rabbit, queue: &str) -> (String, Option<String>) {
    let message = timeout(LONG, rabbit.take(queue)).await.unwrap();
    let code = message.properties.as_ref().headers().as_ref().and_then(|headers| {
        let lapin::types::AMQPValue::LongString(code) = headers.inner().get(CODE)? else { return None };
        Some(code.to_string())
    });
    (String::from_utf8(message.body.to_vec()).unwrap(), code)
}

pub(crate) async fn a_job_that_comes_twice_has_one_outcome(rabbit: &Rabbit, database: &Database) {
    let queue = rabbit.declare_requester("replies").await;
    let _workers = workers(rabbit, database, 2).await;
    // Four messages at the same time, and one more when the job is done.
    for _ in 0..4 {
        put(rabbit, "twice", 700, &queue, 0).await;
    }
    let (first, _) = body(rabbit, &queue).await;
    assert!(first.contains(r#""status":"succeeded""#), "{first}");
    put(rabbit, "twice", 700, &queue, 0).await;
    for _ in 0..4 {
        assert_eq!(body(rabbit, &queue).await.0, first);
    }
    let ledger = Postgres::open(database.options()).await.unwrap();
    let job = &ledger.job("acme", "twice").await.unwrap()[0];
    // The job ran in its first delivery, beside all others. A job over which the worker's own code breaks would have come again.
    assert_eq!((job.line.claims, job.attempts[0].attempt), (1, 1));
    // A replay is another run; another message is another job.
    put(rabbit, "twice", 700, &queue, 1).await;
    let (replayed, _) = body(rabbit, &queue).await;
    assert!(replayed.contains(r#""status":"succeeded""#) && replayed != first, "{replayed}");
    put(rabbit, "twice", 701, &queue, 0).await;
    assert_eq!(body(rabbit, &queue).await.1.as_deref(), Some("SM3013"));
    assert_eq!(rabbit.ready(&rabbit.names.dead).await, 1);
}

pub(crate) async fn a_killed_worker_leaves_its_jobs_to_others(rabbit: &Rabbit, database: &Database) {
    let queue = rabbit.declare_requester("replies").await;
    let mut killed = workers(rabbit, database, 1).await;
    put(rabbit, "left", 5_000, &queue, 0).await;
    let ledger = Postgres::open(database.options()).await.unwrap();
    let claimed = async {
        while ledger.job("acme", "left").await.unwrap().is_empty() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, claimed).await.unwrap();
    killed[0].0.kill().await.unwrap();
    let _others = workers(rabbit, database, 1).await;
    let (outcome, _) = body(rabbit, &queue).await;
    assert!(outcome.contains(r#""status":"succeeded""#), "{outcome}");
    let job = &ledger.job("acme", "left").await.unwrap()[0];
    assert_eq!(job.outcome.as_deref(), Some(outcome.as_bytes()));
    // Between the two there may be another claim: of a worker that died while the job was in quarantine.
    let (first, last) = (job.attempts.first().unwrap(), job.attempts.last().unwrap());
    assert!(first.worker != last.worker && first.released_ms.is_none(), "{:?}", job.attempts);
}

pub(crate) async fn jobs_are_held_while_the_ledger_is_down(rabbit: &Rabbit, database: &Database) {
    let queue = rabbit.declare_requester("replies").await;
    let workers = workers(rabbit, database, 1).await;
    put(rabbit, "before", 0, &queue, 0).await;
    body(rabbit, &queue).await;
    database.lets_in(false).await;
    put(rabbit, "held", 0, &queue, 0).await;
    sleep(Duration::from_secs(2)).await;
    assert!(rabbit.try_take(&queue).await.is_none());
    let health = &workers[0].1;
    assert_eq!(metric(health, "scriptmill_outcomes_unsettled").await, 0, "it ran, and its outcome waits");
    let told = async {
        while get(health, "/readyz").await.is_none_or(|answer| !answer.contains("not ready: ledger: SM")) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, told).await.expect("the ledger is told to be in the way");
    database.lets_in(true).await;
    let (outcome, _) = body(rabbit, &queue).await;
    assert!(outcome.contains(r#""jobId":"held""#), "{outcome}");
    is_ready(health).await;
}

pub(crate) async fn jobs_go_on_while_the_ledger_is_down(rabbit: &Rabbit, database: &Database) {
    let queue = rabbit.declare_requester("replies").await;
    database.lets_in(false).await;
    let address = database.address().url().to_string();
    let more = [("SCRIPTMILL_LEDGER__ADDRESSES", address.as_str()), ("SCRIPTMILL_LEDGER__WHEN_DOWN", "go-on")];
    let (_worker, health) = start_command("work", &[SETTINGS.as_slice(), &more].concat(), rabbit).await;
    // Each job runs, as if there were no ledger.
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        put(rabbit, "twice", 0, &queue, 0).await;
        outcomes.push(body(rabbit, &queue).await.0);
    }
    assert!(outcomes.iter().all(|outcome| outcome.contains(r#""status":"succeeded""#)), "{outcomes:?}");
    assert_ne!(outcomes[0], outcomes[1]);
    is_ready(&health).await;
    assert_eq!(metric(&health, "scriptmill_ledger_connected").await, 0);
    assert!(metric(&health, r#"scriptmill_ledger_claims_total{result="unanswered"}"#).await >= 2);
    assert!(metric(&health, r#"scriptmill_ledger_records_total{result="unanswered"}"#).await >= 2);
    // Once the ledger answers again, jobs are recorded.
    database.lets_in(true).await;
    let ledger = Postgres::open(database.options()).await.unwrap();
    // A job may find the ledger gone when it begins and there when it ends: then it is recorded without a claim.
    let granted = r#"scriptmill_ledger_claims_total{result="granted"}"#;
    let recorded = async {
        for number in 0.. {
            let id = format!("recorded-{number}");
            put(rabbit, &id, 0, &queue, 0).await;
            body(rabbit, &queue).await;
            let is_recorded = ledger.job("acme", &id).await.unwrap().iter().any(|job| job.outcome.is_some());
            if is_recorded && metric(&health, granted).await >= 1 {
                break;
            }
        }
    };
    timeout(LONG, recorded).await.expect("it is recorded");
    assert_eq!(metric(&health, "scriptmill_ledger_connected").await, 1);
    assert!(metric(&health, r#"scriptmill_ledger_wait_seconds_count{operation="record"}"#).await >= 1);
}

/// A number at a worker's metrics.
async fn metric(health: &str, name: &str) -> u64 {
    let metrics = get(health, "/metrics").await.expect("metrics");
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {metrics}")).parse().unwrap()
}
