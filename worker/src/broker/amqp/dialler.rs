//! Opens connections, one address after the other, and closes them in order.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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
    /// A job has come whose headers are larger than a frame may be.
    is_wide: AtomicBool,
}

impl Dialler {
    pub(super) fn new(options: &Options) -> Self {
        let (turn, is_wide) = (AtomicUsize::new(0), AtomicBool::new(false));
        Self { brokers: options.brokers(), names: Names::new(&options.prefix), turn, is_wide }
    }

    /// Connects to the address whose turn it is, and declares the topology.
    pub(super) async fn connect(&self, purpose: &str) -> Result<Connection, Error> {
        self.dial(purpose, false).await
    }

    /// Connects as [`Dialler::connect`] does, to receive jobs.
    pub(super) async fn connect_for_jobs(&self) -> Result<Connection, Error> {
        self.dial("jobs", self.is_wide.load(Ordering::Relaxed)).await
    }

    /// From now on connections for jobs take frames that are larger than the broker announces.
    pub(super) fn widen(&self) {
        self.is_wide.store(true, Ordering::Relaxed);
    }

    /// Declares the topology.
    pub(super) async fn declare(&self, connection: &Connection) -> Result<(), Error> {
        Ok(topology::declare(connection, &self.names, self.brokers.timeout).await?)
    }

    async fn dial(&self, purpose: &str, is_wide: bool) -> Result<Connection, Error> {
        let turn = self.turn.load(Ordering::Relaxed);
        let connected = self.dial_at(turn, purpose, is_wide).await;
        if connected.is_err() {
            // Another connection may have moved it on already.
            let _ = self.turn.compare_exchange(turn, turn.wrapping_add(1), Ordering::Relaxed, Ordering::Relaxed);
        }
        connected
    }

    async fn dial_at(&self, turn: usize, purpose: &str, is_wide: bool) -> Result<Connection, Error> {
        let name = format!("scriptmill {purpose}");
        let connection = match is_wide {
            false => self.brokers.connect(turn, &name).await?,
            true => self.brokers.connect_wide(turn, &name).await?,
        };
        if let Err(error) = self.declare(&connection).await {
            close(&connection, self.brokers.timeout).await;
            return Err(error);
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
