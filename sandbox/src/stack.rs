//! What a script threw and where it stood, in the lines of the author's source.

use scriptmill_sdk::{Code, JsonObject, Position, StackFrame, Thrown};
use serde::Deserialize;

use crate::json::without_lone_surrogates;
use crate::places::Files;
use crate::prepare::foreign::advice;

/// Bytes of a message or a name that an outcome keeps.
const TEXT_BYTES: usize = 8 << 10;
/// Calls of a stack that an outcome keeps.
const FRAMES: usize = 50;
/// Calls of all stacks together, those of an error and of its causes.
const FRAMES_ALL: usize = 100;
/// Causes of causes that an outcome keeps, and errors within errors.
const CAUSES: usize = 8;
/// Errors that an outcome keeps: all causes, and all errors within errors.
const ERRORS_ALL: usize = 32;

/// The guest's report of a thrown value.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Report {
    name: String,
    pub(crate) message: String,
    stack: String,
    /// What kind of value was thrown, where that was no error.
    kind: String,
    /// The code of an error that the engine's own functions throw.
    code: Option<String>,
    /// What the script put on the error.
    fields: Option<JsonObject>,
    /// The errors that it holds.
    errors: Vec<Report>,
    cause: Option<Box<Report>>,
}

/// How much more an outcome may keep.
struct Room {
    frames: usize,
    errors: usize,
}

impl Report {
    /// Reads what the guest wrote. A text that is no report becomes the message as it is.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let text = without_lone_surrogates(&String::from_utf8_lossy(bytes));
        serde_json::from_str(&text).unwrap_or_else(|_| Self { message: text, ..Self::default() })
    }

    /// The code that the error carries, if it is one of ours.
    pub(crate) fn code(&self) -> Option<Code> {
        self.code.as_deref()?.parse().ok()
    }

    /// What was thrown: name and message, or kind and value.
    pub(crate) fn sentence(&self) -> String {
        let text = match (self.name.as_str(), self.message.as_str()) {
            ("", message) => match self.kind.as_str() {
                "" => message.to_owned(),
                "text" => format!("the text \"{message}\""),
                kind => format!("the {kind} {message}"),
            },
            (name, "") => name.to_owned(),
            (name, message) => format!("{name}: {message}"),
        };
        shortened(text)
    }

    /// What to use instead if the error is a missing name that other hosts or languages have, with a full stop before it. Else empty.
    pub(crate) fn advice(&self) -> String {
        let name = self.message.strip_suffix(" is not defined").filter(|_| self.name == "ReferenceError");
        name.and_then(|name| advice(name.trim_matches('\''))).map(|advice| format!(". {advice}")).unwrap_or_default()
    }

    /// The innermost place in one of the modules.
    pub(crate) fn position(&self, files: &Files) -> Option<Position> {
        frames(&self.stack, files, FRAMES).into_iter().find_map(|frame| frame.at)
    }

    /// The error in the form of an outcome.
    pub(crate) fn thrown(self, files: &Files) -> Thrown {
        self.thrown_within(files, CAUSES, &mut Room { frames: FRAMES_ALL, errors: ERRORS_ALL })
    }

    fn thrown_within(self, files: &Files, causes: usize, room: &mut Room) -> Thrown {
        let stack = frames(&self.stack, files, FRAMES.min(room.frames));
        room.frames -= stack.len();
        let mut held = |report: Self| {
            let is_kept = causes > 0 && room.errors > 0;
            is_kept.then(|| {
                room.errors -= 1;
                report.thrown_within(files, causes - 1, room)
            })
        };
        Thrown {
            stack,
            name: shortened(self.name),
            message: shortened(self.message),
            fields: self.fields,
            errors: self.errors.into_iter().map_while(&mut held).collect(),
            cause: self.cause.and_then(|cause| held(*cause)).map(Box::new),
        }
    }
}

/// At most what an outcome keeps of a text.
pub(crate) fn shortened(mut text: String) -> String {
    if text.len() > TEXT_BYTES {
        text.truncate(text.floor_char_boundary(TEXT_BYTES));
        text.push('…');
    }
    text
}

/// Reads a stack as the engine writes it, a line a call: `at name (file:line:column)` or `at file:line:column`.
fn frames(stack: &str, files: &Files, most: usize) -> Vec<StackFrame> {
    let frame = |line: &str| {
        let call = line.trim().strip_prefix("at ")?;
        let (function, place) = match call.rfind(" (") {
            Some(open) => (&call[..open], call[open + 2..].strip_suffix(')')?),
            None => ("", call),
        };
        let at = place.rsplit_once(':').and_then(|(rest, column)| {
            let (file, line) = rest.rsplit_once(':')?;
            files.position(file, line.parse().ok()?, column.parse().ok()?)
        });
        Some(StackFrame { function: named(function), at })
    };
    stack.lines().filter_map(frame).take(most).collect()
}

/// Reads where the script stands as the guest's `locate` writes it, a line a call: function, module, line and column,
/// separated by tabs.
pub(crate) fn located(text: &str, files: &Files) -> Vec<StackFrame> {
    let frame = |line: &str| {
        let mut fields = line.split('\t');
        let (function, file) = (fields.next()?, fields.next()?);
        let (line, column) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(StackFrame { function: named(function), at: files.position(file, line, column) })
    };
    text.lines().filter_map(frame).take(FRAMES).collect()
}

fn named(function: &str) -> Option<String> {
    let known = !matches!(function, "" | "<anonymous>" | "<eval>" | "<module>" | "<null>");
    known.then(|| shortened(function.to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_causes_share_what_calls_an_outcome_keeps() {
        let stack = "    at f (main.ts:1:1)\n".repeat(60);
        let mut report = Report { stack: stack.clone(), ..Report::default() };
        for _ in 0..5 {
            report = Report { stack: stack.clone(), cause: Some(Box::new(report)), ..Report::default() };
        }
        let mut kept = Vec::new();
        let mut thrown = Some(report.thrown(&Files::new(&[])));
        while let Some(error) = thrown {
            kept.push(error.stack.len());
            thrown = error.cause.map(|cause| *cause);
        }
        assert_eq!(kept, [50, 50, 0, 0, 0, 0]);
    }
}
