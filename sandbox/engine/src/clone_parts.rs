//! What `structuredClone` asks of the engine about one object.

use core::ffi::{c_int, c_void};

use crate::js::{self, Atom, Engine, Flags, Raw, Result, Thrown, UNDEFINED, Value, q};

// SAFETY: our patches define these functions, with these signatures.
unsafe extern "C" {
    fn sm_clone_kind(ctx: *mut q::JSContext, value: Raw) -> c_int;
    fn sm_clone_leaf(ctx: *mut q::JSContext, value: Raw) -> Raw;
    fn sm_clone_array(ctx: *mut q::JSContext, value: Raw) -> Raw;
    fn sm_clone_error(ctx: *mut q::JSContext, value: Raw) -> Raw;
    fn sm_clone_map(ctx: *mut q::JSContext, is_set: bool) -> Raw;
    fn sm_clone_map_add(ctx: *mut q::JSContext, map: Raw, is_set: bool, key: Raw, value: Raw) -> c_int;
    fn sm_is_buffer(value: Raw) -> bool;
    fn sm_clone_buffer(ctx: *mut q::JSContext, value: Raw) -> Raw;
    fn sm_move_buffer(ctx: *mut q::JSContext, value: Raw, copy: Raw) -> bool;
    fn sm_view_buffer(value: Raw) -> Raw;
    fn sm_clone_view(ctx: *mut q::JSContext, value: Raw, buffer: Raw) -> Raw;
    fn sm_list(ctx: *mut q::JSContext, iterable: Raw) -> Raw;
}

/// How an object is copied. The order is that of `SMCloneKind`.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum CloneKind {
    Refused,
    /// Properties and nothing else.
    Plain,
    Array,
    Error,
    Map,
    Set,
    Buffer,
    /// A typed array or a DataView.
    View,
    /// An object that contains no other object.
    Leaf,
}

/// Call each of these on an object of the kind that it names; `address` on any object, and `list` on any value.
impl Value {
    /// The address of an object. Another object may get it once this one is freed.
    pub(crate) fn address(&self) -> *mut c_void {
        // SAFETY: every caller asks it of an object.
        unsafe { q::JS_VALUE_GET_PTR(self.raw()) }
    }

    pub(crate) fn clone_kind(&self) -> CloneKind {
        use CloneKind::{Array, Buffer, Error, Leaf, Map, Plain, Refused, Set, View};
        // SAFETY: the context lives for ever, and `self` holds an object.
        let kind = unsafe { sm_clone_kind(Engine::context(), self.raw()) };
        let kinds = [Refused, Plain, Array, Error, Map, Set, Buffer, View, Leaf];
        kinds.get(kind as usize).copied().unwrap_or(Refused)
    }

    /// The name of the object's class, such as `Promise`.
    pub(crate) fn class_name(&self) -> js::Result<js::Text> {
        // SAFETY: the runtime lives for ever, and `self` holds an object, whose class is registered; the name is a
        // reference of ours.
        Atom::owned(unsafe { q::JS_GetClassName(Engine::runtime(), q::JS_GetClassID(self.raw())) }).text()
    }

    pub(crate) fn clone_leaf(&self) -> Result<Self> {
        // SAFETY: the context lives for ever, and `self` holds an object.
        js::result(unsafe { sm_clone_leaf(Engine::context(), self.raw()) })
    }

    /// An array of the same length, with holes only.
    pub(crate) fn clone_array(&self) -> Result<Self> {
        // SAFETY: the context lives for ever, and `self` holds an array.
        js::result(unsafe { sm_clone_array(Engine::context(), self.raw()) })
    }

    /// A copy of the error without its cause.
    pub(crate) fn clone_error(&self) -> Result<Self> {
        // SAFETY: the context lives for ever, and `self` holds an error.
        js::result(unsafe { sm_clone_error(Engine::context(), self.raw()) })
    }

    /// A new object.
    pub(crate) fn object() -> Result<Self> {
        // SAFETY: the context lives for ever.
        js::result(unsafe { q::JS_NewObject(Engine::context()) })
    }

    /// A new Map or Set.
    pub(crate) fn map(is_set: bool) -> Result<Self> {
        // SAFETY: the context lives for ever.
        js::result(unsafe { sm_clone_map(Engine::context(), is_set) })
    }

    pub(crate) fn map_add(&self, is_set: bool, key: &Self, value: &Self) -> Result<()> {
        // SAFETY: the context lives for ever, `self` holds a Map or a Set, and key and value are held.
        let done = unsafe { sm_clone_map_add(Engine::context(), self.raw(), is_set, key.raw(), value.raw()) };
        if done < 0 { Err(Thrown) } else { Ok(()) }
    }

    /// Whether it is an ArrayBuffer that is not detached.
    pub(crate) fn is_buffer(&self) -> bool {
        // SAFETY: `self` holds the value.
        unsafe { sm_is_buffer(self.raw()) }
    }

    pub(crate) fn clone_buffer(&self) -> Result<Self> {
        // SAFETY: the context lives for ever, and `self` holds an ArrayBuffer that is not detached.
        js::result(unsafe { sm_clone_buffer(Engine::context(), self.raw()) })
    }

    /// Moves an ArrayBuffer's bytes to `copy`, which may be undefined, and detaches it. Returns false if it cannot be detached.
    pub(crate) fn move_to(&self, copy: &Self) -> bool {
        // SAFETY: the context lives for ever, and both values are held.
        unsafe { sm_move_buffer(Engine::context(), self.raw(), copy.raw()) }
    }

    /// The buffer of a view. Returns `None` if the buffer is detached, or ends before the view does.
    pub(crate) fn view_buffer(&self) -> Option<Self> {
        // SAFETY: `self` holds a view; the result is a reference of ours.
        Some(Self::owned(unsafe { sm_view_buffer(self.raw()) })).filter(|buffer| !buffer.is_undefined())
    }

    /// A view of `buffer`, of the same kind and at the same place.
    pub(crate) fn clone_view(&self, buffer: &Self) -> Result<Self> {
        // SAFETY: the context lives for ever, `self` holds a view, and `buffer` an ArrayBuffer.
        js::result(unsafe { sm_clone_view(Engine::context(), self.raw(), buffer.raw()) })
    }

    /// An array of the values of an iterable.
    pub(crate) fn list(&self) -> Result<Self> {
        // SAFETY: the context lives for ever, and the value is held.
        js::result(unsafe { sm_list(Engine::context(), self.raw()) })
    }

    /// The value of an own property. A getter is called. Returns `None` where there is no such property.
    pub(crate) fn own(&self, name: &Atom) -> Result<Option<Self>> {
        let mut descriptor =
            q::JSPropertyDescriptor { flags: 0, value: UNDEFINED, getter: UNDEFINED, setter: UNDEFINED };
        // SAFETY: the context lives for ever, value and name are held, and the descriptor is ours.
        let found = unsafe { q::JS_GetOwnProperty(Engine::context(), &mut descriptor, self.raw(), name.raw()) };
        if found < 0 {
            return Err(Thrown);
        }
        if found == 0 {
            return Ok(None);
        }
        drop((Self::owned(descriptor.getter), Self::owned(descriptor.setter)));
        let value = Self::owned(descriptor.value);
        if descriptor.flags & q::JS_PROP_GETSET as c_int == 0 {
            Ok(Some(value))
        } else {
            self.get_named(name).map(Some)
        }
    }

    /// Defines an own property as a literal would.
    pub(crate) fn define_named(&self, name: &Atom, value: Self) -> Result<()> {
        // SAFETY: the context lives for ever, object and name are held, and the engine takes over the reference to the value.
        let done = unsafe {
            q::JS_DefinePropertyValue(
                Engine::context(),
                self.raw(),
                name.raw(),
                value.into_raw(),
                Flags::Plain as c_int,
            )
        };
        if done < 0 { Err(Thrown) } else { Ok(()) }
    }
}
