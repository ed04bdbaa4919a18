//! Jobs whose script is being prepared. Preparing is a class of its own: such a job holds neither a slot nor, in effect, a
//! place in the prefetch, so that those behind it whose script is ready go ahead.

use tokio::sync::watch;

use crate::metrics::Metrics;

/// Copies of a parked message: as it came, and as it was read.
const COPIES: u64 = 2;
/// What a parked job takes beside its message, in bytes.
const OVERHEAD: u64 = 4 << 10;

/// How much is parked.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Parked {
    /// Jobs.
    pub(crate) jobs: usize,
    /// Memory that they take.
    pub(crate) bytes: u64,
}

/// Where jobs are parked.
pub(crate) struct Parking {
    parked: watch::Sender<Parked>,
    metrics: Metrics,
}

impl Parking {
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self { parked: watch::Sender::default(), metrics }
    }

    /// How much is parked, now and from now on.
    pub(crate) fn watch(&self) -> watch::Receiver<Parked> {
        self.parked.subscribe()
    }

    /// Parks a job whose message has so many bytes, for as long as its place lives.
    pub(crate) fn park(&self, message_bytes: usize) -> Place<'_> {
        let bytes = COPIES * message_bytes as u64 + OVERHEAD;
        self.parked.send_modify(|parked| *parked = Parked { jobs: parked.jobs + 1, bytes: parked.bytes + bytes });
        self.metrics.preparing.inc();
        Place { parking: self, bytes }
    }
}

/// The place of one parked job.
pub(crate) struct Place<'a> {
    parking: &'a Parking,
    bytes: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Self { parking, bytes } = self;
        parking.parked.send_modify(|parked| {
            *parked = Parked { jobs: parked.jobs - 1, bytes: parked.bytes - *bytes };
        });
        parking.metrics.preparing.dec();
    }
}
