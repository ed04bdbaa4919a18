//! What a process that checks scripts is asked and what it answers, both as JSON.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use scriptmill_sdk::{Bundle, Module};
use serde::{Deserialize, Serialize};

use super::check::check;
use super::checked::Bounds;
use super::imports::imports;

/// The stack for one check. Pages that are not touched cost nothing.
pub(super) const STACK_BYTES: usize = 256 << 20;

/// A request to the child.
#[derive(Serialize, Deserialize)]
pub(super) enum Request<'b> {
    Check { bounds: Bounds, bundle: Cow<'b, Bundle> },
    Imports(Cow<'b, Module>),
}

/// The child's answer: a value as JSON, or the message of a panic.
pub(super) type Answer<T> = Result<T, String>;

/// Answers one request. The caller's thread must have a stack of [`STACK_BYTES`].
pub(super) fn answer(request: &[u8]) -> Vec<u8> {
    let answer = match serde_json::from_slice(request) {
        Ok(Request::Check { bounds, bundle }) => unwinding(|| check(&bundle, &bounds)),
        Ok(Request::Imports(module)) => unwinding(|| imports(&module)),
        Err(error) => serde_json::to_vec(&Err::<(), _>(format!("unreadable request: {error}"))),
    };
    answer.unwrap_or_default()
}

fn unwinding<T: Serialize>(work: impl FnOnce() -> T) -> serde_json::Result<Vec<u8>> {
    // A fault of the parser is the failure of one script alone.
    let answer: Answer<T> = catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
    });
    serde_json::to_vec(&answer)
}
