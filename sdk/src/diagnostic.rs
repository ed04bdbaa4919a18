//! What the check of a script found.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Code;

/// A place in an author's source. Lines and columns count from 1; columns are UTF-16 code units, as editors count.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    /// The module's name within its bundle.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1, in UTF-16 code units.
    pub column: u32,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Whether a diagnostic refuses the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The script is refused.
    Error,
    /// The script runs; its author may want to know.
    Warning,
}

/// One finding of the check, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// What kind of finding.
    pub code: Code,
    /// Whether it refuses the script.
    pub severity: Severity,
    /// One sentence for the author.
    pub message: String,
    /// What to do about it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Where it begins.
    #[serde(flatten)]
    pub at: Position,
    /// The line where it ends, from 1.
    pub end_line: u32,
    /// The column just past its end, from 1, in UTF-16 code units.
    pub end_column: u32,
    /// The source around it with a caret under it, as plain text. In JSON it is `frame`.
    #[serde(rename = "frame")]
    pub excerpt: String,
}
