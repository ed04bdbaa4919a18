//! Where cancels of jobs are kept for all workers to read.

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::Error;

/// Cancels of jobs, kept for a day: everybody reads all of them, from the first on, and then what follows.
pub trait Cancels: Send + Sync + 'static {
    /// Begins to read behind this place, or with the first that is kept. One attempt; the caller tries again after a pause.
    fn follow(&self, after: Option<u64>) -> BoxFuture<'_, Result<Box<dyn Follower>, Error>>;
}

/// One who reads cancels.
pub trait Follower: Send {
    /// What comes next, waited for. The future can be dropped and nothing is missed. An error ends the reading.
    fn next(&mut self) -> BoxFuture<'_, Result<Followed, Error>>;

    /// Ends.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// What one who reads meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// A cancel.
    Cancel {
        /// Its place, higher than all before.
        place: u64,
        /// Bytes of whoever may publish there.
        body: Bytes,
        /// The user who published it, where the message names one. The broker has checked that.
        publisher: Option<String>,
    },
    /// All that was there when the reading began has been read. Said once.
    CaughtUp,
}
