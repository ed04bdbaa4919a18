//! Whether a queue that is consumed from is still there.
//!
//! RabbitMQ tells the consumers of a queue that is deleted, but not always: where a member of a quorum queue has just come back and
//! lags behind its leader, nobody is told (seen on 3.10). Workers then stood still, connected and ready, until they were restarted.

use std::time::Duration;

use lapin::Channel;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use scriptmill_sdk::connect::{Error, answer};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How often the broker is asked.
const EVERY: Duration = Duration::from_secs(2);
/// The first worker to hear that the queue is gone declares it again. Before that all must have heard, since none can tell a queue
/// that was declared again from the one it consumed.
const HEARD_BY_ALL: Duration = EVERY.saturating_mul(2);
/// What a refusal begins with whose reason is that something is not there: AMQP's reply code.
const NOT_FOUND: &str = "404 ";

/// Sets `gone` once the queue is, until the connection ends. `channel` is for this alone, since the broker closes it then.
pub(super) async fn watch(channel: Channel, queue: String, timeout: Duration, gone: CancellationToken) {
    loop {
        sleep(EVERY).await;
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let asked = channel.queue_declare(queue.as_str().into(), passive, FieldTable::default());
        match answer("queue.declare", timeout, asked).await {
            Ok(_) | Err(Error::Silent { .. }) => {}
            Err(Error::Refused(said)) if said.starts_with(NOT_FOUND) => break,
            // What else goes wrong is seen by those who consume.
            Err(_) => return,
        }
    }
    tracing::warn!(queue, "the queue is gone, and nobody said so");
    sleep(HEARD_BY_ALL).await;
    gone.cancel();
}
