//! The seam for host calls: what a script may ask the world for, and how its answer comes back.
//!
//! A host call takes a kind and bytes, and gives a future of bytes. Meanwhile the script goes on with other work, or waits; a waiting
//! script is nothing but its memory. Several calls may be pending at one time. They are answered as the answers come, in any order,
//! from any thread. Only two sides know what a kind means: the guest's function that makes the call, and the host that answers it.
//!
//! - *Bounded*: `pending_calls` limits how many a job may have pending, [`ANSWER_BYTES_MAX`] how long an answer may be.
//! - *Cancellable*: the future is dropped when the script waits for it no longer, and when its job ends.
//! - *Metered*: the guest copies the payload in and the answer out, and pays fuel for both by the byte. The wait costs none.
//! - *Counted*: each call is one of `usage.hostCalls`.
//!
//! This is where a job will be recorded and replayed. For one engine build a job is a function of its bundle, entry, input, seed
//! and clock, and of what comes in here: which call is answered next, and with which bytes. A recorder is a [`HostCalls`] that
//! wraps another and writes both down. A replay is one that answers with what was recorded.

use futures_util::future::BoxFuture;
use scriptmill_sdk::Code;
use serde::Serialize;

/// Bytes of one answer.
pub const ANSWER_BYTES_MAX: usize = 16 << 20;

/// A call of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCall {
    /// Its number in its job, from 1.
    pub id: u32,
    /// What it asks for.
    pub kind: i32,
    /// Its arguments, in the form of the kind.
    pub payload: Vec<u8>,
}

/// What a call gave: bytes that the guest's function understands, or the error that the script is to see.
pub type Answer = Result<Vec<u8>, CallError>;

/// The error that a script sees in place of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct CallError {
    /// The error's `message`.
    pub message: String,
    /// Its `name`; `Error` where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its `code`, where it is one of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
}

/// Answers host calls.
pub trait HostCalls: Send + Sync {
    /// Begins a call. Returns `None` if the kind is unknown or the payload does not have the kind's form: then the guest
    /// broke its contract. The future is polled on the threads that run scripts, so it must not block. It is dropped when
    /// nobody waits for it any more.
    fn call(&self, call: HostCall) -> Option<BoxFuture<'static, Answer>>;
}

/// Knows no host calls, so that a script has timers alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHostCalls;

impl HostCalls for NoHostCalls {
    fn call(&self, _: HostCall) -> Option<BoxFuture<'static, Answer>> {
        None
    }
}
