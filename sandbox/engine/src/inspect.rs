//! A value as a person reads it in a log. Accessors and proxies are named, not asked: a log line changes nothing.

use alloc::vec::Vec;

use crate::js::{self, Engine, Value, q};

/// Objects inside objects beyond this are named only.
const DEPTH_MAX: usize = 4;
/// How many items of an array or an object are shown.
const ITEMS_MAX: usize = 100;
/// No more is written once a text is this long.
const BYTES_MAX: usize = 64 * 1024;

/// An argument of `console.log`: strings as they are, the rest inspected.
pub(crate) fn write_argument(out: &mut Vec<u8>, value: &Value) {
    if value.is_string() {
        write_text(out, value);
    } else {
        write(out, value, 0);
    }
}

fn write(out: &mut Vec<u8>, value: &Value, depth: usize) {
    if out.len() > BYTES_MAX {
        return;
    }
    if value.is_string() {
        out.push(b'\'');
        write_text(out, value);
        out.push(b'\'');
    } else if !value.is_object() {
        write_primitive(out, value);
    } else if value.is_proxy() {
        out.extend_from_slice(b"[Proxy]");
    } else if value.is_function() {
        out.extend_from_slice(b"[Function");
        if let Some(name) = data_property(value, c"name").filter(Value::is_string)
            && let Ok(name) = name.text()
            && !name.is_empty()
        {
            out.push(b' ');
            out.extend_from_slice(&name);
        }
        out.push(b']');
    } else if value.is_error() {
        write_error(out, value);
    } else if value.is_date() {
        write_by(out, date_text(), value, "Invalid Date");
    } else if value.is_regexp() {
        write_by(out, regexp_text(), value, "[RegExp]");
    } else if depth >= DEPTH_MAX {
        out.extend_from_slice(if value.is_array() { b"[Array]" } else { b"[Object]" });
    } else if let Some((entries, values)) = value.entries(2 * ITEMS_MAX) {
        let is_map = value.is_map();
        write_entries(out, entries, &values, is_map, depth);
    } else {
        write_members(out, value, depth);
    }
}

fn write_primitive(out: &mut Vec<u8>, value: &Value) {
    if value.is_symbol() {
        out.extend_from_slice(b"Symbol(");
        match value.symbol_description() {
            Ok(description) => out.extend_from_slice(&description),
            Err(js::Thrown) => drop(js::take_exception()),
        }
        out.push(b')');
        return;
    }
    write_text(out, value);
    if value.is_bigint() {
        out.push(b'n');
    }
}

fn write_error(out: &mut Vec<u8>, error: &Value) {
    for (index, name) in [c"name", c"message"].into_iter().enumerate() {
        let part = inherited_data_property(error, name).filter(Value::is_string);
        let Some(Ok(text)) = part.as_ref().map(Value::text) else {
            continue;
        };
        if index > 0 && !text.is_empty() {
            out.extend_from_slice(b": ");
        }
        out.extend_from_slice(&text);
    }
    let stack = error.error_stack();
    if stack.is_string()
        && let Ok(text) = stack.text()
    {
        out.push(b'\n');
        out.extend_from_slice(text.trim_ascii_end());
    }
}

/// The `toString` and `toISOString` that the engine came with, whatever the script put in their place.
static mut DATE_TEXT: Option<Value> = None;
static mut REGEXP_TEXT: Option<Value> = None;

fn date_text() -> &'static Option<Value> {
    // SAFETY: one thread; written once, by `install`, before anybody asks.
    unsafe { &*(&raw const DATE_TEXT) }
}

fn regexp_text() -> &'static Option<Value> {
    // SAFETY: one thread; written once, by `install`, before anybody asks.
    unsafe { &*(&raw const REGEXP_TEXT) }
}

/// Remember the built-in methods that write dates and regular expressions.
pub(crate) fn install(global: &Value) {
    let method = |class, name| {
        let class = global.get(class).ok()?;
        class.get(c"prototype").ok()?.get(name).ok()
    };
    // SAFETY: one thread; written once, before any script.
    unsafe {
        DATE_TEXT = method(c"Date", c"toISOString");
        REGEXP_TEXT = method(c"RegExp", c"toString");
    }
}

fn write_by(out: &mut Vec<u8>, method: &Option<Value>, value: &Value, otherwise: &str) {
    let text = method.as_ref().map(|method| method.call_on(value.raw(), &[]));
    match text.map(|text| text.and_then(|text| text.text())) {
        Some(Ok(text)) => out.extend_from_slice(cut(&text, BYTES_MAX)),
        Some(Err(js::Thrown)) => {
            drop(js::take_exception());
            out.extend_from_slice(otherwise.as_bytes());
        }
        None => {}
    }
}

/// `Map(1) { 'key' => value }` or `Set(1) { member }`.
fn write_entries(out: &mut Vec<u8>, entries: usize, values: &[Value], is_map: bool, depth: usize) {
    let width = if is_map { 2 } else { 1 };
    let name = if is_map { "Map" } else { "Set" };
    out.extend_from_slice(alloc::format!("{name}({entries}) {{").as_bytes());
    for (index, entry) in values.chunks(width).take(entries).enumerate() {
        out.extend_from_slice(if index > 0 { b", " } else { b" " });
        write(out, &entry[0], depth + 1);
        if is_map {
            out.extend_from_slice(b" => ");
            write(out, &entry[1], depth + 1);
        }
    }
    if entries * width > values.len() {
        out.extend_from_slice(b", ...");
    }
    out.extend_from_slice(if entries > 0 { b" }" } else { b"}" });
}

fn write_members(out: &mut Vec<u8>, value: &Value, depth: usize) {
    let array = value.is_array();
    let Ok(keys) = value.keys(true) else {
        drop(js::take_exception());
        return;
    };
    out.push(if array { b'[' } else { b'{' });
    for (index, key) in keys.iter().enumerate() {
        out.extend_from_slice(if index > 0 { b", " } else { b" " });
        if index == ITEMS_MAX || out.len() > BYTES_MAX {
            out.extend_from_slice(b"...");
            break;
        }
        if !array && let Ok(name) = key.text() {
            out.extend_from_slice(&name);
            out.extend_from_slice(b": ");
        }
        match own_data_property(value, key) {
            Some(member) => write(out, &member, depth + 1),
            None => out.extend_from_slice(b"[Getter]"),
        }
    }
    if !keys.is_empty() {
        out.push(b' ');
    }
    out.push(if array { b']' } else { b'}' });
}

fn data_property(value: &Value, name: &core::ffi::CStr) -> Option<Value> {
    own_data_property(value, &js::Atom::new(name.to_bytes()))
}

/// A data property of the value or of one of its prototypes; a proxy among them ends the search.
fn inherited_data_property(value: &Value, name: &core::ffi::CStr) -> Option<Value> {
    let mut object = value.clone();
    for _ in 0..16 {
        if !object.is_object() || object.is_proxy() {
            return None;
        }
        if let Some(found) = data_property(&object, name) {
            return Some(found);
        }
        object = object.prototype();
    }
    None
}

/// An own property's value, unless it is an accessor.
pub(crate) fn own_data_property(value: &Value, name: &js::Atom) -> Option<Value> {
    let context = Engine::context();
    let mut descriptor =
        q::JSPropertyDescriptor { flags: 0, value: js::UNDEFINED, getter: js::UNDEFINED, setter: js::UNDEFINED };
    // SAFETY: the context lives for ever, value and name are held, and the descriptor is ours.
    let found = unsafe { q::JS_GetOwnProperty(context, &mut descriptor, value.raw(), name.raw()) };
    if found < 0 {
        drop(js::take_exception());
    }
    if found <= 0 {
        return None;
    }
    drop((Value::owned(descriptor.getter), Value::owned(descriptor.setter)));
    let member = Value::owned(descriptor.value);
    (descriptor.flags & q::JS_PROP_GETSET as i32 == 0).then_some(member)
}

fn write_text(out: &mut Vec<u8>, value: &Value) {
    match value.text() {
        Ok(text) => out.extend_from_slice(cut(&text, BYTES_MAX)),
        Err(js::Thrown) => drop(js::take_exception()),
    }
}

/// At most `max` bytes of a text, and whole characters.
pub(crate) fn cut(text: &[u8], max: usize) -> &[u8] {
    let mut end = max.min(text.len());
    while end > 0 && end < text.len() && text[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    &text[..end]
}

/// Lone surrogates become U+FFFD, which is three bytes of UTF-8 too.
pub(crate) fn replace_surrogates(text: &mut [u8]) {
    for index in 0..text.len().saturating_sub(2) {
        if text[index] == 0xed && text[index + 1] >= 0xa0 {
            text[index..index + 3].copy_from_slice("\u{fffd}".as_bytes());
        }
    }
}
