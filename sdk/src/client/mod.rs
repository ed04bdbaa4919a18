//! Dispatches jobs over RabbitMQ and awaits their outcomes, thousands at once over two connections: one to publish, one for
//! outcomes. An engine that must lose no outcome, even when it dies, takes them as [`Results`] or from a reply queue with a name.
//!
//! Outcomes come back over one durable queue of the client's own. Without a consumer it is kept for [`REPLIES_KEPT`],
//! or for ever if it has a name ([`Options::reply_queue`]). An exclusive queue would die with the connection, and with
//! it every outcome that was published while the client reconnected. This queue is still there, on whichever node of
//! the cluster the client finds next. An outcome is acknowledged when it has been handed to its waiter.

mod arrival;
mod cancel;
mod error;
mod link;
mod pending;
mod publishing;
mod receiving;
mod replies;
mod results;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::amqp::{self, Envelope, SHORT_STRING_BYTES_MAX};
use crate::connect::{self, Brokers};
use crate::{Address, InvalidJob, Job, Names, PREFIX, json};
use link::{Link, Purpose as _, open_first};
use publishing::{Patience, Publication, Publishing, Session, Unpublished};
use receiving::{Destination, PREFETCH, Queue, Receiving};
use replies::Replies;

pub use arrival::{Arrival, Unexpected};
pub use error::{CancelError, DispatchError, OutcomeError};
pub use pending::Pending;
pub use receiving::REPLIES_KEPT;
pub use replies::Counts;
pub use results::{Results, ResultsOptions};

/// How a client reaches the workers.
#[derive(Clone, Debug)]
pub struct Options {
    /// The brokers.
    pub brokers: Brokers,
    /// What the names of queues and exchanges begin with: `scriptmill` sends to `scriptmill.jobs`.
    pub prefix: String,
    /// The connection's name in RabbitMQ's management pages.
    pub name: String,
    /// The name of the reply queue, such as the engine's own. Only one client at a time may use it. The queue `PREFIX.replies.NAME`
    /// stays when the client is closed, and so do all outcomes that are still to come. The next client of the name takes them over
    /// with [`Client::unexpected`]. Without this name the queue has a unique one and goes with the client.
    pub reply_queue: Option<String>,
    /// At most this many dispatched jobs whose outcome has not come, at one time. Beyond that [`Client::dispatch`]
    /// waits. An outcome that has come is held until its [`Pending`] is awaited or dropped, and does not count any more.
    pub in_flight_max: usize,
    /// The largest job that is sent, as JSON text in bytes; the workers have a bound of their own.
    pub message_bytes_max: u64,
    /// The longest pause between two attempts to reconnect, its random part included. Pauses grow up to it.
    pub retry_pause_max: Duration,
    /// The longest wait while the broker holds publishing back, since it is short of memory or disk.
    pub blocked_max: Duration,
}

impl Options {
    /// The defaults for brokers at these addresses.
    pub fn to(addresses: impl IntoIterator<Item = Address>) -> Self {
        Self {
            brokers: Brokers::at(addresses),
            prefix: PREFIX.to_owned(),
            name: "scriptmill client".to_owned(),
            reply_queue: None,
            in_flight_max: 10_000,
            message_bytes_max: amqp::MESSAGE_BYTES_DEFAULT,
            retry_pause_max: Duration::from_secs(30),
            blocked_max: Duration::from_secs(300),
        }
    }
}

/// A connection to the workers. Clones share it; the last one to be dropped ends it.
///
/// ```no_run
/// use std::time::Duration;
///
/// use scriptmill_sdk::client::{Client, Options};
/// use scriptmill_sdk::{Bundle, Job};
///
/// # async fn dispatch() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::connect(Options::to(["amqp://guest:guest@localhost:5672".parse()?])).await?;
/// let job = Job::new("order-4711", "acme.sales".parse()?, Bundle::of("main.ts", "export default () => 42;"));
/// let pending = client.dispatch(&job).await?;
/// let outcome = pending.outcome(Duration::from_secs(30)).await?;
/// println!("{}", outcome.ending.status());
/// client.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    options: Options,
    /// The exchange for jobs, and the name of its queue.
    jobs: String,
    /// The exchange for cancels.
    cancels: String,
    reply_to: String,
    replies: Arc<Replies>,
    in_flight: Arc<Semaphore>,
    publishing: watch::Receiver<Link<Arc<Session>>>,
    receiving: watch::Receiver<Link<()>>,
    unexpected: Mutex<Option<Unexpected>>,
    stop: CancellationToken,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.end();
    }
}

impl Client {
    /// Connects to the first broker that can be used, and from then on reconnects by itself. Every address is tried
    /// once; each of its answers may take the brokers' `timeout`.
    ///
    /// At each connection it declares the queues and exchanges as the workers do, so that jobs can be dispatched before the
    /// first worker has run. If the user has no permission for that, workers or `scriptmill declare` must have done it.
    ///
    /// # Errors
    /// No address has a broker that can be used: the error says what each one answered. Or a file of credentials cannot
    /// be read, or the reply queue's name is too long.
    pub async fn connect(options: Options) -> Result<Self, connect::Error> {
        let replies = Arc::new(Replies::default());
        let names = Names::new(&options.prefix);
        let Options { brokers, name, .. } = &options;
        let (handing, handed) = mpsc::channel(PREFETCH.into());
        let (reply_to, kept, unexpected) = match &options.reply_queue {
            Some(name) => (checked(names.reply_queue(name))?, None, Some(handing)),
            None => (names.reply_queue(&uuid::Uuid::now_v7().to_string()), Some(REPLIES_KEPT), None),
        };
        let publishing = Publishing {
            brokers: brokers.clone(),
            name: format!("{name}, jobs"),
            names: names.clone(),
            replies: replies.clone(),
        };
        let receiving = Receiving {
            brokers: brokers.clone(),
            name: format!("{name}, outcomes"),
            queue: Queue { name: reply_to.clone(), kept, bound: None },
            to: Destination::Replies(replies.clone(), unexpected),
        };
        let publishes = open_first(&publishing, 0).await?;
        let receives = match open_first(&receiving, publishes.0).await {
            Ok(receives) => receives,
            Err(error) => {
                publishing.leave(publishes.1).await;
                return Err(error);
            }
        };
        let stop = CancellationToken::new();
        let (publishing, publisher) = link::keep(publishing, options.retry_pause_max, publishes, stop.clone());
        let (receiving, receiver) = link::keep(receiving, options.retry_pause_max, receives, stop.clone());
        Ok(Self(Arc::new(Shared {
            jobs: names.jobs,
            cancels: names.cancels,
            in_flight: Arc::new(Semaphore::new(options.in_flight_max)),
            unexpected: Mutex::new(options.reply_queue.is_some().then_some(Unexpected(handed))),
            options,
            reply_to,
            replies,
            publishing,
            receiving,
            stop,
            tasks: Mutex::new(vec![publisher, receiver]),
        })))
    }

    /// Publishes a job and waits until the broker has confirmed that it is safe on a queue. Call it from many tasks
    /// at once: each waits for its own confirm alone. While the broker holds publishing back, it waits for `blocked_max` at most.
    ///
    /// # Errors
    /// The job is not valid or too large, there is no queue or no room, or the broker did not confirm it:
    /// [`DispatchError::is_transient`] says whether another attempt with the same id may succeed.
    pub async fn dispatch(&self, job: &Job) -> Result<Pending, DispatchError> {
        self.dispatch_traced(job, None).await
    }

    /// As [`Client::dispatch`], with a W3C `traceparent` that the worker carries into its logs and the outcome.
    ///
    /// # Errors
    /// As [`Client::dispatch`].
    pub async fn dispatch_traced(&self, job: &Job, traceparent: Option<&str>) -> Result<Pending, DispatchError> {
        let shared = &*self.0;
        job.validate()?;
        let body = match job.needs_contract() {
            needed if needed == job.contract => serde_json::to_vec(job),
            contract => serde_json::to_vec(&Job { contract, ..job.clone() }),
        }
        .map_err(|error| InvalidJob::NotJson(json::fault(&error)))?;
        let allowed = shared.options.message_bytes_max.min(amqp::MESSAGE_BYTES_MAX);
        if body.len() as u64 > allowed {
            return Err(DispatchError::TooLarge { bytes: body.len(), allowed });
        }
        let turn = shared.in_flight.clone().acquire_owned().await.map_err(|_| DispatchError::Closed)?;
        let session = shared.session().await?;
        let pending = Pending::new(&shared.replies, &job.id, turn)?;
        let envelope = Envelope {
            message_id: Some(job.id.clone()),
            correlation_id: Some(job.id.clone()),
            reply_to: Some(shared.reply_to.clone()),
            enqueued_at_ms: now_ms(),
            traceparent: traceparent.map(str::to_owned),
            ..Envelope::default()
        };
        let publication = Publication {
            exchange: &shared.jobs,
            routing_key: job.tenant.as_str(),
            body: &body,
            properties: envelope.job_properties(),
        };
        session.publish(publication, shared.patience()).await.map_err(|error| match error {
            Unpublished::NoQueue => DispatchError::NoQueue(shared.jobs.clone()),
            Unpublished::Full => DispatchError::Full(shared.jobs.clone()),
            Unpublished::Unknown(source) => DispatchError::Unconfirmed { id: job.id.clone(), source },
        })?;
        Ok(pending)
    }

    /// What this client saw so far.
    pub fn counts(&self) -> Counts {
        self.0.replies.counts()
    }

    /// The outcomes that come to a reply queue with a name and that nobody waits for in this process: those of jobs
    /// that an engine dispatched before it was restarted, and those that came after their `Pending` had been dropped.
    /// Returns `None` from the second call on, and if the reply queue has no name: such outcomes are then only counted.
    ///
    /// Take them for as long as the client lives. At most 1,000 of them can be unacknowledged at one time; at that
    /// number all other outcomes wait behind them. Drop the [`Unexpected`] if nobody wants them: from then on they are
    /// counted, acknowledged and gone.
    pub fn unexpected(&self) -> Option<Unexpected> {
        self.0.unexpected.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Ends the connections, and removes the reply queue unless it has a name. Every call that still waits gets
    /// [`OutcomeError::Closed`]. The outcomes of those jobs go to the reply queue if it has a name. Otherwise they go
    /// where the worker sends outcomes that no requester takes.
    pub async fn close(&self) {
        self.0.end();
        let tasks = std::mem::take(&mut *self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            if let Err(error) = task.await {
                tracing::warn!(%error, "the client's connection did not end in order");
            }
        }
    }
}

impl Shared {
    /// Ends all waiting, and the connections soon after.
    fn end(&self) {
        self.in_flight.close();
        self.stop.cancel();
        self.replies.close();
    }

    fn patience(&self) -> Patience {
        Patience { timeout: self.options.brokers.timeout, blocked_max: self.options.blocked_max }
    }

    /// Returns the session to publish on, once there is a queue for outcomes and the broker takes publications. Waits as long
    /// as for any answer of the broker, and up to `blocked_max` if the broker has said that it is short of memory or disk.
    async fn session(&self) -> Result<Arc<Session>, DispatchError> {
        let blocked_until = Instant::now() + self.options.blocked_max;
        loop {
            self.up(&self.receiving, |()| true).await?;
            let session = self.up(&self.publishing, |session| session.is_usable()).await?;
            let left = blocked_until.saturating_duration_since(Instant::now());
            session.unblocked(left).await.map_err(|_| {
                DispatchError::Disconnected(connect::Error::HeldBack { waited: self.options.blocked_max })
            })?;
            if session.is_usable() {
                return Ok(session);
            }
        }
    }

    async fn up<H: Clone>(
        &self,
        link: &watch::Receiver<Link<H>>,
        is_usable: impl Fn(&H) -> bool,
    ) -> Result<H, DispatchError> {
        let mut link = link.clone();
        let usable = link.wait_for(|link| match link {
            Link::Up(handle) => is_usable(handle),
            Link::Connecting(_) => false,
            Link::Closed => true,
        });
        // Whether the connection came in time is read from the link itself.
        let is_ended = tokio::time::timeout(self.options.brokers.timeout, usable).await.is_ok_and(|link| link.is_err());
        match &*link.borrow() {
            _ if is_ended => Err(DispatchError::Closed),
            Link::Up(handle) if is_usable(handle) => Ok(handle.clone()),
            Link::Connecting(error) => Err(DispatchError::Disconnected(error.clone())),
            Link::Up(_) => Err(DispatchError::Disconnected(connect::Error::Lost("no connection in time".to_owned()))),
            Link::Closed => Err(DispatchError::Closed),
        }
    }
}

/// Checks that a name is short enough for AMQP.
fn checked(name: String) -> Result<String, connect::Error> {
    if name.len() > SHORT_STRING_BYTES_MAX { Err(connect::Error::NameTooLong { name }) } else { Ok(name) }
}

fn now_ms() -> Option<u64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}
