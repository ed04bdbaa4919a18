//! `scriptmill work` as a process beside a real RabbitMQ: what a probe sees under load, and what a killed worker leaves.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::HashSet;
use std::process::Stdio;
use std::time::Duration;

use scriptmill_sdk::amqp::Envelope;
use scriptmill_sdk::{Ending, Outcome};
use serde_json::json;
use support::{LONG, Rabbit, server, with_rabbit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const SLOTS: usize = 3;

/// A worker and its address for health.
async fn start(rabbit: &Rabbit) -> (Child, String) {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_scriptmill"));
    command
        .arg("work")
        .env("SCRIPTMILL_BROKER__ADDRESSES", server())
        .env("SCRIPTMILL_BROKER__PREFIX", &rabbit.prefix)
        .env("SCRIPTMILL_WORKER__SLOTS", SLOTS.to_string())
        .env("SCRIPTMILL_HTTP__ADDRESS", &free)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    if let Some(file) = std::env::var_os("SCRIPTMILL_TEST_CA") {
        command.env("SCRIPTMILL_BROKER__CA_FILE", file);
    }
    if let Some(cache) = std::env::var_os("SCRIPTMILL_CACHE_DIR") {
        command.env("SCRIPTMILL_SANDBOX__CACHE_DIR", cache);
    }
    let worker = command.spawn().unwrap();
    let ready = async {
        while get(&free, "/readyz").await.is_none_or(|answer| !answer.starts_with("HTTP/1.1 200")) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, ready).await.expect("the worker becomes ready");
    (worker, free)
}

/// The whole answer; none while nobody listens.
async fn get(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer)
}

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
        let (_worker, address) = start(rabbit).await;
        for n in 0..2 * SLOTS {
            put(rabbit, &format!("endless-{n}"), "export default () => { for (;;); };", &queue).await;
        }
        let is_full = async || {
            let metrics = get(&address, "/metrics").await.expect("metrics");
            metrics.contains(&format!("scriptmill_jobs_running {SLOTS}\n"))
        };
        let full = async {
            while !is_full().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LONG, full).await.expect("all slots are taken");
        for path in ["/livez", "/readyz", "/health"] {
            let answer = timeout(LONG, get(&address, path)).await.expect("an answer").expect("an answer");
            assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        }
        assert!(is_full().await, "the probes were answered only after the scripts had ended");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_loses_nothing() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let (mut worker, _) = start(rabbit).await;
        let jobs = 150;
        for n in 0..jobs {
            // Long enough that some are always under way.
            let source = "export default () => { let n = 0; for (let i = 0; i < 200000; i++) n += i; return n; };";
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
                // SIGKILL: no goodbye to the broker.
                worker.kill().await.unwrap();
                assert!(rabbit.ready(&rabbit.names.jobs).await > 0, "the worker was done before it was killed");
                successor = Some(start(rabbit).await);
            }
        }
    })
    .await;
}
