//! How the processes of a fleet exchange heartbeats, and how a process asks for the depth of the queue of jobs.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use scriptmill_scaling::Depth;

use super::Error;

/// The channel over which every process of a fleet hears the heartbeats of all. A heartbeat is soon stale, so none is kept for a
/// process that does not listen, and few for a slow listener.
pub trait Heartbeats: Send + Sync + 'static {
    /// Begins to listen. Makes one attempt; the caller tries again after a pause.
    fn listen(&self) -> BoxFuture<'_, Result<Box<dyn Listener>, Error>>;
}

/// A process that hears the heartbeats of all processes and sends its own.
pub trait Listener: Send {
    /// Waits for the next heartbeat of any process, this one included. Anybody who may publish heartbeats can have written its bytes.
    /// Dropping the future loses no heartbeat. An error ends the listening.
    fn next(&mut self) -> BoxFuture<'_, Result<Bytes, Error>>;

    /// Sends a heartbeat to all processes. An error ends the listening.
    fn send(&mut self, heartbeat: Vec<u8>) -> BoxFuture<'_, Result<(), Error>>;

    /// The depth of the queue of jobs. Returns `None` when the broker does not answer, because the queue does not exist or has no
    /// leader. A cancelled consumer may count for as long as it holds deliveries. An error ends the listening.
    fn depth(&mut self) -> BoxFuture<'_, Result<Option<Depth>, Error>>;

    /// Ends the listening. All heartbeats that were sent before have then reached the broker.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}
