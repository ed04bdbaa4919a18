//! Requesters that use the client of the SDK: each sends a job, waits for its outcome, and sends the next.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use scriptmill_sdk::client::{Client, Options, Pending};
use scriptmill_sdk::connect::Brokers;
use scriptmill_sdk::{Bundle, Job};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::engine::{Engine, HEARTBEAT, WAIT};
use crate::history::{Event, Receipt};
use crate::support::LONG;

const REQUESTERS: usize = 4;
const PAUSE: Duration = Duration::from_millis(100);
const SOURCE: &str = "export default () => Math.random();";

/// Requests until the engine is done, and until each job sent has been answered.
pub(crate) async fn request(engine: Arc<Engine>) {
    let brokers = Brokers { timeout: WAIT, heartbeat: HEARTBEAT, ..engine.link.brokers() };
    let options = Options { prefix: engine.prefix.clone(), retry_pause_max: Duration::from_secs(1), ..Options::to([]) };
    let client = Client::connect(Options { brokers, ..options }).await.unwrap();
    let mut requesters = JoinSet::new();
    for number in 0..REQUESTERS {
        let (engine, client) = (engine.clone(), client.clone());
        requesters.spawn(async move {
            let mut jobs = 0;
            while !engine.is_over.load(Ordering::SeqCst) {
                if !engine.holds.load(Ordering::SeqCst) {
                    jobs += 1;
                    one(&engine, &client, format!("client-{number}-{jobs}")).await;
                }
                sleep(PAUSE).await;
            }
        });
    }
    requesters.join_all().await;
    client.close().await;
}

/// Sends one job and waits for its outcome. An outcome that does not come for a long time is missing in the history.
async fn one(engine: &Engine, client: &Client, id: String) {
    let job = Job::new(&id, "acme.sales".parse().unwrap(), Bundle::of("main.ts", SOURCE));
    let pending: Pending = loop {
        engine.recorder.note(Event::Published { job: id.clone(), expects: "succeeded" });
        match client.dispatch(&job).await {
            Ok(pending) => break pending,
            Err(_) => sleep(PAUSE).await,
        }
    };
    engine.recorder.note(Event::Confirmed { job: id.clone() });
    if let Ok(outcome) = pending.outcome(LONG).await {
        let outcome = serde_json::to_value(&outcome).unwrap();
        engine.recorder.note(Event::Received(Receipt::new(id, &outcome, false)));
    }
}
