//! What an outcome warns of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Code, Position};

/// Something that the script's author has most likely not meant, though the job has its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// What kind of thing.
    pub code: Code,
    /// One sentence.
    pub message: String,
    /// Where in the value, such as `value.lines[0].price`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where in the author's source, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Position>,
}
