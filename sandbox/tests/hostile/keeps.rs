//! What a script makes the host keep or do that costs it next to no fuel: the worker's memory must not grow by it.

use std::fs;

use libtest_mimic::Failed;
use scriptmill_sdk::{Bundle, Code, Ending, Limits, Thrown};

use crate::shared::{FRIENDLY, SANDBOX, execute, friendly, resident_bytes};
use crate::{case, common};

/// What this process may grow by: the memory of one sandbox, and 8 MiB.
const GROWTH_BYTES: u64 = (16 << 20) + (8 << 20);

/// Runs the flood in the top level or the entry of `source` with half a billion units of fuel, and measures how this process grows.
fn flood(code: Code, source: &str) -> Result<(), Failed> {
    // The memory that the first job of all takes does not count as the flood's.
    friendly(FRIENDLY);
    // See proc_pid_clear_refs(5): the peak is counted from here.
    fs::write("/proc/self/clear_refs", "5")?;
    let before = resident_bytes()?;
    let execution = execute(&common::single("main.js", source), "null", case::limits());
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak")?;
    let peak = peak.trim().trim_end_matches(" kB").parse::<u64>()? << 10;
    if execution.ending.code() != Some(code) {
        return Err(format!("{:#?}", execution.ending).into());
    }
    assert!(peak < before + GROWTH_BYTES, "{before} bytes grew to {peak}");
    Ok(())
}

pub(crate) fn top_level_logs() -> Result<(), Failed> {
    let calls = "f(); ".repeat(16);
    flood(Code::PrepareFuel, &format!("const f = console.log;\nfor (;;) {{ {calls}}}\nexport default () => 1;"))?;
    flood(Code::PrepareFuel, "for (;;) console.error('a');\nexport default () => 1;")
}

pub(crate) fn cancelled_timers() -> Result<(), Failed> {
    flood(Code::Fuel, "export default () => { for (;;) clearTimeout(setTimeout(() => {}, 1e6)); };")
}

pub(crate) fn long_names() -> Result<(), Failed> {
    let source =
        "for (let n = 0; n < 3; n++) globalThis[n + 'a'.repeat(3e5)] = function () {}; export default () => 1;";
    let bundle = common::single("main.js", source);
    let mut invocation = common::invocation("null");
    invocation.entry = Some("other");
    invocation.limits = case::limits();
    let execution = common::wait(SANDBOX.execute(&bundle, invocation));
    let Ending::Rejected(rejection) = execution.ending else { return Err(format!("{:?}", execution.ending).into()) };
    assert!(rejection.message.len() < 10_000, "{} bytes", rejection.message.len());
    Ok(())
}

/// The errors of a script with one long line, as a bundler writes it.
pub(crate) fn error_places() -> Result<(), Failed> {
    let body = "x=x+y;".repeat(8_000);
    let source = format!(
        "let x=1,y=2;\nexport function library():void{{{body}}}\nexport default function(input:any){{
  (Error as any).stackTraceLimit=1000;
  const make=(d:number,cause:any):Error=>{{ if(d===0) return new Error('e',{{cause}}); const made=make(d-1,cause); return made; }};
  let e:any=undefined;
  for(let i=0;i<9;i++) e=make(60,e);
  throw e;
}}\n"
    );
    let bundle: Bundle = common::single("main.ts", &source);
    let execution = execute(&bundle, "null", Limits { fuel: 500_000_000, ..case::limits() });
    let Ending::Failed(failure) = execution.ending else { return Err(format!("{:?}", execution.ending).into()) };
    let mut stacks = Vec::new();
    let mut thrown: Option<&Thrown> = failure.thrown.as_ref();
    while let Some(error) = thrown {
        stacks.push(&error.stack);
        thrown = error.cause.as_deref();
    }
    assert_eq!(stacks.iter().map(|stack| stack.len()).collect::<Vec<_>>(), [50, 50, 0, 0, 0, 0, 0, 0, 0]);
    let places: Vec<_> =
        stacks[0].iter().filter_map(|frame| frame.at.as_ref()).map(|at| (at.line, at.column)).collect();
    assert_eq!(places.len(), 50);
    assert_eq!((places[0], places[49]), ((5, 61), (5, 96)), "{places:?}");
    Ok(())
}
