//! Finds what the JSON of a value leaves out and what JSON refuses, each with its path in the value. Getters are not run,
//! and proxies not looked into. A value with a `toJSON` is not searched: that method decides how the value is written.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::abi::WarningKind;
use crate::host;
use crate::js::{self, Atom, Value};
use crate::look::{Keys, Property};
use crate::quote;

/// At most this many losses have a warning each; the others are counted in one.
const TOLD_MAX: usize = 10;
/// At most this many members are searched for losses, so that a large value costs little more. Losses beyond them are not reported.
const LOOKED_AT_MAX: usize = 20_000;
/// At most this many members are searched for what JSON refused.
const REFUSAL_MAX: usize = 1_000_000;

// SAFETY: our patches define this function, with this signature.
unsafe extern "C" {
    fn sm_json_has_lost() -> bool;
}

/// Whether `JSON.stringify` has left anything out of a value since the last call of this function.
pub(crate) fn has_any() -> bool {
    // SAFETY: it reads and clears a flag.
    unsafe { sm_json_has_lost() }
}

/// Warns of what the JSON of a value has lost.
pub(crate) fn warn(value: &Value) {
    let mut found = 0_usize;
    walk(value, LOOKED_AT_MAX, |path, member, is_listed, _| {
        let Some(loss) = loss(member, is_listed) else { return false };
        found += 1;
        if found <= TOLD_MAX {
            host::warn(WarningKind::Lost, &[path, b"\n", loss.as_bytes()].concat());
        }
        false
    });
    if found > TOLD_MAX {
        let more = format!("value\nhas {} more such members", found - TOLD_MAX);
        host::warn(WarningKind::Lost, more.as_bytes());
    }
}

/// What JSON refused in a value, as a sentence.
pub(crate) fn refusal(value: &Value) -> Option<String> {
    let mut sentence = None;
    walk(value, REFUSAL_MAX, |path, member, _, again| {
        let path = String::from_utf8_lossy(path);
        sentence = match again {
            Some(first) => {
                let first = String::from_utf8_lossy(first);
                Some(format!("{path} is {first} again: a circle, which JSON does not have"))
            }
            None if member.is_bigint() => Some(format!("{path} is a BigInt, which JSON does not have")),
            None => None,
        };
        sentence.is_some()
    });
    sentence
}

/// What becomes of a member in JSON. Returns `None` if the JSON has the member as it is.
fn loss(member: &Value, is_listed: bool) -> Option<String> {
    let gone = if is_listed { ", written as null" } else { " and left out" };
    if !member.is_object() {
        if member.is_undefined() {
            return Some(format!("is undefined{gone}"));
        }
        if member.is_symbol() {
            return Some(format!("is a symbol{gone}"));
        }
        let is_number = js::is_number(member.raw());
        let text = member.text().ok().filter(|_| is_number)?;
        let is_lost = matches!(&*text, b"NaN" | b"Infinity" | b"-Infinity");
        return is_lost.then(|| format!("is {}, written as null", String::from_utf8_lossy(&text)));
    }
    if member.is_function() {
        return Some(format!("is a function{gone}"));
    }
    if member.is_date() {
        let time = member.boxed();
        let is_invalid = time.text().is_ok_and(|text| *text == *b"NaN");
        return is_invalid.then(|| String::from("is an invalid Date, written as null"));
    }
    let class = member.class_name().map(|class| class.to_vec()).unwrap_or_default();
    let class = core::str::from_utf8(&class).unwrap_or_default();
    let hint = match class {
        "Promise" => return Some(String::from("is a promise, written as {}: is an `await` missing?")),
        "Map" => ": Object.fromEntries makes an object of it",
        "Set" => ": Array.from makes an array of it",
        "Error" => return Some(String::from("is an error, written without its name and message")),
        "RegExp" | "WeakMap" | "WeakSet" | "WeakRef" | "ArrayBuffer" | "SharedArrayBuffer" | "DataView"
        | "Generator" => "",
        _ if class.ends_with(" Iterator") => ": Array.from makes an array of it",
        _ if class.ends_with("Array") && !member.is_array() => {
            return Some(format!(
                "is a {class}, written with a field for each element: Array.from makes an array of it"
            ));
        }
        _ => return None,
    };
    let article = if class.starts_with(['A', 'E', 'I', 'O']) { "an" } else { "a" };
    Some(format!("is {article} {class}, written as {{}}{hint}"))
}

/// An object or array whose members are being looked at.
struct Open {
    object: Value,
    /// The keys of an object; an array has indices.
    keys: Vec<Atom>,
    len: usize,
    next: usize,
    is_array: bool,
    /// The length of the path that leads to this object.
    path_len: usize,
}

/// Shows at most `most` members to `look`, until it returns true: each with its path, whether it is in an array, and,
/// where it closes a circle, the path of the same object above it.
fn walk(value: &Value, most: usize, mut look: impl FnMut(&[u8], &Value, bool, Option<&[u8]>) -> bool) {
    let mut path = b"value".to_vec();
    let mut open: Vec<Open> = Vec::new();
    let mut seen = 0;
    let mut here = Some((value.clone(), true));
    loop {
        if let Some((member, is_listed)) = here.take() {
            seen += 1;
            let above = if member.is_object() {
                open.iter().find(|open| open.object.address() == member.address())
            } else {
                None
            };
            let above = above.map(|open| path[..open.path_len].to_vec());
            if seen > most || look(&path, &member, is_listed, above.as_deref()) {
                return;
            }
            if above.is_none() && is_walked(&member) {
                open.push(opened(member, path.len()));
            }
        }
        let Some(last) = open.last_mut() else { return };
        if last.next == last.len {
            open.pop();
            continue;
        }
        path.truncate(last.path_len);
        let index = last.next;
        last.next += 1;
        here = step(last, index, &mut path);
    }
}

/// The member at an index, unless it is an accessor. Its name is appended to the path.
fn step(open: &Open, index: usize, path: &mut Vec<u8>) -> Option<(Value, bool)> {
    let member = if open.is_array {
        path.extend_from_slice(format!("[{index}]").as_bytes());
        open.object.property(&Atom::index(index as u32))
    } else {
        let key = open.keys.get(index)?;
        write_key(path, key);
        open.object.property(key)
    };
    match member {
        Some(Property::Data { value, .. }) => Some((value, open.is_array)),
        Some(Property::Accessor { .. }) => None,
        None if open.is_array => Some((Value::undefined(), true)),
        None => None,
    }
}

fn write_key(path: &mut Vec<u8>, key: &Atom) {
    let Ok(name) = key.text() else { return drop(js::take_exception()) };
    let name = quote::cut(&name, 200);
    if quote::is_name(name) {
        path.push(b'.');
        path.extend_from_slice(name);
    } else {
        path.push(b'[');
        quote::write_quoted(path, name);
        path.push(b']');
    }
}

fn opened(object: Value, path_len: usize) -> Open {
    if object.is_array() {
        let length = object.get(c"length").ok().and_then(|length| length.text().ok().map(|text| text.to_vec()));
        let len = length.and_then(|text| core::str::from_utf8(&text).ok()?.parse().ok()).unwrap_or(0);
        return Open { object, keys: Vec::new(), len, next: 0, is_array: true, path_len };
    }
    // At most `LOOKED_AT_MAX` keys: `warn` reaches no more of them, and `refusal` looks at no more of one object.
    let (total, _) = object.first_keys(0, Keys { indices: true, hidden: false });
    let (_, mut keys) = object.first_keys(total.min(LOOKED_AT_MAX), Keys { indices: true, hidden: false });
    keys.retain(|key| !key.value().is_symbol());
    Open { len: keys.len(), object, keys, next: 0, is_array: false, path_len }
}

/// Whether the JSON of a value is made of its members.
fn is_walked(value: &Value) -> bool {
    if !value.is_object() || value.is_proxy() || value.is_function() || value.is_date() {
        return false;
    }
    if value.inherited_data(&Atom::new(b"toJSON")).is_some_and(|method| method.is_function()) {
        return false;
    }
    value.is_array() || value.class_name().is_ok_and(|class| *class == *b"Object")
}
