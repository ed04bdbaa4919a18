//! A value as text for a log, in the words and lines of Node's `util.inspect`, within bounds. Accessors are named and
//! not called, so that a log line changes nothing. A proxy is shown as its target. `portrait.rs` says what each kind of
//! object shows of itself, `layout.rs` how that is laid out.

use alloc::vec::Vec;
use core::ffi::c_void;

use crate::js::{self, Atom, Value};
use crate::layout::{self, Block, LINE_MAX, Place};
use crate::look::Property;
use crate::portrait::{self, Look, Member, Portrait};
use crate::quote::{self, BYTES_MAX};
use crate::title;

/// Objects that are nested deeper than this are shown by name only.
const DEPTH: i32 = 2;
/// The deepest nesting that a caller may ask for: each level takes stack.
const DEPTH_MAX: i32 = 40;
/// How many items of an array, a Map, a Set or an object are shown.
const ITEMS_MAX: usize = 100;

/// How a value is to be shown.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    /// Objects are opened down to this level of nesting. With -1 even the outermost is shown by name only.
    pub(crate) depth: i32,
    pub(crate) items_max: usize,
    /// The longest line that members may share.
    pub(crate) line_max: usize,
    /// Whether properties that are not enumerable are shown.
    pub(crate) is_hidden_shown: bool,
    /// Whether an object's own `nodejs.util.inspect.custom` method is called.
    pub(crate) may_customise: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Self { depth: DEPTH, items_max: ITEMS_MAX, line_max: LINE_MAX, is_hidden_shown: false, may_customise: true }
    }
}

/// A value's text.
pub(crate) fn inspected(value: &Value, manner: Manner) -> Vec<u8> {
    let manner = Manner { depth: manner.depth.min(DEPTH_MAX), ..manner };
    let mut inspector =
        Inspector { manner, open: Vec::new(), circular: Vec::new(), indentation: 0, deepest: 0, written: 0 };
    inspector.value(value, 0)
}

/// An argument of `console.log`: strings as they are, the rest inspected.
pub(crate) fn write_argument(out: &mut Vec<u8>, value: &Value) {
    if value.is_string() {
        quote::write_text(out, value);
    } else {
        out.extend_from_slice(&inspected(value, Manner::default()));
    }
}

struct Inspector {
    manner: Manner,
    /// The objects that are being shown, the outermost first.
    open: Vec<*mut c_void>,
    /// The objects that were met again inside themselves.
    circular: Vec<*mut c_void>,
    indentation: usize,
    /// The level of the block that was opened last.
    deepest: i32,
    /// Bytes of all leaves so far.
    written: usize,
}

impl Inspector {
    fn value(&mut self, value: &Value, level: i32) -> Vec<u8> {
        // There is no room for more.
        if self.written > BYTES_MAX {
            return b"...".to_vec();
        }
        if !value.is_object() {
            let text = self.primitive(value);
            self.written += text.len();
            return text;
        }
        let Some(shown) = value.proxied() else { return b"<Revoked Proxy>".to_vec() };
        if self.manner.may_customise
            && let Some(custom) = title::customised(&shown, value, self.manner.depth - level)
        {
            return self.custom(&custom, level);
        }
        let address = shown.address();
        if self.open.contains(&address) {
            let known = self.circular.iter().position(|other| *other == address);
            let index = known.unwrap_or_else(|| {
                self.circular.push(address);
                self.circular.len() - 1
            });
            return alloc::format!("[Circular *{}]", index + 1).into_bytes();
        }
        self.object(&shown, level)
    }

    /// Shows the result of an object's own inspection method.
    fn custom(&mut self, custom: &Value, level: i32) -> Vec<u8> {
        if !custom.is_string() {
            // The result's own inspection method is not called: it could return the result again.
            let before = core::mem::replace(&mut self.manner.may_customise, false);
            let text = self.value(custom, level);
            self.manner.may_customise = before;
            return text;
        }
        let mut text = Vec::new();
        quote::write_text(&mut text, custom);
        self.written += text.len();
        self.indented(&text)
    }

    fn object(&mut self, value: &Value, level: i32) -> Vec<u8> {
        let look = Look { items_max: self.manner.items_max, is_hidden_shown: self.manner.is_hidden_shown };
        let Portrait { base, open, close, name, members, keys, more_keys, more, align, is_short } =
            portrait::portrait(value, look);
        let base = self.indented(&base);
        self.written += base.len() + open.len();
        if members.is_empty() && keys.is_empty() {
            return if base.is_empty() { [open.as_slice(), close].concat() } else { base };
        }
        if level > self.manner.depth {
            return if is_short { base } else { name };
        }
        let level = level + 1;
        self.open.push(value.address());
        self.deepest = level;
        let mut texts = Vec::with_capacity(members.len() + keys.len());
        for member in &members {
            texts.push(self.member(member, level));
        }
        let is_cut = more.is_some() && keys.is_empty();
        texts.extend(more);
        for key in &keys {
            texts.extend(self.property(value, key, level));
        }
        if more_keys > 0 {
            let end = if more_keys > 1 { "ies" } else { "y" };
            texts.push(alloc::format!("... {more_keys} more propert{end}").into_bytes());
        }
        self.open.pop();
        let known = self.circular.iter().position(|other| *other == value.address());
        let base = match known {
            Some(index) if base.is_empty() => alloc::format!("<ref *{}>", index + 1).into_bytes(),
            Some(index) => [alloc::format!("<ref *{}> ", index + 1).as_bytes(), &base].concat(),
            None => base,
        };
        let levels_below = usize::try_from(self.deepest - level).unwrap_or(0);
        let place = Place { indentation: self.indentation, levels_below, line_max: self.manner.line_max };
        layout::laid_out(Block { base, open, close, members: texts, is_cut, elements: align }, place)
    }

    fn member(&mut self, member: &Member, level: i32) -> Vec<u8> {
        self.indentation += 2;
        let text = match member {
            Member::Text(text) => text.clone(),
            Member::Value(value) => self.value(value, level),
            Member::Labelled(label, value) => [*label, self.value(value, level).as_slice()].concat(),
            Member::Pair(key, value) => {
                let (key, value) = (self.value(key, level), self.value(value, level));
                [key.as_slice(), b" => ", value.as_slice()].concat()
            }
            Member::Entry(key, value) => {
                let members = alloc::vec![self.value(key, level), self.value(value, level)];
                let place = Place { indentation: self.indentation, levels_below: 0, line_max: self.manner.line_max };
                let (open, close) = (b"[".to_vec(), &b"]"[..]);
                let block = Block { base: Vec::new(), open, close, members, is_cut: false, elements: None };
                layout::laid_out(block, place)
            }
        };
        self.indentation -= 2;
        text
    }

    /// `key: value`. Returns `None` where there is no such property.
    fn property(&mut self, value: &Value, key: &Atom, level: i32) -> Option<Vec<u8>> {
        let (text, is_enumerable) = match value.property(key)? {
            Property::Data { value, is_enumerable } => {
                self.indentation += 2;
                let text = self.value(&value, level);
                self.indentation -= 2;
                (text, is_enumerable)
            }
            Property::Accessor { get, set, is_enumerable } => (portrait::accessor(get, set).to_vec(), is_enumerable),
        };
        let mut out = Vec::with_capacity(text.len() + 16);
        quote::write_key(&mut out, &key.value(), is_enumerable);
        self.written += out.len();
        out.extend_from_slice(b": ");
        out.extend_from_slice(&text);
        Some(out)
    }

    fn primitive(&self, value: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        if value.is_symbol() {
            quote::write_symbol(&mut out, value);
        } else if !value.is_string() {
            quote::write_number(&mut out, value);
        } else if let Ok(text) = value.text() {
            return quote::quoted_lines(&text, self.manner.line_max, self.indentation);
        } else {
            drop(js::take_exception());
        }
        out
    }

    /// A text of several lines, indented for its place.
    fn indented(&self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            if index > 0 {
                out.push(b'\n');
                out.resize(out.len() + self.indentation, b' ');
            }
            out.extend_from_slice(line);
        }
        out
    }
}
