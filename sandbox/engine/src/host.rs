//! The calls the guest makes to the host. Any of them may end the job by trapping.

use alloc::vec;
use alloc::vec::Vec;

mod import {
    #[link(wasm_import_module = "scriptmill")]
    unsafe extern "C" {
        pub(super) fn take(to: *mut u8);
        pub(super) fn settle(kind: i32, text: *const u8, len: usize);
        pub(super) fn host_call(kind: i32, payload: *const u8, len: usize) -> i32;
        pub(super) fn cancel_call(id: i32);
        pub(super) fn log(level: i32, text: *const u8, len: usize);
        pub(super) fn context(field: i32) -> i32;
        pub(super) fn fuel() -> f64;
        pub(super) fn located(text: *const u8, len: usize);
    }
}

/// How a job, or a load, ended.
#[derive(Clone, Copy, PartialEq)]
#[repr(i32)]
pub(crate) enum Kind {
    Value = 0,
    Thrown = 1,
    Stalled = 2,
    UnknownEntry = 3,
    Syntax = 4,
    NotJson = 5,
    TooDeep = 6,
}

#[derive(Clone, Copy)]
#[repr(i32)]
pub(crate) enum Level {
    Debug = 0,
    Info = 1,
    Warn = 2,
    Error = 3,
}

/// The kinds of host call.
const TIMER: i32 = 1;

/// The payload of the current call, followed by a NUL (which is not counted in `len`).
pub(crate) fn take(len: usize) -> Vec<u8> {
    let mut payload = vec![0; len + 1];
    // SAFETY: the host writes exactly the `len` bytes it announced.
    unsafe { import::take(payload.as_mut_ptr()) };
    payload
}

pub(crate) fn settle(kind: Kind, text: &[u8]) {
    unsafe { import::settle(kind as i32, text.as_ptr(), text.len()) }
}

/// Ask to be resumed after some milliseconds; the answer is the call's id.
pub(crate) fn start_timer(milliseconds: f64) -> i32 {
    let payload = milliseconds.to_le_bytes();
    unsafe { import::host_call(TIMER, payload.as_ptr(), payload.len()) }
}

pub(crate) fn cancel(call: i32) {
    unsafe { import::cancel_call(call) }
}

pub(crate) fn log(level: Level, text: &[u8]) {
    unsafe { import::log(level as i32, text.as_ptr(), text.len()) }
}

/// The JSON text of a field of the job's context, NUL-terminated.
pub(crate) fn context(field: i32) -> Vec<u8> {
    let len = unsafe { import::context(field) };
    take(len as usize)
}

pub(crate) fn fuel() -> f64 {
    unsafe { import::fuel() }
}

pub(crate) fn located(text: &[u8]) {
    unsafe { import::located(text.as_ptr(), text.len()) }
}
