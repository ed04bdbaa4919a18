//! Half of the workers killed, the broker gone for a minute, one of two scalers killed: no scaler says a wrong number, and no job is
//! lost.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use scriptmill_sdk::amqp::Envelope;
use serde_json::{Value, json};
use tokio::process::Child;
use tokio::time::{Instant, sleep};

use crate::support::{Rabbit, get, soon, start_command, with_rabbit};

const SLOTS: u32 = 2;
/// Jobs a second, of half a second each: they take four slots.
const RATE: u32 = 8;
/// What these jobs need at any target load: more than two workers of two slots each.
const LEAST: u32 = 3;
const SCRIPT: &str = "export default async function main() {\n  await sleep(500);\n}\n";

/// Starts a process that reaches the broker through the proxy. Returns it with its address for health.
async fn start(command: &str, rabbit: &Rabbit) -> (Child, String) {
    let settings = [
        ("SCRIPTMILL_BROKER__ADDRESSES", rabbit.proxy.address.uri().to_string()),
        ("SCRIPTMILL_BROKER__RETRY_PAUSE_MAX", "1s".to_owned()),
        ("SCRIPTMILL_WORKER__SLOTS", SLOTS.to_string()),
        ("SCRIPTMILL_SCALING__MIN", "1".to_owned()),
    ];
    start_command(command, &settings.each_ref().map(|(key, value)| (*key, value.as_str())), rabbit).await
}

/// The number that a scaler gives at the moment. Returns `None` while it is unknown.
async fn says(address: &str) -> Option<u32> {
    let answer = get(address, "/scaling/explain?format=json").await?;
    let body = answer.split("\r\n\r\n").nth(1)?;
    let explanation: Value = serde_json::from_str(body).ok()?;
    u32::try_from(explanation["number"]["replicas"].as_u64()?).ok()
}

/// Watches the numbers of scalers: none is less than the load needs, and they agree within a few beats. Returns how many were known.
async fn watch(during: &str, scalers: &[&str], time: Duration) -> u32 {
    let began = Instant::now();
    let (mut known, mut agreed) = (0, Instant::now());
    while began.elapsed() < time {
        let mut numbers = Vec::new();
        for address in scalers {
            numbers.push(says(address).await);
        }
        for number in numbers.iter().flatten() {
            assert!(*number >= LEAST, "{during}: {number} replicas after {:?}", began.elapsed());
            known += 1;
        }
        if numbers.windows(2).all(|pair| pair[0] == pair[1]) {
            agreed = Instant::now();
        }
        assert!(agreed.elapsed() < Duration::from_secs(10), "{during}: {numbers:?} for {:?}", agreed.elapsed());
        sleep(Duration::from_millis(250)).await;
    }
    known
}

/// Sends jobs at an even rate until told to stop, except while the broker is gone.
struct Requester {
    sent: AtomicU32,
    is_away: AtomicBool,
    is_over: AtomicBool,
}

impl Requester {
    async fn send(&self, rabbit: &Rabbit, replies: &str) {
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / RATE);
        while !self.is_over.load(Ordering::SeqCst) {
            ticks.tick().await;
            if self.is_away.load(Ordering::SeqCst) {
                continue;
            }
            let id = format!("job-{}", self.sent.fetch_add(1, Ordering::SeqCst));
            let script = json!({ "modules": [{ "name": "main.ts", "source": SCRIPT }] });
            let job = json!({ "id": id, "tenant": "acme", "script": script, "input": null }).to_string();
            let envelope = Envelope { message_id: Some(id), reply_to: Some(replies.to_owned()), ..Envelope::default() };
            rabbit.put(&rabbit.names.jobs, job.as_bytes(), envelope.job_properties()).await;
        }
    }
}

pub(crate) async fn no_fault_makes_a_scaler_say_a_wrong_number() {
    with_rabbit(async |rabbit| {
        let replies = rabbit.declare_requester("replies").await;
        let mut workers = Vec::new();
        for _ in 0..4 {
            workers.push(start("work", rabbit).await.0);
        }
        let ((mut first, one), (_second, other)) = (start("scaler", rabbit).await, start("scaler", rabbit).await);
        let requester = Arc::new(Requester {
            sent: AtomicU32::new(0),
            is_away: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        });
        let faults = async {
            let known = async {
                while !matches!(says(&one).await, Some(LEAST..)) || !matches!(says(&other).await, Some(LEAST..)) {
                    sleep(Duration::from_millis(250)).await;
                }
            };
            soon("a number that fits the load", known).await;
            assert!(watch("no fault", &[&one, &other], Duration::from_secs(10)).await > 0);

            for mut worker in workers.drain(..2) {
                worker.kill().await.unwrap();
            }
            assert!(watch("half of the workers killed", &[&one, &other], Duration::from_secs(5)).await > 0);
            for _ in 0..2 {
                workers.push(start("work", rabbit).await.0);
            }
            assert!(watch("others in their place", &[&one, &other], Duration::from_secs(15)).await > 0);

            requester.is_away.store(true, Ordering::SeqCst);
            rabbit.proxy.goes(true);
            watch("the broker gone", &[&one, &other], Duration::from_secs(60)).await;
            rabbit.proxy.goes(false);
            requester.is_away.store(false, Ordering::SeqCst);
            assert!(watch("the broker back", &[&one, &other], Duration::from_secs(20)).await > 0);

            first.kill().await.unwrap();
            assert!(watch("one scaler killed", &[&other], Duration::from_secs(10)).await > 0);
            requester.is_over.store(true, Ordering::SeqCst);
        };
        tokio::join!(requester.send(rabbit, &replies), faults);
        let mut outcomes = HashSet::new();
        while outcomes.len() < requester.sent.load(Ordering::SeqCst) as usize {
            let message = soon("an outcome", rabbit.take(&replies)).await;
            let outcome: Value = serde_json::from_slice(&message.body).unwrap();
            assert_eq!(outcome["status"], "succeeded", "{outcome}");
            outcomes.insert(outcome["jobId"].to_string());
        }
    })
    .await;
}
