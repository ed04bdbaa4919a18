//! The receipt of one delivery from RabbitMQ.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use lapin::types::DeliveryTag;

use super::settlement::Settlements;
use crate::broker::delivery::Receipt;
use crate::broker::error::Error;

/// The tag of one delivery. It dies with its channel.
pub(super) struct Tag {
    pub(super) tag: DeliveryTag,
    /// `None` once the delivery is settled.
    pub(super) settlements: Option<Settlements>,
    /// Keeps the delivery's consumer counted while the delivery is not settled.
    pub(super) _held: Arc<()>,
}

impl Receipt for Tag {
    fn acknowledge(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        let (tag, settlements) = (self.tag, self.settlements.take());
        async move {
            match settlements {
                Some(settlements) => settlements.acknowledge(tag).await,
                None => Ok(()),
            }
        }
        .boxed()
    }

    fn requeue(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        let (tag, settlements) = (self.tag, self.settlements.take());
        async move {
            match settlements {
                Some(settlements) => settlements.requeue(tag).await,
                None => Ok(()),
            }
        }
        .boxed()
    }
}

impl Drop for Tag {
    /// Requeues an unsettled delivery, which would otherwise hold its place in the prefetch window for ever.
    fn drop(&mut self) {
        if let Some(settlements) = self.settlements.take() {
            settlements.requeue_at_leisure(self.tag);
        }
    }
}
