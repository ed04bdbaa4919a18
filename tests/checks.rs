//! Scripts whose check takes long: who waits for it, and what a busy machine makes of it.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fmt::Write as _;
use std::time::Duration;

use scriptmill_sdk::{Ending, Outcome};
use serde_json::json;
use support::{LONG, Rabbit, start_command, with_rabbit};
use tokio::time::{sleep, timeout};

/// A script of megabytes, which takes a large part of a second to check. Each `number` is another script.
fn large(number: u32) -> String {
    let mut source = String::new();
    for n in 0..25_000 {
        let _ = writeln!(
            source,
            "interface Order{n} {{ id: string; lines: Array<Order{n}>; total?: number; [key: string]: unknown }}"
        );
    }
    let _ = writeln!(source, "export default () => {number};");
    source
}

async fn next_outcome(rabbit: &Rabbit, queue: &str) -> Outcome {
    let message = timeout(LONG, rabbit.take(queue)).await.expect("an outcome");
    serde_json::from_slice(&message.body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_script_waits_for_no_check_of_another_tenant() {
    with_rabbit(async |rabbit| {
        let (_worker, address) = start_command("work", &[], rabbit).await;
        let queue = rabbit.declare_requester("replies").await;
        for number in 0..8 {
            rabbit.put_job(&format!("slow-{number}"), &large(number), &json!({ "tenant": "slow" }), &queue).await;
        }
        let all_wait = async {
            while !support::get(&address, "/metrics")
                .await
                .is_some_and(|text| text.contains("scriptmill_jobs_preparing 6\n"))
            {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LONG, all_wait).await.expect("all of them wait for a check");
        rabbit.put_job("quick", "export default () => 1;", &json!({ "tenant": "quick" }), &queue).await;
        let mut order = Vec::new();
        for _ in 0..9 {
            let outcome = next_outcome(rabbit, &queue).await;
            assert!(matches!(outcome.ending, Ending::Succeeded(_)), "{:?}", outcome.ending);
            order.push(outcome.job_id);
        }
        // Two of the eight had ended at most; one check runs, and the next may come just before.
        let before = order.iter().position(|id| id == "quick").unwrap();
        assert!(before <= 4, "it waited for the checks of others: {order:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_machine_changes_no_verdict_and_none_is_kept() {
    with_rabbit(async |rabbit| {
        // On an idle machine the check takes less than half of that, and beside the loops far more by the clock.
        let (_worker, _) = start_command("work", &[("SCRIPTMILL_SANDBOX__CHECK_TIMEOUT", "1s")], rabbit).await;
        let queue = rabbit.declare_requester("replies").await;
        let loops = 15;
        for number in 0..loops {
            let limits = json!({ "tenant": "loops", "limits": { "wallTimeMs": 8_000 } });
            rabbit.put_job(&format!("loop-{number}"), "export default () => { for (;;); };", &limits, &queue).await;
        }
        rabbit.put_job("beside", &large(1), &json!({}), &queue).await;
        let mut is_answered = false;
        for _ in 0..=loops {
            let outcome = next_outcome(rabbit, &queue).await;
            if outcome.job_id == "beside" {
                assert!(matches!(outcome.ending, Ending::Succeeded(_)), "{:?}", outcome.ending);
                is_answered = true;
            }
        }
        assert!(is_answered);
        rabbit.put_job("again", &large(1), &json!({}), &queue).await;
        let outcome = next_outcome(rabbit, &queue).await;
        assert!(matches!(outcome.ending, Ending::Succeeded(_)), "{:?}", outcome.ending);
    })
    .await;
}
