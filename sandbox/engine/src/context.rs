//! `ctx`: what a job may know of itself. Each field is fetched from the host on first use.

use core::ffi::c_int;

use crate::host;
use crate::js::{self, Engine, Flags, Raw, Result, Value, q};
use crate::top_level::refuse_at_top_level;

/// The fields in the order of their numbers on the host's side.
const FIELDS: [(&core::ffi::CStr, &str); 4] =
    [(c"jobId", "ctx.jobId"), (c"tenant", "ctx.tenant"), (c"attempt", "ctx.attempt"), (c"deadline", "ctx.deadline")];
const BUDGET: c_int = FIELDS.len() as c_int;

static mut OBJECT: Raw = js::UNDEFINED;
static mut FETCHED: [Option<Value>; FIELDS.len()] = [const { None }; FIELDS.len()];

/// The frozen object that every entry gets, and that the global `ctx` names.
pub(crate) fn object() -> Raw {
    // SAFETY: one thread; written once, by `install`.
    unsafe { OBJECT }
}

pub(crate) fn install(global: &Value) {
    let context = Engine::context();
    // SAFETY: the context lives for ever.
    let object = Value::owned(unsafe { q::JS_NewObject(context) });
    for (number, (name, _)) in FIELDS.iter().enumerate() {
        getter(&object, name, number as c_int);
    }
    getter(&object, c"budget", BUDGET);
    // SAFETY: the context lives for ever, and `object` holds the object; one thread, and nobody has asked for OBJECT yet.
    unsafe {
        q::JS_FreezeObject(context, object.raw());
        OBJECT = object.raw();
    }
    let _ = global.define(c"ctx", object.clone(), Flags::Hidden);
    // OBJECT keeps a reference of its own, for ever.
    let _ = object.into_raw();
}

fn getter(object: &Value, name: &core::ffi::CStr, number: c_int) {
    let context = Engine::context();
    let function = q::JSCFunctionType { getter_magic: Some(get) };
    // SAFETY: the context lives for ever, the name ends with a NUL, and `object` holds the object. The engine reads the union
    // of functions by the kind given beside it.
    unsafe {
        let getter = q::JS_NewCFunction2(
            context,
            function.generic,
            name.as_ptr(),
            0,
            q::JSCFunctionEnum_JS_CFUNC_getter_magic,
            number,
        );
        let atom = js::Atom::new(name.to_bytes());
        q::JS_DefinePropertyGetSet(
            context,
            object.raw(),
            atom.raw(),
            getter,
            js::UNDEFINED,
            q::JS_PROP_ENUMERABLE as c_int,
        );
    }
}

/// # Safety
/// Only the engine calls it, with the arguments of a call.
unsafe extern "C" fn get(_: *mut q::JSContext, _: Raw, number: c_int) -> Raw {
    js::returned(field(number))
}

fn field(number: c_int) -> Result<Value> {
    let Some(&(_, path)) = FIELDS.get(number as usize) else {
        refuse_at_top_level("ctx.budget")?;
        return Ok(Value::number(host::fuel()));
    };
    refuse_at_top_level(path)?;
    // SAFETY: one thread, and nothing below runs code of the script.
    let slot = unsafe { &mut (*(&raw mut FETCHED))[number as usize] };
    if slot.is_none() {
        *slot = Some(js::parse_json(&host::context(number))?);
    }
    Ok(slot.clone().unwrap_or_else(Value::undefined))
}
