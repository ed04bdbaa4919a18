//! Warnings of calls that nobody awaited when the entry returned, and of functions that wait for something that never comes.

use alloc::vec::Vec;

use crate::abi::WarningKind;
use crate::js::{Engine, Raw, Value, q};
use crate::{calls, host};

// SAFETY: our patches define these functions, with these signatures.
unsafe extern "C" {
    fn sm_floating(ctx: *mut q::JSContext, settled: Raw, text: *mut u8, cap: usize) -> usize;
    fn sm_dropped(ctx: *mut q::JSContext, function: Raw, settled: Raw, text: *mut u8, cap: usize) -> usize;
    fn sm_stalled(ctx: *mut q::JSContext, promise: Raw, text: *mut u8, cap: usize) -> usize;
}

const TEXT_BYTES: usize = 16 << 10;
/// At most this many warnings of one kind.
const TOLD_MAX: usize = 10;

fn text(write: impl FnOnce(*mut u8, usize) -> usize) -> Vec<u8> {
    let mut text = alloc::vec![0; TEXT_BYTES];
    let len = write(text.as_mut_ptr(), TEXT_BYTES);
    text.truncate(len);
    text
}

/// Warns of calls that had not ended when the entry returned or, if it returned a promise, when that promise was settled.
pub(crate) fn warn_of_calls(settled: &Value) {
    if !calls::is_any_pending() {
        return;
    }
    let context = Engine::context();
    // SAFETY: the context lives for ever, the value is held, and there is room for `cap` bytes of text.
    let floating = text(|text, cap| unsafe { sm_floating(context, settled.raw(), text, cap) });
    for call in blocks(&floating).take(TOLD_MAX) {
        host::warn(WarningKind::Floating, call);
    }
    let mut told = 0;
    for function in calls::waiting() {
        // SAFETY: the context lives for ever, both values are held, and there is room for `cap` bytes of text.
        let dropped = text(|text, cap| unsafe { sm_dropped(context, function.raw(), settled.raw(), text, cap) });
        if !dropped.is_empty() && told < TOLD_MAX {
            told += 1;
            host::warn(WarningKind::Dropped, &dropped);
        }
    }
}

/// Warns which functions wait for something that never comes.
pub(crate) fn tell_stalled(promise: &Value) {
    // SAFETY: the context lives for ever, the value is held, and there is room for `cap` bytes of text.
    let lines = text(|text, cap| unsafe { sm_stalled(Engine::context(), promise.raw(), text, cap) });
    if !lines.is_empty() {
        host::warn(WarningKind::Stalled, &lines);
    }
}

/// The parts of a text, each of which ends with an empty line.
fn blocks(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    core::iter::from_fn(move || {
        let end = rest.windows(2).position(|two| two == b"\n\n")?;
        let (block, after) = (&rest[..=end], &rest[end + 2..]);
        rest = after;
        Some(block)
    })
}
