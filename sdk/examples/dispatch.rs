//! Dispatches one job to Scriptmill and prints its outcome: `cargo run -p scriptmill-sdk --example dispatch`.
//! `AMQP_URL` names the broker, or several of one cluster, separated by commas. The client declares the exchange and the
//! queue where it may, and publishes to the exchange, routing key = tenant; the outcome comes once a worker runs.

use std::time::Duration;

use scriptmill_sdk::client::{Client, Options};
use scriptmill_sdk::{Bundle, Ending, Job};
use serde_json::{json, value::to_raw_value};

const SCRIPT: &str = "export default (order: { net: number; vat: number }) => ({ gross: order.net * (1 + order.vat) })";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let brokers = std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://localhost:5672".to_owned());
    let addresses = brokers.split(',').map(str::parse).collect::<Result<Vec<_>, _>>()?;
    let mut options = Options::to(addresses);
    if let Ok(prefix) = std::env::var("SCRIPTMILL_PREFIX") {
        options.prefix = prefix;
    }
    let client = Client::connect(options).await?;

    // The same id is the same job: after a transient error, dispatch it again as it is.
    let id = uuid::Uuid::now_v7().to_string();
    let input = to_raw_value(&json!({ "net": 100, "vat": 0.25 }))?;
    let job = Job { input, ..Job::new(id, "acme.sales".parse()?, Bundle::of("main.ts", SCRIPT)) };
    let outcome = async { anyhow::Ok(client.dispatch(&job).await?.outcome(Duration::from_secs(30)).await?) }.await;
    // Closing removes the reply queue, also after an error.
    client.close().await;
    let outcome = outcome?;

    println!("{}", serde_json::to_string_pretty(&outcome)?);
    match outcome.ending {
        Ending::Succeeded(_) => Ok(()),
        other => anyhow::bail!("the job ended as {}", other.status()),
    }
}
