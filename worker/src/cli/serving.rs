//! What long-running commands have in common: they end in order when they are told to, and answer over HTTP until then.

use std::sync::Arc;

use anyhow::Context as _;
use prometheus_client::registry::Registry;
use scriptmill::http::{Admin, Bound};
use scriptmill::scale::Explainer;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// The signals that tell a process to end.
pub(super) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    /// Begins to receive them; within a runtime.
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
pub(super) fn open(
    bound: Bound,
    not_ready: impl Fn() -> Option<String> + Send + Sync + 'static,
    registry: Registry,
    explainer: Arc<Explainer>,
    closed: CancellationToken,
) {
    info!(address = %bound.address(), "health and metrics over HTTP");
    let admin = Admin { not_ready: Arc::new(not_ready), metrics: Arc::new(registry), explainer };
    tokio::spawn(async move {
        if let Err(error) = bound.serve(admin, closed).await {
            error!(%error, "health and metrics are no longer served");
        }
    });
}
