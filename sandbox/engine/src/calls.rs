//! The one table of pending host calls: what a script waits for, and what is to happen with the answer.
//!
//! A call is recorded with the host, which answers it by `resume` once the guest has returned. Several may be pending
//! at one time; they are answered in any order. Recording and replaying a job needs no code here: the answers are all
//! that comes in from the host.

use alloc::vec::Vec;

use crate::abi::{CallKind, Status};
use crate::errors;
use crate::host;
use crate::js::{self, Raw, Result, Value};

/// The number by which the host knows a call.
pub(crate) type Call = i32;

/// Makes a value of an answer's bytes. A NUL follows them and is not part of the answer.
pub(crate) type Read = fn(&[u8]) -> Result<Value>;

/// A function of the script, called when the answer is there.
pub(crate) struct Callback {
    pub(crate) function: Value,
    pub(crate) arguments: Vec<Value>,
    /// What is called after the function has returned.
    pub(crate) then: Option<fn(Call, Self)>,
}

/// What is to happen with the answer.
enum Waiter {
    /// A promise is settled with it.
    Promise { resolve: Value, reject: Value, read: Read },
    /// A function is called.
    Callback(Callback),
}

struct Pending {
    call: Call,
    waiter: Waiter,
}

static mut PENDING: Vec<Pending> = Vec::new();

fn pending() -> &'static mut Vec<Pending> {
    // SAFETY: one thread, and no caller keeps the reference across a call into the engine.
    unsafe { &mut *(&raw mut PENDING) }
}

/// Whether the script waits for anything.
pub(crate) fn is_any_pending() -> bool {
    !pending().is_empty()
}

/// The functions that are called when the answers come.
pub(crate) fn waiting() -> Vec<Value> {
    let function = |pending: &Pending| match &pending.waiter {
        Waiter::Promise { resolve, .. } => resolve.clone(),
        Waiter::Callback(callback) => callback.function.clone(),
    };
    pending().iter().map(function).collect()
}

/// Makes a call and returns a promise. `read` makes a value of the answer, and that value settles the promise.
pub(crate) fn promise(kind: CallKind, payload: &[u8], read: Read) -> Result<Value> {
    let (promise, resolve, reject) = js::promise()?;
    pending().push(Pending { call: host::call(kind, payload), waiter: Waiter::Promise { resolve, reject, read } });
    Ok(promise)
}

/// Makes a call whose answer calls a function.
pub(crate) fn callback(kind: CallKind, payload: &[u8], callback: Callback) -> Call {
    let call = host::call(kind, payload);
    pending().push(Pending { call, waiter: Waiter::Callback(callback) });
    call
}

/// Cancels a call whose answer was to call a function. A call with a promise is never cancelled here, since a script
/// can guess the numbers of calls.
pub(crate) fn cancel_callback(call: Call) {
    let is_it = |pending: &Pending| pending.call == call && matches!(pending.waiter, Waiter::Callback(_));
    if let Some(index) = pending().iter().position(is_it) {
        pending().swap_remove(index);
        host::cancel(call);
    }
}

/// Gives an answer to its waiter. A call that is not in the table was cancelled in the meantime.
pub(crate) fn answer(call: Call, status: Status, bytes: &[u8]) -> Result<()> {
    let Some(index) = pending().iter().position(|pending| pending.call == call) else {
        return Ok(());
    };
    match pending().swap_remove(index).waiter {
        Waiter::Callback(callback) => {
            let raw: Vec<Raw> = callback.arguments.iter().map(Value::raw).collect();
            callback.function.call(&raw)?;
            if let Some(then) = callback.then {
                then(call, callback);
            }
            Ok(())
        }
        Waiter::Promise { resolve, reject, read } => {
            let settled = match status {
                Status::Fulfilled => read(bytes),
                Status::Rejected => errors::throw_report(bytes),
            };
            match settled {
                Ok(value) => resolve.call(&[value.raw()]),
                Err(js::Thrown) => reject.call(&[js::take_exception().raw()]),
            }
            .map(drop)
        }
    }
}
