//! The arguments of a call of `console` as one text. The first argument may be a format string, as for Node's `util.format`.

use alloc::vec::Vec;

use crate::inspect::{self, Manner, inspected};
use crate::js::{self, Atom, Raw, Value};
use crate::primitive::to_number;
use crate::quote::{self, write_text};

struct BuiltIn {
    parse_int: Option<Value>,
    parse_float: Option<Value>,
}

static mut BUILT_IN: BuiltIn = BuiltIn { parse_int: None, parse_float: None };

fn built_in() -> &'static BuiltIn {
    // SAFETY: one thread; written once, by `install`, before anybody asks.
    unsafe { &*(&raw const BUILT_IN) }
}

/// Remember the functions that read numbers.
pub(crate) fn install(global: &Value) {
    // SAFETY: one thread; written once, before any script.
    unsafe {
        BUILT_IN = BuiltIn { parse_int: global.get(c"parseInt").ok(), parse_float: global.get(c"parseFloat").ok() };
    }
}

/// The arguments with blanks between them. If the first one has placeholders such as `%s`, arguments are put in their place.
pub(crate) fn formatted(arguments: &[Raw]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = arguments;
    if let [first, others @ ..] = arguments
        && !others.is_empty()
        && let first = Value::copied(*first)
        && first.is_string()
        && let Ok(template) = first.text()
        && template.contains(&b'%')
    {
        rest = fill(&mut out, &template, others);
        if !rest.is_empty() {
            out.push(b' ');
        }
    }
    for (index, &raw) in rest.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        inspect::write_argument(&mut out, &Value::copied(raw));
    }
    out
}

/// Writes the template with arguments in place of its placeholders, and returns the arguments that it did not use.
fn fill<'a>(out: &mut Vec<u8>, template: &[u8], mut arguments: &'a [Raw]) -> &'a [Raw] {
    let mut bytes = template.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let kind = bytes.peek().copied().filter(|_| byte == b'%');
        match (kind, arguments) {
            (Some(b'%'), _) => _ = bytes.next(),
            (Some(kind @ (b's' | b'd' | b'i' | b'f' | b'j' | b'o' | b'O' | b'c')), [argument, others @ ..]) => {
                bytes.next();
                arguments = others;
                write_as(out, kind, &Value::copied(*argument));
                continue;
            }
            _ => {}
        }
        out.push(byte);
    }
    arguments
}

fn write_as(out: &mut Vec<u8>, kind: u8, value: &Value) {
    match kind {
        b's' => write_string(out, value),
        b'd' | b'i' | b'f' if value.is_bigint() => quote::write_number(out, value),
        b'd' | b'i' | b'f' if value.is_symbol() => out.extend_from_slice(b"NaN"),
        b'd' => {
            let number = to_number(value.raw()).unwrap_or_else(|_| not_a_number());
            quote::write_number(out, &Value::number(number));
        }
        b'i' => write_read(out, &built_in().parse_int, value),
        b'f' => write_read(out, &built_in().parse_float, value),
        b'j' => write_json(out, value),
        b'o' => {
            let manner = Manner { depth: 4, is_hidden_shown: true, ..Manner::default() };
            out.extend_from_slice(&inspected(value, manner));
        }
        b'O' => out.extend_from_slice(&inspected(value, Manner::default())),
        // `%c` takes a style sheet, which is for browsers only.
        _ => {}
    }
}

/// As `String(value)`; an object that has no text of its own is inspected.
fn write_string(out: &mut Vec<u8>, value: &Value) {
    if js::is_number(value.raw()) || value.is_bigint() {
        quote::write_number(out, value);
    } else if value.is_symbol() {
        out.extend_from_slice(&inspected(value, Manner::default()));
    } else if value.is_object() && !value.is_function() && !has_own_text(value) {
        out.extend_from_slice(&inspected(value, Manner { depth: 0, ..Manner::default() }));
    } else {
        write_text(out, value);
    }
}

/// Whether the script wrote the `toString` of an object.
fn has_own_text(value: &Value) -> bool {
    value.inherited_data(&Atom::new(b"toString")).is_some_and(|method| method.is_script_function())
}

fn write_read(out: &mut Vec<u8>, reader: &Option<Value>, value: &Value) {
    match reader.as_ref().map(|reader| reader.call(&[value.raw()])) {
        Some(Ok(number)) => quote::write_number(out, &number),
        Some(Err(js::Thrown)) => quote::write_number(out, &Value::number(not_a_number())),
        None => {}
    }
}

fn not_a_number() -> f64 {
    drop(js::take_exception());
    f64::NAN
}

fn write_json(out: &mut Vec<u8>, value: &Value) {
    match js::stringify(value) {
        Ok(json) => write_text(out, &json),
        Err(js::Thrown) => {
            drop(js::take_exception());
            out.extend_from_slice(b"[Circular]");
        }
    }
}
