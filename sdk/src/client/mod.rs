//! Dispatches jobs over RabbitMQ and awaits their outcomes, thousands at once over one connection.
//!
//! Outcomes come back over one queue of the client's own: named, durable and kept for [`REPLIES_KEPT`] without a
//! consumer. An exclusive queue would die with the connection, and with it every outcome that was published while the
//! client reconnected; this one is still there, on whichever node of the cluster the client finds next. An outcome is
//! acknowledged when it has been handed to its waiter.

mod error;
mod link;
mod replies;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lapin::Confirmation;
use lapin::options::BasicPublishOptions;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::task::JoinHandle;

use crate::amqp::{self, Envelope};
use crate::connect::{self, Brokers, NOT_FOUND};
use crate::{Address, InvalidJob, Job, Names, Outcome, PREFIX, Tenant};
use link::{Link, Session};
use replies::Replies;

pub use error::{DispatchError, OutcomeError};
pub use link::REPLIES_KEPT;
pub use replies::Counts;

/// How a client reaches the workers.
#[derive(Clone, Debug)]
pub struct Options {
    /// The brokers.
    pub brokers: Brokers,
    /// What the names of queues and exchanges begin with: `scriptmill` sends to `scriptmill.jobs`.
    pub prefix: String,
    /// The connection's name in RabbitMQ's management pages.
    pub name: String,
    /// Jobs dispatched and not answered at one time; [`Client::dispatch`] waits for its turn beyond that.
    pub in_flight_max: usize,
    /// The largest job that is sent, as JSON text in bytes; the workers have a bound of their own.
    pub message_bytes_max: u64,
    /// The longest pause between two attempts to connect again; pauses grow up to it.
    pub retry_pause_max: Duration,
}

impl Options {
    /// The defaults for brokers at these addresses.
    pub fn to(addresses: impl IntoIterator<Item = Address>) -> Self {
        Self {
            brokers: Brokers::at(addresses),
            prefix: PREFIX.to_owned(),
            name: "scriptmill client".to_owned(),
            in_flight_max: 10_000,
            message_bytes_max: amqp::MESSAGE_BYTES_DEFAULT,
            retry_pause_max: Duration::from_secs(30),
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
    reply_to: String,
    replies: Arc<Replies>,
    in_flight: Arc<Semaphore>,
    link: watch::Receiver<Link>,
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// A job that the broker has taken and whose outcome is still to come. Dropping it stops the wait, not the job.
#[must_use = "the outcome comes from `outcome`"]
pub struct Pending {
    id: String,
    ticket: u64,
    body: oneshot::Receiver<Vec<u8>>,
    replies: Arc<Replies>,
    _turn: OwnedSemaphorePermit,
}

impl Client {
    /// Connects to the first broker that answers, and from then on connects again by itself whenever that is needed.
    ///
    /// Each time it declares the queues and exchanges as the workers do, so that jobs can be dispatched before the first
    /// worker has run. Where the user has no permission for that, workers or `scriptmill declare` must have done it.
    ///
    /// # Errors
    /// No broker answered within the brokers' `timeout`, one refused, or a queue or an exchange exists with other
    /// properties.
    pub async fn connect(options: Options) -> Result<Self, connect::Error> {
        let replies = Arc::new(Replies::default());
        let names = Names::new(&options.prefix);
        let reply_to = names.reply_queue(&uuid::Uuid::now_v7().to_string());
        let (announce, mut link) = watch::channel(Link::Connecting(None));
        let (stop, stopped) = watch::channel(false);
        let keeper = link::Keeper {
            brokers: options.brokers.clone(),
            name: options.name.clone(),
            retry_pause_max: options.retry_pause_max,
            names: names.clone(),
            reply_to: reply_to.clone(),
            replies: Arc::clone(&replies),
        };
        let task = tokio::spawn(keeper.keep(announce, stopped));

        let decided = link.wait_for(|link| match link {
            Link::Up(_) | Link::Closed => true,
            Link::Connecting(error) => error.as_ref().is_some_and(|error| !error.is_transient()),
        });
        let decided = tokio::time::timeout(options.brokers.timeout, decided).await.is_ok();
        let failed = match &*link.borrow() {
            Link::Up(_) => None,
            Link::Connecting(Some(error)) => Some(error.clone()),
            Link::Connecting(None) | Link::Closed if decided => Some(connect::Error::Lost("it was closed".to_owned())),
            Link::Connecting(None) | Link::Closed => {
                Some(connect::Error::Silent { what: "connection.open", waited: options.brokers.timeout })
            }
        };
        if let Some(error) = failed {
            stop.send_replace(true);
            return Err(error);
        }
        Ok(Self(Arc::new(Shared {
            jobs: names.jobs,
            in_flight: Arc::new(Semaphore::new(options.in_flight_max)),
            options,
            reply_to,
            replies,
            link,
            stop,
            task: Mutex::new(Some(task)),
        })))
    }

    /// Publishes a job and waits until the broker has confirmed that it is safe on a queue. Call it from many tasks
    /// at once: each waits for its own confirm alone.
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
        let body = serde_json::to_vec(job).map_err(InvalidJob::NotJson)?;
        let allowed = shared.options.message_bytes_max.min(amqp::MESSAGE_BYTES_MAX);
        if body.len() as u64 > allowed {
            return Err(DispatchError::TooLarge { bytes: body.len(), allowed });
        }
        let turn = Arc::clone(&shared.in_flight).acquire_owned().await.map_err(|_| DispatchError::Closed)?;
        let session = shared.session().await?;
        let ticket = shared.replies.expect(&job.id).ok_or_else(|| DispatchError::Pending(job.id.clone()))?;
        let pending = Pending {
            id: job.id.clone(),
            ticket: ticket.number,
            body: ticket.body,
            replies: Arc::clone(&shared.replies),
            _turn: turn,
        };
        let envelope = Envelope {
            message_id: Some(job.id.clone()),
            correlation_id: Some(job.id.clone()),
            reply_to: Some(shared.reply_to.clone()),
            enqueued_at_ms: now_ms(),
            traceparent: traceparent.map(str::to_owned),
            ..Envelope::default()
        };
        shared.publish(&session, &job.tenant, &body, &envelope).await.map_err(|error| match error {
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

    /// Ends the connection and removes the reply queue. Every call that still waits gets [`OutcomeError::Closed`]; outcomes of
    /// their jobs go where the worker sends those that no requester takes.
    pub async fn close(&self) {
        self.0.in_flight.close();
        self.0.stop.send_replace(true);
        let task = self.0.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::warn!(%error, "the client's connection did not end in order");
        }
    }
}

/// What became of a message that is not known to be on the queue.
enum Unpublished {
    NoQueue,
    Full,
    Unknown(connect::Error),
}

impl Shared {
    /// The session to publish on, waited for as long as any answer of the broker.
    async fn session(&self) -> Result<Arc<Session>, DispatchError> {
        let mut link = self.link.clone();
        let usable = link.wait_for(|link| match link {
            Link::Up(session) => session.is_usable(),
            Link::Connecting(_) => false,
            Link::Closed => true,
        });
        match tokio::time::timeout(self.options.brokers.timeout, usable).await {
            Ok(Ok(link)) => match &*link {
                Link::Up(session) => Ok(Arc::clone(session)),
                Link::Connecting(_) | Link::Closed => Err(DispatchError::Closed),
            },
            Ok(Err(_)) => Err(DispatchError::Closed),
            Err(_) => Err(DispatchError::Disconnected(match &*self.link.borrow() {
                Link::Connecting(Some(error)) => error.clone(),
                _ => connect::Error::Lost("no connection in time".to_owned()),
            })),
        }
    }

    async fn publish(
        &self,
        session: &Session,
        tenant: &Tenant,
        body: &[u8],
        envelope: &Envelope,
    ) -> Result<(), Unpublished> {
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let properties = envelope.job_properties();
        let published = async {
            let exchange = self.jobs.as_str().into();
            session.channel.basic_publish(exchange, tenant.as_str().into(), options, body, properties).await?.await
        };
        match connect::answer("basic.publish", self.options.brokers.timeout, published).await {
            Ok(Confirmation::Ack(None)) => Ok(()),
            Ok(Confirmation::Ack(Some(_))) => Err(Unpublished::NoQueue),
            Ok(Confirmation::Nack(_)) => Err(Unpublished::Full),
            Ok(Confirmation::NotRequested) => {
                Err(Unpublished::Unknown(connect::Error::Lost("the channel does not confirm".to_owned())))
            }
            Err(error) => {
                session.report();
                // Without the exchange the broker closes the channel.
                Err(if error.is_refusal(NOT_FOUND) { Unpublished::NoQueue } else { Unpublished::Unknown(error) })
            }
        }
    }
}

impl Pending {
    /// The job's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Waits for the outcome, `timeout` at most. Reconnects in between are not seen here.
    ///
    /// # Errors
    /// None came in time, what came cannot be read, or the client was closed.
    pub async fn outcome(mut self, timeout: Duration) -> Result<Outcome, OutcomeError> {
        match tokio::time::timeout(timeout, &mut self.body).await {
            Ok(Ok(body)) => {
                serde_json::from_slice(&body).map_err(|source| OutcomeError::Unreadable { id: self.id.clone(), source })
            }
            Ok(Err(_)) => Err(OutcomeError::Closed),
            Err(_) => Err(OutcomeError::TimedOut { id: self.id.clone(), waited: timeout }),
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.replies.forget(&self.id, self.ticket);
    }
}

fn now_ms() -> Option<u64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}
