//! From a bundle to modules that are compiled and, for an image, run.

use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;

use crate::abi::{Kind, MODULE_HAS_PLACES, MODULE_IS_SCRIPT};
use crate::invoke::{self, Fault};
use crate::js::{self, Engine, Thrown, Value, q};
use crate::{errors, places};

struct Module {
    name: CString,
    is_script: bool,
    /// The host knows where the author wrote its code.
    has_places: bool,
    /// NUL-terminated. Empty once the module is compiled.
    source: Vec<u8>,
    /// Null until the module is compiled, and always for a classic script.
    compiled: *mut q::JSModuleDef,
}

struct Resolution {
    importer: usize,
    specifier: Vec<u8>,
    target: usize,
}

struct Bundle {
    modules: Vec<Module>,
    resolutions: Vec<Resolution>,
}

/// Kept in the image: `import()` looks here while a job runs.
static mut BUNDLE: Bundle = Bundle { modules: Vec::new(), resolutions: Vec::new() };

fn bundle() -> &'static mut Bundle {
    // SAFETY: one thread, and no caller keeps the reference across a call into the engine.
    unsafe { &mut *(&raw mut BUNDLE) }
}

pub(crate) fn load(payload: Vec<u8>, evaluate: bool) -> Result<(), Fault> {
    *bundle() = read(&payload);
    drop(payload);
    // SAFETY: the runtime lives for ever, and so do the functions, which ask for no data.
    unsafe {
        q::JS_SetModuleLoaderFunc(Engine::runtime(), Some(normalise), Some(find), ptr::null_mut());
    }
    let main = compile_all().map_err(|Thrown| Fault::thrown(Kind::Syntax))?;
    if !evaluate {
        return Ok(());
    }
    run_top_level(main)?;
    let module = bundle().modules[0].compiled;
    let namespace = if module.is_null() {
        Value::undefined()
    } else {
        // SAFETY: the context lives for ever, and the bundle keeps its modules.
        js::result(unsafe { q::JS_GetModuleNamespace(Engine::context(), module) })
            .map_err(|Thrown| Fault::thrown(Kind::Thrown))?
    };
    invoke::remember_main(namespace);
    Engine::go_live();
    Ok(())
}

/// Compile every module, used or not: `import()` may ask for it in a job. Returns the main one's code.
fn compile_all() -> js::Result<Value> {
    let mut main = Value::undefined();
    for index in 0..bundle().modules.len() {
        let module = &bundle().modules[index];
        if module.is_script {
            main = compile(index, q::JS_EVAL_TYPE_GLOBAL)?;
            continue;
        }
        // A module that was imported by an earlier one is compiled already.
        if module.compiled.is_null() {
            compile_module(index)?;
        }
        if index == 0 {
            let module = q::JS_MKPTR(q::JS_TAG_MODULE, bundle().modules[0].compiled.cast());
            main = Value::copied(module);
        }
    }
    Ok(main)
}

fn compile_module(index: usize) -> js::Result<*mut q::JSModuleDef> {
    let code = compile(index, q::JS_EVAL_TYPE_MODULE)?;
    // SAFETY: the engine has just compiled a module, so the value is a pointer to one.
    let module = unsafe { q::JS_VALUE_GET_PTR(code.raw()) }.cast();
    bundle().modules[index].compiled = module;
    Ok(module)
}

fn compile(index: usize, kind: u32) -> js::Result<Value> {
    let source = core::mem::take(&mut bundle().modules[index].source);
    let Module { name, has_places, .. } = &bundle().modules[index];
    let name = name.as_ptr();
    let before = places::compile(has_places.then_some(index as i32));
    // SAFETY: the context lives for ever, and source and name end with a NUL; the engine copies the name.
    let compiled = js::result(unsafe {
        q::JS_Eval(
            Engine::context(),
            source.as_ptr().cast(),
            (source.len() - 1) as _,
            name,
            (kind | q::JS_EVAL_FLAG_COMPILE_ONLY) as c_int,
        )
    });
    places::compile(before);
    compiled
}

fn run_top_level(main: Value) -> Result<(), Fault> {
    // SAFETY: it looks at the tag alone.
    let is_module = unsafe { q::JS_VALUE_GET_TAG(main.raw()) } == q::JS_TAG_MODULE;
    // SAFETY: the context lives for ever; the engine takes over the reference.
    let evaluated = js::result(unsafe { q::JS_EvalFunction(Engine::context(), main.into_raw()) });
    // A module answers with a promise; when it throws instead, its imports did not link.
    let Ok(evaluated) = evaluated else {
        return Err(Fault::thrown(if is_module { Kind::Syntax } else { Kind::Thrown }));
    };
    invoke::run_microtasks()?;
    if is_module {
        invoke::promised(&evaluated)?.ok_or(Fault::Stalled)?;
    }
    invoke::report_rejections();
    Ok(())
}

/// Returns the name of the module that `specifier` means in the module `base`.
///
/// # Safety
/// Only the engine calls it, with the arguments of a call.
unsafe extern "C" fn normalise(
    context: *mut q::JSContext,
    base: *const c_char,
    specifier: *const c_char,
    _: *mut c_void,
) -> *mut c_char {
    // SAFETY: the engine hands over two texts that end with a NUL and live as long as this call.
    let (base, specifier) = unsafe { (CStr::from_ptr(base), CStr::from_ptr(specifier)) };
    let Bundle { modules, resolutions } = bundle();
    // Code made by `eval` or `new Function` has no name of its own and counts as the main module's.
    let importer = modules.iter().position(|module| module.name.as_c_str() == base).unwrap_or(0);
    let found = resolutions
        .iter()
        .find(|resolution| resolution.importer == importer && resolution.specifier == specifier.to_bytes());
    if let Some(resolution) = found {
        // SAFETY: the name ends with a NUL and is copied.
        return unsafe { q::js_strdup(context, modules[resolution.target].name.as_ptr()) };
    }
    let _ = errors::type_error(&refusal(specifier, base, importer));
    ptr::null_mut()
}

fn refusal(specifier: &CStr, base: &CStr, importer: usize) -> String {
    let mut possible: Vec<_> = bundle()
        .resolutions
        .iter()
        .filter(|resolution| resolution.importer == importer)
        .map(|resolution| String::from_utf8_lossy(&resolution.specifier))
        .collect();
    possible.sort_unstable();
    possible.truncate(20);
    let possible = match possible.is_empty() {
        true => String::from("; bundle a package into the script with a bundler such as esbuild"),
        false => alloc::format!("; here these are {}", possible.join(", ")),
    };
    alloc::format!(
        "cannot import '{}' from {}: it is not a module of this bundle. A script may import the other modules of its bundle, by a path \
         that begins with './' or '../'{possible}",
        specifier.to_string_lossy(),
        base.to_string_lossy(),
    )
}

/// The module of a name that `normalise` returned.
///
/// # Safety
/// Only the engine calls it, with the arguments of a call.
unsafe extern "C" fn find(_: *mut q::JSContext, name: *const c_char, _: *mut c_void) -> *mut q::JSModuleDef {
    // SAFETY: the engine hands over a text that ends with a NUL and lives as long as this call.
    let name = unsafe { CStr::from_ptr(name) };
    let index = bundle().modules.iter().position(|module| module.name.as_c_str() == name && !module.is_script);
    let module = match index {
        Some(index) => compile_module(index),
        None => Err(errors::type_error("a classic script cannot be imported")),
    };
    module.unwrap_or(ptr::null_mut())
}

/// The host writes the bundle, so what is out of its bounds is a bug of the host, and traps.
fn read(payload: &[u8]) -> Bundle {
    let mut reader = Reader { rest: payload };
    let modules = (0..reader.number())
        .map(|_| {
            let name = CString::new(reader.bytes()).unwrap_or_default();
            let kind = reader.number() as u32;
            Module {
                name,
                is_script: kind & MODULE_IS_SCRIPT != 0,
                has_places: kind & MODULE_HAS_PLACES != 0,
                source: [reader.bytes(), b"\0"].concat(),
                compiled: ptr::null_mut(),
            }
        })
        .collect();
    let resolutions = (0..reader.number())
        .map(|_| Resolution { importer: reader.number(), specifier: reader.bytes().to_vec(), target: reader.number() })
        .collect();
    let sources = reader.number();
    places::remember((0..sources).map(|_| (reader.number() as u32, CString::new(reader.bytes()).unwrap_or_default())));
    Bundle { modules, resolutions }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        taken
    }

    fn number(&mut self) -> usize {
        let bytes = self.take(4);
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize
    }

    fn bytes(&mut self) -> &'a [u8] {
        let len = self.number();
        self.take(len)
    }
}
