//! Takes the outcomes from every queue into which they may come.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection};
use scriptmill_sdk::amqp::{Envelope, UNROUTABLE};
use scriptmill_sdk::connect::{Error, answer};
use scriptmill_sdk::topology;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::engine::{Engine, WAIT};
use crate::history::{Event, Receipt};
use crate::jobs::correlated;

const PREFETCH: u16 = 200;
/// Outcomes that the queue of a stubborn requester keeps.
const KEPT: i64 = 20;
const PAUSE: Duration = Duration::from_millis(200);

/// Who reads a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    Always,
    /// Reads only while the engine's `reads` is set.
    Stubborn,
    /// Reads dead letters, and takes only those that are outcomes.
    OfDeadLetters,
}

/// Declares all queues, and reads them until aborted.
pub(crate) async fn receive(engine: &Arc<Engine>) -> Vec<JoinHandle<()>> {
    let connection = engine.connect(0, "faults: topology").await.unwrap();
    declare(engine, &connection).await.unwrap();
    // The connection may still be closing a channel. An error from that does not matter.
    let _ = connection.close(200, "done".into()).await;
    let names = &engine.names;
    let queues = [
        (names.reply_queue("engine"), Reader::Always),
        (names.reply_queue("stubborn"), Reader::Stubborn),
        (names.results.clone(), Reader::Always),
        (names.dead.clone(), Reader::OfDeadLetters),
    ];
    queues.map(|(queue, reader)| tokio::spawn(read(engine.clone(), queue, reader))).into()
}

async fn declare(engine: &Engine, connection: &Connection) -> Result<(), Error> {
    topology::declare(connection, &engine.names, WAIT).await?;
    let channel = answer("channel.open", WAIT, connection.create_channel()).await?;
    for name in ["engine", "stubborn"] {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        if name == "stubborn" {
            arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(KEPT));
            arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
        }
        let queue = engine.names.reply_queue(name);
        let declared = channel.queue_declare(queue.as_str().into(), QueueDeclareOptions::durable(), arguments);
        answer("queue.declare", WAIT, declared).await?;
    }
    Ok(())
}

async fn read(engine: Arc<Engine>, queue: String, reader: Reader) {
    let may_read = || reader != Reader::Stubborn || engine.reads.load(Ordering::SeqCst);
    let mut turn = 0;
    loop {
        if may_read()
            && let Ok(connection) = engine.connect(turn, "faults: outcomes").await
        {
            if let Ok(channel) = answer("channel.open", WAIT, connection.create_channel()).await {
                let refuses = async {
                    while may_read() {
                        sleep(PAUSE / 10).await;
                    }
                };
                tokio::select! {
                    // Reading begins again, whatever the error was.
                    _ = read_over(&engine, &channel, &queue, reader) => {}
                    () = refuses => {}
                }
            }
            let _ = answer("connection.close", PAUSE, connection.close(200, "done".into())).await;
        }
        turn += 1;
        sleep(PAUSE).await;
    }
}

async fn read_over(engine: &Engine, channel: &Channel, queue: &str, reader: Reader) -> Result<(), Error> {
    answer("basic.qos", WAIT, channel.basic_qos(PREFETCH, BasicQosOptions::default())).await?;
    let options = BasicConsumeOptions::default();
    let consume = channel.basic_consume(queue.into(), "".into(), options, FieldTable::default());
    let mut deliveries = answer("basic.consume", WAIT, consume).await?;
    while let Some(Ok(delivery)) = deliveries.next().await {
        if reader != Reader::OfDeadLetters || has_header(&delivery, UNROUTABLE) {
            engine.recorder.note(Event::Received(receipt(&delivery)));
        } else {
            let Envelope { message_id, history, .. } = Envelope::read(&delivery.properties);
            engine.recorder.note(Event::SetAside { job: message_id.unwrap_or_default(), history });
        }
        answer("basic.ack", WAIT, delivery.acker.ack(BasicAckOptions::default())).await?;
    }
    Ok(())
}

fn has_header(delivery: &Delivery, name: &str) -> bool {
    delivery.properties.headers().as_ref().is_some_and(|headers| headers.inner().contains_key(name))
}

fn receipt(delivery: &Delivery) -> Receipt {
    let outcome = serde_json::from_slice(&delivery.data).unwrap_or_default();
    let answers = correlated(&Envelope::read(&delivery.properties).correlation_id.unwrap_or_default());
    Receipt::new(answers, &outcome, delivery.redelivered)
}
