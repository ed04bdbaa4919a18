//! Settings as they were written: a key, a value and where it came from, before anything is known about types.
//!
//! Layers are flat maps from dotted keys, so that laying one over another is a map insertion and each value keeps
//! its own origin.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use scriptmill_sdk::Code;
use scriptmill_sdk::json::nearest;
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

/// One value, as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The value; from the environment and from flags always a text.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

/// Settings by dotted key, such as `worker.slots`.
pub type Settings = BTreeMap<String, Setting>;

/// The beginning of variables that hold a setting.
const PREFIX: &str = "SCRIPTMILL_";
/// The variable that is short for `SCRIPTMILL_LOG__FILTER`.
const LOG: &str = "SCRIPTMILL_LOG";

/// Reads the settings of a TOML file.
///
/// # Errors
/// The file cannot be read, or is not TOML. Then there is a mistake for every place that is wrong.
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

/// Reads settings from environment variables: `SCRIPTMILL_WORKER__SLOTS` is `worker.slots`, and `SCRIPTMILL_LOG` is short for
/// `log.filter`. Also returns a mistake for each variable that, by the names of the sections, was meant as a setting but is
/// none.
///
/// Every setting has a section, so only names with two underscores are settings. Other names are left alone if they name no
/// section and no setting: Kubernetes sets variables such as `SCRIPTMILL_PORT` for a service of that name.
pub(super) fn variables(all: impl Iterator<Item = (String, String)>, known: &[String]) -> (Settings, Vec<Mistake>) {
    let (mut settings, mut mistakes) = (Settings::new(), Vec::new());
    for (name, value) in all {
        match name.strip_prefix(PREFIX).filter(|rest| rest.contains("__")) {
            _ if name == LOG => {
                let setting = Setting { value: Value::from(value), origin: Origin::Variable(name) };
                settings.entry("log.filter".to_owned()).or_insert(setting);
            }
            Some(rest) => {
                let key = rest.to_lowercase().replace("__", ".");
                settings.insert(key, Setting { value: Value::from(value), origin: Origin::Variable(name) });
            }
            None => mistakes.extend(misspelt(&name, known)),
        }
    }
    (settings, mistakes)
}

/// The mistake in a variable that looks like a setting, but lacks an underscore or a letter. Returns `None` if there is
/// no such mistake.
fn misspelt(name: &str, known: &[String]) -> Option<Mistake> {
    let (upper, prefix) = (name.to_uppercase(), PREFIX.trim_end_matches('_'));
    let upper = upper.replace('-', "_");
    let rest = match upper.strip_prefix(PREFIX) {
        Some(rest) => rest,
        // A prefix that is nearly ours, and two underscores later on: no other program names variables like this.
        None => {
            let (start, key) = upper.split_once("__")?;
            let (own, section) = start.rsplit_once('_')?;
            let is_near = strsim::damerau_levenshtein(&own.replace('_', ""), prefix) <= 2;
            is_near.then(|| &upper[upper.len() - key.len() - 2 - section.len()..])?
        }
    };
    if is_of_kubernetes(rest) {
        return None;
    }
    let section = rest.split('_').next().unwrap_or_default().to_lowercase();
    let mut sections = known.iter().filter_map(|key| key.split('.').next());
    let names_section = sections.any(|known| strsim::damerau_levenshtein(&section, known) <= known.len() / 3);
    let lacks_section = |key: &&String| {
        let whole = key.to_uppercase().replace('.', "_");
        whole.strip_suffix(rest).is_some_and(|before| before.ends_with('_')) && key.contains(&format!(".{section}"))
    };
    let lacking = known.iter().filter(lacks_section).min_by_key(|key| key.len());
    if !names_section && lacking.is_none() {
        return None;
    }
    let variable = |key: &String| format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"));
    let variables: Vec<_> = known.iter().map(variable).collect();
    let near = match lacking {
        Some(key) => Some(variable(key)),
        None => nearest(&format!("{PREFIX}{rest}"), variables.iter().map(String::as_str)).map(str::to_owned),
    };
    let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
    let message = format!(
        "the environment variable {name} is no setting: a section and its setting are apart by two underscores{hint}"
    );
    Some(Mistake { code: Code::UnknownSetting, message })
}

/// Whether Kubernetes sets a variable that ends with `rest`, for a service whose name begins with `scriptmill`.
fn is_of_kubernetes(rest: &str) -> bool {
    let rest = format!("_{rest}");
    let port = rest.split("_PORT").nth(1);
    rest.ends_with("_SERVICE_HOST")
        || rest.contains("_SERVICE_PORT")
        || port.is_some_and(|port| port.is_empty() || port[1..].starts_with(|digit: char| digit.is_ascii_digit()))
}

/// A setting that a flag names.
pub fn flag(key: &str, value: impl Into<String>, name: &str) -> (String, Setting) {
    (key.to_owned(), Setting { value: Value::from(value.into()), origin: Origin::Flag(name.to_owned()) })
}
