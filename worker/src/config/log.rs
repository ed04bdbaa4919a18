//! What the process says about itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::rules::Rules;

/// What the process says about itself, on standard error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How lines are written.
    pub format: Format,
    /// Which lines are written: a level, or directives such as `info,scriptmill::settle=debug`.
    pub filter: String,
}

impl Options {
    /// Checks the options against their rules.
    pub(crate) fn check(&self, rules: &mut Rules<'_>) {
        rules.check(
            "filter",
            names_levels(&self.filter) && EnvFilter::builder().parse(&self.filter).is_ok(),
            "must be a level (off, error, warn, info, debug or trace), or directives such as info,scriptmill=debug",
        );
    }
}

/// Whether each directive names a level, or a span. The parser takes any other word for the name of a module, and then shows
/// only that module's lines. So a misspelt level would silence the log.
fn names_levels(filter: &str) -> bool {
    filter.split(',').map(str::trim).all(|directive| {
        let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level);
        directive.contains(['[', ']', '{', '}']) || level.parse::<LevelFilter>().is_ok_and(|_| !level.is_empty())
    })
}

impl Default for Options {
    fn default() -> Self {
        Self { format: Format::Auto, filter: "info".to_owned() }
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Format {
    /// For people on a terminal, else as JSON.
    #[default]
    Auto,
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}
