//! A thrown value as JSON. The script may have replaced anything it could reach. So a part that cannot be read or is no
//! string is left out, and this file writes the JSON itself.

use alloc::vec::Vec;
use core::ffi::CStr;

use crate::js::{self, Engine, Raw, Thrown, Value, q};
use crate::{fields, json_text};

// SAFETY: our patches define this function, with this signature.
unsafe extern "C" {
    fn sm_thrown_stack(ctx: *mut q::JSContext, value: Raw) -> Raw;
}

/// The deepest nesting of causes and of errors within errors.
const CAUSES_MAX: usize = 8;
/// The most errors that are reported of those that one error holds, and the most errors in a whole report.
const ERRORS_MAX: usize = 10;
const REPORTED_MAX: usize = 32;
const MESSAGE_BYTES_MAX: usize = 16 * 1024;
const STACK_BYTES_MAX: usize = 32 * 1024;

/// The codes of the guest's own errors. Any other `code` is the script's own, and is reported as one of its fields.
const CODES: [&[u8]; 2] = [b"SM2006", b"SM2008"];

/// `{"name", "message", "stack", "kind"?, "code"?, "fields"?, "errors"?, "cause"?}`.
pub(crate) fn write(out: &mut Vec<u8>, thrown: &Value) {
    let mut told = Told { left: REPORTED_MAX, open: Vec::new() };
    write_level(out, thrown, &mut told);
}

/// Whether a report has a place of its own for this field of an error.
fn is_told(name: &[u8], value: &Value) -> bool {
    match name {
        b"name" | b"message" | b"stack" | b"cause" | b"errors" | b"suppressed" => true,
        b"error" => value.is_error(),
        b"code" => value.is_string() && bytes(value).is_some_and(|code| CODES.contains(&code.as_slice())),
        _ => false,
    }
}

/// What a report has told so far.
struct Told {
    /// How many more errors it may tell of.
    left: usize,
    /// The errors that contain the next one. No error is reported within itself.
    open: Vec<Raw>,
}

impl Told {
    fn may_tell(&self, error: &Value) -> bool {
        self.left > 0 && self.open.len() <= CAUSES_MAX && !self.open.contains(&error.raw())
    }
}

fn write_level(out: &mut Vec<u8>, thrown: &Value, told: &mut Told) {
    told.left -= 1;
    let name = text_of(thrown, c"name");
    let message = text_of(thrown, c"message");
    let is_error = thrown.is_error() || (name.is_some() && message.is_some());
    if !is_error {
        write_other(out, thrown);
        return;
    }
    out.extend_from_slice(b"{\"name\":");
    json_text::write_string(out, name.as_deref().unwrap_or(b"Error"), MESSAGE_BYTES_MAX);
    out.extend_from_slice(b",\"message\":");
    json_text::write_string(out, message.as_deref().unwrap_or_default(), MESSAGE_BYTES_MAX);
    out.extend_from_slice(b",\"stack\":");
    let stack = thrown.error_stack();
    let stack = if stack.is_string() { bytes(&stack) } else { None };
    json_text::write_string(out, stack.as_deref().unwrap_or_default(), STACK_BYTES_MAX);
    if let Some(code) = text_of(thrown, c"code").filter(|code| CODES.contains(&code.as_slice())) {
        out.extend_from_slice(b",\"code\":");
        json_text::write_string(out, &code, MESSAGE_BYTES_MAX);
    }
    fields::write(out, thrown, is_told);
    told.open.push(thrown.raw());
    write_held(out, thrown, told);
    let cause = property(thrown, c"cause").filter(|cause| !cause.is_undefined() && told.may_tell(cause));
    if let Some(cause) = cause {
        out.extend_from_slice(b",\"cause\":");
        write_level(out, &cause, told);
    }
    told.open.pop();
    out.push(b'}');
}

/// Writes a thrown value that is no error. Its stack is that of the last place where it was thrown.
fn write_other(out: &mut Vec<u8>, thrown: &Value) {
    let (kind, form) = match form(thrown) {
        Some(form) => (kind(thrown), form),
        None => ("", formless(thrown).into()),
    };
    out.extend_from_slice(b"{\"name\":\"\",\"message\":");
    json_text::write_string(out, &form, MESSAGE_BYTES_MAX);
    out.extend_from_slice(b",\"kind\":\"");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\",\"stack\":");
    // SAFETY: the context lives for ever, and the value is held.
    let stack = Value::owned(unsafe { sm_thrown_stack(Engine::context(), thrown.raw()) });
    let stack = if stack.is_string() { bytes(&stack) } else { None };
    json_text::write_string(out, stack.as_deref().unwrap_or_default(), STACK_BYTES_MAX);
    out.push(b'}');
}

/// The errors that an AggregateError or a SuppressedError holds.
fn write_held(out: &mut Vec<u8>, thrown: &Value, told: &mut Told) {
    let data = |name: &[u8]| fields::own_data(thrown, &js::Atom::new(name));
    let mut held = Vec::new();
    if let Some(errors) = data(b"errors").filter(Value::is_array) {
        let index = |index: usize| js::Atom::new(alloc::format!("{index}").as_bytes());
        held.extend((0..ERRORS_MAX).map_while(|number| fields::own_data(&errors, &index(number))));
    } else if let (Some(error), Some(suppressed)) = (data(b"error"), data(b"suppressed")) {
        held.extend([error, suppressed]);
    }
    let mut before: &[u8] = b",\"errors\":[";
    for error in &held {
        if told.may_tell(error) {
            out.extend_from_slice(before);
            write_level(out, error, told);
            before = b",";
        }
    }
    if before == b"," {
        out.push(b']');
    }
}

/// The kind of a thrown value that is no error.
fn kind(value: &Value) -> &'static str {
    match () {
        () if value.is_string() => "text",
        () if js::is_number(value.raw()) => "number",
        () if value.is_array() => "array",
        () if value.is_object() => "object",
        () if value.is_symbol() => "symbol",
        () if value.is_bigint() => "BigInt",
        () => "",
    }
}

/// What a thrown value is that has no text form.
fn formless(value: &Value) -> &'static str {
    match () {
        () if value.is_promise() => "a promise: is an `await` missing before it?",
        () if value.is_function() => "a function",
        () if value.is_array() => "an array that cannot be written as JSON",
        () => "an object that cannot be written as JSON",
    }
}

/// The text of a thrown value that is no error: an object as JSON, anything else as its own text.
fn form(thrown: &Value) -> Option<Vec<u8>> {
    if thrown.is_promise() {
        None
    } else if thrown.is_object() {
        quiet(js::stringify(thrown)).filter(Value::is_string).as_ref().and_then(bytes)
    } else if thrown.is_symbol() {
        let description = property(thrown, c"description").filter(Value::is_string);
        let description = description.as_ref().and_then(bytes).unwrap_or_default();
        Some([b"Symbol(", description.as_slice(), b")"].concat())
    } else {
        bytes(thrown)
    }
}

fn text_of(value: &Value, name: &CStr) -> Option<Vec<u8>> {
    property(value, name).filter(Value::is_string).as_ref().and_then(bytes)
}

fn property(value: &Value, name: &CStr) -> Option<Value> {
    if value.is_object() || value.is_symbol() { quiet(value.get(name)) } else { None }
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    quiet(value.text()).map(|text| text.to_vec())
}

fn quiet<T>(result: js::Result<T>) -> Option<T> {
    result.map_err(|Thrown| drop(js::take_exception())).ok()
}
