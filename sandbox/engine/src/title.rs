//! What an object is called, and the built-in functions and symbols that inspection needs.

use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;

use crate::js::{self, Atom, Raw, Value, q};
use crate::look::{Keys, Property};
use crate::quote;

/// The symbols and functions that the engine came with, whatever the script put in their place.
pub(crate) struct BuiltIn {
    pub(crate) date_text: Option<Value>,
    pub(crate) regexp_text: Option<Value>,
    pub(crate) view_length: Option<Value>,
    pub(crate) view_offset: Option<Value>,
    tag: Option<Atom>,
    custom: Option<Atom>,
}

static mut BUILT_IN: BuiltIn =
    BuiltIn { date_text: None, regexp_text: None, view_length: None, view_offset: None, tag: None, custom: None };

pub(crate) fn built_in() -> &'static BuiltIn {
    // SAFETY: one thread; written once, by `install`, before anybody asks.
    unsafe { &*(&raw const BUILT_IN) }
}

/// Remember the built-in functions and symbols that inspection needs.
pub(crate) fn install(global: &Value) {
    let prototype = |class: &CStr| global.get(class).ok()?.get(c"prototype").ok();
    let getter = |name: &[u8]| {
        let mut descriptor =
            q::JSPropertyDescriptor { flags: 0, value: js::UNDEFINED, getter: js::UNDEFINED, setter: js::UNDEFINED };
        let (object, name) = (prototype(c"DataView")?, Atom::new(name));
        // SAFETY: the context lives for ever, object and name are held, and the descriptor is ours.
        unsafe { q::JS_GetOwnProperty(js::Engine::context(), &mut descriptor, object.raw(), name.raw()) };
        Some(Value::owned(descriptor.getter))
    };
    let symbol = |symbol: Value| {
        // SAFETY: the context lives for ever, and the symbol is held.
        Atom::owned(unsafe { q::JS_ValueToAtom(js::Engine::context(), symbol.raw()) })
    };
    let symbols = global.get(c"Symbol").ok();
    let custom = || {
        let name = Value::string("nodejs.util.inspect.custom").ok()?;
        symbols.as_ref()?.get(c"for").ok()?.call_on(js::UNDEFINED, &[name.raw()]).ok()
    };
    // SAFETY: one thread; written once, before any script.
    unsafe {
        BUILT_IN = BuiltIn {
            date_text: prototype(c"Date").and_then(|date| date.get(c"toISOString").ok()),
            regexp_text: prototype(c"RegExp").and_then(|regexp| regexp.get(c"toString").ok()),
            view_length: getter(b"byteLength"),
            view_offset: getter(b"byteOffset"),
            tag: symbols.as_ref().and_then(|symbols| symbols.get(c"toStringTag").ok()).map(symbol),
            custom: custom().map(symbol),
        };
    }
}

/// The result of an object's own `nodejs.util.inspect.custom` method, which libraries define for Node. The method is
/// code of the script: an error that it throws is dropped, since it must not end a call of `console`.
pub(crate) fn customised(object: &Value, receiver: &Value, depth: i32) -> Option<Value> {
    let method = object.inherited_data(built_in().custom.as_ref()?).filter(Value::is_function)?;
    // A prototype object is shown without a call of its own method.
    let constructor = object.own_data(&Atom::new(b"constructor"));
    if constructor.is_some_and(|constructor| constructor.is_function()) {
        return None;
    }
    let options = Value::object().ok()?;
    let arguments: [Raw; 2] = [Value::number(depth.into()).raw(), options.raw()];
    match method.call_on(receiver.raw(), &arguments) {
        Ok(shown) if shown.is_object() && shown.address() == receiver.address() => None,
        Ok(shown) => Some(shown),
        Err(js::Thrown) => {
            drop(js::take_exception());
            None
        }
    }
}

/// What an object is called.
pub(crate) struct Title {
    /// The constructor's name. `None` where the object has no prototype.
    pub(crate) constructor: Option<Vec<u8>>,
    /// The object's `Symbol.toStringTag`. Empty where there is none to show.
    pub(crate) tag: Vec<u8>,
}

impl Title {
    pub(crate) fn of(value: &Value) -> Self {
        let tag = built_in().tag.as_ref().and_then(|name| {
            let own = matches!(value.property(name), Some(Property::Data { is_enumerable: true, .. }));
            value.inherited_data(name).filter(|tag| !own && tag.is_string())
        });
        Self { constructor: constructor_name(value), tag: tag.as_ref().map(text).unwrap_or_default() }
    }

    /// `Constructor(size) [tag] `, with the blank at its end.
    pub(crate) fn prefix(&self, fallback: &str, size: &str) -> Vec<u8> {
        let tag = |name: &[u8]| match self.tag.as_slice() {
            tag if tag.is_empty() || tag == name => Vec::new(),
            tag => [b"[", tag, b"] "].concat(),
        };
        match &self.constructor {
            Some(constructor) => [constructor, size.as_bytes(), b" ", &tag(constructor)].concat(),
            None => {
                let name = format!("[{fallback}{size}: null prototype] ");
                [name.as_bytes(), &tag(fallback.as_bytes())].concat()
            }
        }
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.constructor.as_deref() == Some(name.as_bytes())
    }

    /// `[Constructor]`, or the prefix without its last blank where there is no constructor.
    pub(crate) fn name(&self, fallback: &str) -> Vec<u8> {
        let mut prefix = self.prefix(fallback, "");
        prefix.pop();
        if self.constructor.is_some() { [b"[", prefix.as_slice(), b"]"].concat() } else { prefix }
    }
}

pub(crate) fn text(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    quote::write_text(&mut out, value);
    out
}

/// The name of the constructor that made an object, found along its chain of prototypes.
fn constructor_name(value: &Value) -> Option<Vec<u8>> {
    let (constructor, prototype) = (Atom::new(b"constructor"), Atom::new(b"prototype"));
    let mut holder = value.clone();
    let mut above = value.prototype();
    if !above.is_object() {
        return None;
    }
    for _ in 0..16 {
        if holder.is_proxy() {
            break;
        }
        if let Some(function) = holder.own_data(&constructor).filter(Value::is_function)
            && let Some(name) = function.own_data(&Atom::new(b"name")).filter(Value::is_string)
        {
            let made = function.own_data(&prototype).filter(Value::is_object);
            let name = text(&name);
            if !name.is_empty() && made.is_some_and(|made| descends(value, &made)) {
                return Some(name);
            }
        }
        if !above.is_object() {
            break;
        }
        holder = above;
        above = holder.prototype();
    }
    let class = value.class_name().map(|class| class.to_vec()).unwrap_or_default();
    let first = value.prototype();
    if first.is_proxy() || first.prototype().is_object() {
        return Some([class.as_slice(), b" <Complex prototype>"].concat());
    }
    let is_empty = first.first_keys(0, Keys { indices: true, hidden: false }).0 == 0;
    let end = if is_empty { " {}" } else { "" };
    Some([class.as_slice(), format!(" <[Object: null prototype]{end}>").as_bytes()].concat())
}

fn descends(value: &Value, from: &Value) -> bool {
    let mut object = value.clone();
    for _ in 0..16 {
        if object.is_proxy() {
            return false;
        }
        object = object.prototype();
        if !object.is_object() {
            return false;
        }
        if object.address() == from.address() {
            return true;
        }
    }
    false
}
