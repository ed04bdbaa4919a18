//! A rolling restart under load: every worker of a fleet is replaced, one after the other.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::HashMap;
use std::time::Duration;

use scriptmill_sdk::{Ending, Outcome};
use serde_json::json;
use support::{LONG, Rabbit, start, start_command, with_rabbit};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

const JOBS: usize = 1_500;
const WORKERS: usize = 3;

async fn put(rabbit: &Rabbit, id: &str, reply_to: &str) {
    let source = "export default async (input, ctx) => { await sleep(50); return ctx.attempt; }";
    rabbit.put_job(id, source, &json!({}), reply_to).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_above_the_limits_of_some_workers_is_refused_only_when_no_others_are_left() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let limit = |fuel| [("SCRIPTMILL_WORKER__LIMITS__FUEL", fuel)];
        let (_old, _) = start_command("work", &limit("1000000"), rabbit).await;
        let (mut new, _) = start_command("work", &limit("2000000"), rabbit).await;
        // After two beats each worker has heard the other.
        sleep(Duration::from_secs(5)).await;
        let put = async |id: &str| {
            let limits = json!({ "limits": { "fuel": 1_500_000 } });
            rabbit.put_job(id, "export default () => 1", &limits, &queue).await;
        };
        let next = async || {
            let message = timeout(LONG, rabbit.take(&queue)).await.expect("an outcome");
            serde_json::from_slice::<Outcome>(&message.body).unwrap()
        };
        for n in 0..10 {
            put(&format!("job-{n}")).await;
        }
        for _ in 0..10 {
            let outcome = next().await;
            assert_eq!(outcome.ending.status(), "succeeded", "{:?}", outcome.ending);
        }
        new.kill().await.unwrap();
        put("alone").await;
        let code = next().await.ending.code();
        assert_eq!(code, Some(scriptmill_sdk::Code::LimitAboveWorker));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_job_runs_once_while_all_workers_are_replaced() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let mut workers = Vec::new();
        for _ in 0..WORKERS {
            workers.push(start(rabbit, 4).await.0);
        }
        let putting = async {
            for n in 0..JOBS {
                put(rabbit, &format!("job-{n}"), &queue).await;
            }
        };
        let replacing = async {
            let mut successors = Vec::new();
            for mut worker in workers {
                sleep(Duration::from_millis(300)).await;
                successors.push(start(rabbit, 4).await.0);
                let id = worker.id().unwrap().to_string();
                Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
                let ended = timeout(LONG, worker.wait()).await.expect("it drains").unwrap();
                assert!(ended.success(), "{ended}");
            }
            successors
        };
        let taking = async {
            let (mut outcomes, mut tried_twice) = (HashMap::<String, usize>::new(), 0);
            while outcomes.len() < JOBS {
                let message = timeout(LONG, rabbit.take(&queue)).await.expect("an outcome");
                let outcome: Outcome = serde_json::from_slice(&message.body).unwrap();
                let Ending::Succeeded(attempt) = &outcome.ending else { panic!("{outcome:?}") };
                tried_twice += usize::from(attempt.get() != "1");
                *outcomes.entry(outcome.job_id).or_default() += 1;
            }
            (outcomes, tried_twice)
        };
        let ((), _successors, (mut outcomes, tried_twice)) = tokio::join!(putting, replacing, taking);
        while let Some(message) = rabbit.try_take(&queue).await {
            let outcome: Outcome = serde_json::from_slice(&message.body).unwrap();
            *outcomes.entry(outcome.job_id).or_default() += 1;
        }
        let repeated: Vec<_> = outcomes.iter().filter(|(_, count)| **count > 1).collect();
        assert!(repeated.is_empty(), "{repeated:?}");
        // A message that is on its way to a consumer when that is cancelled reaches nobody, and is delivered again.
        println!("{tried_twice} of {JOBS} jobs were tried twice");
        assert!(tried_twice <= JOBS / 50, "{tried_twice} jobs were tried twice");
        assert_eq!(rabbit.ready(&rabbit.names.quarantine).await, 0, "nothing is left there");
    })
    .await;
}
