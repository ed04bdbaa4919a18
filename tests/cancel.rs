//! Cancelling, from the request to the outcome, at real workers.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use scriptmill_sdk::amqp::Envelope;
use scriptmill_sdk::client::{Client, Options};
use scriptmill_sdk::{Bundle, Code, Ending, Job, Outcome};
use support::{LONG, Rabbit, binary, get, start, start_command, with_rabbit};
use tokio::time::{sleep, timeout};

/// A script that holds its slot without a thread.
const SLEEPS: &str = "export default async () => { await sleep(25000); return 1; }";
/// A script that holds its slot and a thread.
const SPINS: &str = "export default () => { for (;;) {} }";

/// Runs `scriptmill cancel`.
async fn cancel(rabbit: &Rabbit, tenant: &str, ids: &[&str]) {
    let mut command = binary(rabbit);
    command.arg("cancel").arg(tenant).args(ids).args(["--by", "test", "--reason", "a test"]);
    let output = timeout(LONG, command.output()).await.expect("an end").unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && ids.iter().all(|id| stdout.contains(id)), "{stdout}{stderr}");
}

fn job(tenant: &str, id: &str, source: &str) -> Job {
    let mut job = Job::new(id, tenant.parse().unwrap(), Bundle::of("main.ts", source));
    // Far more than the test takes.
    (job.limits.wall_time_ms, job.limits.fuel) = (Some(25_000), None);
    job
}

async fn put(rabbit: &Rabbit, job: &Job, reply_to: &str) {
    let (message_id, reply_to) = (Some(job.id.clone()), Some(reply_to.to_owned()));
    let properties = Envelope { message_id, reply_to, ..Envelope::default() }.job_properties();
    rabbit.put(&rabbit.names.jobs, &serde_json::to_vec(job).unwrap(), properties).await;
}

async fn outcome(rabbit: &Rabbit, queue: &str) -> Outcome {
    let message = timeout(LONG, rabbit.take(queue)).await.expect("an outcome");
    serde_json::from_slice(&message.body).unwrap()
}

fn is_cancelled(outcome: &Outcome) -> bool {
    matches!(outcome.ending, Ending::Cancelled { code: Code::CancelRequested, .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_job_is_cancelled_before_any_worker_has_run() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        cancel(rabbit, "acme", &["a", "b"]).await;
        for (tenant, id) in [("acme", "a"), ("acme", "b"), ("acme", "c"), ("other", "a")] {
            put(rabbit, &job(tenant, id, "export default () => 42"), &queue).await;
        }
        let (_worker, address) = start(rabbit, 1).await;
        let mut ended = Vec::new();
        for _ in 0..4 {
            let outcome = outcome(rabbit, &queue).await;
            let is_cancelled = is_cancelled(&outcome);
            assert!(is_cancelled || outcome.ending.status() == "succeeded", "{outcome:?}");
            ended.push((outcome.tenant, outcome.job_id, is_cancelled));
        }
        ended.sort();
        let expected = [("acme", "a", true), ("acme", "b", true), ("acme", "c", false), ("other", "a", false)];
        assert_eq!(ended, expected.map(|(tenant, id, is)| (tenant.to_owned(), id.to_owned(), is)));
        for (name, value) in [
            ("cancels_total{result=\"taken\"}", 2),
            ("cancels_remembered", 2),
            ("cancels_connected", 1),
            ("jobs_total{status=\"cancelled\",code=\"SM3014\"}", 2),
        ] {
            shows(&address, &format!("scriptmill_{name} {value}")).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn running_waiting_and_delayed_jobs_are_cancelled_by_the_client() {
    with_rabbit(async |rabbit| {
        let options = rabbit.options();
        let options = Options { brokers: options.brokers(), prefix: options.prefix, ..Options::to([]) };
        let client = Client::connect(options).await.unwrap();
        let settings = [("SCRIPTMILL_WORKER__SLOTS", "2"), ("SCRIPTMILL_WORKER__LIMITS__FUEL", "1000000000000")];
        let _worker = start_command("work", &settings, rabbit).await;
        let mut pending = Vec::new();
        let start = jiff::Timestamp::now() + Duration::from_secs(8);
        let (start_at, contract) = (Some(start.to_string()), Some(2));
        let delayed = Job { start_at, contract, ..job("acme", "delayed", "export default () => 42") };
        pending.push(client.dispatch(&delayed).await.unwrap());
        // Two of them run, and the third waits for a slot.
        for (id, source) in [("sleeps", SLEEPS), ("spins", SPINS), ("waits", SLEEPS)] {
            pending.push(client.dispatch(&job("acme", id, source)).await.unwrap());
        }
        sleep(Duration::from_secs(3)).await;
        let (acme, other) = ("acme".parse().unwrap(), "other".parse().unwrap());
        client.cancel(&other, "sleeps").await.unwrap();
        for id in ["waits", "spins", "sleeps", "delayed"] {
            client.cancel(&acme, id).await.unwrap();
        }
        for pending in pending {
            // Sooner than any of them ends by itself.
            let outcome = pending.outcome(Duration::from_secs(15)).await.unwrap();
            assert!(is_cancelled(&outcome), "{outcome:?}");
        }
        // The slots are free again.
        let last = client.dispatch(&job("acme", "last", "export default () => 42")).await.unwrap();
        assert_eq!(last.outcome(LONG).await.unwrap().ending.status(), "succeeded");
        client.close().await;
    })
    .await;
}

/// Waits until the metrics of the worker at this address have this line.
async fn shows(address: &str, line: &str) {
    let line = format!("{line}\n");
    let shown = async {
        while !get(address, "/metrics").await.is_some_and(|metrics| metrics.contains(&line)) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, shown).await.expect("it is counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_in_quarantine_are_cancelled() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let (mut first, address) = start(rabbit, 2).await;
        for id in ["one", "other"] {
            put(rabbit, &job("acme", id, SLEEPS), &queue).await;
        }
        shows(&address, "scriptmill_jobs_running 2").await;
        first.kill().await.unwrap();
        // With one slot it runs one job in quarantine at a time.
        let (_second, address) = start(rabbit, 1).await;
        shows(&address, r#"scriptmill_moved_jobs_total{reason="suspect"} 2"#).await;
        // One of them runs, and the other waits for its place.
        let one_runs = async {
            while rabbit.ready(&rabbit.names.quarantine).await != 1 {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(LONG, one_runs).await.expect("one is taken");
        // Time for its process to begin.
        sleep(Duration::from_secs(2)).await;
        cancel(rabbit, "acme", &["one", "other"]).await;
        for _ in 0..2 {
            // Sooner than either ends by itself.
            let message = timeout(Duration::from_secs(15), rabbit.take(&queue)).await.expect("an outcome");
            let outcome: Outcome = serde_json::from_slice(&message.body).unwrap();
            assert!(is_cancelled(&outcome), "{outcome:?}");
            assert_eq!(message.properties.envelope().attempt, 2);
        }
        // The process that ran one of them is free for others.
        let properties = Envelope { reply_to: Some(queue.clone()), ..Envelope::default() }.job_properties();
        let other = serde_json::to_vec(&job("acme", "third", "export default () => 42")).unwrap();
        rabbit.put(&rabbit.names.quarantine, &other, properties).await;
        let message = timeout(Duration::from_secs(10), rabbit.take(&queue)).await.expect("an outcome");
        let outcome: Outcome = serde_json::from_slice(&message.body).unwrap();
        assert_eq!(outcome.ending.status(), "succeeded", "{outcome:?}");
        assert_eq!(rabbit.ready(&rabbit.names.dead).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_to_run_again_is_cancelled() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let (_worker, address) = start(rabbit, 1).await;
        let retry = serde_json::json!({ "retry": { "attempts": 2, "pauseMs": 5_000 } });
        rabbit.put_job("again", "export default () => { throw new Error('no') }", &retry, &queue).await;
        shows(&address, r#"scriptmill_moved_jobs_total{reason="retry"} 1"#).await;
        cancel(rabbit, "acme", &["again"]).await;
        let outcome = outcome(rabbit, &queue).await;
        assert!(is_cancelled(&outcome), "{outcome:?}");
    })
    .await;
}
