//! Settings as they were said: a key, a value and where it came from, before anything is known about types.
//!
//! Layers are flat maps from dotted keys, so that laying one over another is a map insertion and each value keeps
//! its own origin.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use scriptmill_sdk::Code;
use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::mistakes::Mistake;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line of the configuration file.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// One value, as it was said.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The value; from the environment and from flags always a text.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

/// Settings by dotted key, such as `worker.slots`.
pub type Settings = BTreeMap<String, Setting>;

/// Variables that hold a setting begin so.
const PREFIX: &str = "SCRIPTMILL_";

/// Reads the settings of a TOML file.
///
/// # Errors
/// The file cannot be read, or is no TOML: every place where it is not.
pub(super) fn file(path: &Path) -> Result<Settings, Vec<Mistake>> {
    let mistake = |message: String| Mistake { code: Code::UnreadableFile, message };
    let text = std::fs::read_to_string(path)
        .map_err(|error| vec![mistake(format!("the configuration file {} cannot be read: {error}", path.display()))])?;
    let line_of = |offset: usize| text[..offset].matches('\n').count() + 1;
    let (table, errors) = DeTable::parse_recoverable(&text);
    if !errors.is_empty() {
        let sentence = |error: toml::de::Error| {
            let line = error.span().map_or_else(String::new, |span| format!(", line {}", line_of(span.start)));
            mistake(format!("{}{line}: not TOML: {}", path.display(), error.message()))
        };
        return Err(errors.into_iter().map(sentence).collect());
    }
    let mut settings = Settings::new();
    let origin = |offset| Origin::File { path: path.to_owned(), line: line_of(offset) };
    flatten("", table.get_ref(), &origin, &mut settings);
    Ok(settings)
}

fn flatten(prefix: &str, table: &DeTable<'_>, origin: &dyn Fn(usize) -> Origin, into: &mut Settings) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
        match value.get_ref() {
            DeValue::Table(table) => flatten(&key, table, origin, into),
            other => {
                into.insert(key, Setting { value: json(other), origin: origin(name.span().start) });
            }
        }
    }
}

fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::from(number.to_string()), Value::from),
        DeValue::Float(number) => {
            number.as_str().parse::<f64>().map_or_else(|_| Value::from(number.to_string()), Value::from)
        }
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(table) => {
            table.iter().map(|(name, value)| (name.get_ref().to_string(), json(value.get_ref()))).collect()
        }
    }
}

/// Reads settings from environment variables: `SCRIPTMILL_WORKER__SLOTS` is `worker.slots`.
///
/// Every setting has a section, so only names with two underscores are settings. Others are left alone: Kubernetes
/// sets variables such as `SCRIPTMILL_PORT` for a service of that name.
pub(super) fn variables(all: impl Iterator<Item = (String, String)>) -> Settings {
    all.filter_map(|(name, value)| {
        let key = name.strip_prefix(PREFIX).filter(|rest| rest.contains("__"))?.to_lowercase().replace("__", ".");
        Some((key, Setting { value: Value::from(value), origin: Origin::Variable(name) }))
    })
    .collect()
}

/// A setting that a flag names.
pub fn flag(key: &str, value: impl Into<String>, name: &str) -> (String, Setting) {
    (key.to_owned(), Setting { value: Value::from(value.into()), origin: Origin::Flag(name.to_owned()) })
}
