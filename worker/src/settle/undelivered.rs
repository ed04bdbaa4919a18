//! Outcomes whose queue takes none now, such as a requester's queue that is full.
//!
//! Such an outcome is published again for a while. Meanwhile its job is not acknowledged and would hold a place in the prefetch
//! window, so one requester that reads nothing could hold all places. Therefore the window grows by one for each such outcome, as it
//! does for a job in preparation. The memory of these outcomes has a bound, and one requester may use a part of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytesize::ByteSize;
use prometheus_client::metrics::gauge::Gauge;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::broker::Target;
use crate::rules::{Rules, UNACKNOWLEDGED_MAX};

/// One requester may use one `PARTS`th of the memory.
const PARTS: u64 = 4;
/// The memory that each outcome takes beside its messages, in bytes.
const OVERHEAD_BYTES: u64 = 4 << 10;

/// How long an outcome waits that its place does not take, and how many of them do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How long an outcome is published again to a queue that refuses it, before it goes to the dead letters.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub patience: Duration,
    /// Memory for outcomes that wait so, and for their jobs. The second and further ones of one requester may take it up to a
    /// quarter. An outcome for which there is no room goes to the dead letters when it is refused for the first time.
    #[schemars(with = "String")]
    pub size: ByteSize,
}

impl Default for Options {
    fn default() -> Self {
        Self { patience: Duration::from_secs(30), size: ByteSize::mib(32) }
    }
}

impl Options {
    /// Checks the options against their ranges.
    pub(crate) fn check(&self, rules: &mut Rules<'_>) {
        rules.within("patience", self.patience, ..=UNACKNOWLEDGED_MAX, "that is half of RabbitMQ's consumer timeout");
    }
}

/// All outcomes that wait for their queue to take them. Clones share them.
#[derive(Clone)]
pub struct Undelivered(Arc<Shared>);

struct Shared {
    options: Options,
    waiting: Mutex<HashMap<Target, u64>>,
    count: watch::Sender<usize>,
    shown: Gauge,
}

impl Undelivered {
    /// Begins with no waiting outcomes. `shown` is the gauge of how many wait.
    pub fn new(options: Options, shown: Gauge) -> Self {
        Self(Arc::new(Shared { options, waiting: Mutex::default(), count: watch::Sender::new(0), shown }))
    }

    /// How long an outcome may wait.
    pub(super) fn patience(&self) -> Duration {
        self.0.options.patience
    }

    /// Watches how many outcomes wait.
    pub(crate) fn watch(&self) -> watch::Receiver<usize> {
        self.0.count.subscribe()
    }

    /// Reserves `bytes` (the outcome and its job) for an outcome to `target`. Returns `None` when there is no room.
    pub(super) fn enter(&self, target: &Target, bytes: usize) -> Option<Place> {
        let bytes = bytes as u64 + OVERHEAD_BYTES;
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let size = self.0.options.size.as_u64();
        let of_target = waiting.get(target).copied().unwrap_or(0);
        let of_all: u64 = waiting.values().sum();
        let is_over_its_part = of_target > 0 && of_target + bytes > size / PARTS;
        if is_over_its_part || of_all + bytes > size {
            return None;
        }
        waiting.insert(target.clone(), of_target + bytes);
        self.0.count.send_modify(|count| *count += 1);
        self.0.shown.inc();
        Some(Place { undelivered: self.clone(), target: target.clone(), bytes })
    }
}

/// The place of one waiting outcome. Dropping it frees the place.
pub(super) struct Place {
    undelivered: Undelivered,
    target: Target,
    bytes: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let Shared { waiting, count, shown, .. } = &*self.undelivered.0;
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = waiting.get_mut(&self.target) {
            *bytes -= self.bytes;
            if *bytes == 0 {
                waiting.remove(&self.target);
            }
        }
        count.send_modify(|count| *count -= 1);
        shown.dec();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn one_requester_has_a_part_and_all_have_the_whole() {
        let undelivered = Undelivered::new(Options { size: ByteSize::kib(64), ..Options::default() }, Gauge::default());
        let to = |queue: &str| Target::Requester(queue.to_owned());
        // 8 KiB each, with what a place takes beside the messages.
        let enter = |queue: &str| undelivered.enter(&to(queue), 4 << 10);
        let mut places = Vec::new();
        for queue in ["a", "b", "c", "d"] {
            places.extend([enter(queue).unwrap(), enter(queue).unwrap()]);
            assert!(enter(queue).is_none(), "{queue} has its part");
        }
        assert!(enter("e").is_none(), "nothing is left");
        assert_eq!(*undelivered.watch().borrow(), 8);
        places.remove(0);
        assert!(enter("b").is_none());
        places.push(enter("e").unwrap());
        drop(places);
        assert_eq!(*undelivered.watch().borrow(), 0);
        assert!(enter("a").is_some());
    }
}
