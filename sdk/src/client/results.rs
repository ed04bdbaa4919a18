//! A durable consumer of the results exchange.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::arrival::{Arrival, next_live};
use super::link::{self, Link, open_first};
use super::receiving::{Bound, Destination, PREFETCH, Queue, Receiving};
use super::{Options, checked};
use crate::connect::{self, Brokers};
use crate::{Address, Names};

/// How an engine takes outcomes from the results exchange.
#[derive(Clone, Debug)]
pub struct ResultsOptions {
    /// The brokers.
    pub brokers: Brokers,
    /// What the names of queues and exchanges begin with: `scriptmill` takes from `scriptmill.results`.
    pub prefix: String,
    /// The connection's name in RabbitMQ's management pages.
    pub name: String,
    /// The engine's name. Its queue is called `PREFIX.results.ENGINE`. Several processes of one name share the outcomes.
    pub engine: String,
    /// The tenants whose outcomes it takes, as patterns of topic exchanges, such as `acme.#`. A pattern that the queue
    /// had before stays until somebody unbinds it.
    pub patterns: Vec<String>,
    /// The longest pause between two attempts to reconnect, its random part included. Pauses grow up to it.
    pub retry_pause_max: Duration,
}

impl ResultsOptions {
    /// The defaults for brokers at these addresses: the outcomes of all tenants.
    pub fn to(addresses: impl IntoIterator<Item = Address>, engine: &str) -> Self {
        let Options { brokers, prefix, retry_pause_max, .. } = Options::to(addresses);
        let (name, engine) = (format!("scriptmill results, {engine}"), engine.to_owned());
        Self { brokers, prefix, name, engine, patterns: vec!["#".to_owned()], retry_pause_max }
    }
}

/// The outcomes of jobs without `reply_to`, on a durable queue of the engine's own. Outcomes that are published while the engine
/// is away wait there, up to 16 GiB of them. Each outcome stays until it is acknowledged. The consumer reconnects by itself.
///
/// Jobs that a [`Client`](super::Client) dispatches have a `reply_to` and don't come here.
///
/// ```no_run
/// use scriptmill_sdk::client::{Results, ResultsOptions};
///
/// # async fn store(_: &[u8]) {}
/// # async fn take() -> Result<(), Box<dyn std::error::Error>> {
/// let addresses = ["amqp://guest:guest@localhost:5672".parse()?];
/// let mut results = Results::connect(ResultsOptions::to(addresses, "billing")).await?;
/// while let Some(arrival) = results.next().await {
///     store(arrival.body()).await;
///     if let Err(error) = arrival.acknowledge().await {
///         eprintln!("it comes again: {error}");
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Results {
    arrivals: mpsc::Receiver<Arrival>,
    link: watch::Receiver<Link<()>>,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Results {
    /// Connects to the first broker that can be used, declares the queues and exchanges if it may, and its own queue,
    /// and begins to take outcomes. At most 1,000 of them can be unacknowledged at one time.
    ///
    /// # Errors
    /// No address has a broker that can be used: the error says what each one answered. Or a file of credentials cannot
    /// be read, or the queue's name or a pattern is too long.
    pub async fn connect(options: ResultsOptions) -> Result<Self, connect::Error> {
        let ResultsOptions { brokers, prefix, name, engine, patterns, retry_pause_max } = options;
        let names = Names::new(&prefix);
        let queue = checked(names.results_queue(&engine))?;
        let patterns = patterns.into_iter().map(checked).collect::<Result<_, _>>()?;
        let (sender, arrivals) = mpsc::channel(PREFETCH.into());
        let receiving = Receiving {
            brokers,
            name,
            queue: Queue { name: queue, kept: None, bound: Some(Bound { names, patterns }) },
            to: Destination::All(sender),
        };
        let open = open_first(&receiving, 0).await?;
        let stop = CancellationToken::new();
        let (link, task) = link::keep(receiving, retry_pause_max, open, stop.clone());
        Ok(Self { arrivals, link, stop, task: Some(task) })
    }

    /// Waits for the next outcome. Returns `None` after [`Results::close`]. No outcome is missed if the future is dropped.
    pub async fn next(&mut self) -> Option<Arrival> {
        next_live(&mut self.arrivals).await
    }

    /// Why no outcomes can come now; `None` while there is a connection.
    pub fn disconnected(&self) -> Option<connect::Error> {
        match &*self.link.borrow() {
            Link::Up(()) => None,
            Link::Connecting(error) => Some(error.clone()),
            Link::Closed => Some(connect::Error::Lost("it was closed".to_owned())),
        }
    }

    /// Ends the connection. Outcomes that were not acknowledged stay on the queue.
    pub async fn close(&mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::warn!(%error, "the connection for results did not end in order");
        }
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
