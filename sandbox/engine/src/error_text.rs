//! An error as a log shows it: its headline, the calls that led there, and which of its fields stand below.

use alloc::vec::Vec;

use crate::js::{Atom, Value};
use crate::look::Property;
use crate::quote::write_text;

/// Headline and stack. An error without a stack has its headline in brackets.
pub(crate) fn stack(error: &Value, constructor: Option<&[u8]>) -> Vec<u8> {
    let mut out = headline(error, constructor);
    let frames = frames(error);
    if frames.is_empty() {
        return [b"[", out.as_slice(), b"]"].concat();
    }
    let cause = error.property(&Atom::new(b"cause")).and_then(|cause| match cause {
        Property::Data { value, .. } => Some(value).filter(Value::is_error),
        Property::Accessor { .. } => None,
    });
    let below = cause.map(|cause| self::frames(&cause)).unwrap_or_default();
    out.push(b'\n');
    out.extend_from_slice(&without_shared(&frames, &below));
    out
}

/// Name and message. An error whose class sets no `name` is called by the name of its class.
pub(crate) fn headline(error: &Value, constructor: Option<&[u8]>) -> Vec<u8> {
    let part = |name: &[u8]| {
        let mut out = Vec::new();
        if let Some(part) = error.inherited_data(&Atom::new(name)).filter(Value::is_string) {
            write_text(&mut out, &part);
        }
        out
    };
    let (mut out, message) = (part(b"name"), part(b"message"));
    if let Some(constructor) = constructor
        && constructor != out
        && out.ends_with(b"Error")
    {
        out = match contains(constructor, &out) {
            true => constructor.to_vec(),
            false => [constructor, b" [", &out, b"]"].concat(),
        };
    }
    if !out.is_empty() && !message.is_empty() {
        out.extend_from_slice(b": ");
    }
    out.extend_from_slice(&message);
    out
}

fn frames(error: &Value) -> Vec<u8> {
    let stack = error.error_stack();
    let mut out = Vec::new();
    if stack.is_string() {
        write_text(&mut out, &stack);
    }
    out.truncate(out.trim_ascii_end().len());
    out
}

/// The frames. Where the cause has more than `SHARED_MIN` of them in a row too, a note replaces all of these but the first and the last.
fn without_shared(frames: &[u8], below: &[u8]) -> Vec<u8> {
    const SHARED_MIN: usize = 3;
    let lines = |text| <[u8]>::split(text, |byte: &u8| *byte == b'\n').collect::<Vec<&[u8]>>();
    let (mut frames, below) = (lines(frames), lines(below));
    for from in 0..frames.len().saturating_sub(SHARED_MIN) {
        let Some(at) = below.iter().position(|line| *line == frames[from]) else { continue };
        let shared = frames[from..].iter().zip(&below[at..]).take_while(|(one, other)| one == other).count();
        if shared > SHARED_MIN {
            let note = alloc::format!("    ... {} lines matching cause stack trace ...", shared - 2);
            frames.splice(from + 1..from + shared - 1, [note.as_bytes()]);
            return frames.join(&b'\n');
        }
    }
    frames.join(&b'\n')
}

/// Chooses the fields of an error to show: those that its text does not contain, its cause, and the errors that it holds.
pub(crate) fn choose_keys(error: &Value, shown: &[u8], keys: &mut Vec<Atom>) {
    keys.retain(|key| {
        let Ok(name) = key.text() else { return true };
        if !matches!(&*name, b"name" | b"message" | b"stack") {
            return true;
        }
        let mut text = Vec::new();
        if let Some(value) = error.own_data(key).filter(Value::is_string) {
            write_text(&mut text, &value);
        }
        !contains(shown, &text)
    });
    for name in [&b"cause"[..], b"errors"] {
        let key = Atom::new(name);
        let is_shown = match error.property(&key) {
            Some(Property::Data { value, .. }) => name != b"errors" || value.is_array(),
            Some(Property::Accessor { .. }) => name == b"cause",
            None => false,
        };
        if is_shown && !keys.iter().any(|other| other.raw() == key.raw()) {
            keys.push(key);
        }
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}
