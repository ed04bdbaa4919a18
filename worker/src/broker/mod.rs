//! Where jobs come from and outcomes go: one small trait, over RabbitMQ and in memory.
//!
//! A broker delivers at least once. What was delivered stays the broker's until it is acknowledged: a lost
//! connection, or a worker that dies, puts it back. So the worker publishes the outcome first, waits until the broker has
//! confirmed it, and acknowledges then.

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
    /// Begins to take jobs from a queue, `prefetch` at most being delivered and not yet settled at any time. One attempt; the
    /// caller tries again after a pause.
    fn subscribe(&self, queue: Queue, prefetch: u16) -> BoxFuture<'_, Result<Box<dyn Subscription>, Error>>;

    /// Publishes, and waits until the broker has confirmed that the message is safe, or that no queue takes it.
    fn publish<'a>(&'a self, target: &'a Target, message: &'a Message) -> BoxFuture<'a, Result<Routing, Error>>;

    /// Publishes as [`Broker::publish`] does, while no other message is on its way on the same connection.
    fn publish_alone<'a>(&'a self, target: &'a Target, message: &'a Message) -> BoxFuture<'a, Result<Routing, Error>>;

    /// Why nothing can be published now, if so.
    fn not_publishing(&self) -> Option<&'static str>;

    /// Closes the connections in order, so that everything acknowledged before has reached the broker.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Jobs as they come in.
pub trait Subscription: Send {
    /// The next job, first in, first out. `None` after [`Subscription::stop`], when all that was on its way has come.
    /// An error ends the subscription: what it delivered and was not settled will be delivered again.
    fn next(&mut self) -> BoxFuture<'_, Option<Result<Delivery, Error>>>;

    /// Lets `more` deliveries beyond the prefetch be unsettled, or somewhat more than that after a larger window. They come once
    /// no other subscription lacks one of its prefetch. It comes into effect while [`Subscription::next`] is awaited.
    fn extend_window(&mut self, more: usize);

    /// Consumers that the broker counts of it now. One that takes no more may count until all that it delivered is settled.
    fn consumers(&self) -> usize;

    /// Takes no more. What was delivered stays with the worker until it is settled.
    fn stop(&mut self) -> BoxFuture<'_, Result<(), Error>>;

    /// Ends for good. What was not settled goes back to the queue.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}
