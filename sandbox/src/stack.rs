//! What a script threw and where it stood, in the lines of the author's source.

use scriptmill_sdk::{Code, Position, StackFrame, Thrown};
use serde::Deserialize;

use crate::json::without_lone_surrogates;
use crate::prepare::EmittedModule;

/// Bytes of a message or a name that an outcome keeps.
const TEXT_BYTES: usize = 8 << 10;
/// Calls of a stack that an outcome keeps.
const FRAMES: usize = 50;
/// Causes of causes that an outcome keeps.
const CAUSES: usize = 8;

/// The guest's report of a thrown value.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Report {
    name: String,
    pub(crate) message: String,
    stack: String,
    /// The code of an error that the engine's own functions throw.
    code: Option<String>,
    cause: Option<Box<Report>>,
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

    /// One sentence: name and message.
    pub(crate) fn sentence(&self) -> String {
        let text = match (self.name.as_str(), self.message.as_str()) {
            ("", message) => message.to_owned(),
            (name, "") => name.to_owned(),
            (name, message) => format!("{name}: {message}"),
        };
        shortened(text)
    }

    /// The innermost place in one of the modules.
    pub(crate) fn position(&self, modules: &[EmittedModule]) -> Option<Position> {
        frames(&self.stack, modules).into_iter().find_map(|frame| frame.at)
    }

    /// The error in the form of an outcome.
    pub(crate) fn thrown(self, modules: &[EmittedModule]) -> Thrown {
        self.thrown_within(modules, CAUSES)
    }

    fn thrown_within(self, modules: &[EmittedModule], causes: usize) -> Thrown {
        Thrown {
            stack: frames(&self.stack, modules),
            name: shortened(self.name),
            message: shortened(self.message),
            cause: self.cause.filter(|_| causes > 0).map(|cause| Box::new(cause.thrown_within(modules, causes - 1))),
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
fn frames(stack: &str, modules: &[EmittedModule]) -> Vec<StackFrame> {
    let frame = |line: &str| {
        let call = line.trim().strip_prefix("at ")?;
        let (function, place) = match call.rfind(" (") {
            Some(open) => (&call[..open], call[open + 2..].strip_suffix(')')?),
            None => ("", call),
        };
        let at = place.rsplit_once(':').and_then(|(rest, column)| {
            let (file, line) = rest.rsplit_once(':')?;
            original(modules, file, line.parse().ok()?, column.parse().ok()?)
        });
        Some(StackFrame { function: named(function), at })
    };
    stack.lines().filter_map(frame).take(FRAMES).collect()
}

/// Reads where the script stands as the guest's `locate` writes it, a line a call: function, module, line and column,
/// separated by tabs.
pub(crate) fn located(text: &str, modules: &[EmittedModule]) -> Vec<StackFrame> {
    let frame = |line: &str| {
        let mut fields = line.split('\t');
        let (function, file) = (fields.next()?, fields.next()?);
        let (line, column) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(StackFrame { function: named(function), at: original(modules, file, line, column) })
    };
    text.lines().filter_map(frame).take(FRAMES).collect()
}

fn named(function: &str) -> Option<String> {
    let known = !matches!(function, "" | "<anonymous>" | "<eval>" | "<module>" | "<null>");
    known.then(|| shortened(function.to_owned()))
}

/// A place of the emitted code, with its column in bytes as the engine counts, as the author's own.
fn original(modules: &[EmittedModule], file: &str, line: u32, column: u32) -> Option<Position> {
    let module = modules.iter().find(|module| module.name == file)?;
    let text = module.code.lines().nth(line.checked_sub(1)? as usize)?;
    let bytes = text.floor_char_boundary(column.saturating_sub(1) as usize);
    let column = u32::try_from(text[..bytes].encode_utf16().count()).ok()? + 1;
    let (line, column) = module.map.original(line, column)?;
    Some(Position { file: file.to_owned(), line, column })
}
