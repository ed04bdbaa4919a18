//! `scriptmill work` as a process beside a real RabbitMQ: what a probe sees under load, and what a killed worker leaves.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::HashSet;
use std::process::Stdio;
use std::time::Duration;

use scriptmill_sdk::{Ending, Outcome};
use support::{LONG, Rabbit, get, is_ready, signal, spawn_with, start, start_command, with_rabbit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

const SLOTS: usize = 3;

async fn put(rabbit: &Rabbit, id: &str, source: &str, reply_to: &str) {
    rabbit.put_job(id, source, &serde_json::Value::Null, reply_to).await;
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
        // Between two scripts a slot is free for a moment. Once all scripts have ended, no slot is taken again.
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
            // Long enough that some jobs are always under way.
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

/// Takes outcomes until each of `jobs` jobs has one.
async fn answers(rabbit: &Rabbit, queue: &str, jobs: usize) {
    let mut answered = HashSet::new();
    while answered.len() < jobs {
        let message = timeout(LONG, rabbit.take(queue)).await.expect("an outcome");
        let outcome: Outcome = serde_json::from_slice(&message.body).unwrap();
        assert!(matches!(outcome.ending, Ending::Succeeded(_)), "{:?}", outcome.ending);
        answered.insert(outcome.job_id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_paused_goes_on() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let settings = [("SCRIPTMILL_BROKER__TIMEOUT", "500ms"), ("SCRIPTMILL_BROKER__RETRY_PAUSE_MAX", "100ms")];
        let (worker, address) = start_command("work", &settings, rabbit).await;
        let jobs = 6_000;
        let sending = async {
            for n in 0..jobs {
                put(rabbit, &format!("job-{n}"), "export default () => 1", &queue).await;
            }
        };
        let pausing = async {
            // Pauses fall while acknowledgements are written without a gap. Each pause is longer than writing one of them may take.
            while rabbit.ready(&queue).await < jobs as u32 / 10 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            for _ in 0..20 {
                signal(&worker, "-STOP").await;
                tokio::time::sleep(Duration::from_millis(700)).await;
                signal(&worker, "-CONT").await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::join!(sending, pausing);
        answers(rabbit, &queue, jobs).await;
        is_ready(&address).await;
        let settled = async {
            while rabbit.ready(&rabbit.names.jobs).await > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(LONG, settled).await.expect("all jobs are acknowledged");
        put(rabbit, "last", "export default () => 1", &queue).await;
        while rabbit
            .try_take(&queue)
            .await
            .is_none_or(|message| !message.body.windows(6).any(|text| text == b"\"last\""))
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_standard_error_nobody_reads_goes_on() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let (_worker, address) = spawn_with("work", &[], rabbit, Stdio::piped()).await;
        is_ready(&address).await;
        // Each message is a log line. Together they are far more than a pipe and the worker hold.
        for _ in 0..2_000 {
            rabbit.put(&rabbit.names.jobs, b"no job", lapin::BasicProperties::default()).await;
        }
        for n in 0..50 {
            put(rabbit, &format!("job-{n}"), "export default () => 1", &queue).await;
        }
        answers(rabbit, &queue, 50).await;
        let lost = async || {
            let metrics = get(&address, "/metrics").await.expect("metrics");
            let line = metrics.lines().find_map(|line| line.strip_prefix("scriptmill_lost_log_lines_total "));
            line.expect("the metric is there").parse::<u64>().unwrap()
        };
        let counted = async {
            while lost().await == 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(LONG, counted).await.expect("what was lost is counted");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_open_requests_hold_up_no_probe() {
    with_rabbit(async |rabbit| {
        let (_worker, address) = start(rabbit, SLOTS).await;
        let mut half_open = Vec::new();
        for _ in 0..600 {
            let mut stream = TcpStream::connect(&address).await.unwrap();
            stream.write_all(b"GET /livez HT").await.unwrap();
            half_open.push(stream);
        }
        let answer = timeout(LONG, get(&address, "/livez")).await.expect("an answer").expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        // The worker ends each of these connections.
        for mut stream in half_open {
            let mut answer = Vec::new();
            // The connection may be reset, since what was sent was not read.
            let _ = timeout(LONG, stream.read_to_end(&mut answer)).await.expect("the end of the connection");
        }
    })
    .await;
}

/// A number at this worker's metrics.
async fn metric(address: &str, name: &str) -> u64 {
    let metrics = get(address, "/metrics").await.expect("metrics");
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.expect("the metric is there").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_under_full_load_gives_back_what_has_not_begun() {
    const JOBS: u32 = 600;
    const ENDLESS: u64 = 3;
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let settings = [
            ("SCRIPTMILL_WORKER__SLOTS", "8"),
            ("SCRIPTMILL_WORKER__LIMITS__WALL_TIME", "10m"),
            ("SCRIPTMILL_WORKER__LIMITS__FUEL", "1000000000000"),
        ];
        let (mut worker, address) = start_command("work", &settings, rabbit).await;
        // These jobs compute beyond the end of the test.
        for n in 0..ENDLESS {
            put(rabbit, &format!("endless-{n}"), "export default () => { for (;;); };", &queue).await;
        }
        let reaches = async |name: &str, least: u64| {
            let reached = async {
                while metric(&address, name).await < least {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            timeout(LONG, reached).await.unwrap_or_else(|_| panic!("{name} is never {least}"));
        };
        reaches("scriptmill_jobs_running", ENDLESS).await;
        // Each job has a new script. The worker takes many of them and prepares one after the other.
        for n in 0..JOBS {
            put(rabbit, &format!("new-{n}"), &format!("export default () => {n}"), &queue).await;
        }
        reaches("scriptmill_jobs_preparing", u64::from(JOBS) / 10).await;
        let before = rabbit.ready(&rabbit.names.jobs).await;
        signal(&worker, "-TERM").await;
        let told = Instant::now();
        // Jobs that had begun end and are answered, except for the endless ones.
        let back = async {
            loop {
                let ready = rabbit.ready(&rabbit.names.jobs).await;
                if ready + rabbit.ready(&queue).await == JOBS {
                    return ready - before;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let count = timeout(Duration::from_secs(15), back).await.expect("they are back before the grace period ends");
        println!("{count} jobs that had not begun were back {:.3?} after SIGTERM", told.elapsed());
        assert_eq!(metric(&address, "scriptmill_jobs_running").await, ENDLESS);
        assert!(count > 0);
        worker.kill().await.unwrap();
    })
    .await;
}
