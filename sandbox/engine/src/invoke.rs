//! A job: one call of an entry, its microtasks and host calls, and the one outcome it settles with.

use alloc::vec::Vec;
use core::ffi::c_void;
use core::ptr;

use crate::abi::{Kind, Level, Status, WarningKind};
use crate::errors;
use crate::js::{self, Atom, Engine, JsonRefusal, Raw, Thrown, UNDEFINED, Value, q};
use crate::{calls, console, context, host, inspect, lost, report, waiting};

/// At most this many of the unhandled rejections are logged.
const REJECTIONS_MAX: usize = 10;
/// At most this many of a script's entries are named when a job asks for one that does not exist.
const ENTRIES_MAX: usize = 50;

/// Why a job, or a load, has no value.
pub(crate) enum Fault {
    /// Something was thrown.
    Thrown(Kind, Value),
    /// The promise can never settle: no host call is pending.
    Stalled,
}

impl Fault {
    /// What the engine has just thrown.
    pub(crate) fn thrown(kind: Kind) -> Self {
        Self::Thrown(kind, js::take_exception())
    }
}

struct Job {
    /// The main module's namespace; undefined for a classic script.
    namespace: Value,
    /// The function that an empty entry name stands for, looked up when the image was made.
    entry: Value,
    /// The promise that the entry returned, if it returned one.
    promise: Value,
    /// Rejected promises that nothing handles, with their reasons.
    rejections: Vec<(Value, Value)>,
}

static mut JOB: Job = Job {
    namespace: Value::owned(UNDEFINED),
    entry: Value::owned(UNDEFINED),
    promise: Value::owned(UNDEFINED),
    rejections: Vec::new(),
};

fn job() -> &'static mut Job {
    // SAFETY: one thread, and no caller keeps the reference across a call into the engine.
    unsafe { &mut *(&raw mut JOB) }
}

pub(crate) fn install() {
    // SAFETY: the runtime lives for ever, and so does `track`, which asks for no data.
    unsafe {
        q::JS_SetHostPromiseRejectionTracker(Engine::runtime(), Some(track), ptr::null_mut());
    }
}

/// Remembers, at the end of making an image, the namespace whose functions jobs will call.
pub(crate) fn remember_main(namespace: Value) {
    job().namespace = namespace;
    job().entry = named(b"default").or_else(|| named(b"main")).unwrap_or_else(Value::undefined);
}

/// A callable export of the main module, or a global function that the script made.
fn named(name: &[u8]) -> Option<Value> {
    let name = Atom::new(name);
    let namespace = &job().namespace;
    if namespace.is_object() {
        match namespace.get_named(&name) {
            Ok(export) if export.is_function() => return Some(export),
            Ok(_) => {}
            // An export that was never initialised.
            Err(Thrown) => drop(js::take_exception()),
        }
    }
    Some(js::global_binding(&name)).filter(Value::is_script_function)
}

pub(crate) fn invoke(seed: u64, entry_len: usize, input_len: usize) -> i32 {
    Engine::seed(seed);
    let payload = host::take(entry_len + input_len);
    let entry = if entry_len == 0 {
        Some(job().entry.clone()).filter(Value::is_function)
    } else {
        named(&payload[..entry_len])
    };
    let Some(entry) = entry else {
        host::settle(Kind::UnknownEntry, &entries());
        return 0;
    };
    let called = call(&entry, &payload[entry_len..]);
    // Nothing is freed from here on: the memory ends with the job.
    core::mem::forget((entry, payload));
    conclude(called)
}

fn call(entry: &Value, input: &[u8]) -> Result<Option<Value>, Fault> {
    let input = match js::parse_json(input) {
        Ok(input) => input.into_raw(),
        Err(Thrown) => return Err(json_fault()),
    };
    let result = entry.call(&[input, context::object()]).map_err(|Thrown| Fault::thrown(Kind::Thrown))?;
    let result = awaitable(result).map_err(|Thrown| Fault::thrown(Kind::Thrown))?;
    run_microtasks()?;
    match result {
        Awaitable::Value(value) => Ok(Some(value)),
        Awaitable::Promise(promise) => {
            job().promise = promise.clone();
            promised(&promise)
        }
    }
}

pub(crate) fn resume(call: i32, status: i32, len: usize) -> i32 {
    let answer = if len > 0 { host::take(len) } else { Vec::new() };
    let status = Status::from_number(status).unwrap_or(Status::Rejected);
    let resumed = calls::answer(call, status, &answer)
        .map_err(|Thrown| Fault::thrown(Kind::Thrown))
        .and_then(|()| run_microtasks())
        .and_then(|()| promised(&job().promise.clone()));
    conclude(resumed)
}

/// Settle, unless there is still something to wait for.
fn conclude(state: Result<Option<Value>, Fault>) -> i32 {
    match state {
        Ok(Some(value)) => settle_value(&value),
        Ok(None) if calls::is_any_pending() => return 1,
        Ok(None) => settle_fault(Fault::Stalled),
        Err(fault) => settle_fault(fault),
    }
    0
}

fn settle_value(value: &Value) {
    report_rejections();
    waiting::warn_of_calls(&job().promise.clone());
    if value.is_undefined() {
        host::settle(Kind::Value, b"null");
        return;
    }
    // What the script's own calls of `JSON.stringify` left out is no matter of warnings: this clears it.
    lost::has_any();
    let json = match js::stringify(value) {
        Ok(json) if json.is_string() => json,
        // A `toJSON` returned undefined. That is the script's choice, and the value is null.
        Ok(_) if value.is_object() && !value.is_function() => {
            host::settle(Kind::Value, b"null");
            return;
        }
        Ok(_) => {
            let Thrown = errors::type_error("a function or a symbol is not JSON");
            settle_thrown(Fault::thrown(Kind::NotJson));
            return;
        }
        Err(Thrown) => {
            settle_thrown(value_fault(value));
            return;
        }
    };
    if lost::has_any() {
        lost::warn(value);
    }
    match json.text() {
        Ok(text) => host::settle(Kind::Value, &text),
        Err(Thrown) => settle_thrown(Fault::thrown(Kind::Thrown)),
    }
}

/// Why a value could not be written as JSON, and at which path.
fn value_fault(value: &Value) -> Fault {
    let fault = json_fault();
    if let Fault::Thrown(Kind::NotJson, _) = &fault
        && let Some(refusal) = lost::refusal(value)
    {
        let Thrown = errors::type_error(&refusal);
        return Fault::thrown(Kind::NotJson);
    }
    fault
}

/// Why a call of JSON failed: JSON refused something, or code of the script threw within the call. Call this right after the failure.
fn json_fault() -> Fault {
    let kind = match js::json_refusal() {
        Some(JsonRefusal::NotJson) => Kind::NotJson,
        Some(JsonRefusal::TooDeep) => Kind::TooDeep,
        None => Kind::Thrown,
    };
    Fault::thrown(kind)
}

pub(crate) fn settle_fault(fault: Fault) {
    report_rejections();
    settle_thrown(fault);
}

fn settle_thrown(fault: Fault) {
    match fault {
        Fault::Stalled => {
            waiting::tell_stalled(&job().promise.clone());
            host::settle(Kind::Stalled, b"");
        }
        Fault::Thrown(kind, thrown) => {
            let mut text = Vec::new();
            report::write(&mut text, &thrown);
            host::settle(kind, &text);
        }
    }
}

enum Awaitable {
    Value(Value),
    Promise(Value),
}

/// What `await` would wait for.
fn awaitable(value: Value) -> js::Result<Awaitable> {
    if !value.is_object() {
        return Ok(Awaitable::Value(value));
    }
    if value.is_promise() && is_plain_promise(&value) {
        return Ok(Awaitable::Promise(value));
    }
    let then = value.get(c"then")?;
    if !then.is_function() {
        return Ok(Awaitable::Value(value));
    }
    let (promise, resolve, reject) = js::promise()?;
    if let Err(Thrown) = then.call_on(value.raw(), &[resolve.raw(), reject.raw()]) {
        let error = js::take_exception();
        reject.call(&[error.raw()])?;
    }
    Ok(Awaitable::Promise(promise))
}

/// A promise whose `then` is not the script's own: neither a subclass nor an object with a `then` of its own.
fn is_plain_promise(value: &Value) -> bool {
    let context = Engine::context();
    // SAFETY: the context lives for ever, and the value is held.
    unsafe {
        let class = q::JS_GetClassID(value.raw());
        let intrinsic = Value::owned(q::JS_GetClassProto(context, class));
        let actual = Value::owned(q::JS_GetPrototype(context, value.raw()));
        let then = Atom::new(b"then");
        actual.raw() == intrinsic.raw() && q::JS_GetOwnProperty(context, ptr::null_mut(), value.raw(), then.raw()) == 0
    }
}

/// Returns the value of a fulfilled promise, or `None` while the promise is pending.
pub(crate) fn promised(promise: &Value) -> Result<Option<Value>, Fault> {
    let context = Engine::context();
    // SAFETY: the context lives for ever, and `promise` holds a promise.
    let result = || Value::owned(unsafe { q::JS_PromiseResult(context, promise.raw()) });
    // SAFETY: the context lives for ever, and `promise` holds a promise.
    match unsafe { q::JS_PromiseState(context, promise.raw()) } {
        q::JSPromiseStateEnum_JS_PROMISE_FULFILLED => Ok(Some(result())),
        q::JSPromiseStateEnum_JS_PROMISE_REJECTED => {
            // This rejection is reported as the outcome, not as unhandled.
            job().rejections.retain(|(rejected, _)| rejected.raw() != promise.raw());
            Err(Fault::Thrown(Kind::Thrown, result()))
        }
        _ => Ok(None),
    }
}

pub(crate) fn run_microtasks() -> Result<(), Fault> {
    let runtime = Engine::runtime();
    loop {
        let mut context = ptr::null_mut();
        // SAFETY: the runtime lives for ever, and the context is written to a variable of ours.
        match unsafe { q::JS_ExecutePendingJob(runtime, &mut context) } {
            0 => return Ok(()),
            ran if ran > 0 => {}
            _ => return Err(Fault::thrown(Kind::Thrown)),
        }
    }
}

/// # Safety
/// Only the engine calls it, with the arguments of a call.
unsafe extern "C" fn track(_: *mut q::JSContext, promise: Raw, reason: Raw, is_handled: bool, _: *mut c_void) {
    if is_handled {
        let found = job().rejections.iter().position(|(other, _)| other.raw() == promise);
        let handled = found.map(|index| job().rejections.swap_remove(index));
        drop(handled);
    } else {
        job().rejections.push((Value::copied(promise), Value::copied(reason)));
    }
}

/// Log the rejections that nothing handled, and forget them.
pub(crate) fn report_rejections() {
    let rejections = core::mem::take(&mut job().rejections);
    for (_, reason) in rejections.iter().take(REJECTIONS_MAX) {
        let mut line = b"Unhandled rejection: ".to_vec();
        inspect::write_argument(&mut line, reason);
        console::log(Level::Warn, line);
        let mut text = Vec::new();
        report::write(&mut text, reason);
        host::warn(WarningKind::Rejection, &text);
    }
    if let Some(more) = rejections.len().checked_sub(REJECTIONS_MAX).filter(|&more| more > 0) {
        let line = alloc::format!("Unhandled rejection: {more} more");
        console::log(Level::Warn, line.into_bytes());
    }
}

/// The names of the entries that a job can call, separated by commas. Dots stand for those beyond `ENTRIES_MAX`.
fn entries() -> Vec<u8> {
    let mut names: Vec<Vec<u8>> = Vec::new();
    'holders: for holder in [job().namespace.clone(), js::global_lexicals(), js::global()] {
        if !holder.is_object() {
            continue;
        }
        let Ok(keys) = holder.keys(false) else {
            drop(js::take_exception());
            continue;
        };
        for key in keys {
            let Ok(name) = key.text() else { continue };
            if names.iter().any(|other| **other == *name) || named(&name).is_none() {
                continue;
            }
            if names.len() == ENTRIES_MAX {
                names.push(b"...".to_vec());
                break 'holders;
            }
            names.push(name.to_vec());
        }
    }
    names.join(&b", "[..])
}
