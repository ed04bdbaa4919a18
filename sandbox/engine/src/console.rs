//! `console`: each call is one entry of the job's log, as Node would print it.

use alloc::vec::Vec;
use core::ffi::{CStr, c_int};

use crate::abi::Level;
use crate::console_table::table;
use crate::format::{self, formatted};
use crate::inspect::{Manner, inspected};
use crate::js::{self, Engine, Flags, Raw, UNDEFINED, Value, q};
use crate::primitive::{is_truthy, to_number};
use crate::{errors, host, quote};

/// A longer entry is cut. The host bounds the bytes of the log too, but a person should be able to read an entry.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// Groups beyond this are not indented further.
const GROUPS_MAX: usize = 50;

#[derive(Clone, Copy)]
enum Method {
    Write(Level),
    Assert,
    Trace,
    Dir,
    Table,
    Group,
    GroupEnd,
    Count,
    CountReset,
    Time,
    TimeLog,
    TimeEnd,
    /// A method that other hosts have and that writes no line there either.
    Nothing,
}

const METHODS: [(&CStr, Method); 22] = [
    (c"log", Method::Write(Level::Info)),
    (c"info", Method::Write(Level::Info)),
    (c"debug", Method::Write(Level::Debug)),
    (c"warn", Method::Write(Level::Warn)),
    (c"error", Method::Write(Level::Error)),
    (c"dirxml", Method::Write(Level::Info)),
    (c"assert", Method::Assert),
    (c"trace", Method::Trace),
    (c"dir", Method::Dir),
    (c"table", Method::Table),
    (c"group", Method::Group),
    (c"groupCollapsed", Method::Group),
    (c"groupEnd", Method::GroupEnd),
    (c"count", Method::Count),
    (c"countReset", Method::CountReset),
    (c"time", Method::Time),
    (c"timeLog", Method::TimeLog),
    (c"timeEnd", Method::TimeEnd),
    (c"clear", Method::Nothing),
    (c"profile", Method::Nothing),
    (c"profileEnd", Method::Nothing),
    (c"timeStamp", Method::Nothing),
];

/// What earlier calls of `console` leave for later ones.
struct State {
    groups: usize,
    counts: Vec<(Vec<u8>, u32)>,
    /// When each timer began, in microseconds.
    timers: Vec<(Vec<u8>, f64)>,
}

static mut STATE: State = State { groups: 0, counts: Vec::new(), timers: Vec::new() };

fn state() -> &'static mut State {
    // SAFETY: one thread, and no caller keeps the reference across a call into the engine.
    unsafe { &mut *(&raw mut STATE) }
}

pub(crate) fn install(global: &Value) {
    format::install(global);
    let context = Engine::context();
    // SAFETY: the context lives for ever.
    let console = Value::owned(unsafe { q::JS_NewObject(context) });
    for (number, (name, _)) in METHODS.iter().enumerate() {
        let function = q::JSCFunctionType { generic_magic: Some(call) };
        // SAFETY: the engine reads the union by the kind given beside it.
        let method = unsafe {
            q::JS_NewCFunction2(
                context,
                function.generic,
                name.as_ptr(),
                0,
                q::JSCFunctionEnum_JS_CFUNC_generic_magic,
                number as c_int,
            )
        };
        let _ = console.define(name, Value::owned(method), Flags::Plain);
    }
    let _ = global.define(c"console", console, Flags::Hidden);
}

/// # Safety
/// Only the engine calls it, with the arguments of a call.
unsafe extern "C" fn call(_: *mut q::JSContext, _: Raw, argc: c_int, argv: *mut Raw, number: c_int) -> Raw {
    // SAFETY: the engine calls this with the arguments of the call, and they are not kept beyond it.
    let arguments = unsafe { js::arguments(argc, argv) };
    if let Some((_, method)) = METHODS.get(number as usize) {
        run(*method, arguments);
    }
    UNDEFINED
}

fn run(method: Method, arguments: &[Raw]) {
    match method {
        Method::Write(level) => write(level, formatted(arguments)),
        Method::Assert => assert(arguments),
        Method::Trace => write(Level::Info, trace(formatted(arguments))),
        Method::Dir => write(Level::Info, dir(arguments)),
        Method::Table => match table(arguments) {
            Some(table) => write(Level::Info, table),
            None => write(Level::Info, formatted(arguments.get(..1).unwrap_or_default())),
        },
        Method::Group => {
            if !arguments.is_empty() {
                write(Level::Info, formatted(arguments));
            }
            state().groups = (state().groups + 1).min(GROUPS_MAX);
        }
        Method::GroupEnd => state().groups = state().groups.saturating_sub(1),
        Method::Count => count(label(arguments)),
        Method::CountReset => {
            let label = label(arguments);
            match state().counts.iter().position(|(other, _)| *other == label) {
                Some(index) => _ = state().counts.swap_remove(index),
                None => write(Level::Warn, [b"Count for '", label.as_slice(), b"' does not exist"].concat()),
            }
        }
        Method::Time => time(label(arguments)),
        Method::TimeLog => time_log(label(arguments), "timeLog", arguments.get(1..).unwrap_or_default()),
        Method::TimeEnd => {
            let label = label(arguments);
            time_log(label.clone(), "timeEnd", &[]);
            state().timers.retain(|(other, _)| *other != label);
        }
        Method::Nothing => {}
    }
}

/// The first argument as a text: `default` where there is none.
fn label(arguments: &[Raw]) -> Vec<u8> {
    let label = arguments.first().map(|&label| Value::copied(label)).filter(|label| !label.is_undefined());
    let mut text = Vec::new();
    match label {
        Some(label) => quote::write_text(&mut text, &label),
        None => text.extend_from_slice(b"default"),
    }
    text
}

fn assert(arguments: &[Raw]) {
    let (condition, rest) = arguments.split_first().unwrap_or((&UNDEFINED, &[]));
    if is_truthy(*condition) {
        return;
    }
    let mut out = b"Assertion failed".to_vec();
    if let [first, ..] = rest {
        out.extend_from_slice(if Value::copied(*first).is_string() { b": " } else { b" " });
        out.extend_from_slice(&formatted(rest));
    }
    write(Level::Error, out);
}

/// `Trace`, the text, and the calls that led here.
fn trace(text: Vec<u8>) -> Vec<u8> {
    let mut out = b"Trace".to_vec();
    if !text.is_empty() {
        out.extend_from_slice(b": ");
        out.extend_from_slice(&text);
    }
    let mut frames = Vec::new();
    quote::write_text(&mut frames, &errors::here().error_stack());
    for frame in frames.split(|byte| *byte == b'\n').filter(|frame| !frame.is_empty() && !frame.ends_with(b"(native)"))
    {
        out.push(b'\n');
        out.extend_from_slice(frame);
    }
    out
}

fn dir(arguments: &[Raw]) -> Vec<u8> {
    let value = arguments.first().map_or_else(Value::undefined, |&value| Value::copied(value));
    let mut manner = Manner { may_customise: false, ..Manner::default() };
    if let Some(options) = arguments.get(1).map(|&options| Value::copied(options)).filter(Value::is_object) {
        let option = |name: &[u8]| options.inherited_data(&js::Atom::new(name));
        match option(b"depth") {
            Some(depth) if js::is_number(depth.raw()) => {
                manner.depth = to_number(depth.raw()).unwrap_or_default() as i32;
            }
            Some(depth) if depth.is_nullish() && !depth.is_undefined() => manner.depth = i32::MAX,
            _ => {}
        }
        manner.is_hidden_shown = option(b"showHidden").is_some_and(|shown| is_truthy(shown.raw()));
    }
    inspected(&value, manner)
}

fn count(label: Vec<u8>) {
    let counts = &mut state().counts;
    let index = counts.iter().position(|(other, _)| *other == label).unwrap_or_else(|| {
        counts.push((label.clone(), 0));
        counts.len() - 1
    });
    counts[index].1 += 1;
    let count = counts[index].1;
    write(Level::Info, [label.as_slice(), alloc::format!(": {count}").as_bytes()].concat());
}

fn time(label: Vec<u8>) {
    if state().timers.iter().any(|(other, _)| *other == label) {
        write(Level::Warn, [b"Label '", label.as_slice(), b"' already exists for console.time()"].concat());
        return;
    }
    state().timers.push((label, host::now()));
}

fn time_log(label: Vec<u8>, method: &str, more: &[Raw]) {
    let Some(&(_, began)) = state().timers.iter().find(|(other, _)| *other == label) else {
        let end = alloc::format!("' for console.{method}()");
        write(Level::Warn, [b"No such label '", label.as_slice(), end.as_bytes()].concat());
        return;
    };
    let mut out = [label.as_slice(), b": ", span((host::now() - began) / 1000.0).as_bytes()].concat();
    if !more.is_empty() {
        out.push(b' ');
        out.extend_from_slice(&formatted(more));
    }
    write(Level::Info, out);
}

/// A span of time in milliseconds, in the unit that suits it.
fn span(milliseconds: f64) -> alloc::string::String {
    const SECOND: f64 = 1000.0;
    const MINUTE: f64 = 60.0 * SECOND;
    const HOUR: f64 = 60.0 * MINUTE;
    if milliseconds >= HOUR {
        let (hours, rest) = ((milliseconds / HOUR) as u64, milliseconds % HOUR);
        let (minutes, seconds) = ((rest / MINUTE) as u64, rest % MINUTE / SECOND);
        return alloc::format!("{hours}:{minutes:02}:{seconds:06.3} (h:mm:ss.mmm)");
    }
    if milliseconds >= MINUTE {
        let (minutes, seconds) = ((milliseconds / MINUTE) as u64, milliseconds % MINUTE / SECOND);
        return alloc::format!("{minutes}:{seconds:06.3} (m:ss.mmm)");
    }
    if milliseconds >= SECOND {
        return alloc::format!("{:.3}s", milliseconds / SECOND);
    }
    let text = alloc::format!("{milliseconds:.3}");
    alloc::format!("{}ms", text.trim_end_matches('0').trim_end_matches('.'))
}

/// An entry, indented by the groups that are open.
fn write(level: Level, text: Vec<u8>) {
    let indentation = 2 * state().groups;
    if indentation == 0 {
        log(level, text);
        return;
    }
    let mut out = Vec::with_capacity(text.len() + indentation);
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if index > 0 {
            out.push(b'\n');
        }
        out.resize(out.len() + indentation, b' ');
        out.extend_from_slice(line);
        if out.len() > LINE_BYTES_MAX {
            break;
        }
    }
    log(level, out);
}

/// Send one entry: valid UTF-8, of bounded length.
pub(crate) fn log(level: Level, mut line: Vec<u8>) {
    quote::replace_surrogates(&mut line);
    if line.len() > LINE_BYTES_MAX {
        line.truncate(quote::cut(&line, LINE_BYTES_MAX).len());
        line.extend_from_slice("…".as_bytes());
    }
    host::log(level, &line);
}
