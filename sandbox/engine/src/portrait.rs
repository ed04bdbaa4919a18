//! What each kind of object shows of itself: its name, and its members before they are shown in turn.

use alloc::vec::Vec;

use crate::error_text;
use crate::js::{self, Atom, Value};
use crate::layout::Align;
use crate::look::{Keys, Property};
use crate::quote;
use crate::title::{Title, built_in, text};

/// How much of an object is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    pub(crate) items_max: usize,
    /// Whether properties that are not enumerable are shown.
    pub(crate) is_hidden_shown: bool,
}

/// One item within the braces that is not a property.
pub(crate) enum Member {
    Text(Vec<u8>),
    Value(Value),
    Labelled(&'static [u8], Value),
    /// An entry of a Map.
    Pair(Value, Value),
    /// An entry of an iterator, as a pair.
    Entry(Value, Value),
}

pub(crate) struct Portrait {
    /// The text before the braces. It stands alone where there would be nothing in the braces.
    pub(crate) base: Vec<u8>,
    pub(crate) open: Vec<u8>,
    pub(crate) close: &'static [u8],
    /// The text that stands for an object that is nested too deeply.
    pub(crate) name: Vec<u8>,
    pub(crate) members: Vec<Member>,
    /// How many members are not shown, in words.
    pub(crate) more: Option<Vec<u8>>,
    pub(crate) keys: Vec<Atom>,
    pub(crate) more_keys: usize,
    pub(crate) align: Option<Align>,
    /// Whether `base`, and not `name`, stands for an object that is nested too deeply.
    pub(crate) is_short: bool,
}

impl Portrait {
    fn new(open: Vec<u8>, close: &'static [u8]) -> Self {
        Self {
            base: Vec::new(),
            open,
            close,
            name: Vec::new(),
            members: Vec::new(),
            more: None,
            keys: Vec::new(),
            more_keys: 0,
            align: None,
            is_short: false,
        }
    }

    fn braces(prefix: &[u8]) -> Self {
        Self::new([prefix, b"{"].concat(), b"}")
    }

    fn text(base: Vec<u8>) -> Self {
        Self { base, ..Self::braces(b"") }
    }
}

pub(crate) fn accessor(get: bool, set: bool) -> &'static [u8] {
    match (get, set) {
        (true, true) => b"[Getter/Setter]",
        (true, false) => b"[Getter]",
        (false, true) => b"[Setter]",
        (false, false) => b"undefined",
    }
}

pub(crate) fn portrait(value: &Value, look: Look) -> Portrait {
    let class = value.class_name().map(|class| class.to_vec()).unwrap_or_default();
    let class = core::str::from_utf8(&class).unwrap_or_default();
    let title = Title::of(value);
    let mut portrait = match class {
        _ if value.is_function() => function(value, class, &title),
        "Array" => array(value, &title, look),
        _ if value.is_error() => error(value, &title),
        "Map" | "Set" => entries(value, class, &title, look),
        "Map Iterator" | "Set Iterator" => iterator(value, class, look),
        "RegExp" | "Date" => by_method(value, class, &title),
        "Number" | "String" | "Boolean" | "Symbol" | "BigInt" => boxed(value, class, &title),
        "ArrayBuffer" | "SharedArrayBuffer" => buffer(value, class, &title, look),
        "DataView" => view(value, &title),
        "Promise" => promise(value, &title),
        "WeakMap" | "WeakSet" => {
            let members = alloc::vec![Member::Text(b"<items unknown>".to_vec())];
            Portrait { members, ..Portrait::braces(&title.prefix(class, "")) }
        }
        "Arguments" => arguments(value, look),
        _ if class.ends_with("Array") => typed_array(value, class, &title, look),
        _ if title.is("Object") && title.tag.is_empty() => Portrait::braces(b""),
        _ => Portrait::braces(&title.prefix(class, "")),
    };
    if portrait.name.is_empty() {
        portrait.name = title.name(class);
    }
    let is_list = class.ends_with("Array");
    let which = Keys { indices: !is_list, hidden: look.is_hidden_shown };
    // A string's elements are in its text.
    let (total, mut keys) = value.first_keys(look.items_max.max(1), which);
    let known = keys.len();
    if value.is_error() {
        error_text::choose_keys(value, &portrait.base, &mut keys);
    }
    portrait.more_keys = total - known;
    portrait.keys.extend(keys);
    portrait
}

fn function(value: &Value, class: &str, title: &Title) -> Portrait {
    let name_of = |value: &Value| {
        let name = value.own_data(&Atom::new(b"name")).filter(Value::is_string);
        name.as_ref().map(text).unwrap_or_default()
    };
    let name = name_of(value);
    let kind = match class {
        "AsyncFunction" | "GeneratorFunction" | "AsyncGeneratorFunction" => class,
        _ => "Function",
    };
    let mut base = b"[".to_vec();
    let constructor = title.constructor.as_deref();
    if value.is_class() {
        base.extend_from_slice(b"class ");
        base.extend_from_slice(if name.is_empty() { b"(anonymous)" } else { &name });
        if let Some(constructor) = constructor.filter(|constructor| *constructor != b"Function") {
            base.extend_from_slice(&[b" [", constructor, b"]"].concat());
        }
        let parent = value.prototype();
        let parent = if parent.is_function() { name_of(&parent) } else { Vec::new() };
        if !parent.is_empty() {
            base.extend_from_slice(b" extends ");
            base.extend_from_slice(&parent);
        } else if constructor.is_none() {
            base.extend_from_slice(b" extends [null prototype]");
        }
        base.push(b']');
        return Portrait::text(base);
    }
    base.extend_from_slice(kind.as_bytes());
    if constructor.is_none() {
        base.extend_from_slice(b" (null prototype)");
    }
    if name.is_empty() {
        base.extend_from_slice(b" (anonymous)");
    } else {
        base.extend_from_slice(b": ");
        base.extend_from_slice(&name);
    }
    base.push(b']');
    if let Some(constructor) = constructor.filter(|constructor| *constructor != kind.as_bytes()) {
        base.push(b' ');
        base.extend_from_slice(constructor);
    }
    if !title.tag.is_empty() && constructor != Some(&title.tag) {
        base.extend_from_slice(&[b" [", title.tag.as_slice(), b"]"].concat());
    }
    Portrait::text(base)
}

fn more(count: usize, what: &str) -> Option<Vec<u8>> {
    let end = if count > 1 { "s" } else { "" };
    (count > 0).then(|| alloc::format!("... {count} more {what}{end}").into_bytes())
}

fn array(value: &Value, title: &Title, look: Look) -> Portrait {
    let length = value.get(c"length").ok().and_then(|length| length.text().ok().map(|text| text.to_vec()));
    let length = length.and_then(|text| core::str::from_utf8(&text).ok()?.parse::<u32>().ok()).unwrap_or(0);
    let prefix = match title.is("Array") && title.tag.is_empty() {
        true => Vec::new(),
        false => title.prefix("Array", &alloc::format!("({length})")),
    };
    let mut portrait = Portrait::new([prefix.as_slice(), b"["].concat(), b"]");
    let is_number = |value: &Value| js::is_number(value.raw()) || value.is_bigint();
    let mut align = Align::Right;
    let mut next = 0;
    while next < length && portrait.members.len() < look.items_max {
        let index = match value.elements() {
            Some(elements) if next < elements => Some(next),
            Some(_) => None,
            None => value.next_index(next),
        };
        let end = index.unwrap_or(length);
        if end > next {
            let s = if end - next > 1 { "s" } else { "" };
            portrait.members.push(Member::Text(alloc::format!("<{} empty item{s}>", end - next).into_bytes()));
            align = Align::Left;
            next = end;
            continue;
        }
        portrait.members.push(match value.property(&Atom::index(next)) {
            Some(Property::Data { value, .. }) => {
                align = if is_number(&value) { align } else { Align::Left };
                Member::Value(value)
            }
            Some(Property::Accessor { get, set, .. }) => Member::Text(accessor(get, set).to_vec()),
            None => Member::Text(Vec::new()),
        });
        next += 1;
    }
    portrait.more = more((length - next) as usize, "item");
    if portrait.more.is_some()
        && !value.property(&Atom::index(next)).is_some_and(|next| match next {
            Property::Data { value, .. } => is_number(&value),
            Property::Accessor { .. } => false,
        })
    {
        align = Align::Left;
    }
    portrait.align = Some(align);
    portrait
}

fn typed_array(value: &Value, class: &str, title: &Title, look: Look) -> Portrait {
    let length = value.elements().unwrap_or(0);
    // The tag of a typed array comes from a known accessor: it is the name of its class.
    let tag = if title.is(class) { Vec::new() } else { class.as_bytes().to_vec() };
    let title = Title { constructor: title.constructor.clone(), tag };
    let prefix = title.prefix(class, &alloc::format!("({length})"));
    let mut portrait = Portrait::new([prefix.as_slice(), b"["].concat(), b"]");
    let shown = length.min(u32::try_from(look.items_max).unwrap_or(u32::MAX));
    portrait.members = (0..shown).map(|index| Member::Value(value.element(index))).collect();
    portrait.more = more((length - shown) as usize, "item");
    portrait.align = Some(Align::Right);
    portrait.name = title.name(class);
    portrait
}

fn arguments(value: &Value, look: Look) -> Portrait {
    let mut portrait = Portrait::braces(b"[Arguments] ");
    let length = value.elements().unwrap_or(0);
    let shown = length.min(u32::try_from(look.items_max).unwrap_or(u32::MAX));
    portrait.keys = (0..shown).map(Atom::index).collect();
    portrait.name = b"[Arguments]".to_vec();
    portrait
}

fn entries(value: &Value, class: &str, title: &Title, look: Look) -> Portrait {
    let width = if class == "Map" { 2 } else { 1 };
    let (count, values) = value.entries(width * look.items_max).unwrap_or_default();
    let mut portrait = Portrait::braces(&title.prefix(class, &alloc::format!("({count})")));
    for entry in values.chunks(width).take(count) {
        portrait.members.push(match entry {
            [key, value] => Member::Pair(key.clone(), value.clone()),
            _ => Member::Value(entry[0].clone()),
        });
    }
    portrait.more = more(count - portrait.members.len(), "item");
    portrait
}

fn iterator(value: &Value, class: &str, look: Look) -> Portrait {
    let Some((count, values, is_pairs)) = value.iterated(2 * look.items_max) else {
        return Portrait::braces(b"");
    };
    let kind = if is_pairs { &class.replace("Iterator", "Entries") } else { class };
    let mut portrait = Portrait::braces(alloc::format!("[{kind}] ").as_bytes());
    for entry in values.chunks(if is_pairs { 2 } else { 1 }).take(count.min(look.items_max)) {
        portrait.members.push(match entry {
            [key, value] => Member::Entry(key.clone(), value.clone()),
            _ => Member::Value(entry[0].clone()),
        });
    }
    portrait.more = more(count - portrait.members.len(), "item");
    if portrait.members.is_empty() {
        // As Node has it, with its two blanks.
        portrait.members.push(Member::Text(Vec::new()));
    }
    portrait.name = alloc::format!("[{class}]").into_bytes();
    portrait
}

/// A date as in JSON, or `Invalid Date` if it is not valid.
pub(crate) fn date(value: &Value) -> Vec<u8> {
    text_by(built_in().date_text.as_ref(), value, "Invalid Date")
}

fn text_by(method: Option<&Value>, value: &Value, otherwise: &str) -> Vec<u8> {
    let called = method.map(|method| method.call_on(value.raw(), &[]));
    match called.map(|called| called.and_then(|shown| shown.text())) {
        Some(Ok(shown)) => quote::cut(&shown, quote::BYTES_MAX).to_vec(),
        Some(Err(js::Thrown)) => {
            drop(js::take_exception());
            otherwise.as_bytes().to_vec()
        }
        None => Vec::new(),
    }
}

fn by_method(value: &Value, class: &str, title: &Title) -> Portrait {
    let (method, otherwise) = match class {
        "Date" => (&built_in().date_text, "Invalid Date"),
        _ => (&built_in().regexp_text, "[RegExp]"),
    };
    let shown = text_by(method.as_ref(), value, otherwise);
    let prefix = if title.is(class) { Vec::new() } else { title.prefix(class, "") };
    Portrait { is_short: class == "RegExp", ..Portrait::text([prefix, shown].concat()) }
}

fn boxed(value: &Value, class: &str, title: &Title) -> Portrait {
    let inner = value.boxed();
    let mut shown = Vec::new();
    match class {
        "String" => {
            if let Ok(text) = inner.text() {
                quote::write_quoted(&mut shown, quote::cut(&text, quote::BYTES_MAX));
            }
        }
        "Symbol" => quote::write_symbol(&mut shown, &inner),
        _ => quote::write_number(&mut shown, &inner),
    }
    let base = match &title.constructor {
        Some(constructor) if constructor == class.as_bytes() => alloc::format!("[{class}: ").into_bytes(),
        Some(constructor) => [b"[", class.as_bytes(), b" (", constructor, b"): "].concat(),
        None => alloc::format!("[{class} (null prototype): ").into_bytes(),
    };
    Portrait::text([base.as_slice(), &shown, b"]"].concat())
}

fn buffer(value: &Value, class: &str, title: &Title, look: Look) -> Portrait {
    let mut portrait = Portrait::braces(&title.prefix(class, ""));
    let Some((len, bytes)) = value.buffer_bytes(look.items_max) else {
        portrait.members.push(Member::Text(b"(detached)".to_vec()));
        portrait.members.push(Member::Labelled(b"byteLength: ", Value::number(0.0)));
        return portrait;
    };
    let mut shown = b"[Uint8Contents]: <".to_vec();
    for (index, byte) in bytes.iter().enumerate() {
        let blank = if index > 0 { " " } else { "" };
        shown.extend_from_slice(alloc::format!("{blank}{byte:02x}").as_bytes());
    }
    if let Some(more) = more(len - bytes.len(), "byte") {
        shown.push(b' ');
        shown.extend_from_slice(&more);
    }
    shown.push(b'>');
    portrait.members.push(Member::Text(shown));
    portrait.members.push(Member::Labelled(b"byteLength: ", Value::number(len as f64)));
    portrait
}

fn view(value: &Value, title: &Title) -> Portrait {
    let mut portrait = Portrait::braces(&title.prefix("DataView", ""));
    for (label, getter) in
        [(&b"byteLength: "[..], &built_in().view_length), (&b"byteOffset: "[..], &built_in().view_offset)]
    {
        match getter.as_ref().map(|getter| getter.call_on(value.raw(), &[])) {
            Some(Ok(number)) => portrait.members.push(Member::Labelled(label, number)),
            Some(Err(js::Thrown)) => drop(js::take_exception()),
            None => {}
        }
    }
    portrait.members.extend(value.view_buffer().map(|buffer| Member::Labelled(b"buffer: ", buffer)));
    portrait
}

fn promise(value: &Value, title: &Title) -> Portrait {
    let member = match value.promise_state() {
        None => Member::Text(b"<pending>".to_vec()),
        Some((true, value)) => Member::Value(value),
        Some((false, reason)) => Member::Labelled(b"<rejected> ", reason),
    };
    Portrait { members: alloc::vec![member], ..Portrait::braces(&title.prefix("Promise", "")) }
}

fn error(value: &Value, title: &Title) -> Portrait {
    let base = error_text::stack(value, title.constructor.as_deref());
    Portrait { base, name: title.name("Error"), ..Portrait::braces(b"") }
}
