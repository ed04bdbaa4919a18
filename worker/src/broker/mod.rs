//! Where jobs come from and outcomes go: one small trait, over RabbitMQ and in memory.
//!
//! A broker delivers at least once. A delivered message stays the broker's until it is acknowledged: when the connection is lost
//! or the worker dies, the message goes back to its queue. So the worker first publishes the outcome, then waits until the broker
//! has confirmed it, and then acknowledges the job.

pub mod amqp;
mod cancels;
mod delivery;
pub mod embedded;
mod error;
mod heartbeats;
mod message;
mod properties;

use futures_util::future::BoxFuture;

pub use cancels::{Cancels, Followed, Follower};
pub use delivery::Delivery;
pub use error::Error;
pub use heartbeats::{Heartbeats, Listener};
pub use message::{Message, Queue, Routing, Target};
pub use properties::{Header, Properties};
pub use scriptmill_sdk::{Address, Names};

/// A queue of jobs, and the places where outcomes go.
pub trait Broker: Send + Sync + 'static {
    /// Begins to take jobs from a queue. At most `prefetch` deliveries are unsettled at any time. Makes one attempt; the caller
    /// tries again after a pause.
    fn subscribe(&self, queue: Queue, prefetch: u16) -> BoxFuture<'_, Result<Box<dyn Subscription>, Error>>;

    /// Publishes, and waits until the broker has confirmed that the message is safe, or that no queue takes it.
    fn publish<'a>(&'a self, target: &'a Target, message: &'a Message) -> BoxFuture<'a, Result<Routing, Error>>;

    /// Publishes as [`Broker::publish`] does, on a connection on which no other message is on its way.
    fn publish_alone<'a>(&'a self, target: &'a Target, message: &'a Message) -> BoxFuture<'a, Result<Routing, Error>>;

    /// Why publishing is impossible now. Returns `None` while it is possible.
    fn not_publishing(&self) -> Option<&'static str>;

    /// Closes the connections in order, so that all earlier acknowledgements have reached the broker.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// The jobs that a broker delivers.
pub trait Subscription: Send {
    /// The next job, first in, first out. Returns `None` after [`Subscription::stop`], once all deliveries that were on their way
    /// have come. An error ends the subscription: the broker delivers its unsettled deliveries again.
    fn next(&mut self) -> BoxFuture<'_, Option<Result<Delivery, Error>>>;

    /// Allows `more` unsettled deliveries beyond the prefetch; after a larger window it may be somewhat more. These deliveries come
    /// only once every other subscription has its full prefetch. The change takes effect while [`Subscription::next`] is awaited.
    fn extend_window(&mut self, more: usize);

    /// How many consumers of this subscription the broker counts now. A cancelled consumer may count until all its deliveries are
    /// settled.
    fn consumers(&self) -> usize;

    /// Takes no more jobs. The worker keeps its deliveries until they are settled.
    fn stop(&mut self) -> BoxFuture<'_, Result<(), Error>>;

    /// Ends the subscription. Unsettled deliveries go back to the queue.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}
