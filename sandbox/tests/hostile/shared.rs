//! The sandbox that all cases share, and the job that must not feel them.

use std::fs;
use std::sync::LazyLock;

use libtest_mimic::Failed;
use scriptmill_sandbox::child::Program;
use scriptmill_sandbox::prepare::{Bounds, Checker};
use scriptmill_sandbox::{Execution, Sandbox};
use scriptmill_sdk::{Bundle, Ending, Limits};

use crate::{case, common};

/// Makes this program the process that checks scripts.
pub(crate) const SERVE: &str = "--serve-checks";

/// A script that gives the same value for the same fuel, whatever was done before.
pub(crate) const FRIENDLY: &str = "
const rates = new Map([['normal', 19], ['reduced', 7]]);
export default async ({ lines }) => {
  const parts = [];
  for (const { net, rate } of lines) parts.push(Math.round(net * rates.get(rate)) / 100);
  parts.sort((a, b) => b - a);
  await sleep(0);
  const { a, ...rest } = JSON.parse('{\"a\":1,\"b\":[2]}');
  return { parts, sum: parts.reduce((sum, part) => sum + part, 0), rest, text: `${/n(.)/.exec('net')[1]}${typeof polluted}` };
};
";
pub(crate) const FRIENDLY_INPUT: &str = r#"{"lines":[{"net":100,"rate":"reduced"},{"net":50,"rate":"normal"}]}"#;
pub(crate) const FRIENDLY_VALUE: &str = r#"{"parts":[9.5,7],"sum":16.5,"rest":{"b":[2]},"text":"eundefined"}"#;

pub(crate) static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
    let program = Program { path: std::env::current_exe().unwrap(), arguments: vec![SERVE.into()] };
    let checker = Checker::child(program, Checker::CHILD_BOUNDS, Bounds::default()).unwrap();
    let mut options = common::options(checker);
    options.instances = 4;
    options.limits = case::sandbox_limits();
    common::new_sandbox(options)
});

pub(crate) fn execute(bundle: &Bundle, input: &str, limits: Limits) -> Execution {
    let mut invocation = common::invocation(input);
    invocation.limits = limits;
    common::wait(SANDBOX.execute(bundle, invocation))
}

pub(crate) fn friendly(source: &str) -> Execution {
    let execution = execute(&common::single("friendly.js", source), FRIENDLY_INPUT, case::limits());
    assert_eq!(value(&execution.ending), Some(FRIENDLY_VALUE), "{:#?}", execution.ending);
    execution
}

pub(crate) fn value(ending: &Ending) -> Option<&str> {
    match ending {
        Ending::Succeeded(value) => Some(value.get()),
        _ => None,
    }
}

/// Resident memory of this process.
pub(crate) fn resident_bytes() -> Result<u64, Failed> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split(' ').nth(1).ok_or("statm is cut short")?.parse()?;
    Ok(pages * rustix::param::page_size() as u64)
}
