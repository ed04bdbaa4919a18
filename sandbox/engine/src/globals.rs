//! The globals that scripts have beside those of ECMAScript.

use core::ffi::c_int;

use crate::errors;
use crate::js::{self, Raw, UNDEFINED, function, q};
use crate::{clone, console, context, locale, timers, title};

pub(crate) fn install() {
    let global = js::global();
    function(&global, c"queueMicrotask", 1, queue_microtask);
    function(&global, c"structuredClone", 1, clone::structured_clone);
    timers::install(&global);
    console::install(&global);
    context::install(&global);
    locale::install(&global);
    title::install(&global);
}

/// # Safety
/// Only the engine calls it, with the arguments of a call.
unsafe extern "C" fn queue_microtask(context: *mut q::JSContext, _: Raw, argc: c_int, argv: *mut Raw) -> Raw {
    // SAFETY: the engine calls this with the arguments of the call, and they are not kept beyond it.
    let arguments = unsafe { js::arguments(argc, argv) };
    match arguments.first() {
        Some(&callback) if js::is_function(callback) => {
            let mut job = [callback];
            // SAFETY: the engine copies the one argument, which its caller holds.
            let failed = unsafe { q::JS_EnqueueJob(context, Some(run_microtask), 1, job.as_mut_ptr()) } < 0;
            if failed { q::JS_EXCEPTION } else { UNDEFINED }
        }
        _ => js::returned(Err(errors::type_error("queueMicrotask needs a function"))),
    }
}

/// # Safety
/// Only the engine calls it, with the arguments of a call.
unsafe extern "C" fn run_microtask(context: *mut q::JSContext, _: c_int, argv: *mut Raw) -> Raw {
    // SAFETY: the engine calls this with the one argument that was enqueued.
    unsafe { q::JS_Call(context, *argv, UNDEFINED, 0, core::ptr::null_mut()) }
}
