//! What inspection asks of the engine about one object. None of it runs code of the script.

use alloc::vec::Vec;
use core::ffi::c_int;

use crate::js::{Atom, Engine, Raw, UNDEFINED, Value, q};

// SAFETY: our patches define these functions, with these signatures.
unsafe extern "C" {
    fn sm_is_class(value: Raw) -> bool;
    fn sm_boxed(ctx: *mut q::JSContext, value: Raw) -> Raw;
    fn sm_elements(value: Raw) -> i64;
    fn sm_next_index(ctx: *mut q::JSContext, value: Raw, from: u32) -> i64;
    fn sm_keys(
        ctx: *mut q::JSContext,
        value: Raw,
        keys: *mut q::JSAtom,
        cap: u32,
        with_indices: bool,
        all: bool,
    ) -> u32;
    fn sm_iterated(ctx: *mut q::JSContext, value: Raw, out: *mut Raw, cap: u32, kind: *mut c_int) -> c_int;
}

/// At most this many prototypes of a value, or proxies of proxies, are followed.
const PROTOTYPES_MAX: usize = 16;

/// Which keys of an object are meant.
#[derive(Clone, Copy)]
pub(crate) struct Keys {
    /// Include integer keys, which come first.
    pub(crate) indices: bool,
    /// Include keys that are not enumerable.
    pub(crate) hidden: bool,
}

/// The descriptor of an own property.
pub(crate) enum Property {
    Data {
        value: Value,
        is_enumerable: bool,
    },
    /// Whether there is a getter and a setter, and whether the property is enumerable.
    Accessor {
        get: bool,
        set: bool,
        is_enumerable: bool,
    },
}

/// Call each of these on an object.
impl Value {
    /// Whether a function was written as a class.
    pub(crate) fn is_class(&self) -> bool {
        // SAFETY: `self` holds the value.
        unsafe { sm_is_class(self.raw()) }
    }

    /// The primitive in a Number, String, Boolean, Symbol, BigInt or Date.
    pub(crate) fn boxed(&self) -> Self {
        // SAFETY: the context lives for ever, and `self` holds an object.
        Self::owned(unsafe { sm_boxed(Engine::context(), self.raw()) })
    }

    /// How many elements an array without holes, or a typed array, has.
    pub(crate) fn elements(&self) -> Option<u32> {
        // SAFETY: `self` holds an object.
        u32::try_from(unsafe { sm_elements(self.raw()) }).ok()
    }

    /// The first index from `from` on that an array with holes has.
    pub(crate) fn next_index(&self, from: u32) -> Option<u32> {
        // SAFETY: the context lives for ever, and `self` holds an object.
        u32::try_from(unsafe { sm_next_index(Engine::context(), self.raw(), from) }).ok()
    }

    /// How many own keys there are, symbols last, and the first `max` of them.
    pub(crate) fn first_keys(&self, max: usize, which: Keys) -> (usize, Vec<Atom>) {
        let mut raw = alloc::vec![0; max];
        let Keys { indices, hidden } = which;
        let total =
            // SAFETY: the context lives for ever, `self` holds an object, and there is room for `max` keys.
            unsafe { sm_keys(Engine::context(), self.raw(), raw.as_mut_ptr(), max as u32, indices, hidden) } as usize;
        (total, raw.into_iter().take(total.min(max)).map(Atom::owned).collect())
    }

    /// What an iterator of a Map or Set has left: the number of entries, up to `max` of their values, and whether each has two.
    pub(crate) fn iterated(&self, max: usize) -> Option<(usize, Vec<Self>, bool)> {
        const KEYS_AND_VALUES: c_int = 2;
        let mut raw = alloc::vec![UNDEFINED; max];
        let mut kind = 0;
        // SAFETY: the context lives for ever, `self` holds an object, and there is room for `max` values.
        let entries = unsafe { sm_iterated(Engine::context(), self.raw(), raw.as_mut_ptr(), max as u32, &mut kind) };
        let values = raw.into_iter().map(Self::owned).collect();
        usize::try_from(entries).ok().map(|entries| (entries, values, kind == KEYS_AND_VALUES))
    }

    /// An own property.
    pub(crate) fn property(&self, name: &Atom) -> Option<Property> {
        let mut descriptor =
            q::JSPropertyDescriptor { flags: 0, value: UNDEFINED, getter: UNDEFINED, setter: UNDEFINED };
        // SAFETY: the context lives for ever, value and name are held, and the descriptor is ours.
        let found = unsafe { q::JS_GetOwnProperty(Engine::context(), &mut descriptor, self.raw(), name.raw()) };
        if found < 0 {
            drop(crate::js::take_exception());
        }
        if found <= 0 {
            return None;
        }
        let (getter, setter) = (Self::owned(descriptor.getter), Self::owned(descriptor.setter));
        let value = Self::owned(descriptor.value);
        let is_enumerable = descriptor.flags & q::JS_PROP_ENUMERABLE as i32 != 0;
        Some(if descriptor.flags & q::JS_PROP_GETSET as i32 == 0 {
            Property::Data { value, is_enumerable }
        } else {
            Property::Accessor { get: !getter.is_undefined(), set: !setter.is_undefined(), is_enumerable }
        })
    }

    /// An own property's value, unless it is an accessor.
    pub(crate) fn own_data(&self, name: &Atom) -> Option<Self> {
        match self.property(name) {
            Some(Property::Data { value, .. }) => Some(value),
            _ => None,
        }
    }

    /// A data property of the value or of one of its prototypes; a proxy or an accessor ends the search.
    pub(crate) fn inherited_data(&self, name: &Atom) -> Option<Self> {
        let mut object = self.clone();
        for _ in 0..PROTOTYPES_MAX {
            if !object.is_object() || object.is_proxy() {
                return None;
            }
            match object.property(name) {
                Some(Property::Data { value, .. }) => return Some(value),
                Some(_) => return None,
                None => {}
            }
            object = object.prototype();
        }
        None
    }

    /// The target of a proxy or of a chain of proxies; any other object itself. Returns `None` if one is revoked or the chain is too long.
    pub(crate) fn proxied(&self) -> Option<Self> {
        let mut target = self.clone();
        // A longer chain is not followed.
        for _ in 0..PROTOTYPES_MAX {
            if !target.is_proxy() {
                return Some(target).filter(Self::is_object);
            }
            // SAFETY: the context lives for ever, and `target` holds a Proxy.
            target = Self::owned(unsafe { q::JS_GetProxyTarget(Engine::context(), target.raw()) });
        }
        None
    }

    /// An element of a typed array.
    pub(crate) fn element(&self, index: u32) -> Self {
        // SAFETY: the context lives for ever, and `self` holds a typed array, whose indices run no code of the script.
        Self::owned(unsafe { q::JS_GetPropertyUint32(Engine::context(), self.raw(), index) })
    }

    /// The length of an ArrayBuffer, and at most `max` of its bytes. Returns `None` if it is detached.
    pub(crate) fn buffer_bytes(&self, max: usize) -> Option<(usize, Vec<u8>)> {
        let mut len = 0;
        // SAFETY: the context lives for ever, and `self` holds an ArrayBuffer.
        let bytes = unsafe { q::JS_GetArrayBuffer(Engine::context(), &mut len, self.raw()) };
        let len = len as usize;
        if bytes.is_null() {
            drop(crate::js::take_exception());
            return None;
        }
        // SAFETY: the buffer has `len` bytes, and nothing runs meanwhile that could free it.
        let first = unsafe { core::slice::from_raw_parts(bytes, len.min(max)) };
        Some((len, first.to_vec()))
    }

    /// Whether a promise is fulfilled, and its value or the reason of its rejection. Returns `None` while it is pending.
    pub(crate) fn promise_state(&self) -> Option<(bool, Self)> {
        // SAFETY: the context lives for ever, and `self` holds a promise.
        let state = unsafe { q::JS_PromiseState(Engine::context(), self.raw()) };
        if state == q::JSPromiseStateEnum_JS_PROMISE_PENDING {
            return None;
        }
        // SAFETY: the context lives for ever, and `self` holds a promise.
        let result = Self::owned(unsafe { q::JS_PromiseResult(Engine::context(), self.raw()) });
        Some((state == q::JSPromiseStateEnum_JS_PROMISE_FULFILLED, result))
    }
}

impl Atom {
    pub(crate) fn index(index: u32) -> Self {
        // SAFETY: the context lives for ever.
        Self::owned(unsafe { q::JS_NewAtomUInt32(Engine::context(), index) })
    }

    /// The key as a value: a string or a symbol.
    pub(crate) fn value(&self) -> Value {
        // SAFETY: the context lives for ever, and `self` holds the key.
        Value::owned(unsafe { q::JS_AtomToValue(Engine::context(), self.raw()) })
    }
}
