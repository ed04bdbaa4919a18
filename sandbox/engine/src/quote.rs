//! How inspection quotes texts, symbols and keys.

use alloc::vec::Vec;

use crate::js::{self, Engine, Value, q};
use crate::layout::units;

/// No more is written once a text is this long.
pub(crate) const BYTES_MAX: usize = 64 * 1024;

/// At most this many UTF-16 units of a string are shown.
const STRING_UNITS_MAX: usize = 10_000;
/// A string of at most this many units stays on one line.
const SHORT_UNITS: usize = 16;

/// A value's text, cut.
pub(crate) fn write_text(out: &mut Vec<u8>, value: &Value) {
    match value.text() {
        Ok(text) => out.extend_from_slice(cut(&text, BYTES_MAX)),
        Err(js::Thrown) => drop(js::take_exception()),
    }
}

/// A string in quotes. A long one of several lines is written in pieces, one for each line.
pub(crate) fn quoted_lines(text: &[u8], line_max: usize, indentation: usize) -> Vec<u8> {
    let (text, more) = shortened(text);
    let length = units(text);
    let mut out = Vec::new();
    if length > SHORT_UNITS && length.saturating_add(indentation + 4) > line_max {
        for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            if index > 0 {
                out.extend_from_slice(b" +\n");
                out.resize(out.len() + indentation + 2, b' ');
            }
            write_quoted(&mut out, line);
        }
    } else {
        write_quoted(&mut out, text);
    }
    if more > 0 {
        let end = if more > 1 { "s" } else { "" };
        out.extend_from_slice(alloc::format!("... {more} more character{end}").as_bytes());
    }
    out
}

/// The part of a string that is shown, and the number of UTF-16 units after it.
fn shortened(text: &[u8]) -> (&[u8], usize) {
    if text.len() <= STRING_UNITS_MAX {
        return (text, 0);
    }
    let mut seen = 0;
    for (index, byte) in text.iter().enumerate() {
        if byte & 0xc0 == 0x80 {
            continue;
        }
        if seen >= STRING_UNITS_MAX {
            return (&text[..index], units(&text[index..]));
        }
        seen += 1 + usize::from(*byte >= 0xf0);
    }
    (text, 0)
}

/// Writes a text in the kind of quotes that needs no escapes, if there is one.
pub(crate) fn write_quoted(out: &mut Vec<u8>, text: &[u8]) {
    let has = |byte: u8| text.contains(&byte);
    let quote = match () {
        () if !has(b'\'') => b'\'',
        () if !has(b'"') => b'"',
        () if !has(b'`') && !text.windows(2).any(|two| two == b"${") => b'`',
        () => b'\'',
    };
    out.push(quote);
    write_escaped(out, text, quote);
    out.push(quote);
}

/// Writes a text with escapes for invisible characters, for lone surrogates, and for an apostrophe within apostrophes.
pub(crate) fn write_escaped(out: &mut Vec<u8>, text: &[u8], quote: u8) {
    let mut index = 0;
    while index < text.len() {
        let byte = text[index];
        let next = text.get(index + 1).copied().unwrap_or_default();
        index += 1;
        match byte {
            b'\'' if quote == b'\'' => out.extend_from_slice(b"\\'"),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0..0x20 | 0x7f => out.extend_from_slice(alloc::format!("\\x{byte:02X}").as_bytes()),
            0xc2 if (0x80..0xa0).contains(&next) => {
                out.extend_from_slice(alloc::format!("\\x{next:02X}").as_bytes());
                index += 1;
            }
            // A lone surrogate, in WTF-8.
            0xed if next >= 0xa0 && index + 1 < text.len() => {
                let last = text[index + 1];
                let unit = 0xd000 | (u32::from(next & 0x3f) << 6) | u32::from(last & 0x3f);
                out.extend_from_slice(alloc::format!("\\u{unit:x}").as_bytes());
                index += 2;
            }
            _ => out.push(byte),
        }
    }
}

/// Writes a number, a BigInt, or a value that is written by its name.
pub(crate) fn write_number(out: &mut Vec<u8>, value: &Value) {
    let zero = q::JS_NewFloat64(-0.0);
    // SAFETY: the context lives for ever, and the value is held.
    if js::is_number(value.raw()) && unsafe { q::JS_IsSameValue(Engine::context(), value.raw(), zero) } {
        out.extend_from_slice(b"-0");
        return;
    }
    write_text(out, value);
    if value.is_bigint() {
        out.push(b'n');
    }
}

/// `Symbol(description)`.
pub(crate) fn write_symbol(out: &mut Vec<u8>, symbol: &Value) {
    out.extend_from_slice(b"Symbol(");
    match symbol.symbol_description() {
        Ok(description) => out.extend_from_slice(cut(&description, BYTES_MAX)),
        Err(js::Thrown) => drop(js::take_exception()),
    }
    out.push(b')');
}

/// A key before its value: quoted unless it is a name, in brackets when it is a symbol or not enumerable.
pub(crate) fn write_key(out: &mut Vec<u8>, key: &Value, is_enumerable: bool) {
    if key.is_symbol() {
        let mut text = Vec::new();
        write_symbol(&mut text, key);
        out.push(b'[');
        write_escaped(out, &text, b'\'');
        out.push(b']');
        return;
    }
    let Ok(text) = key.text() else { return drop(js::take_exception()) };
    let text = cut(&text, BYTES_MAX);
    if text == b"__proto__" {
        out.extend_from_slice(b"['__proto__']");
    } else if !is_enumerable {
        out.push(b'[');
        write_escaped(out, text, b'\'');
        out.push(b']');
    } else if is_name(text) {
        out.extend_from_slice(text);
    } else {
        write_quoted(out, text);
    }
}

/// Whether a key needs no quotes.
pub(crate) fn is_name(text: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    text.first().is_some_and(is_letter) && text.iter().all(|byte| is_letter(byte) || byte.is_ascii_digit())
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
