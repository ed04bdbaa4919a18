//! Acknowledgements in batches: the settlements that came while the last ones were on their way go out together. One ack covers a
//! run of deliveries without a gap, which the broker settles in one step.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::try_join_all;
use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicNackOptions};
use lapin::types::DeliveryTag;
use scriptmill_sdk::connect::answer;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::broker::error::Error;

/// The most settlements on their way to the task that writes them; more wait for their turn.
const WAITING_MAX: usize = 1024;

/// Settles the deliveries of one channel. Cheap to clone.
#[derive(Clone)]
pub(super) struct Settlements(mpsc::Sender<Settlement>);

struct Settlement {
    tag: DeliveryTag,
    how: How,
    /// Answered when the settlement has been sent to the broker.
    done: Option<oneshot::Sender<Result<(), Error>>>,
}

#[derive(Clone, Copy, PartialEq)]
enum How {
    Acknowledge,
    Requeue,
}

impl Settlements {
    /// Settles on `channel` until the last clone is gone. Call it within a tokio runtime. Once one settlement cannot be sent, `failed`
    /// is cancelled and all others fail too: otherwise a process that was paused for longer than `timeout` would go on taking jobs and
    /// acknowledge none of them.
    pub(super) fn new(channel: Channel, timeout: Duration, failed: CancellationToken) -> Self {
        let (sender, settlements) = mpsc::channel(WAITING_MAX);
        let writing = write(channel, settlements, timeout);
        tokio::spawn(async move {
            let _failed = failed.drop_guard();
            writing.await;
        });
        Self(sender)
    }

    pub(super) async fn acknowledge(self, tag: DeliveryTag) -> Result<(), Error> {
        self.settle(tag, How::Acknowledge).await
    }

    pub(super) async fn requeue(self, tag: DeliveryTag) -> Result<(), Error> {
        self.settle(tag, How::Requeue).await
    }

    /// Requeues a delivery without waiting. If that is impossible now, the delivery goes back when the channel ends.
    pub(super) fn requeue_at_leisure(self, tag: DeliveryTag) {
        let _ = self.0.try_send(Settlement { tag, how: How::Requeue, done: None });
    }

    async fn settle(self, tag: DeliveryTag, how: How) -> Result<(), Error> {
        let lost = || Error::lost("the delivery died with its channel");
        let (done, told) = oneshot::channel();
        self.0.send(Settlement { tag, how, done: Some(done) }).await.map_err(|_| lost())?;
        told.await.unwrap_or_else(|_| Err(lost()))
    }
}

async fn write(channel: Channel, mut settlements: mpsc::Receiver<Settlement>, timeout: Duration) {
    let mut run = Run { end: 0, beyond: BTreeSet::new() };
    let mut batch = Vec::new();
    while settlements.recv_many(&mut batch, WAITING_MAX).await > 0 {
        // Lets other jobs that are about to settle join the batch.
        tokio::task::yield_now().await;
        while let Ok(settlement) = settlements.try_recv() {
            batch.push(settlement);
        }
        let (acknowledged, requeued): (Vec<_>, Vec<_>) = batch.drain(..).partition(|one| one.how == How::Acknowledge);
        for one in requeued {
            run.add(one.tag);
            let options = BasicNackOptions { requeue: true, multiple: false };
            let told = answer("basic.nack", timeout, channel.basic_nack(one.tag, options)).await.map_err(Error::from);
            let is_told = told.is_ok();
            one.tell(told);
            if !is_told {
                return;
            }
        }
        let acks = run.acks(acknowledged.iter().map(|one| one.tag).collect());
        // All acks are handed to lapin before the first is awaited: lapin then writes them in one go.
        let acks = acks.iter().map(|ack| channel.basic_ack(ack.tag, BasicAckOptions { multiple: ack.multiple }));
        if let Err(error) = answer("basic.ack", timeout, try_join_all(acks)).await {
            // The channel is gone with all its deliveries, or is given up here.
            let error = Error::from(error);
            acknowledged.into_iter().for_each(|one| one.tell(Err(error.clone())));
            return;
        }
        acknowledged.into_iter().for_each(|one| one.tell(Ok(())));
    }
}

impl Settlement {
    fn tell(self, told: Result<(), Error>) {
        if let Some(done) = self.done {
            // The settler may have stopped waiting.
            let _ = done.send(told);
        }
    }
}

/// The deliveries that a channel has settled: all up to `end`, and those in `beyond`.
struct Run {
    end: DeliveryTag,
    beyond: BTreeSet<DeliveryTag>,
}

#[derive(Debug, PartialEq)]
struct Ack {
    tag: DeliveryTag,
    /// Whether the ack covers all deliveries up to this one, or this one alone.
    multiple: bool,
}

impl Run {
    fn add(&mut self, tag: DeliveryTag) {
        self.beyond.insert(tag);
        while self.beyond.remove(&(self.end + 1)) {
            self.end += 1;
        }
    }

    /// The acks for these deliveries. Only a tag that is unsettled so far gets `multiple`. RabbitMQ would not find a settled tag, and
    /// would go on and acknowledge jobs that still run.
    fn acks(&mut self, mut tags: Vec<DeliveryTag>) -> Vec<Ack> {
        tags.sort_unstable();
        tags.iter().for_each(|tag| self.add(*tag));
        let within = tags.partition_point(|tag| *tag <= self.end);
        let run = tags[..within].last().map(|tag| Ack { tag: *tag, multiple: within > 1 });
        run.into_iter().chain(tags[within..].iter().map(|tag| Ack { tag: *tag, multiple: false })).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_acknowledged_at_once_and_what_lies_beyond_alone() {
        let mut run = Run { end: 0, beyond: BTreeSet::new() };
        let one = |tag| Ack { tag, multiple: false };
        let all = |tag| Ack { tag, multiple: true };
        assert_eq!(run.acks(vec![2]), [one(2)]);
        // 4 and 5 wait for 3.
        assert_eq!(run.acks(vec![5, 1]), [one(1), one(5)]);
        assert_eq!(run.acks(vec![4, 3]), [all(4)]);
        assert_eq!((run.end, run.beyond.len()), (5, 0));
        // 7 is requeued; 6 comes last, and 8 is the highest that is still unsettled.
        run.add(7);
        assert_eq!(run.acks(vec![6, 8]), [all(8)]);
        assert_eq!(run.acks(vec![10, 12, 11]), [one(10), one(11), one(12)]);
        assert_eq!(run.acks(vec![9]), [one(9)]);
        assert_eq!(run.end, 12);
    }
}
