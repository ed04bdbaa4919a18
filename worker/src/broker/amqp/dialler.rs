//! Opens connections, one address after the other, and closes them in order.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use lapin::Connection;
use scriptmill_sdk::connect::{Brokers, answer};
use scriptmill_sdk::{Names, topology};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::options::Options;
use crate::broker::error::Error;
use crate::broker::message::Target;

/// Opens connections.
pub(super) struct Dialler {
    pub(super) brokers: Brokers,
    pub(super) names: Names,
    /// The index of the address to try next. It moves on only when an address does not answer.
    turn: AtomicUsize,
    /// Set once a job has come whose headers are larger than a frame may be.
    is_wide: AtomicBool,
    /// When the topology was declared last.
    declared: Mutex<Option<Instant>>,
}

/// A connection that is opened before it is needed.
#[derive(Default)]
pub(super) struct Ahead(std::sync::Mutex<Option<JoinHandle<Result<Connection, Error>>>>);

impl Ahead {
    /// Begins to connect.
    pub(super) fn begin(&self, dialler: Arc<Dialler>, purpose: &'static str) {
        let connecting = tokio::spawn(async move { dialler.connect(purpose).await });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(connecting);
    }

    /// Waits for the connection and hands it out, once. Returns `None` when there is none, or when it was lost in the meantime.
    pub(super) async fn take(&self) -> Option<Result<Connection, Error>> {
        let connecting = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let connected = connecting.await.ok()?;
        let is_of_use = connected.as_ref().is_ok_and(|connection| connection.status().connected());
        (is_of_use || connected.is_err()).then_some(connected)
    }
}

impl Dialler {
    pub(super) fn new(options: &Options) -> Self {
        let (turn, is_wide) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (brokers, names, declared) = (options.brokers(), Names::new(&options.prefix), Mutex::default());
        Self { brokers, names, turn, is_wide, declared }
    }

    /// Connects to the address whose turn it is, and declares the topology.
    pub(super) async fn connect(&self, purpose: &str) -> Result<Connection, Error> {
        self.dial(purpose, false).await
    }

    /// Connects as [`Dialler::connect`] does, for receiving jobs.
    pub(super) async fn connect_for_jobs(&self) -> Result<Connection, Error> {
        self.dial("jobs", self.is_wide.load(Ordering::Relaxed)).await
    }

    /// Makes all later connections for jobs take frames that are larger than the broker announces.
    pub(super) fn widen(&self) {
        self.is_wide.store(true, Ordering::Relaxed);
    }

    /// Declares the topology.
    pub(super) async fn declare(&self, connection: &Connection) -> Result<(), Error> {
        Ok(topology::declare(connection, &self.names, self.brokers.timeout).await?)
    }

    /// Declares the queues and exchanges that a message to this target needs.
    pub(super) async fn declare_for(&self, target: &Target, connection: &Connection) -> Result<(), Error> {
        let Target::Delay { seconds } = target else {
            return self.declare(connection).await;
        };
        let delay = topology::delay(&self.names, *seconds);
        Ok(topology::declare_all(connection, vec![delay], self.brokers.timeout).await?)
    }

    async fn dial(&self, purpose: &str, is_wide: bool) -> Result<Connection, Error> {
        let turn = self.turn.load(Ordering::Relaxed);
        let connected = self.dial_at(turn, purpose, is_wide).await;
        if connected.is_err() {
            // Another connection may have moved the turn on already.
            let _ = self.turn.compare_exchange(turn, turn.wrapping_add(1), Ordering::Relaxed, Ordering::Relaxed);
        }
        connected
    }

    async fn dial_at(&self, turn: usize, purpose: &str, is_wide: bool) -> Result<Connection, Error> {
        let (name, began) = (format!("scriptmill {purpose}"), Instant::now());
        let connection = match is_wide {
            false => self.brokers.connect(turn, &name).await?,
            true => self.brokers.connect_wide(turn, &name).await?,
        };
        if let Err(error) = self.declare_since(began, &connection).await {
            close(&connection, self.brokers.timeout).await;
            return Err(match error {
                Error::Connection(error) => self.brokers.refused(turn, error).await.into(),
                other => other,
            });
        }
        tracing::info!(purpose, "connected to the broker");
        Ok(connection)
    }

    /// Declares the topology, unless another connection has declared it since `began`: a worker opens several connections at once.
    async fn declare_since(&self, began: Instant, connection: &Connection) -> Result<(), Error> {
        let mut declared = self.declared.lock().await;
        if declared.is_none_or(|declared| declared < began) {
            topology::declare_where_permitted(connection, &self.names, self.brokers.timeout).await?;
            *declared = Some(Instant::now());
        }
        Ok(())
    }
}

/// Closes a connection in order, so that everything sent before has arrived.
pub(super) async fn close(connection: &Connection, timeout: Duration) {
    if let Err(error) = answer("connection.close", timeout, connection.close(200, "closing".into())).await {
        tracing::debug!(%error, "the connection did not close in order");
    }
}
