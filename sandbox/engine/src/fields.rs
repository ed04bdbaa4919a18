//! The fields that a script put on an error, as JSON: data properties only. No getter and no `toJSON` is called. What
//! JSON has no text for is left out.

use alloc::vec::Vec;

use crate::js::{self, Atom, Raw, Value};
use crate::{json_text, portrait};

/// The deepest nesting of objects.
const DEPTH_MAX: usize = 6;
/// The most bytes of all fields of an error. A field that would exceed them is left out.
const BYTES_MAX: usize = 16 * 1024;
/// At most this many fields of an object are looked at. An array with more items is left out.
const ITEMS_MAX: usize = 200;

/// Writes `,"fields":{…}`. Writes nothing where the report has another place for every field.
pub(crate) fn write(out: &mut Vec<u8>, error: &Value, is_told: impl Fn(&[u8], &Value) -> bool) {
    if error.is_proxy() {
        return;
    }
    let begin = out.len();
    out.extend_from_slice(b",\"fields\":");
    let empty = out.len() + 2;
    let mut writer = Writer { end: begin + BYTES_MAX, open: Vec::new() };
    if !writer.object(out, error, is_told) || out.len() == empty {
        out.truncate(begin);
    }
}

/// Each method returns false if the value has no JSON or the text became too long. The caller then drops what was written.
struct Writer {
    /// How long the text may become.
    end: usize,
    /// The objects that contain the next value. No object is written within itself.
    open: Vec<Raw>,
}

/// The value of an own data property. Returns `None` for an accessor, and for any property of a proxy.
pub(crate) fn own_data(value: &Value, name: &Atom) -> Option<Value> {
    if value.is_object() && !value.is_proxy() { value.own_data(name) } else { None }
}

impl Writer {
    fn value(&mut self, out: &mut Vec<u8>, value: &Value) -> bool {
        if value.is_string() {
            let Ok(text) = value.text() else { return refused() };
            json_text::write_string(out, &text, BYTES_MAX);
            return out.len() <= self.end;
        }
        if value.is_date() {
            let begin = out.len() + 1;
            out.push(b'"');
            out.extend_from_slice(&portrait::date(value));
            out.push(b'"');
            return out[begin].is_ascii_digit() || matches!(out[begin], b'+' | b'-');
        }
        if !value.is_object() {
            let is_json = !(value.is_undefined() || value.is_symbol() || value.is_bigint());
            let Some(Ok(text)) = is_json.then(|| value.text()) else { return false };
            out.extend_from_slice(&text);
            return !matches!(&*text, b"NaN" | b"Infinity" | b"-Infinity") && out.len() <= self.end;
        }
        let is_left_out = value.is_proxy() || value.is_function() || self.open.contains(&value.raw());
        if is_left_out || self.open.len() > DEPTH_MAX {
            return false;
        }
        if value.is_array() { self.array(out, value) } else { self.object(out, value, |_, _| false) }
    }

    fn array(&mut self, out: &mut Vec<u8>, array: &Value) -> bool {
        let length = own_data(array, &Atom::new(b"length")).and_then(|length| length.text().ok());
        let length = length.and_then(|text| core::str::from_utf8(&text).ok()?.parse::<usize>().ok());
        let Some(length) = length.filter(|length| *length <= ITEMS_MAX) else { return false };
        self.open.push(array.raw());
        out.push(b'[');
        for index in 0..length {
            if index > 0 {
                out.push(b',');
            }
            let item = own_data(array, &Atom::new(alloc::format!("{index}").as_bytes()));
            let begin = out.len();
            if !item.is_some_and(|item| self.value(out, &item)) {
                out.truncate(begin);
                out.extend_from_slice(b"null");
            }
        }
        out.push(b']');
        self.open.pop();
        out.len() <= self.end
    }

    fn object(&mut self, out: &mut Vec<u8>, object: &Value, is_told: impl Fn(&[u8], &Value) -> bool) -> bool {
        let Ok(keys) = object.keys(true) else { return refused() };
        self.open.push(object.raw());
        out.push(b'{');
        let first = out.len();
        for key in keys.iter().take(ITEMS_MAX) {
            let (Ok(name), Some(value)) = (key.text(), own_data(object, key)) else { continue };
            if is_told(&name, &value) {
                continue;
            }
            let begin = out.len();
            if begin > first {
                out.push(b',');
            }
            json_text::write_string(out, &name, BYTES_MAX);
            out.push(b':');
            if !self.value(out, &value) || out.len() >= self.end {
                out.truncate(begin);
            }
        }
        out.push(b'}');
        self.open.pop();
        out.len() <= self.end
    }
}

/// Drops the pending exception, which the script must not see.
fn refused() -> bool {
    drop(js::take_exception());
    false
}
