//! Opens connections, one address after the other, and closes them in order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lapin::Connection;
use scriptmill_sdk::connect::{Brokers, answer};
use scriptmill_sdk::{Names, topology};

use super::options::Options;
use crate::broker::error::Error;

/// Opens connections.
pub(super) struct Dialler {
    pub(super) brokers: Brokers,
    pub(super) names: Names,
    /// The address whose turn it is: one that answers keeps it.
    turn: AtomicUsize,
}

impl Dialler {
    pub(super) fn new(options: &Options) -> Self {
        Self { brokers: options.brokers(), names: Names::new(&options.prefix), turn: AtomicUsize::new(0) }
    }

    /// Connects to the address whose turn it is, and declares the topology.
    pub(super) async fn connect(&self, purpose: &str) -> Result<Connection, Error> {
        let turn = self.turn.load(Ordering::Relaxed);
        let connected = self.connect_at(turn, purpose).await;
        if connected.is_err() {
            // Another connection may have moved it on already.
            let _ = self.turn.compare_exchange(turn, turn.wrapping_add(1), Ordering::Relaxed, Ordering::Relaxed);
        }
        connected
    }

    async fn connect_at(&self, turn: usize, purpose: &str) -> Result<Connection, Error> {
        let connection = self.brokers.connect(turn, &format!("scriptmill {purpose}")).await?;
        if let Err(error) = topology::declare(&connection, &self.names, self.brokers.timeout).await {
            close(&connection, self.brokers.timeout).await;
            return Err(error.into());
        }
        tracing::info!(purpose, "connected to the broker");
        Ok(connection)
    }
}

/// Closes a connection in order, so that what was sent before has arrived.
pub(super) async fn close(connection: &Connection, timeout: Duration) {
    if let Err(error) = answer("connection.close", timeout, connection.close(200, "closing".into())).await {
        tracing::debug!(%error, "the connection did not close in order");
    }
}
