//! An outcome as a person reads it.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use bytesize::ByteSize;
use scriptmill_sandbox::prepare::excerpt;
use scriptmill_sdk::{
    Bundle, Code, Diagnostic, Ending, Exhausted, Failure, LogLevel, LogLine, Outcome, Position, Rejection, Severity,
    StackFrame, Thrown, Usage, Warning,
};

use super::text::{grouped, indented, shown_json, span, tame};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default().bold();

/// The whole outcome, with styles. The code that prints it strips them where they are not wanted.
pub(crate) fn outcome(outcome: &Outcome, script: &Bundle) -> String {
    let mut out = String::new();
    for line in &outcome.logs {
        _ = writeln!(out, "{}", log_line(line));
    }
    out.push_str(&diagnostics(&outcome.diagnostics));
    out.push_str(&warnings(&outcome.warnings, script));
    if !out.is_empty() {
        out.push('\n');
    }
    ending(&mut out, &outcome.ending, script);
    _ = writeln!(out, "{DIM}{}{DIM:#}", usage(&outcome.usage));
    out
}

/// Findings of a check, each with its excerpt.
pub(crate) fn diagnostics(diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for Diagnostic { code, severity, message, help, at, excerpt, .. } in diagnostics {
        let (style, word) = match severity {
            Severity::Error => (BAD, "error"),
            Severity::Warning => (WARN, "warning"),
        };
        _ = writeln!(out, "{style}{word}[{code}]{style:#}{BOLD}: {}{BOLD:#}", tame(message));
        match excerpt.is_empty() {
            true => _ = writeln!(out, " --> {}", tame(&at.to_string())),
            false => _ = writeln!(out, " --> {}\n{}", tame(&at.to_string()), tame(excerpt)),
        }
        if let Some(help) = help {
            _ = writeln!(out, "  {BOLD}help:{BOLD:#} {}", tame(help));
        }
        out.push('\n');
    }
    out
}

/// What an outcome warns of, each with the author's line where that is known.
pub(crate) fn warnings(warnings: &[Warning], script: &Bundle) -> String {
    let mut out = String::new();
    for Warning { code, message, at, .. } in warnings {
        _ = writeln!(out, "{WARN}warning[{code}]{WARN:#}{BOLD}: {}{BOLD:#}", tame(message));
        if let Some(at) = at {
            place(&mut out, at, script);
        }
    }
    out
}

fn log_line(LogLine { level, text }: &LogLine) -> String {
    let (style, word) = match level {
        LogLevel::Debug => (DIM, "debug"),
        LogLevel::Info => (BOLD, "info"),
        LogLevel::Warn => (WARN, "warn"),
        LogLevel::Error => (BAD, "error"),
    };
    format!("{style}{word:>5}{style:#} {}", tame(text))
}

fn ending(out: &mut String, ending: &Ending, script: &Bundle) {
    let status = ending.status();
    match ending {
        // Strings in the value must not steer the terminal either, so their control characters are written as JSON
        // escapes. Other text is shown as it is.
        Ending::Succeeded(value) => _ = writeln!(out, "{GOOD}{status}{GOOD:#}\n{}", shown_json(&indented(value.get()))),
        Ending::Completed(results) => {
            let good = results.iter().filter(|result| matches!(result.ending, Ending::Succeeded(_))).count();
            _ = writeln!(out, "{GOOD}{status}{GOOD:#}: {good} of {} inputs succeeded", results.len());
        }
        Ending::Failed(Failure { code, message, retryable, thrown, .. }) => {
            headline(out, status, *code, message);
            if let Some(thrown) = thrown {
                uncaught(out, thrown, script);
            }
            if *retryable {
                _ = writeln!(out, "Sent again, the same job may succeed.");
            }
        }
        Ending::Exhausted(Exhausted { code, message, stack, .. }) => {
            headline(out, status, *code, message);
            calls(out, stack, script);
        }
        Ending::Rejected(Rejection { code, message, path }) => {
            headline(out, status, *code, message);
            if let Some(path) = path {
                _ = writeln!(out, "in the job: {}", tame(path));
            }
        }
        Ending::Cancelled { code, message } => headline(out, status, *code, message),
    }
    if let Some(code) = ending.code() {
        _ = writeln!(out, "{DIM}more about it: {}{DIM:#}", code.command());
    }
}

fn headline(out: &mut String, status: &str, code: Code, message: &str) {
    _ = writeln!(out, "{BAD}{status}[{code}]{BAD:#}{BOLD}: {}{BOLD:#}", tame(message));
}

fn uncaught(out: &mut String, thrown: &Thrown, script: &Bundle) {
    calls(out, &thrown.stack, script);
    if thrown.name.is_empty() {
        _ = writeln!(out, "help: `throw new Error(…)` instead: an error says where it was made, and can have a cause.");
    }
    held(out, thrown, script);
}

/// What an error has beside message and stack: its fields, the errors that it holds, and its cause.
fn held(out: &mut String, thrown: &Thrown, script: &Bundle) {
    if let Some(fields) = &thrown.fields {
        _ = writeln!(out, "{BOLD}with{BOLD:#} {}", tame(&indented(fields.text())));
    }
    let many = thrown.errors.len();
    let errors =
        thrown.errors.iter().enumerate().map(|(index, error)| (format!("error {} of {many}:", index + 1), error));
    let cause = thrown.cause.as_deref().map(|cause| ("caused by".to_owned(), cause));
    for (place, thrown) in errors.chain(cause) {
        let name = if thrown.name.is_empty() { "a value" } else { &thrown.name };
        _ = writeln!(out, "{BOLD}{place}{BOLD:#} {}: {}", tame(name), tame(&thrown.message));
        calls(out, &thrown.stack, script);
        held(out, thrown, script);
    }
}

/// The author's line with a caret, then the calls that led there.
fn calls(out: &mut String, stack: &[StackFrame], script: &Bundle) {
    if let Some(at) = stack.iter().find_map(|call| call.at.as_ref()) {
        place(out, at, script);
    }
    for StackFrame { function, at } in stack {
        let function = function.as_deref().unwrap_or("(anonymous)");
        let at = at.as_ref().map_or_else(|| "built in".to_owned(), Position::to_string);
        _ = writeln!(out, "    at {} ({})", tame(function), tame(&at));
    }
}

/// A place, and the author's line with a caret.
fn place(out: &mut String, at: &Position, script: &Bundle) {
    _ = writeln!(out, " --> {}", tame(&at.to_string()));
    if let Some(excerpt) = excerpt(script, at) {
        _ = writeln!(out, "{}", tame(&excerpt));
    }
}

fn usage(usage: &Usage) -> String {
    let Usage { fuel, prepare_fuel, peak_memory_bytes, host_calls, times } = usage;
    let mut parts = vec![format!("fuel {}", grouped(*fuel))];
    if *prepare_fuel > 0 {
        parts.push(format!("fuel of the top level {}", grouped(*prepare_fuel)));
    }
    parts.push(format!("memory {}", ByteSize(*peak_memory_bytes)));
    parts.push(format!("prepared {}", span(times.prepared_us)));
    parts.push(format!("ran {}", span(times.ran_us)));
    if *host_calls > 0 {
        parts.push(format!("waited {} on {host_calls} host calls", span(times.host_us)));
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use scriptmill_sdk::{LimitKind, Module, Origin};
    use serde_json::value::RawValue;

    use super::*;

    fn shown(ending: Ending) -> String {
        let source = "export default () => {\n  while (true) {}\n};";
        let script = Bundle { modules: vec![Module::new("main.ts", source)] };
        let logs = vec![LogLine { level: LogLevel::Warn, text: "\u{1b}[2J gone".to_owned() }];
        let usage = Usage { fuel: 1_234_567, ..Usage::default() };
        let text = outcome(
            &Outcome {
                job_id: "1".to_owned(),
                tenant: "local".to_owned(),
                ending,
                diagnostics: Vec::new(),
                logs,
                warnings: vec![Warning {
                    code: Code::CallsLeft,
                    message: "`notify` still waited".to_owned(),
                    path: None,
                    at: Some(Position { file: "main.ts".to_owned(), line: 2, column: 3 }),
                }],
                usage,
                engine: String::new(),
            },
            &script,
        );
        anstream::adapter::strip_str(&text).to_string()
    }

    fn loop_on_line_2() -> Vec<StackFrame> {
        let at = Position { file: "main.ts".to_owned(), line: 2, column: 3 };
        vec![StackFrame { function: Some("default".to_owned()), at: Some(at) }, StackFrame { function: None, at: None }]
    }

    fn thrown(name: &str, message: &str) -> Thrown {
        Thrown {
            name: name.to_owned(),
            message: message.to_owned(),
            stack: Vec::new(),
            fields: None,
            errors: Vec::new(),
            cause: None,
        }
    }

    #[test]
    fn what_an_error_holds_is_shown() {
        let fields = serde_json::from_str(r#"{"limit":5000}"#).unwrap();
        let errors = vec![thrown("Error", "one"), thrown("RangeError", "two")];
        let thrown = Thrown { fields: Some(fields), errors, ..thrown("AggregateError", "no") };
        let text = shown(Ending::Failed(Failure {
            code: Code::Thrown,
            message: "the script threw AggregateError: no".to_owned(),
            origin: Origin::Script,
            retryable: false,
            thrown: Some(thrown),
        }));
        let expected = "no\nwith {\n  \"limit\": 5000\n}\nerror 1 of 2: Error: one\nerror 2 of 2: RangeError: two\n";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn a_value_is_shown_as_it_was_written() {
        let value = RawValue::from_string(r#"{"n":1.10,"s":"\ud800"}"#.to_owned()).unwrap();
        let text = shown(Ending::Succeeded(value));
        assert!(text.contains("succeeded\n{\n  \"n\": 1.10,\n  \"s\": \"\\ud800\"\n}\n"), "{text}");
        assert!(
            text.starts_with(" warn \\u{1b}[2J gone\nwarning[SM2202]: `notify` still waited\n --> main.ts:2:3\n"),
            "{text}"
        );
        assert!(text.contains("fuel 1,234,567 · "), "{text}");
    }

    #[test]
    fn an_exhausted_job_shows_the_authors_line() {
        let text = shown(Ending::Exhausted(Exhausted {
            code: Code::Fuel,
            message: "the fuel is used up".to_owned(),
            limit: LimitKind::Fuel,
            allowed: 10,
            stack: loop_on_line_2(),
        }));
        assert!(text.contains("exhausted[SM2101]: the fuel is used up\n --> main.ts:2:3\n"), "{text}");
        assert!(text.contains("2 |   while (true) {}\n  |   ^\n"), "{text}");
        assert!(text.contains("    at default (main.ts:2:3)\n    at (anonymous) (built in)\n"), "{text}");
        assert!(text.contains("more about it: scriptmill explain SM2101\n"), "{text}");
    }

    #[test]
    fn a_cause_is_shown_below_what_it_caused() {
        let cause = Thrown { stack: loop_on_line_2(), ..thrown("", "42") };
        let thrown = Thrown { cause: Some(Box::new(cause)), ..thrown("Error", "no") };
        let text = shown(Ending::Failed(Failure {
            code: Code::Thrown,
            message: "the script threw Error: no".to_owned(),
            origin: Origin::Script,
            retryable: true,
            thrown: Some(thrown),
        }));
        assert!(
            text.contains("failed[SM2001]: the script threw Error: no\ncaused by a value: 42\n --> main.ts:2:3\n"),
            "{text}"
        );
        assert!(text.contains("Sent again, the same job may succeed.\n"), "{text}");
    }
}
