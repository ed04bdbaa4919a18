//! Throws the errors of the guest's own functions.

use crate::js::{Engine, Flags, Result, Thrown, Value, parse_json, q, take_exception};

/// Throw a TypeError.
pub(crate) fn type_error(message: &str) -> Thrown {
    let text = alloc::ffi::CString::new(message).unwrap_or_default();
    // SAFETY: the context lives for ever, and both texts end with a NUL and are copied.
    unsafe { q::JS_ThrowTypeError(Engine::context(), c"%s".as_ptr(), text.as_ptr()) };
    Thrown
}

/// A new error with the stack of the script at this moment.
pub(crate) fn here() -> Value {
    // SAFETY: the context lives for ever, and the text ends with a NUL and is copied.
    unsafe { q::JS_ThrowPlainError(Engine::context(), c"".as_ptr()) };
    take_exception()
}

/// Throw an Error with a `code`.
pub(crate) fn coded_error(code: &str, message: &str) -> Thrown {
    let text = alloc::ffi::CString::new(message).unwrap_or_default();
    // SAFETY: the context lives for ever, and both texts end with a NUL and are copied.
    unsafe { q::JS_ThrowPlainError(Engine::context(), c"%s".as_ptr(), text.as_ptr()) };
    with_code(code)
}

/// Throw a RangeError.
pub(crate) fn range_error(message: &str) -> Thrown {
    let text = alloc::ffi::CString::new(message).unwrap_or_default();
    // SAFETY: the context lives for ever, and both texts end with a NUL and are copied.
    unsafe { q::JS_ThrowRangeError(Engine::context(), c"%s".as_ptr(), text.as_ptr()) };
    Thrown
}

/// Throw a RangeError with a `code`.
pub(crate) fn coded_range_error(code: &str, message: &str) -> Thrown {
    let Thrown = range_error(message);
    with_code(code)
}

/// Throw the error that has just been thrown once more, with a `code`.
fn with_code(code: &str) -> Thrown {
    let error = take_exception();
    if let Ok(code) = Value::string(code) {
        let _ = error.define(c"code", code, Flags::Plain);
    }
    // SAFETY: the context lives for ever; the engine takes over the reference.
    unsafe { q::JS_Throw(Engine::context(), error.into_raw()) };
    Thrown
}

/// Throw the Error that a report describes: JSON text with a `message`, and perhaps a `name` and a `code`. A NUL
/// follows the report and is not part of it.
pub(crate) fn throw_report<T>(report: &[u8]) -> Result<T> {
    let report = parse_json(report)?;
    let message = report.get(c"message")?.text()?;
    let text = alloc::ffi::CString::new(&*message).unwrap_or_default();
    // SAFETY: the context lives for ever, and both texts end with a NUL and are copied.
    unsafe { q::JS_ThrowPlainError(Engine::context(), c"%s".as_ptr(), text.as_ptr()) };
    let error = take_exception();
    for name in [c"name", c"code"] {
        let value = report.get(name)?;
        if value.is_string() {
            error.define(name, value, Flags::Hidden)?;
        }
    }
    throw(error)
}

/// Throw a value.
pub(crate) fn throw<T>(value: Value) -> Result<T> {
    // SAFETY: the context lives for ever; the engine takes over the reference.
    unsafe { q::JS_Throw(Engine::context(), value.into_raw()) };
    Err(Thrown)
}
