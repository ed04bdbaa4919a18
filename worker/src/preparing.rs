//! Jobs whose script is being prepared. Preparing is a class of its own: such a job holds neither a slot nor, in effect, a
//! place in the prefetch window, so that those behind it whose script is ready go ahead.

use tokio::sync::watch;

use crate::metrics::Metrics;

/// Copies of the message of a job in preparation: as it came, and as it was read.
const COPIES: u64 = 2;
/// What such a job takes beside its message, in bytes.
const OVERHEAD_BYTES: u64 = 4 << 10;

/// How much is being prepared.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Load {
    /// Jobs.
    pub(crate) jobs: usize,
    /// Memory that they take.
    pub(crate) bytes: u64,
}

/// All jobs in preparation.
pub(crate) struct Preparing {
    load: watch::Sender<Load>,
    metrics: Metrics,
}

impl Preparing {
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self { load: watch::Sender::default(), metrics }
    }

    /// How much is being prepared, now and from now on.
    pub(crate) fn watch(&self) -> watch::Receiver<Load> {
        self.load.subscribe()
    }

    /// Counts a job whose message has `message_bytes`, for as long as its place lives.
    pub(crate) fn enter(&self, message_bytes: usize) -> Place<'_> {
        let bytes = COPIES * message_bytes as u64 + OVERHEAD_BYTES;
        self.load.send_modify(|load| *load = Load { jobs: load.jobs + 1, bytes: load.bytes + bytes });
        self.metrics.preparing.inc();
        Place { preparing: self, bytes }
    }
}

/// The place of one job in preparation.
pub(crate) struct Place<'a> {
    preparing: &'a Preparing,
    bytes: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Self { preparing, bytes } = self;
        preparing.load.send_modify(|load| *load = Load { jobs: load.jobs - 1, bytes: load.bytes - *bytes });
        preparing.metrics.preparing.dec();
    }
}
