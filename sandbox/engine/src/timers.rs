//! `setTimeout`, `setInterval`, their clearing, and `sleep`: host calls that the host answers after a while.

use alloc::vec::Vec;
use core::ffi::c_int;

use crate::globals::function;
use crate::host;
use crate::js::{self, Engine, Raw, Result, Thrown, Value, q};

/// A timer whose time has not come.
struct Timer {
    /// What the script knows it by.
    handle: u32,
    /// What the host knows it by; 0 while an interval's callback runs.
    call: i32,
    action: Action,
}

enum Action {
    Call { callback: Value, arguments: Vec<Value>, every: Option<f64> },
    Wake(Value),
}

struct Timers {
    list: Vec<Timer>,
    last_handle: u32,
}

static mut TIMERS: Timers = Timers { list: Vec::new(), last_handle: 0 };

fn timers() -> &'static mut Timers {
    // SAFETY: one thread, and no caller keeps the reference across a call into the engine.
    unsafe { &mut *(&raw mut TIMERS) }
}

/// Whether the script waits for anything.
pub(crate) fn is_any_pending() -> bool {
    !timers().list.is_empty()
}

/// The host's answer to a call. An unknown call was cancelled in the meantime.
pub(crate) fn fire(call: i32) -> Result<()> {
    let Some(index) = timers().list.iter().position(|timer| timer.call == call) else {
        return Ok(());
    };
    let timer = &mut timers().list[index];
    let (callback, arguments, every) = match &timer.action {
        Action::Wake(_) => {
            let Action::Wake(resolve) = timers().list.remove(index).action else {
                return Ok(());
            };
            return resolve.call(&[]).map(drop);
        }
        Action::Call { callback, arguments, every } => (callback.clone(), arguments.clone(), *every),
    };
    let handle = timer.handle;
    timer.call = 0;
    if every.is_none() {
        timers().list.remove(index);
    }
    let raw: Vec<Raw> = arguments.iter().map(Value::raw).collect();
    callback.call(&raw)?;
    if let Some(milliseconds) = every {
        // The callback may have cleared its own interval.
        if let Some(timer) = timers().list.iter_mut().find(|timer| timer.handle == handle) {
            timer.call = host::start_timer(milliseconds);
        }
    }
    Ok(())
}

pub(crate) fn install(global: &Value) {
    function(global, c"setTimeout", 2, set_timeout);
    function(global, c"setInterval", 2, set_interval);
    function(global, c"clearTimeout", 1, clear);
    function(global, c"clearInterval", 1, clear);
    function(global, c"sleep", 1, sleep);
}

unsafe extern "C" fn set_timeout(_: *mut q::JSContext, _: Raw, argc: c_int, argv: *mut Raw) -> Raw {
    js::returned(set(unsafe { js::arguments(argc, argv) }, "setTimeout", false))
}

unsafe extern "C" fn set_interval(_: *mut q::JSContext, _: Raw, argc: c_int, argv: *mut Raw) -> Raw {
    js::returned(set(unsafe { js::arguments(argc, argv) }, "setInterval", true))
}

fn set(arguments: &[Raw], name: &str, repeat: bool) -> Result<Value> {
    refuse_at_top_level(name)?;
    let callback = match arguments.first() {
        Some(&callback) if js::is_function(callback) => Value::copied(callback),
        _ => return Err(js::type_error(&alloc::format!("{name} needs a function"))),
    };
    let milliseconds = milliseconds(arguments.get(1))?;
    // As everywhere else an interval is at least a millisecond.
    let every = repeat.then(|| milliseconds.max(1.0));
    let call = host::start_timer(every.unwrap_or(milliseconds));
    let arguments = arguments.iter().skip(2).map(|&raw| Value::copied(raw)).collect();
    let handle = add(call, Action::Call { callback, arguments, every });
    Ok(Value::number(handle.into()))
}

unsafe extern "C" fn sleep(_: *mut q::JSContext, _: Raw, argc: c_int, argv: *mut Raw) -> Raw {
    js::returned(start_sleep(unsafe { js::arguments(argc, argv) }))
}

fn start_sleep(arguments: &[Raw]) -> Result<Value> {
    refuse_at_top_level("sleep")?;
    let milliseconds = milliseconds(arguments.first())?;
    let (promise, resolve, _) = js::promise()?;
    add(host::start_timer(milliseconds), Action::Wake(resolve));
    Ok(promise)
}

fn add(call: i32, action: Action) -> u32 {
    let timers = timers();
    timers.last_handle += 1;
    let handle = timers.last_handle;
    timers.list.push(Timer { handle, call, action });
    handle
}

unsafe extern "C" fn clear(_: *mut q::JSContext, _: Raw, argc: c_int, argv: *mut Raw) -> Raw {
    let arguments = unsafe { js::arguments(argc, argv) };
    js::returned(clear_handle(arguments).map(|()| Value::undefined()))
}

fn clear_handle(arguments: &[Raw]) -> Result<()> {
    let Some(&raw) = arguments.first() else {
        return Ok(());
    };
    if !unsafe { q::JS_IsNumber(raw) } {
        return Ok(());
    }
    let handle = to_number(raw)?;
    let found = timers().list.iter().position(|timer| f64::from(timer.handle) == handle);
    if let Some(index) = found {
        let timer = timers().list.remove(index);
        if timer.call != 0 {
            host::cancel(timer.call);
        }
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

fn to_number(raw: Raw) -> Result<f64> {
    let mut number = 0.0;
    if unsafe { q::JS_ToFloat64(Engine::context(), &mut number, raw) } < 0 {
        return Err(Thrown);
    }
    Ok(number)
}

/// Fail while an image is made: what follows would happen once, and not for every job.
pub(crate) fn refuse_at_top_level(name: &str) -> Result<()> {
    if Engine::is_live() {
        return Ok(());
    }
    let message = alloc::format!(
        "{name} cannot be used at the top level of a script: it runs once, before any job. Use it inside the entry function"
    );
    Err(js::coded_error("SM2006", &message))
}
