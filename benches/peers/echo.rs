//! The floor: a worker that replies with the job itself and acknowledges it, and does nothing else.

use std::env;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection, ConnectionProperties};

pub(crate) async fn run() -> anyhow::Result<()> {
    let variable = |name: &str| env::var(name).with_context(|| format!("{name} is not set"));
    let address = variable("AMQP_URL")?;
    let consuming = Connection::connect(&address, ConnectionProperties::default()).await?.create_channel().await?;
    let publishing = Connection::connect(&address, ConnectionProperties::default()).await?.create_channel().await?;
    publishing.confirm_select(ConfirmSelectOptions::default()).await?;
    consuming.basic_qos(variable("PREFETCH")?.parse()?, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let queue = variable("QUEUE")?;
    let mut jobs = consuming.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await?;
    while let Some(job) = jobs.next().await {
        let job = job?;
        let publishing = publishing.clone();
        tokio::spawn(async move {
            let mut properties = BasicProperties::default().with_delivery_mode(2);
            if let Some(id) = job.properties.correlation_id() {
                properties = properties.with_correlation_id(id.clone());
            }
            let target = job.properties.reply_to().clone().unwrap_or_default();
            let reply =
                publishing.basic_publish("".into(), target, BasicPublishOptions::default(), &job.data, properties);
            let confirmed = async { reply.await?.await };
            if let Err(error) = confirmed.await {
                eprintln!("a reply was not taken: {error}");
                return;
            }
            if let Err(error) = job.acker.ack(BasicAckOptions::default()).await {
                eprintln!("a job could not be acknowledged: {error}");
            }
        });
    }
    Ok(())
}
