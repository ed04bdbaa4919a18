//! Reads settings into a typed struct, and names every mistake.
//!
//! The struct's own JSON Schema says which keys there are and what each expects. Each setting is tried alone first,
//! so that one mistake does not hide the next.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use scriptmill_sdk::{Code, json};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::mistakes::Mistake;
use super::settings::{Setting, Settings};

/// The beginning of what the address types say about a text that is no address.
const ADDRESS: &str = "must look like ";

/// The JSON Schema of a configuration, without references.
pub(super) fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Reads a `T` from settings. A wrong setting is replaced by its default, so that the caller can check the rest. If
/// there is any mistake, the result must not be used for anything else.
pub(super) fn read<T: JsonSchema + DeserializeOwned + Default>(settings: &Settings) -> (T, Vec<Mistake>) {
    let schema = schema::<T>();
    let mut known = BTreeMap::new();
    leaves("", &schema, &mut known);
    let mut mistakes = Vec::new();
    let mut whole = Value::Object(Map::new());
    for (key, setting) in settings {
        let Some(expected) = known.get(key) else {
            mistakes.push(unknown(key, setting, known.keys()));
            continue;
        };
        let mut why = String::new();
        let mut fits = |value: &Value| {
            let mut alone = Value::Object(Map::new());
            insert(&mut alone, key, value.clone());
            let read = serde_json::from_value::<T>(alone).map_err(|error| json::fault(&error));
            // If several readings fail, what the address type says is the most helpful.
            if let Err(fault) = &read
                && !why.starts_with(ADDRESS)
            {
                why.clone_from(fault);
            }
            read.is_ok()
        };
        match readings(&setting.value).into_iter().find(|value| fits(value)) {
            Some(value) => insert(&mut whole, key, value),
            None => mistakes.push(wrong(key, setting, expected, &why)),
        }
    }
    let read = serde_json::from_value(whole).unwrap_or_else(|error| {
        mistakes.push(Mistake { code: Code::InvalidSetting, message: json::fault(&error) });
        T::default()
    });
    (read, mistakes)
}

/// The keys of all settings.
pub(super) fn keys<T: JsonSchema>() -> Vec<String> {
    let (schema, mut known) = (schema::<T>(), BTreeMap::new());
    leaves("", &schema, &mut known);
    known.into_keys().collect()
}

/// The settings of a schema: every property that has no properties of its own, by dotted key.
fn leaves<'a>(prefix: &str, schema: &'a Value, into: &mut BTreeMap<String, &'a Value>) {
    match schema.get("properties").and_then(Value::as_object) {
        Some(properties) => {
            for (name, property) in properties {
                let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                leaves(&key, property, into);
            }
        }
        None => {
            into.insert(prefix.to_owned(), schema);
        }
    }
}

/// What a value may stand for: itself and, since the environment and flags hold only texts, the number or list that a
/// text spells.
fn readings(value: &Value) -> Vec<Value> {
    let mut readings = vec![value.clone()];
    if let Some(text) = value.as_str() {
        readings.extend(serde_json::from_str(text).ok().filter(|value: &Value| !value.is_null()));
        readings.push(text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect());
    }
    readings
}

fn insert(whole: &mut Value, key: &str, value: Value) {
    let mut at = whole;
    for part in key.split('.') {
        at = &mut at[part];
    }
    *at = value;
}

fn unknown<'a>(key: &str, setting: &Setting, known: impl Iterator<Item = &'a String> + Clone) -> Mistake {
    // The last part decides: after misspelling, a right name in a wrong section is the commonest mistake.
    let last = |key: &'_ str| key.rsplit_once('.').map_or(key.to_owned(), |(_, name)| name.to_owned());
    let closest = known
        .clone()
        .map(|candidate| {
            let name = last(candidate);
            let distance = strsim::damerau_levenshtein(&last(key), &name);
            (distance, strsim::damerau_levenshtein(key, candidate), name.len() / 3, candidate)
        })
        .min()
        .filter(|(distance, _, allowed, _)| distance <= allowed);
    let hint = match closest {
        Some((.., candidate)) => Some(format!("; did you mean {candidate}?")),
        None => others(key, known),
    };
    let message = format!("there is no setting {key} ({}){}", setting.origin, hint.unwrap_or_default());
    Mistake { code: Code::UnknownSetting, message }
}

/// What there is in the section of a setting that is none, also where only the end of the section's name is written.
fn others<'a>(key: &str, known: impl Iterator<Item = &'a String>) -> Option<String> {
    let (section, _) = key.rsplit_once('.')?;
    let within = |whole: &str| whole == section || whole.strip_suffix(section).is_some_and(|rest| rest.ends_with('.'));
    let known: Vec<_> = known.filter_map(|key| key.rsplit_once('.')).filter(|(whole, _)| within(whole)).collect();
    let (whole, _) = known.first()?;
    let names: Vec<_> = known.iter().map(|(_, name)| *name).collect();
    Some(format!("; [{whole}] has {}", names.join(", ")))
}

/// `why` is what the type itself says.
fn wrong(key: &str, setting: &Setting, schema: &Value, why: &str) -> Mistake {
    let secret = schema.get("writeOnly").and_then(Value::as_bool).unwrap_or(false);
    let message = if why.starts_with(ADDRESS) {
        // What an address type says is more helpful, and shows no secret.
        format!("{key} {why} ({})", setting.origin)
    } else {
        let found = if secret { "is not".to_owned() } else { format!("is {}", setting.value) };
        format!("{key} must be {}, but {found} ({})", expected(schema), setting.origin)
    };
    Mistake { code: Code::InvalidSetting, message }
}

/// What a schema asks for, in words.
fn expected(schema: &Value) -> String {
    if let Some(choices) = choices(schema) {
        return format!("one of {}", choices.join(", "));
    }
    match schema.get("type").and_then(type_name) {
        Some("integer") => {
            let least = schema.get("minimum").and_then(Value::as_u64).unwrap_or(0);
            format!("a whole number of at least {least}")
        }
        Some("boolean") => "true or false".to_owned(),
        // Durations, sizes and addresses are texts; their defaults show how they are written.
        Some(kind @ ("array" | "string")) => {
            let noun = if kind == "array" { "a list" } else { "a text" };
            match schema.get("default").filter(|default| !default.is_null() && **default != Value::Array(Vec::new())) {
                Some(example) => format!("{noun} such as {example}"),
                None => noun.to_owned(),
            }
        }
        _ => "of another kind".to_owned(),
    }
}

/// The settings of a schema as tables for a page, one a section.
#[cfg(test)]
pub(super) fn table<T: JsonSchema>() -> String {
    use std::fmt::Write as _;

    let schema = schema::<T>();
    let mut known = BTreeMap::new();
    leaves("", &schema, &mut known);
    let mut out = String::new();
    let mut section = "";
    let mut sorted: Vec<_> = known.iter().collect();
    sorted.sort_by_key(|(key, _)| key.rsplit_once('.'));
    for (key, schema) in sorted {
        let (this, name) = key.rsplit_once('.').unwrap_or(("", key));
        if this != section {
            section = this;
            _ = write!(out, "\n### `[{section}]`\n\n| key | default | |\n|---|---|---|\n");
        }
        let default = match schema.get("default") {
            None | Some(Value::Null) => "–".to_owned(),
            Some(default) => format!("`{default}`"),
        };
        let text = schema.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
        let choices =
            choices(schema).map_or_else(String::new, |choices| format!(" One of `{}`.", choices.join("`, `")));
        _ = writeln!(out, "| `{name}` | {default} | {text}{choices} |");
    }
    out
}

fn choices(schema: &Value) -> Option<Vec<&str>> {
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        return Some(choices.iter().filter_map(Value::as_str).collect());
    }
    let variants = schema.get("oneOf").and_then(Value::as_array)?;
    let names: Vec<_> = variants.iter().filter_map(|variant| variant.get("const")?.as_str()).collect();
    (names.len() == variants.len()).then_some(names)
}

/// The first type that is not `null`.
fn type_name(kind: &Value) -> Option<&str> {
    match kind {
        Value::String(name) => Some(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ => None,
    }
}
