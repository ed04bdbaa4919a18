//! What the script world has beside ECMAScript.

use core::ffi::{CStr, c_int};

use crate::js::{self, Flags, Raw, Result, UNDEFINED, Value, q};
use crate::{console, context, inspect, timers};

/// A function of ours that the engine calls.
pub(crate) type Native = unsafe extern "C" fn(*mut q::JSContext, Raw, c_int, *mut Raw) -> Raw;

pub(crate) fn install() {
    let global = js::global();
    function(&global, c"queueMicrotask", 1, queue_microtask);
    function(&global, c"structuredClone", 1, structured_clone);
    timers::install(&global);
    console::install(&global);
    context::install(&global);
    inspect::install(&global);
    crate::invoke::install();
}

/// Define a function as a hidden property.
pub(crate) fn function(object: &Value, name: &CStr, length: c_int, native: Native) {
    let raw = unsafe {
        q::JS_NewCFunction2(
            js::Engine::context(),
            Some(native),
            name.as_ptr(),
            length,
            q::JSCFunctionEnum_JS_CFUNC_generic,
            0,
        )
    };
    // Only running out of memory can fail here, and that traps in the host.
    let _ = object.define(name, Value::owned(raw), Flags::Hidden);
}

unsafe extern "C" fn queue_microtask(context: *mut q::JSContext, _: Raw, argc: c_int, argv: *mut Raw) -> Raw {
    let arguments = unsafe { js::arguments(argc, argv) };
    match arguments.first() {
        Some(&callback) if js::is_function(callback) => {
            let mut job = [callback];
            let failed = unsafe { q::JS_EnqueueJob(context, Some(run_microtask), 1, job.as_mut_ptr()) } < 0;
            if failed { q::JS_EXCEPTION } else { UNDEFINED }
        }
        _ => js::returned(Err(js::type_error("queueMicrotask needs a function"))),
    }
}

unsafe extern "C" fn run_microtask(context: *mut q::JSContext, _: c_int, argv: *mut Raw) -> Raw {
    unsafe { q::JS_Call(context, *argv, UNDEFINED, 0, core::ptr::null_mut()) }
}

unsafe extern "C" fn structured_clone(_: *mut q::JSContext, _: Raw, argc: c_int, argv: *mut Raw) -> Raw {
    let value = unsafe { js::arguments(argc, argv) }.first().copied().unwrap_or(UNDEFINED);
    js::returned(clone(value))
}

fn clone(value: Raw) -> Result<Value> {
    let context = js::Engine::context();
    let mut len = 0;
    let bytes = unsafe { q::JS_WriteObject(context, &mut len, value, q::JS_WRITE_OBJ_REFERENCE as c_int) };
    if bytes.is_null() {
        return Err(js::Thrown);
    }
    let copy = unsafe { q::JS_ReadObject(context, bytes, len, q::JS_READ_OBJ_REFERENCE as c_int) };
    unsafe { q::js_free(context, bytes.cast()) };
    js::result(copy)
}
