//! `scriptmill dead`: what it shows of messages that nobody could run or deliver, and what it does with them.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use scriptmill_sdk::Outcome;
use scriptmill_sdk::amqp::Envelope;
use serde_json::{Value, json};
use support::{LONG, Rabbit, binary, start, with_rabbit};
use tokio::time::{sleep, timeout};

/// What the command says, line by line, and whether it succeeded.
async fn dead(rabbit: &Rabbit, arguments: &[&str]) -> (Vec<Value>, bool) {
    let output =
        timeout(LONG, binary(rabbit).arg("dead").args(arguments).arg("--json").output()).await.unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() || !errors.is_empty(), "it says why it failed");
    (text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), output.status.success())
}

async fn put(rabbit: &Rabbit, id: &str, body: &str, reply_to: Option<&str>) {
    let (message_id, reply_to) = (Some(id.to_owned()), reply_to.map(str::to_owned));
    let properties = Envelope { message_id, reply_to, ..Envelope::default() }.job_properties();
    rabbit.put(&rabbit.names.jobs, body.as_bytes(), properties).await;
}

fn job(id: &str) -> String {
    let script = json!({ "modules": [{ "name": "main.ts", "source": "export default () => 1" }] });
    json!({ "id": id, "tenant": "acme", "script": script }).to_string()
}

/// Waits until there are `count` dead letters.
async fn letters(rabbit: &Rabbit, count: u32) {
    let there = async {
        while rabbit.ready(&rabbit.names.dead).await != count {
            sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, there).await.expect("the dead letters");
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_shown_sent_again_and_removed() {
    with_rabbit(async |rabbit| {
        let (_worker, _) = start(rabbit, 2).await;
        put(rabbit, "broken", "{", None).await;
        letters(rabbit, 1).await;
        put(rabbit, "homeless", &job("homeless"), Some("nobody's")).await;
        letters(rabbit, 2).await;
        let (listed, _) = dead(rabbit, &["list"]).await;
        let seen: Vec<_> = listed.iter().map(|letter| [&letter["kind"], &letter["id"], &letter["tenant"]]).collect();
        assert_eq!(json!(seen), json!([["job", "broken", ""], ["outcome", "homeless", "acme"]]));
        assert_eq!(listed[0]["code"], "SM3001");
        let reason = listed[0]["reason"].as_str().unwrap();
        assert!(reason.contains("the message is not JSON"), "{reason}");
        let (only, _) = dead(rabbit, &["list", "--code", "SM3001"]).await;
        assert_eq!(only.len(), 1);

        let key = listed[1]["key"].as_str().unwrap();
        let (shown, _) = dead(rabbit, &["show", key]).await;
        assert_eq!(shown[0]["message"]["status"], "succeeded");
        let (_, found) = dead(rabbit, &["show", "nothing"]).await;
        assert!(!found);

        // The requester's queue still does not exist.
        let (said, succeeded) = dead(rabbit, &["replay", "homeless"]).await;
        assert!(!succeeded && said[0]["done"].as_str().unwrap().starts_with("kept"), "{said:?}");
        letters(rabbit, 2).await;

        let (said, _) = dead(rabbit, &["replay", "broken"]).await;
        assert_eq!(said[0]["done"], "sent to the queue of jobs");
        letters(rabbit, 2).await;
        let (listed, _) = dead(rabbit, &["list", "--code", "SM3001"]).await;
        let history = listed[0]["history"].as_array().unwrap();
        assert_eq!(history.len(), 3, "refused, sent again, refused: {history:?}");

        dead(rabbit, &["discard", "--all", "--code", "SM3001"]).await;
        letters(rabbit, 1).await;
        dead(rabbit, &["discard", "homeless"]).await;
        letters(rabbit, 0).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_goes_to_its_requester_once_that_is_there() {
    with_rabbit(async |rabbit| {
        let (_worker, _) = start(rabbit, 2).await;
        let queue = format!("{}.late", rabbit.prefix);
        put(rabbit, "late", &job("late"), Some(&queue)).await;
        letters(rabbit, 1).await;
        rabbit.declare_requester("late").await;
        let (said, succeeded) = dead(rabbit, &["replay", "--all"]).await;
        assert!(succeeded, "{said:?}");
        let message = timeout(LONG, rabbit.take(&queue)).await.expect("the outcome");
        let outcome: Outcome = serde_json::from_slice(&message.body).unwrap();
        assert_eq!(outcome.job_id, "late");
        assert_eq!(message.properties.envelope().correlation_id.as_deref(), Some("late"));
        letters(rabbit, 0).await;
    })
    .await;
}
