//! A thrown value as JSON. The script may have replaced anything it could reach, so what fails or is no string here
//! is left out, and JSON is written by hand.

use alloc::vec::Vec;
use core::ffi::CStr;

use crate::js::{self, Thrown, Value};

/// `cause` inside `cause`, at most.
const CAUSES_MAX: usize = 8;
const MESSAGE_BYTES_MAX: usize = 16 * 1024;
const STACK_BYTES_MAX: usize = 32 * 1024;

/// The codes that errors of this guest carry; a script's own `code` is its own business.
const CODES: [&[u8]; 1] = [b"SM2006"];

/// `{"name", "message", "stack", "code"?, "cause"?}`.
pub(crate) fn write(out: &mut Vec<u8>, thrown: &Value) {
    write_level(out, thrown, 0);
}

fn write_level(out: &mut Vec<u8>, thrown: &Value, depth: usize) {
    let name = text_of(thrown, c"name");
    let message = text_of(thrown, c"message");
    let is_error = thrown.is_error() || (name.is_some() && message.is_some());
    if !is_error {
        out.extend_from_slice(b"{\"name\":\"\",\"message\":");
        write_string(out, &form(thrown), MESSAGE_BYTES_MAX);
        out.extend_from_slice(b",\"stack\":\"\"}");
        return;
    }
    out.extend_from_slice(b"{\"name\":");
    write_string(out, name.as_deref().unwrap_or(b"Error"), MESSAGE_BYTES_MAX);
    out.extend_from_slice(b",\"message\":");
    write_string(out, message.as_deref().unwrap_or_default(), MESSAGE_BYTES_MAX);
    out.extend_from_slice(b",\"stack\":");
    let stack = thrown.error_stack();
    let stack = if stack.is_string() { bytes(&stack) } else { None };
    write_string(out, stack.as_deref().unwrap_or_default(), STACK_BYTES_MAX);
    if let Some(code) = text_of(thrown, c"code").filter(|code| CODES.contains(&code.as_slice())) {
        out.extend_from_slice(b",\"code\":");
        write_string(out, &code, MESSAGE_BYTES_MAX);
    }
    if depth < CAUSES_MAX
        && let Some(cause) = property(thrown, c"cause").filter(|cause| !cause.is_undefined())
    {
        out.extend_from_slice(b",\"cause\":");
        write_level(out, &cause, depth + 1);
    }
    out.push(b'}');
}

/// What was thrown, when it is no error: an object as JSON, the rest as text.
fn form(thrown: &Value) -> Vec<u8> {
    let text = if thrown.is_object() {
        quiet(js::stringify(thrown)).filter(Value::is_string).as_ref().and_then(bytes)
    } else if thrown.is_symbol() {
        let description = property(thrown, c"description").filter(Value::is_string);
        let description = description.as_ref().and_then(bytes).unwrap_or_default();
        Some([b"Symbol(", description.as_slice(), b")"].concat())
    } else {
        bytes(thrown)
    };
    text.unwrap_or_else(|| b"a value that has no text form".to_vec())
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

/// A JSON string of WTF-8 text, cut at `max` bytes; lone surrogates are escaped.
fn write_string(out: &mut Vec<u8>, text: &[u8], max: usize) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut index = 0;
    while index < text.len() {
        let byte = text[index];
        if index >= max && byte & 0xc0 != 0x80 {
            out.extend_from_slice("…".as_bytes());
            break;
        }
        index += 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[(byte >> 4) as usize], HEX[(byte & 15) as usize]]);
            }
            0xed if text.get(index).is_some_and(|&next| next >= 0xa0) && index + 1 < text.len() => {
                let (second, third) = (text[index], text[index + 1]);
                out.extend_from_slice(b"\\ud");
                let low = (u16::from(second & 0x3f) << 6) | u16::from(third & 0x3f);
                for shift in [8, 4, 0] {
                    out.push(HEX[(low >> shift & 15) as usize]);
                }
                index += 2;
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
