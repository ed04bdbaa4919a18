//! Watches whether the consumed queue still exists.
//!
//! RabbitMQ usually tells consumers that their queue was deleted. It does not when a member of a quorum queue has just come back and
//! lags behind its leader (seen on 3.10). Workers then stood still, connected and ready, until they were restarted.

use std::time::Duration;

use lapin::Channel;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use scriptmill_sdk::connect::{Error, answer};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How often the broker is asked.
const EVERY: Duration = Duration::from_secs(2);
/// The pause between the discovery that the queue is gone and the end of the subscription. The first worker that subscribes again
/// declares the queue again. Before that all workers must have discovered the loss, since none can tell the new queue from the old.
const HEARD_BY_ALL: Duration = EVERY.saturating_mul(2);
/// The prefix of a refusal because something does not exist: AMQP's reply code.
const NOT_FOUND: &str = "404 ";

/// Watches the queue until the connection ends, and cancels `gone` once the queue is gone. `channel` serves this alone, since the
/// broker closes it when the queue is gone.
pub(super) async fn watch(channel: Channel, queue: String, timeout: Duration, gone: CancellationToken) {
    loop {
        sleep(EVERY).await;
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let asked = channel.queue_declare(queue.as_str().into(), passive, FieldTable::default());
        match answer("queue.declare", timeout, asked).await {
            Ok(_) | Err(Error::Silent { .. }) => {}
            Err(Error::Refused(said)) if said.starts_with(NOT_FOUND) => break,
            // The subscription itself notices every other error.
            Err(_) => return,
        }
    }
    tracing::warn!(queue, "the queue is gone, and nobody said so");
    sleep(HEARD_BY_ALL).await;
    gone.cancel();
}
