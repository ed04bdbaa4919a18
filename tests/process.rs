//! `scriptmill work` as a process beside a real RabbitMQ: what a probe sees under load, and what a killed worker leaves.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::HashSet;
use std::time::Duration;

use scriptmill_sdk::amqp::Envelope;
use scriptmill_sdk::{Ending, Outcome};
use serde_json::json;
use support::{LONG, Rabbit, get, start, with_rabbit};
use tokio::time::timeout;

const SLOTS: usize = 3;

async fn put(rabbit: &Rabbit, id: &str, source: &str, reply_to: &str) {
    let script = json!({ "modules": [{ "name": "main.ts", "source": source }] });
    let job = json!({ "id": id, "tenant": "acme", "script": script });
    let (message_id, reply_to) = (Some(id.to_owned()), Some(reply_to.to_owned()));
    let properties = Envelope { message_id, reply_to, ..Envelope::default() }.job_properties();
    rabbit.put(&rabbit.names.jobs, job.to_string().as_bytes(), properties).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_are_answered_while_every_slot_computes() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let (_worker, address) = start(rabbit, SLOTS).await;
        for n in 0..4 * SLOTS {
            put(rabbit, &format!("endless-{n}"), "export default () => { for (;;); };", &queue).await;
        }
        let is_full = async || {
            let metrics = get(&address, "/metrics").await.expect("metrics");
            metrics.contains(&format!("scriptmill_jobs_running {SLOTS}\n"))
        };
        let full = async || {
            while !is_full().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LONG, full()).await.expect("all slots are taken");
        for path in ["/livez", "/readyz", "/health"] {
            let answer = timeout(LONG, get(&address, path)).await.expect("an answer").expect("an answer");
            assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        }
        // Between two scripts a slot is free for a moment; once they have all ended, none is taken again.
        timeout(LONG, full()).await.expect("the probes were answered before the scripts had ended");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_loses_nothing() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let (mut worker, _) = start(rabbit, SLOTS).await;
        let jobs = 100;
        for n in 0..jobs {
            // Long enough that some are always under way.
            let source = "export default () => { let n = 0; for (let i = 0; i < 1000000; i++) n += i; return n; };";
            put(rabbit, &format!("job-{n}"), source, &queue).await;
        }
        let mut answered = HashSet::new();
        let mut successor = None;
        while answered.len() < jobs {
            let message = timeout(LONG, rabbit.take(&queue)).await.expect("an outcome");
            let outcome: Outcome = serde_json::from_slice(&message.body).unwrap();
            assert!(matches!(outcome.ending, Ending::Succeeded(_)), "{:?}", outcome.ending);
            answered.insert(outcome.job_id);
            if answered.len() == jobs / 5 && successor.is_none() {
                // SIGKILL: the connection is not closed.
                worker.kill().await.unwrap();
                assert!(rabbit.ready(&rabbit.names.jobs).await > 0, "the worker was done before it was killed");
                successor = Some(start(rabbit, SLOTS).await);
            }
        }
    })
    .await;
}
