//! Where the processes of a fleet hear each other, and what the queue of jobs says of itself.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use scriptmill_scaling::Depth;

use super::Error;

/// Where the processes of a fleet hear each other: what one of them says, all hear. What is said is soon stale, so nothing of it is
/// kept for one who does not listen, and little for one who listens slowly.
pub trait Heartbeats: Send + Sync + 'static {
    /// Begins to listen. One attempt; the caller tries again after a pause.
    fn listen(&self) -> BoxFuture<'_, Result<Box<dyn Listener>, Error>>;
}

/// One who hears all processes, and is heard by them.
pub trait Listener: Send {
    /// What any process said next, this one included: bytes of whoever may publish there. The future can be dropped and nothing
    /// is missed. An error ends the listening.
    fn next(&mut self) -> BoxFuture<'_, Result<Bytes, Error>>;

    /// Says it to all. An error ends the listening.
    fn send(&mut self, heartbeat: Vec<u8>) -> BoxFuture<'_, Result<(), Error>>;

    /// What the queue of jobs holds now; `None` where the broker does not say, since there is no queue or it has no leader. A
    /// consumer that was cancelled may count for as long as it holds deliveries. An error ends the listening.
    fn depth(&mut self) -> BoxFuture<'_, Result<Option<Depth>, Error>>;

    /// Ends, and what was sent before has reached the broker.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}
