//! The seam for host calls: what a script may ask the world for, and how its answer comes back.
//!
//! A host call is a kind and bytes in, and a future of bytes out. The script goes on with other work meanwhile, or waits as
//! nothing but its memory. Several calls may be pending at one time; they are answered as they come, in any order, from
//! any thread. What a kind means is known to the two sides alone: the guest's function that makes it and the host that answers it.
//!
//! - *Bounded*: `pending_calls` limits how many a job may have pending, [`ANSWER_BYTES_MAX`] how long an answer may be.
//! - *Cancellable*: the future is dropped when the script waits for it no longer, and when its job ends.
//! - *Metered*: the guest copies the payload in and the answer out, and pays fuel for both by the byte. The wait costs none.
//! - *Counted*: each call is one of `usage.hostCalls`.
//!
//! This is where a job will be recorded and replayed. For one engine build a job is a function of its bundle, entry, input,
//! seed and clock, and of what comes in here: which call is answered next, and with which bytes. A tape is a [`HostCalls`]
//! that wraps another and writes both down, or that gives what was written.

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
    /// With what.
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
    /// Begins a call. `None` where the kind is not known or the payload is not of the kind's form: the guest broke its
    /// contract. The future is polled on the threads that run scripts, so it must not block; it is dropped when nobody waits
    /// for it any more.
    fn call(&self, call: HostCall) -> Option<BoxFuture<'static, Answer>>;
}

/// Knows no calls: a script has timers alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHostCalls;

impl HostCalls for NoHostCalls {
    fn call(&self, _: HostCall) -> Option<BoxFuture<'static, Answer>> {
        None
    }
}
