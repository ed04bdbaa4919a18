//! What long-running commands have in common: they end in an orderly way when they are told to, and answer over HTTP
//! until then.

use anyhow::Context as _;
use scriptmill::http::{self, Admin, Bound};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

/// The signals that tell a process to end.
pub(super) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    /// Begins to receive the signals. Call it within a tokio runtime.
    pub(super) fn new() -> anyhow::Result<Self> {
        let receive = |kind| signal(kind).context("signals cannot be received");
        Ok(Self { terminate: receive(SignalKind::terminate())?, interrupt: receive(SignalKind::interrupt())? })
    }

    /// The first signal cancels `drain`; a second one, `leave`.
    pub(super) async fn cancel(mut self, drain: CancellationToken, leave: CancellationToken) {
        for stop in [drain, leave] {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
            }
            info!("told to stop");
            stop.cancel();
        }
    }
}

/// Answers over HTTP until `closed` is cancelled.
pub(super) fn open(bound: Bound, admin: Admin, closed: CancellationToken) {
    info!(address = %bound.address(), "health and metrics over HTTP");
    tokio::spawn(http::serve(bound, admin, closed));
}
