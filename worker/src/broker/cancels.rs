//! Where cancels of jobs are kept for all workers to read.

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::Error;

/// Cancels of jobs, kept for a day. Every reader gets all of them from the first on, and then each new one.
pub trait Cancels: Send + Sync + 'static {
    /// Begins to read behind the place `after`, or with the first cancel that is kept. Makes one attempt; the caller tries again after a
    /// pause.
    fn follow(&self, after: Option<u64>) -> BoxFuture<'_, Result<Box<dyn Follower>, Error>>;
}

/// A reader of cancels.
pub trait Follower: Send {
    /// Waits for what comes next. Dropping the future loses no cancel. An error ends the reading.
    fn next(&mut self) -> BoxFuture<'_, Result<Followed, Error>>;

    /// Ends the reading.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// What a reader of cancels gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// A cancel.
    Cancel {
        /// Its place, which is higher than the places of all earlier cancels.
        place: u64,
        /// The body. Anybody who may publish cancels can have written it.
        body: Bytes,
        /// The AMQP user who published it, if the message names one. The broker has checked the name.
        publisher: Option<String>,
    },
    /// All cancels that were there when the reading began have been read. This comes once.
    CaughtUp,
}
