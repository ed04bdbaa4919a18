//! The calls the guest makes to the host. Any of them may end the job by trapping.

use alloc::vec;
use alloc::vec::Vec;

mod import {
    #[link(wasm_import_module = "scriptmill")]
    unsafe extern "C" {
        /// The one import, since each would be linked anew for every job.
        pub(super) fn host(operation: i32, number: i32, bytes: *const u8, len: usize) -> f64;
    }
}

/// What the host is asked for.
#[derive(Clone, Copy)]
#[repr(i32)]
enum Operation {
    Take = 0,
    Settle = 1,
    HostCall = 2,
    CancelCall = 3,
    Log = 4,
    Context = 5,
    Fuel = 6,
    Located = 7,
    Now = 8,
}

fn ask(operation: Operation, number: i32, bytes: &[u8]) -> f64 {
    unsafe { import::host(operation as i32, number, bytes.as_ptr(), bytes.len()) }
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
    unsafe { import::host(Operation::Take as i32, 0, payload.as_mut_ptr(), len) };
    payload
}

pub(crate) fn settle(kind: Kind, text: &[u8]) {
    ask(Operation::Settle, kind as i32, text);
}

/// Ask to be resumed after some milliseconds; the answer is the call's id.
pub(crate) fn start_timer(milliseconds: f64) -> i32 {
    ask(Operation::HostCall, TIMER, &milliseconds.to_le_bytes()) as i32
}

pub(crate) fn cancel(call: i32) {
    ask(Operation::CancelCall, call, &[]);
}

pub(crate) fn log(level: Level, text: &[u8]) {
    ask(Operation::Log, level as i32, text);
}

/// The JSON text of a field of the job's context, NUL-terminated.
pub(crate) fn context(field: i32) -> Vec<u8> {
    take(ask(Operation::Context, field, &[]) as usize)
}

pub(crate) fn fuel() -> f64 {
    ask(Operation::Fuel, 0, &[])
}

pub(crate) fn located(text: &[u8]) {
    ask(Operation::Located, 0, text);
}

/// Microseconds since 1970: the only clock. The C library calls it.
#[unsafe(no_mangle)]
extern "C" fn __rquickjs_host_now_us() -> f64 {
    ask(Operation::Now, 0, &[])
}
