//! The calls the guest makes to the host. Any of them may end the job by trapping.

use alloc::vec;
use alloc::vec::Vec;

use crate::abi::{CallKind, Kind, Level, Operation, PLACE_COLUMNS, WarningKind};

mod import {
    #[link(wasm_import_module = "scriptmill")]
    // SAFETY: the host links this very signature.
    unsafe extern "C" {
        /// The only import: each import would be linked anew for every job.
        pub(super) fn host(operation: i32, number: i32, bytes: *const u8, len: usize) -> f64;
    }
}

fn ask(operation: Operation, number: i32, bytes: &[u8]) -> f64 {
    // SAFETY: the host reads `bytes` within the call and keeps nothing.
    unsafe { import::host(operation as i32, number, bytes.as_ptr(), bytes.len()) }
}

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

/// Record a host call; its id comes back with the answer.
pub(crate) fn call(kind: CallKind, payload: &[u8]) -> i32 {
    ask(Operation::HostCall, kind as i32, payload) as i32
}

pub(crate) fn cancel(call: i32) {
    ask(Operation::CancelCall, call, &[]);
}

/// Adds a warning to the outcome.
pub(crate) fn warn(kind: WarningKind, bytes: &[u8]) {
    ask(Operation::Warn, kind as i32, bytes);
}

pub(crate) fn log(level: Level, text: &[u8]) {
    ask(Operation::Log, level as i32, text);
}

/// The JSON text of a field of the job's context, NUL-terminated.
pub(crate) fn context(field: i32) -> Vec<u8> {
    take(ask(Operation::Context, field, &[]) as usize)
}

/// The author's line and column for a line and column of a module's code. Returns `None` where the code is not the author's.
pub(crate) fn place(module: i32, line: i32, column: i32) -> Option<(i32, i32)> {
    let place = [line.to_le_bytes(), column.to_le_bytes()].concat();
    let packed = ask(Operation::Place, module, &place);
    // Both are whole numbers, and a double holds the packed number exactly.
    (packed >= 0.0).then(|| ((packed / PLACE_COLUMNS) as i32, (packed % PLACE_COLUMNS) as i32))
}

pub(crate) fn fuel() -> f64 {
    ask(Operation::Fuel, 0, &[])
}

pub(crate) fn located(text: &[u8]) {
    ask(Operation::Located, 0, text);
}

/// Microseconds since 1970.
pub(crate) fn now() -> f64 {
    ask(Operation::Now, 0, &[])
}

/// The only clock. The C library calls it.
// SAFETY: no other function of the module has this name.
#[unsafe(no_mangle)]
extern "C" fn __rquickjs_host_now_us() -> f64 {
    now()
}
