//! `console`: each call is one line of the job's log.

use alloc::vec::Vec;
use core::ffi::c_int;

use crate::abi::Level;
use crate::js::{self, Engine, Flags, Raw, UNDEFINED, Value, q};
use crate::{host, inspect};

/// A longer line is cut: the host counts bytes too, but a line should be read by a person.
const LINE_BYTES_MAX: usize = 64 * 1024;

const METHODS: [(&core::ffi::CStr, Level); 5] = [
    (c"log", Level::Info),
    (c"info", Level::Info),
    (c"debug", Level::Debug),
    (c"warn", Level::Warn),
    (c"error", Level::Error),
];

pub(crate) fn install(global: &Value) {
    let context = Engine::context();
    // SAFETY: the context lives for ever.
    let console = Value::owned(unsafe { q::JS_NewObject(context) });
    for (name, level) in METHODS {
        let function = q::JSCFunctionType { generic_magic: Some(write) };
        // SAFETY: the engine reads the union by the kind given beside it.
        let method = unsafe {
            q::JS_NewCFunction2(
                context,
                function.generic,
                name.as_ptr(),
                0,
                q::JSCFunctionEnum_JS_CFUNC_generic_magic,
                level as c_int,
            )
        };
        let _ = console.define(name, Value::owned(method), Flags::Plain);
    }
    let _ = global.define(c"console", console, Flags::Hidden);
}

/// # Safety
/// Only the engine calls it, with the arguments of a call.
unsafe extern "C" fn write(_: *mut q::JSContext, _: Raw, argc: c_int, argv: *mut Raw, level: c_int) -> Raw {
    let mut line = Vec::new();
    // SAFETY: the engine calls this with the arguments of the call, and they are not kept beyond it.
    for (index, &raw) in unsafe { js::arguments(argc, argv) }.iter().enumerate() {
        if index > 0 {
            line.push(b' ');
        }
        inspect::write_argument(&mut line, &Value::copied(raw));
    }
    let level = match level {
        0 => Level::Debug,
        1 => Level::Info,
        2 => Level::Warn,
        _ => Level::Error,
    };
    log(level, line);
    UNDEFINED
}

/// Send one line: valid UTF-8, of bounded length.
pub(crate) fn log(level: Level, mut line: Vec<u8>) {
    inspect::replace_surrogates(&mut line);
    if line.len() > LINE_BYTES_MAX {
        line.truncate(inspect::cut(&line, LINE_BYTES_MAX).len());
        line.extend_from_slice("…".as_bytes());
    }
    host::log(level, &line);
}
