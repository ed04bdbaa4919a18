//! The engine's C interface in a shape the rest of the guest can use: one context, owned values, results.
//!
//! The guest has one thread and one context that is never freed, so both are plain statics.
//!
//! Two facts carry most SAFETY comments of the guest. *The context lives for ever*: `create` makes it before anything else
//! runs, and nothing frees it. *A `Value`, an `Atom` or a `Text` holds a counted reference*, so what it names is alive for
//! as long as it is.

use alloc::vec::Vec;
use core::ffi::{c_char, c_int};
use core::mem::ManuallyDrop;
use core::ptr;

use crate::phase;

pub(crate) use rquickjs_sys as q;
pub(crate) use rquickjs_sys::{JS_UNDEFINED as UNDEFINED, JSValue as Raw};

// SAFETY: our patches define these functions, with these signatures.
unsafe extern "C" {
    fn sm_complete(runtime: *mut q::JSRuntime);
    fn sm_go_live(runtime: *mut q::JSRuntime);
    fn sm_make_intrinsics(ctx: *mut q::JSContext) -> c_int;
    fn sm_seed(ctx: *mut q::JSContext, seed: u64);
    fn sm_error_stack(ctx: *mut q::JSContext, error: Raw) -> Raw;
    fn sm_is_script_function(value: Raw) -> bool;
    fn sm_global(ctx: *mut q::JSContext, name: q::JSAtom) -> Raw;
    fn sm_global_lexicals(ctx: *mut q::JSContext) -> Raw;
    fn sm_entries(ctx: *mut q::JSContext, value: Raw, out: *mut Raw, cap: u32) -> c_int;
    fn sm_json_refusal() -> c_int;
    pub(crate) fn sm_locate(ctx: *mut q::JSContext, text: *mut u8, cap: usize) -> usize;
}

/// Of the 2 MiB of shadow stack, what JavaScript may use before a RangeError. See README, "Stacks".
const STACK_BYTES: u32 = 1792 << 10;

/// After loading, the bytes that a job may allocate before the first collection of cycles. A collection would touch,
/// and so copy, every page of the image.
const FIRST_COLLECTION_BYTES: u32 = 8 << 20;

static mut CONTEXT: *mut q::JSContext = ptr::null_mut();

/// The one engine.
pub(crate) struct Engine;

/// An exception is pending in the engine: [`take_exception`] has it.
#[derive(Debug)]
pub(crate) struct Thrown;

pub(crate) type Result<T> = core::result::Result<T, Thrown>;

impl Engine {
    pub(crate) fn context() -> *mut q::JSContext {
        // SAFETY: one thread; written once, by `create`.
        unsafe { CONTEXT }
    }

    pub(crate) fn runtime() -> *mut q::JSRuntime {
        // SAFETY: the context lives for ever.
        unsafe { q::JS_GetRuntime(Self::context()) }
    }

    /// Says that everything with which every script begins is there now. None of it is ever freed and no references to
    /// it are counted, so that the top level of a script changes little of the memory that holds it.
    pub(crate) fn is_complete() {
        // SAFETY: the runtime lives for ever.
        unsafe {
            q::JS_RunGC(Self::runtime());
            sm_complete(Self::runtime());
        }
    }

    /// The top level is over: collects its garbage, and lets timers and `ctx` work from here on.
    pub(crate) fn go_live() {
        // SAFETY: the runtime lives for ever, and `usage` is plain numbers.
        unsafe {
            q::JS_RunGC(Self::runtime());
            let mut usage = core::mem::zeroed::<q::JSMemoryUsage>();
            q::JS_ComputeMemoryUsage(Self::runtime(), &mut usage);
            q::JS_SetGCThreshold(Self::runtime(), usage.malloc_size as u32 + FIRST_COLLECTION_BYTES);
            sm_go_live(Self::runtime());
        }
        phase::go_live();
    }

    pub(crate) fn seed(seed: u64) {
        // SAFETY: the context lives for ever.
        unsafe { sm_seed(Self::context(), seed) }
    }
}

pub(crate) fn create() {
    // SAFETY: one thread, and nobody has asked for CONTEXT yet; the context is used once it is made.
    unsafe {
        let runtime = q::JS_NewRuntime();
        q::JS_SetMaxStackSize(runtime, STACK_BYTES);
        CONTEXT = q::JS_NewContext(runtime);
        // Only running out of memory can fail here, and that traps in the host.
        sm_make_intrinsics(CONTEXT);
    }
}

/// A counted reference to a value.
pub(crate) struct Value(Raw);

impl Drop for Value {
    fn drop(&mut self) {
        // SAFETY: the context lives for ever, and this is the reference that `self` holds.
        unsafe { q::JS_FreeValue(Engine::context(), self.0) }
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        Self::copied(self.0)
    }
}

impl Value {
    /// Take over a reference.
    pub(crate) const fn owned(raw: Raw) -> Self {
        Self(raw)
    }

    /// Add a reference to a borrowed value.
    pub(crate) fn copied(raw: Raw) -> Self {
        // SAFETY: the caller holds the raw value.
        Self(unsafe { q::JS_DupValue(Engine::context(), raw) })
    }

    pub(crate) fn undefined() -> Self {
        Self(UNDEFINED)
    }

    pub(crate) fn raw(&self) -> Raw {
        self.0
    }

    /// Give the reference away.
    pub(crate) fn into_raw(self) -> Raw {
        ManuallyDrop::new(self).0
    }

    pub(crate) fn string(text: &str) -> Result<Self> {
        // SAFETY: the context lives for ever, and the text is copied.
        checked(unsafe { q::JS_NewStringLen(Engine::context(), text.as_ptr().cast(), text.len() as _) })
    }

    pub(crate) fn number(number: f64) -> Self {
        Self(q::JS_NewFloat64(number))
    }

    pub(crate) fn is_object(&self) -> bool {
        // SAFETY: `self` holds the value.
        unsafe { q::JS_IsObject(self.0) }
    }

    pub(crate) fn is_string(&self) -> bool {
        // SAFETY: `self` holds the value.
        unsafe { q::JS_IsString(self.0) }
    }

    pub(crate) fn is_undefined(&self) -> bool {
        // SAFETY: `self` holds the value.
        unsafe { q::JS_IsUndefined(self.0) }
    }

    /// Undefined or null.
    pub(crate) fn is_nullish(&self) -> bool {
        // SAFETY: `self` holds the value.
        self.is_undefined() || unsafe { q::JS_IsNull(self.0) }
    }

    pub(crate) fn is_function(&self) -> bool {
        is_function(self.0)
    }

    pub(crate) fn is_error(&self) -> bool {
        // SAFETY: `self` holds the value.
        unsafe { q::JS_IsError(self.0) }
    }

    pub(crate) fn is_array(&self) -> bool {
        // SAFETY: `self` holds the value.
        unsafe { q::JS_IsArray(self.0) }
    }

    pub(crate) fn is_bigint(&self) -> bool {
        // SAFETY: `self` holds the value.
        unsafe { q::JS_IsBigInt(self.0) }
    }

    pub(crate) fn is_date(&self) -> bool {
        // SAFETY: `self` holds the value.
        unsafe { q::JS_IsDate(self.0) }
    }

    pub(crate) fn is_map(&self) -> bool {
        // SAFETY: `self` holds the value.
        unsafe { q::JS_IsMap(self.0) }
    }

    pub(crate) fn is_promise(&self) -> bool {
        // SAFETY: `self` holds the value.
        unsafe { q::JS_IsPromise(self.0) }
    }

    pub(crate) fn is_proxy(&self) -> bool {
        // SAFETY: `self` holds the value.
        unsafe { q::JS_IsProxy(self.0) }
    }

    pub(crate) fn is_symbol(&self) -> bool {
        // SAFETY: `self` holds the value.
        unsafe { q::JS_IsSymbol(self.0) }
    }

    pub(crate) fn is_script_function(&self) -> bool {
        // SAFETY: `self` holds the value.
        unsafe { sm_is_script_function(self.0) }
    }

    /// The prototype. The trap of a Proxy may decide it.
    pub(crate) fn prototype(&self) -> Self {
        // SAFETY: the context lives for ever, and the value is held.
        Self(unsafe { q::JS_GetPrototype(Engine::context(), self.0) })
    }

    /// Read a property, as `value.name` would.
    pub(crate) fn get(&self, name: &core::ffi::CStr) -> Result<Self> {
        // SAFETY: the context lives for ever, `self` holds the value, and the name ends with a NUL.
        checked(unsafe { q::JS_GetPropertyStr(Engine::context(), self.0, name.as_ptr()) })
    }

    /// Read a property by a name that may hold anything.
    pub(crate) fn get_named(&self, name: &Atom) -> Result<Self> {
        // SAFETY: the context lives for ever, and both value and name are held.
        checked(unsafe { q::JS_GetProperty(Engine::context(), self.0, name.0) })
    }

    /// Define an own property. No setter is called and no prototype is asked.
    pub(crate) fn define(&self, name: &core::ffi::CStr, value: Self, flags: Flags) -> Result<()> {
        // SAFETY: the context lives for ever, `self` holds the object, and the engine takes over the reference to the value.
        let done = unsafe {
            q::JS_DefinePropertyValueStr(Engine::context(), self.0, name.as_ptr(), value.into_raw(), flags as c_int)
        };
        if done < 0 { Err(Thrown) } else { Ok(()) }
    }

    pub(crate) fn call(&self, arguments: &[Raw]) -> Result<Self> {
        self.call_on(UNDEFINED, arguments)
    }

    pub(crate) fn call_on(&self, this: Raw, arguments: &[Raw]) -> Result<Self> {
        // SAFETY: the context lives for ever, and the value is held.
        checked(unsafe {
            q::JS_Call(Engine::context(), self.0, this, arguments.len() as c_int, arguments.as_ptr().cast_mut())
        })
    }

    /// The text of a string, or what `String(value)` would say.
    pub(crate) fn text(&self) -> Result<Text> {
        let mut len = 0;
        // SAFETY: the context lives for ever, and the value is held.
        let text = unsafe { q::JS_ToCStringLen2(Engine::context(), &mut len, self.0, false) };
        if text.is_null() {
            return Err(Thrown);
        }
        Ok(Text { text, len: len as usize })
    }

    /// The stack text of a genuine Error, whatever the script did to the `stack` accessor.
    pub(crate) fn error_stack(&self) -> Self {
        // SAFETY: the context lives for ever, and the value is held.
        Self(unsafe { sm_error_stack(Engine::context(), self.0) })
    }

    /// How many entries a Map or a Set has, and up to `max` of its keys and values, or members.
    pub(crate) fn entries(&self, max: usize) -> Option<(usize, Vec<Self>)> {
        let mut raw = alloc::vec![UNDEFINED; max];
        // SAFETY: the context lives for ever, `self` holds the value, and there is room for `max` values.
        let entries = unsafe { sm_entries(Engine::context(), self.0, raw.as_mut_ptr(), max as u32) };
        let values = raw.into_iter().map(Self::owned).collect();
        usize::try_from(entries).ok().map(|entries| (entries, values))
    }

    /// The description of a symbol.
    pub(crate) fn symbol_description(&self) -> Result<Text> {
        // SAFETY: the context lives for ever, and the value is held.
        Atom(unsafe { q::JS_ValueToAtom(Engine::context(), self.0) }).text()
    }

    /// The own keys that are strings. The trap of a Proxy may decide them.
    pub(crate) fn keys(&self, only_enumerable: bool) -> Result<Vec<Atom>> {
        let mut table = ptr::null_mut();
        let mut len = 0;
        let flags = q::JS_GPN_STRING_MASK | if only_enumerable { q::JS_GPN_ENUM_ONLY } else { 0 };
        let done =
            // SAFETY: the context lives for ever, and `self` holds the value.
            unsafe { q::JS_GetOwnPropertyNames(Engine::context(), &mut table, &mut len, self.0, flags as c_int) };
        if done < 0 {
            return Err(Thrown);
        }
        let keys = (0..len as usize)
            // SAFETY: the table has `len` entries.
            .map(|index| Atom(unsafe { q::JS_DupAtom(Engine::context(), (*table.add(index)).atom) }))
            .collect();
        // SAFETY: the engine made the table, and it is used no more.
        unsafe { q::JS_FreePropertyEnum(Engine::context(), table, len) };
        Ok(keys)
    }
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum JsonRefusal {
    NotJson,
    TooDeep,
}

/// Why the call of JSON that has just failed did so. Returns `None` when a `toJSON` or a getter threw.
pub(crate) fn json_refusal() -> Option<JsonRefusal> {
    // SAFETY: it reads a number.
    match unsafe { sm_json_refusal() } {
        1 => Some(JsonRefusal::NotJson),
        2 => Some(JsonRefusal::TooDeep),
        _ => None,
    }
}

/// The attributes of a property that the guest defines.
#[derive(Clone, Copy)]
#[repr(i32)]
pub(crate) enum Flags {
    /// As those of built-in properties: writable and configurable.
    Hidden = (q::JS_PROP_CONFIGURABLE | q::JS_PROP_WRITABLE) as i32,
    /// As an assignment would make it.
    Plain = (q::JS_PROP_CONFIGURABLE | q::JS_PROP_WRITABLE | q::JS_PROP_ENUMERABLE) as i32,
}

/// A property name.
pub(crate) struct Atom(q::JSAtom);

impl Drop for Atom {
    fn drop(&mut self) {
        // SAFETY: the context lives for ever, and this is the reference that `self` holds.
        unsafe { q::JS_FreeAtom(Engine::context(), self.0) }
    }
}

impl Atom {
    pub(crate) fn new(name: &[u8]) -> Self {
        // SAFETY: the context lives for ever, and the text is copied.
        Self(unsafe { q::JS_NewAtomLen(Engine::context(), name.as_ptr().cast(), name.len() as _) })
    }

    /// Take over a reference.
    pub(crate) const fn owned(raw: q::JSAtom) -> Self {
        Self(raw)
    }

    pub(crate) fn raw(&self) -> q::JSAtom {
        self.0
    }

    pub(crate) fn text(&self) -> Result<Text> {
        // SAFETY: the context lives for ever, and both value and name are held.
        checked(unsafe { q::JS_AtomToString(Engine::context(), self.0) })?.text()
    }
}

/// A string as WTF-8: UTF-8 in which each lone surrogate takes three bytes.
pub(crate) struct Text {
    text: *const c_char,
    len: usize,
}

impl Drop for Text {
    fn drop(&mut self) {
        // SAFETY: the text is of this context, and this is its only owner.
        unsafe { q::JS_FreeCString(Engine::context(), self.text) }
    }
}

impl core::ops::Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the engine keeps the bytes until JS_FreeCString.
        unsafe { core::slice::from_raw_parts(self.text.cast(), self.len) }
    }
}

fn checked(raw: Raw) -> Result<Value> {
    // SAFETY: it looks at the tag alone.
    if unsafe { q::JS_IsException(raw) } { Err(Thrown) } else { Ok(Value(raw)) }
}

/// The result of a C call: an exception is `Err`.
pub(crate) fn result(raw: Raw) -> Result<Value> {
    checked(raw)
}

pub(crate) fn take_exception() -> Value {
    // SAFETY: the context lives for ever.
    Value(unsafe { q::JS_GetException(Engine::context()) })
}

pub(crate) fn is_number(raw: Raw) -> bool {
    // SAFETY: it looks at the tag alone.
    unsafe { q::JS_IsNumber(raw) }
}

pub(crate) fn is_function(raw: Raw) -> bool {
    // SAFETY: the context lives for ever, and the caller holds the value.
    unsafe { q::JS_IsFunction(Engine::context(), raw) }
}

/// The global object.
pub(crate) fn global() -> Value {
    // SAFETY: the context lives for ever.
    Value(unsafe { q::JS_GetGlobalObject(Engine::context()) })
}

/// The value of a global binding, or undefined. Accessors are not called.
pub(crate) fn global_binding(name: &Atom) -> Value {
    // SAFETY: the context lives for ever, and both value and name are held.
    Value(unsafe { sm_global(Engine::context(), name.raw()) })
}

/// The object that holds the global `let`, `const` and `class` bindings.
pub(crate) fn global_lexicals() -> Value {
    // SAFETY: the context lives for ever.
    Value(unsafe { sm_global_lexicals(Engine::context()) })
}

/// Parse JSON text. `text` ends with a NUL that is not part of it.
pub(crate) fn parse_json(text: &[u8]) -> Result<Value> {
    debug_assert!(text.last() == Some(&0));
    // SAFETY: the context lives for ever, and the value is held.
    checked(unsafe {
        q::JS_ParseJSON(Engine::context(), text.as_ptr().cast(), (text.len() - 1) as _, c"<input>".as_ptr())
    })
}

/// `JSON.stringify(value)` of the engine itself: undefined for what JSON has no text for.
pub(crate) fn stringify(value: &Value) -> Result<Value> {
    // SAFETY: the context lives for ever, and the value is held.
    checked(unsafe { q::JS_JSONStringify(Engine::context(), value.raw(), UNDEFINED, UNDEFINED) })
}

/// A promise with its two resolving functions.
pub(crate) fn promise() -> Result<(Value, Value, Value)> {
    let mut functions = [UNDEFINED; 2];
    // SAFETY: the context lives for ever, and there is room for two functions.
    let promise = checked(unsafe { q::JS_NewPromiseCapability(Engine::context(), functions.as_mut_ptr()) })?;
    Ok((promise, Value(functions[0]), Value(functions[1])))
}

/// A function of the guest that the engine calls.
pub(crate) type Native = unsafe extern "C" fn(*mut q::JSContext, Raw, c_int, *mut Raw) -> Raw;

/// Define a function as a hidden property.
pub(crate) fn function(object: &Value, name: &core::ffi::CStr, length: c_int, native: Native) {
    // SAFETY: the context lives for ever, and the name ends with a NUL.
    let raw = unsafe {
        q::JS_NewCFunction2(
            Engine::context(),
            Some(native),
            name.as_ptr(),
            length,
            q::JSCFunctionEnum_JS_CFUNC_generic,
            0,
        )
    };
    // Only running out of memory can fail here, and that traps in the host.
    let _ = object.define(name, Value::owned(raw), Flags::Hidden);
}

/// The arguments of a function the engine calls.
///
/// # Safety
/// `argc` and `argv` are those of the call, and the slice is not kept beyond it.
pub(crate) unsafe fn arguments<'a>(argc: c_int, argv: *mut Raw) -> &'a [Raw] {
    // SAFETY: the caller promises that there are `argc` arguments.
    if argc <= 0 { &[] } else { unsafe { core::slice::from_raw_parts(argv, argc as usize) } }
}

/// Gives the engine the result of a function of the guest: its value, or the exception that it has thrown.
pub(crate) fn returned(result: Result<Value>) -> Raw {
    match result {
        Ok(value) => value.into_raw(),
        Err(Thrown) => q::JS_EXCEPTION,
    }
}
