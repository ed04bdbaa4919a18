//! `structuredClone`, as the HTML standard defines it (StructuredSerializeWithTransfer and its reverse), in one pass: no script sees
//! the copy before it is complete. The objects still to be copied are in a list on the heap, so a deeply nested one takes no stack.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ffi::{CStr, c_int, c_void};

use crate::clone_parts::CloneKind;
use crate::errors;
use crate::inspect;
use crate::js::{self, Atom, Engine, Flags, Raw, Result, Value, q};
use crate::quote;

/// A longer message is cut to this length: the engine has 255 bytes for it.
const MESSAGE_BYTES_MAX: usize = 240;

/// # Safety
/// Only the engine calls it, with the arguments of a call.
pub(crate) unsafe extern "C" fn structured_clone(_: *mut q::JSContext, _: Raw, argc: c_int, argv: *mut Raw) -> Raw {
    // SAFETY: the engine calls this with the arguments of the call, and they are not kept beyond it.
    js::returned(clone(unsafe { js::arguments(argc, argv) }))
}

fn clone(arguments: &[Raw]) -> Result<Value> {
    let Some(&value) = arguments.first() else {
        return Err(errors::type_error("structuredClone needs a value"));
    };
    let moved = transfer_list(arguments.get(1))?;
    let mut walk = Walk::default();
    let copy = walk.copy(Value::copied(value))?;
    while !walk.open.is_empty() {
        walk.step()?;
    }
    for buffer in moved {
        let copy = walk.copies.get(&buffer.address()).map(|(_, copy)| copy.clone());
        if !buffer.move_to(&copy.unwrap_or_else(Value::undefined)) {
            return refuse("a detached or immutable ArrayBuffer", "moved", b"");
        }
    }
    Ok(copy)
}

/// The buffers that the option `transfer` names.
fn transfer_list(options: Option<&Raw>) -> Result<Vec<Value>> {
    let Some(options) = options.map(|&options| Value::copied(options)).filter(|options| !options.is_nullish()) else {
        return Ok(Vec::new());
    };
    if !options.is_object() {
        return Err(errors::type_error("the options of structuredClone are an object"));
    }
    let list = options.get(c"transfer")?;
    if list.is_undefined() {
        return Ok(Vec::new());
    }
    if !list.is_object() {
        return Err(errors::type_error("the option transfer is a list"));
    }
    let list = list.list()?;
    let mut moved: Vec<Value> = Vec::new();
    for key in list.keys(true)? {
        let buffer = list.get_named(&key)?;
        if !buffer.is_object() {
            return Err(errors::type_error("the option transfer is a list of ArrayBuffers"));
        }
        if buffer.clone_kind() != CloneKind::Buffer {
            return refuse(&thing(&buffer), "moved", b"");
        }
        if moved.iter().any(|other| other.address() == buffer.address()) {
            return refuse("an ArrayBuffer that is named twice", "moved", b"");
        }
        moved.push(buffer);
    }
    Ok(moved)
}

#[derive(Default)]
struct Walk {
    /// Each object that was met, by its address, with its copy. The object is held, so that no other one gets its address.
    copies: BTreeMap<*mut c_void, (Value, Value)>,
    /// The objects whose members are being copied, the outermost first.
    open: Vec<Open>,
}

struct Open {
    copy: Value,
    members: Members,
    /// The member that comes next.
    next: usize,
}

enum Members {
    Properties {
        source: Value,
        keys: Vec<Atom>,
    },
    /// Keys and values by turns; a key waits for its value.
    Map {
        entries: Vec<Value>,
        key: Option<Value>,
    },
    Set(Vec<Value>),
    /// The cause of an error.
    Cause(Value),
}

impl Walk {
    /// The copy of a value; an object's members come later.
    fn copy(&mut self, value: Value) -> Result<Value> {
        if !value.is_object() {
            return if value.is_symbol() { self.refuse(&thing(&value)) } else { Ok(value) };
        }
        if let Some((_, copy)) = self.copies.get(&value.address()) {
            return Ok(copy.clone());
        }
        let kind = value.clone_kind();
        let copy = match kind {
            CloneKind::Refused => return self.refuse(&thing(&value)),
            CloneKind::Leaf => value.clone_leaf()?,
            CloneKind::Plain => Value::object()?,
            CloneKind::Array => value.clone_array()?,
            CloneKind::Error => value.clone_error()?,
            CloneKind::Map | CloneKind::Set => Value::map(kind == CloneKind::Set)?,
            CloneKind::Buffer if value.is_buffer() => value.clone_buffer()?,
            CloneKind::Buffer => return self.refuse("a detached ArrayBuffer"),
            CloneKind::View => {
                let Some(buffer) = value.view_buffer() else {
                    return self.refuse("a view beyond the end of its ArrayBuffer");
                };
                let buffer = self.copy(buffer)?;
                value.clone_view(&buffer)?
            }
        };
        self.copies.insert(value.address(), (value.clone(), copy.clone()));
        if let Some(members) = Members::of(value, kind)? {
            self.open.push(Open { copy: copy.clone(), members, next: 0 });
        }
        Ok(copy)
    }

    /// Copies the next member of the innermost object.
    fn step(&mut self) -> Result<()> {
        let Some(inmost) = self.open.len().checked_sub(1) else { return Ok(()) };
        match self.open[inmost].take()? {
            Some(member) => {
                let copy = self.copy(member)?;
                self.open[inmost].put(copy)
            }
            None => {
                self.open.truncate(inmost);
                Ok(())
            }
        }
    }

    fn refuse<T>(&self, thing: &str) -> Result<T> {
        let mut place = Vec::new();
        for open in &self.open {
            open.write_place(&mut place);
        }
        refuse(thing, "cloned", &place)
    }
}

impl Members {
    fn of(source: Value, kind: CloneKind) -> Result<Option<Self>> {
        Ok(Some(match kind {
            CloneKind::Plain | CloneKind::Array => {
                let keys = source.keys(true)?;
                Self::Properties { source, keys }
            }
            CloneKind::Map => Self::Map { entries: all_entries(&source, 2), key: None },
            CloneKind::Set => Self::Set(all_entries(&source, 1)),
            CloneKind::Error => match source.own_data(&Atom::new(b"cause")) {
                Some(cause) => Self::Cause(cause),
                None => return Ok(None),
            },
            _ => return Ok(None),
        }))
    }
}

impl Open {
    /// The next member. Returns `None` when there is no other.
    fn take(&mut self) -> Result<Option<Value>> {
        loop {
            let index = self.next;
            self.next += 1;
            let member = match &self.members {
                Members::Properties { source, keys } => match keys.get(index) {
                    // A getter may have deleted the property.
                    Some(key) => match source.own(key)? {
                        None => continue,
                        member => member,
                    },
                    None => None,
                },
                Members::Map { entries, .. } | Members::Set(entries) => entries.get(index).cloned(),
                Members::Cause(cause) => (index == 0).then(|| cause.clone()),
            };
            return Ok(member);
        }
    }

    /// Takes over the copy of the member that was taken last.
    fn put(&mut self, member: Value) -> Result<()> {
        match &mut self.members {
            Members::Properties { keys, .. } => self.copy.define_named(&keys[self.next - 1], member),
            Members::Map { key, .. } => match key.take() {
                Some(key) => self.copy.map_add(false, &key, &member),
                None => {
                    *key = Some(member);
                    Ok(())
                }
            },
            Members::Set(_) => self.copy.map_add(true, &member, &member),
            Members::Cause(_) => self.copy.define(c"cause", member, Flags::Hidden),
        }
    }

    /// Writes the place of the member that was taken last, as a script would write it.
    fn write_place(&self, out: &mut Vec<u8>) {
        let Members::Properties { keys, .. } = &self.members else {
            let place = match &self.members {
                Members::Map { .. } => alloc::format!("(entry {})", self.next.div_ceil(2)),
                Members::Set(_) => alloc::format!("(member {})", self.next),
                _ => "cause".into(),
            };
            if !out.is_empty() {
                out.push(b'.');
            }
            out.extend_from_slice(place.as_bytes());
            return;
        };
        let Ok(name) = keys[self.next - 1].text() else {
            drop(js::take_exception());
            return;
        };
        if name.first().is_some_and(u8::is_ascii_digit) {
            out.extend_from_slice(&[b"[", &*name, b"]"].concat());
            return;
        }
        if !out.is_empty() {
            out.push(b'.');
        }
        out.extend_from_slice(&name);
    }
}

fn all_entries(source: &Value, width: usize) -> Vec<Value> {
    let (entries, _) = source.entries(0).unwrap_or_default();
    source.entries(entries * width).unwrap_or_default().1
}

/// Names the refused value in a few words.
fn thing(value: &Value) -> alloc::string::String {
    let text = |bytes: &[u8]| alloc::string::String::from_utf8_lossy(bytes).into_owned();
    if value.is_symbol() {
        let mut out = Vec::new();
        inspect::write_argument(&mut out, value);
        return text(&out);
    }
    if value.is_proxy() {
        return "a Proxy".into();
    }
    if value.is_function() {
        let name = value.own_data(&Atom::new(b"name")).filter(Value::is_string);
        return match name.map(|name| name.text()) {
            Some(Ok(name)) if !name.is_empty() => alloc::format!("the function {}", text(&name)),
            _ => "a function".into(),
        };
    }
    match value.class_name() {
        Ok(name) => alloc::format!("#<{}>", text(&name)),
        Err(js::Thrown) => {
            drop(js::take_exception());
            "an object".into()
        }
    }
}

/// Throws a DataCloneError.
fn refuse<T>(thing: &str, done: &str, place: &[u8]) -> Result<T> {
    let mut message = alloc::format!("{thing} could not be {done}").into_bytes();
    if !place.is_empty() {
        message.extend_from_slice(b": it is at ");
        message.extend_from_slice(place);
    }
    let mut message = quote::cut(&message, MESSAGE_BYTES_MAX).to_vec();
    quote::replace_surrogates(&mut message);
    message.retain(|&byte| byte != 0);
    let text = alloc::ffi::CString::new(message).unwrap_or_default();
    const NAME: &CStr = c"DataCloneError";
    // SAFETY: the context lives for ever, and the texts end with a NUL and are copied.
    unsafe { q::JS_ThrowDOMException(Engine::context(), NAME.as_ptr(), c"%s".as_ptr(), text.as_ptr()) };
    Err(js::Thrown)
}
