//! Values as numbers and booleans.

use crate::js::{Engine, Raw, Result, Thrown, q};

/// As `Number(value)`, which may run code of the script.
pub(crate) fn to_number(raw: Raw) -> Result<f64> {
    let mut number = 0.0;
    // SAFETY: the context lives for ever, the caller holds the value, and the number is a variable of ours.
    if unsafe { q::JS_ToFloat64(Engine::context(), &mut number, raw) } < 0 {
        return Err(Thrown);
    }
    Ok(number)
}

/// As `Boolean(value)`.
pub(crate) fn is_truthy(raw: Raw) -> bool {
    // SAFETY: the context lives for ever, and the caller holds the value.
    unsafe { q::JS_ToBool(Engine::context(), raw) > 0 }
}
