//! Jobs that begin later, and jobs that run again.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use scriptmill_sdk::amqp::Envelope;
use scriptmill_sdk::{Code, Ending, Outcome};
use serde_json::{Value, json};
use support::{LONG, Rabbit, start_command, with_rabbit};
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

const SETTINGS: [(&str, &str); 1] = [("SCRIPTMILL_WORKER__SLOTS", "2")];

async fn started(rabbit: &Rabbit) -> Child {
    start_command("work", &SETTINGS, rabbit).await.0
}

/// Sends a job of this script with further fields.
async fn put(rabbit: &Rabbit, id: &str, source: &str, more: Value, reply_to: &str) {
    rabbit.put_job(id, source, &more, reply_to).await;
}

async fn outcome(rabbit: &Rabbit, queue: &str) -> (Outcome, Envelope) {
    let message = timeout(LONG, rabbit.take(queue)).await.expect("an outcome");
    (serde_json::from_slice(&message.body).unwrap(), message.properties.envelope())
}

/// The instant that is `ms` milliseconds from now.
fn ahead(ms: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let at = i64::try_from(now.as_millis()).unwrap() + ms;
    jiff::Timestamp::from_millisecond(at).unwrap().to_string()
}

fn value(outcome: &Outcome) -> &str {
    match &outcome.ending {
        Ending::Succeeded(value) => value.get(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_begins_no_sooner_than_it_is_to() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let _worker = started(rabbit).await;
        let began = Instant::now();
        // The first job waits for long, and those behind it come first: no queue of delayed jobs blocks behind its head.
        for (id, ms) in [("long", 3_600_000), ("later", 6_500), ("sooner", 1_500)] {
            put(rabbit, id, "export default () => 1", json!({ "startAt": ahead(ms) }), &queue).await;
        }
        put(rabbit, "now", "export default () => 1", json!({ "startAt": ahead(-1_000) }), &queue).await;
        let mut came = Vec::new();
        for _ in 0..3 {
            came.push((outcome(rabbit, &queue).await.0.job_id, began.elapsed()));
        }
        let names: Vec<_> = came.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(names, ["now", "sooner", "later"]);
        assert!(came[1].1 >= Duration::from_millis(1_500), "{came:?}");
        assert!(came[2].1 >= Duration::from_millis(6_500), "{came:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_cannot_be_kept_is_refused() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let _worker = started(rabbit).await;
        let year_ms = 367 * 24 * 3_600_000;
        let cases = [
            (json!({ "startAt": ahead(year_ms) }), Code::StartTooFar, "startAt"),
            (json!({ "startAt": ahead(60_000), "deadline": ahead(30_000) }), Code::InvalidField, "startAt"),
            (json!({ "startAt": "tomorrow" }), Code::InvalidField, "startAt"),
            (json!({ "retry": { "attempts": 0 } }), Code::InvalidField, "retry.attempts"),
            (json!({ "retry": {}, "inputs": [1] }), Code::InvalidField, "retry"),
        ];
        for (more, code, path) in cases {
            put(rabbit, "a", "export default () => 1", more.clone(), &queue).await;
            let (outcome, _) = outcome(rabbit, &queue).await;
            let Ending::Rejected(rejection) = &outcome.ending else { panic!("{more}: {outcome:?}") };
            assert_eq!((rejection.code, rejection.path.as_deref()), (code, Some(path)), "{more}");
        }
    })
    .await;
}

/// The job goes five times through the same queue of delayed jobs. RabbitMQ drops messages that it takes to go in a cycle.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_again_until_it_succeeds_and_answers_once() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let _worker = started(rabbit).await;
        let source = "export default ctx => { if (ctx.attempt < 6) throw new Error('not yet'); return ctx.attempt; }";
        let source = source.replace("ctx =>", "(input, ctx) =>");
        let retry = json!({ "retry": { "on": ["script"], "attempts": 6, "pauseMs": 200, "pauseMaxMs": 200 } });
        put(rabbit, "again", &source, retry, &queue).await;
        let (outcome, envelope) = outcome(rabbit, &queue).await;
        assert_eq!(value(&outcome), "6");
        assert_eq!(envelope.attempt, 6);
        sleep(Duration::from_millis(500)).await;
        assert_eq!(rabbit.ready(&queue).await, 0, "only the last run is answered");
        assert_eq!(rabbit.ready(&rabbit.names.dead).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_no_more_often_than_its_policy_says() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let _worker = started(rabbit).await;
        let throws = "export default () => { throw new Error('never') }";
        let cases = [
            ("three runs", json!({ "retry": { "attempts": 3, "pauseMs": 100 } }), 3),
            ("of another kind", json!({ "retry": { "on": ["host"], "attempts": 3, "pauseMs": 100 } }), 1),
            (
                "past its deadline",
                json!({ "retry": { "attempts": 3, "pauseMs": 60_000 }, "deadline": ahead(30_000) }),
                1,
            ),
        ];
        for (name, more, attempts) in cases {
            put(rabbit, name, throws, more, &queue).await;
            let (outcome, envelope) = outcome(rabbit, &queue).await;
            assert_eq!(outcome.ending.code(), Some(Code::Thrown), "{name}");
            assert_eq!(envelope.attempt, attempts, "{name}");
        }
    })
    .await;
}
