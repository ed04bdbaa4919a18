//! What scripts give: each `tests/scripts/NAME.ts` or `.js`, or folder with a `main.ts`, has its `NAME.expected.json`,
//! one outcome for each job. `BLESS=1` writes them anew.
//!
//! A job is a line at the top of the script, `//@` and JSON: `{"entry", "input", "id", "tenant", "attempt", "deadline",
//! "fuel", "wallMs"}`, all of it optional. Without such a line there is one job, with `null` as its input.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use scriptmill_sandbox::prepare::{Bounds, Checker};
use scriptmill_sandbox::{Execution, Sandbox};
use scriptmill_sdk::{Bundle, Code, Ending, Limits, StackFrame, Thrown, Warning};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Top levels here are small, and one never ends.
static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
    let mut options = common::options(Checker::in_process(Bounds::default()));
    options.limits.prepare_fuel = 50_000_000;
    common::new_sandbox(options)
});

fn main() {
    let mut trials = Vec::new();
    for path in cases() {
        trials.push(Trial::test(name(&path), move || golden(&path)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut found: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_none_or(|end| end != "json"));
    found.sort();
    found
}

/// A job as the first lines of a script ask for it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Job {
    entry: Option<String>,
    input: Box<RawValue>,
    id: String,
    tenant: String,
    attempt: u32,
    deadline: Option<u64>,
    fuel: u64,
    wall_ms: u64,
}

impl Default for Job {
    fn default() -> Self {
        Self {
            entry: None,
            input: RawValue::NULL.to_owned(),
            id: "job-1".into(),
            tenant: "acme".into(),
            attempt: 1,
            deadline: None,
            fuel: Limits::default().fuel,
            wall_ms: 30_000,
        }
    }
}

impl Job {
    fn run(&self, bundle: &Bundle) -> Execution {
        let mut invocation = common::invocation(self.input.get());
        invocation.entry = self.entry.as_deref();
        invocation.job_id = &self.id;
        invocation.tenant = &self.tenant;
        invocation.attempt = self.attempt;
        invocation.deadline_ms = self.deadline;
        invocation.limits.fuel = self.fuel;
        invocation.limits.wall_time = Duration::from_millis(self.wall_ms);
        common::wait(SANDBOX.execute(bundle, invocation))
    }
}

/// An outcome, short enough to be read.
#[derive(Serialize)]
struct Golden<'a> {
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Code>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thrown: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stack: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diagnostics: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logs: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl<'a> Golden<'a> {
    fn new(execution: &'a Execution) -> Self {
        let ending = &execution.ending;
        let (mut value, mut message, mut thrown, mut frames) = (None, None, None, Vec::new());
        match ending {
            Ending::Succeeded(text) => value = Some(text.as_ref()),
            Ending::Completed(_) => message = Some("a batch"),
            Ending::Failed(failure) => {
                message = Some(failure.message.as_str());
                thrown = failure.thrown.as_ref().map(told);
            }
            Ending::Exhausted(exhausted) => {
                message = Some(exhausted.message.as_str());
                frames = stack(&exhausted.stack);
            }
            Ending::Rejected(rejection) => message = Some(rejection.message.as_str()),
            Ending::Cancelled { message: why, .. } => message = Some(why),
        }
        let diagnostics = execution.diagnostics.iter();
        let logs = execution.logs.iter();
        let warnings = execution.warnings.iter();
        Self {
            status: ending.status(),
            value,
            code: ending.code(),
            message,
            thrown,
            stack: frames,
            diagnostics: diagnostics.map(|found| format!("{} {} {}", found.at, found.code, found.message)).collect(),
            logs: logs.map(|line| format!("{:?} {}", line.level, line.text)).collect(),
            warnings: warnings.map(warned).collect(),
        }
    }
}

fn warned(warning: &Warning) -> String {
    let at = warning.at.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    format!("{at} {} {}", warning.code, warning.message)
}

fn told(thrown: &Thrown) -> Value {
    let mut value = json!({ "name": thrown.name, "message": thrown.message, "stack": stack(&thrown.stack) });
    if let Some(fields) = &thrown.fields {
        value["fields"] = fields.text().into();
    }
    if !thrown.errors.is_empty() {
        value["errors"] = thrown.errors.iter().map(told).collect();
    }
    if let Some(cause) = &thrown.cause {
        value["cause"] = told(cause);
    }
    value
}

fn stack(frames: &[StackFrame]) -> Vec<String> {
    let text = |frame: &StackFrame| {
        let at = frame.at.as_ref().map_or_else(|| "native".to_owned(), ToString::to_string);
        format!("{} {at}", frame.function.as_deref().unwrap_or("-"))
    };
    frames.iter().map(text).collect()
}

fn golden(path: &Path) -> Result<(), Failed> {
    let main = if path.is_dir() { path.join("main.ts") } else { path.to_owned() };
    let script = common::wait(Checker::in_process(Bounds::default()).read(&main))?;
    let source = fs::read_to_string(&main)?;
    let mut jobs = Vec::new();
    for line in source.lines().map_while(|line| line.strip_prefix("//@")) {
        jobs.push(serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?);
    }
    if jobs.is_empty() {
        jobs.push(Job::default());
    }
    let executions: Vec<_> = jobs.iter().map(|job| job.run(&script.bundle)).collect();
    let found: Vec<_> = executions.iter().map(Golden::new).collect();
    let found = serde_json::to_string_pretty(&found)? + "\n";
    let beside = path.with_extension("expected.json");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&beside, &found)?;
    }
    let expected = fs::read_to_string(&beside).map_err(|error| format!("{}: {error}", beside.display()))?;
    if found != expected {
        return Err(format!("expected\n{expected}\nfound\n{found}").into());
    }
    for (job, before) in jobs.iter().zip(&executions) {
        let again = job.run(&script.bundle);
        let same = serde_json::to_string(&Golden::new(&again))? == serde_json::to_string(&Golden::new(before))?;
        // How far a job comes in its wall time depends on the machine.
        let is_timed = before.ending.code() == Some(Code::WallTime);
        if !same || (again.usage.fuel != before.usage.fuel && !is_timed) {
            return Err(format!("the job ran otherwise the second time: {again:#?}").into());
        }
    }
    Ok(())
}
