//! `setTimeout`, `setInterval`, their clearing, and `sleep`: host calls that the host answers after a while.

use alloc::vec::Vec;
use core::ffi::c_int;

use crate::abi::CallKind;
use crate::calls::{self, Call, Callback};
use crate::errors;
use crate::js::{self, Raw, Result, Value, function, q};
use crate::primitive::to_number;
use crate::top_level::refuse_at_top_level;

/// An interval that has not been cleared. Its handle in the script is the number of its first call.
struct Interval {
    handle: Call,
    /// The pending call; the last one while the callback runs.
    call: Call,
    milliseconds: f64,
}

static mut INTERVALS: Vec<Interval> = Vec::new();

fn intervals() -> &'static mut Vec<Interval> {
    // SAFETY: one thread, and no caller keeps the reference across a call into the engine.
    unsafe { &mut *(&raw mut INTERVALS) }
}

/// Calls the function of an interval once more, unless that has been cleared meanwhile.
fn again(call: Call, callback: Callback) {
    if let Some(interval) = intervals().iter_mut().find(|interval| interval.call == call) {
        interval.call = calls::callback(CallKind::Timer, &interval.milliseconds.to_le_bytes(), callback);
    }
}

pub(crate) fn install(global: &Value) {
    function(global, c"setTimeout", 2, set_timeout);
    function(global, c"setInterval", 2, set_interval);
    function(global, c"clearTimeout", 1, clear);
    function(global, c"clearInterval", 1, clear);
    function(global, c"sleep", 1, sleep);
}

/// # Safety
/// Only the engine calls it, with the arguments of a call.
unsafe extern "C" fn set_timeout(_: *mut q::JSContext, _: Raw, argc: c_int, argv: *mut Raw) -> Raw {
    // SAFETY: the engine calls this with the arguments of the call, and they are not kept beyond it.
    js::returned(set(unsafe { js::arguments(argc, argv) }, "setTimeout", false))
}

/// # Safety
/// Only the engine calls it, with the arguments of a call.
unsafe extern "C" fn set_interval(_: *mut q::JSContext, _: Raw, argc: c_int, argv: *mut Raw) -> Raw {
    // SAFETY: the engine calls this with the arguments of the call, and they are not kept beyond it.
    js::returned(set(unsafe { js::arguments(argc, argv) }, "setInterval", true))
}

fn set(arguments: &[Raw], name: &str, repeat: bool) -> Result<Value> {
    refuse_at_top_level(name)?;
    let function = match arguments.first() {
        Some(&function) if js::is_function(function) => Value::copied(function),
        _ => return Err(errors::type_error(&alloc::format!("{name} needs a function"))),
    };
    let milliseconds = milliseconds(arguments.get(1))?;
    // As everywhere else an interval is at least a millisecond.
    let milliseconds = if repeat { milliseconds.max(1.0) } else { milliseconds };
    let arguments = arguments.iter().skip(2).map(|&raw| Value::copied(raw)).collect();
    let then: Option<fn(Call, Callback)> = if repeat { Some(again) } else { None };
    let callback = Callback { function, arguments, then };
    let call = calls::callback(CallKind::Timer, &milliseconds.to_le_bytes(), callback);
    if repeat {
        intervals().push(Interval { handle: call, call, milliseconds });
    }
    Ok(Value::number(call.into()))
}

/// # Safety
/// Only the engine calls it, with the arguments of a call.
unsafe extern "C" fn sleep(_: *mut q::JSContext, _: Raw, argc: c_int, argv: *mut Raw) -> Raw {
    // SAFETY: the engine calls this with the arguments of the call, and they are not kept beyond it.
    js::returned(start_sleep(unsafe { js::arguments(argc, argv) }))
}

fn start_sleep(arguments: &[Raw]) -> Result<Value> {
    refuse_at_top_level("sleep")?;
    let milliseconds = milliseconds(arguments.first())?;
    calls::promise(CallKind::Timer, &milliseconds.to_le_bytes(), |_| Ok(Value::undefined()))
}

/// # Safety
/// Only the engine calls it, with the arguments of a call.
unsafe extern "C" fn clear(_: *mut q::JSContext, _: Raw, argc: c_int, argv: *mut Raw) -> Raw {
    // SAFETY: the engine calls this with the arguments of the call, and they are not kept beyond it.
    let arguments = unsafe { js::arguments(argc, argv) };
    js::returned(clear_handle(arguments).map(|()| Value::undefined()))
}

fn clear_handle(arguments: &[Raw]) -> Result<()> {
    let Some(&raw) = arguments.first() else {
        return Ok(());
    };
    if !js::is_number(raw) {
        return Ok(());
    }
    let number = to_number(raw)?;
    let handle = number as Call;
    // A number that is not whole names no timer.
    if f64::from(handle) != number {
        return Ok(());
    }
    let interval = intervals().iter().position(|interval| interval.handle == handle);
    match interval {
        Some(index) => calls::cancel_callback(intervals().swap_remove(index).call),
        None => calls::cancel_callback(handle),
    }
    Ok(())
}

fn milliseconds(raw: Option<&Raw>) -> Result<f64> {
    let number = match raw {
        Some(&raw) => to_number(raw)?,
        None => 0.0,
    };
    // Also for NaN.
    Ok(if number > 0.0 { number } else { 0.0 })
}
