//! The job schema is as strict as the worker: each accepts the same jobs as the other.
#![allow(clippy::unwrap_used, reason = "tests")]

use regex::Regex;
use scriptmill_sdk::Job;
use serde_json::{Value, json};

/// The keywords of our schemas.
const KEYWORDS: [&str; 27] = [
    "$schema",
    "$defs",
    "$ref",
    "title",
    "description",
    "default",
    "format",
    "type",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "not",
    "allOf",
    "anyOf",
    "oneOf",
    "enum",
    "examples",
    "$id",
    "$comment",
];

/// Whether a value has the shape that a schema describes. It knows the keywords of our schemas, and fails at any other one.
fn passes(value: &Value, schema: &Value, root: &Value) -> bool {
    let Some(schema) = schema.as_object() else { return schema == &json!(true) };
    let unknown: Vec<_> = schema.keys().filter(|key| !KEYWORDS.contains(&key.as_str())).collect();
    assert!(unknown.is_empty(), "this test does not know {unknown:?}");
    let is = |kind: &str| match kind {
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "null" => value.is_null(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        other => panic!("{other}"),
    };
    let all = |name: &str, holds: &dyn Fn(&Value) -> bool| schema.get(name).is_none_or(holds);
    let list = |of: &Value| of.as_array().unwrap().clone();
    let found = value.as_object();
    let properties = schema.get("properties").and_then(Value::as_object);
    all("type", &|kind| match kind {
        Value::String(kind) => is(kind),
        kinds => list(kinds).iter().any(|kind| is(kind.as_str().unwrap())),
    }) && all("$ref", &|name| {
        passes(value, root.pointer(name.as_str().unwrap().trim_start_matches('#')).unwrap(), root)
    }) && all("const", &|constant| value == constant)
        && all("enum", &|choices| list(choices).contains(value))
        && all("not", &|schema| !passes(value, schema, root))
        && all("allOf", &|schemas| list(schemas).iter().all(|schema| passes(value, schema, root)))
        && all("anyOf", &|schemas| list(schemas).iter().any(|schema| passes(value, schema, root)))
        && all("oneOf", &|schemas| list(schemas).iter().filter(|schema| passes(value, schema, root)).count() == 1)
        && all("required", &|names| {
            found.is_none_or(|found| list(names).iter().all(|name| found.contains_key(name.as_str().unwrap())))
        })
        && all("additionalProperties", &|allowed| {
            let is_known = |name: &String| properties.is_some_and(|known| known.contains_key(name));
            allowed != &json!(false) || found.is_none_or(|found| found.keys().all(is_known))
        })
        && found.is_none_or(|found| {
            found.iter().all(|(name, value)| {
                properties.and_then(|known| known.get(name)).is_none_or(|schema| passes(value, schema, root))
            })
        })
        && all("items", &|items| value.as_array().is_none_or(|all| all.iter().all(|one| passes(one, items, root))))
        && is_within(value, schema)
}

/// Whether a value keeps to the bounds and the pattern of a schema.
fn is_within(value: &Value, schema: &serde_json::Map<String, Value>) -> bool {
    let all = |name: &str, holds: &dyn Fn(&Value) -> bool| schema.get(name).is_none_or(holds);
    let number = |limit: &Value| limit.as_f64().unwrap();
    let chars = value.as_str().map(|text| text.chars().count() as f64);
    all("minItems", &|least| value.as_array().is_none_or(|values| values.len() as f64 >= number(least)))
        && all("minLength", &|least| chars.is_none_or(|chars| chars >= number(least)))
        && all("maxLength", &|most| chars.is_none_or(|chars| chars <= number(most)))
        && all("minimum", &|least| value.as_f64().is_none_or(|value| value >= number(least)))
        && all("maximum", &|most| value.as_f64().is_none_or(|value| value <= number(most)))
        && all("pattern", &|pattern| {
            value.as_str().is_none_or(|text| Regex::new(pattern.as_str().unwrap()).unwrap().is_match(text))
        })
}

/// A sound job with some of its fields set.
fn job(fields: &Value) -> Value {
    let script = json!({ "modules": [{ "name": "main.ts", "source": "export default 1" }] });
    let mut job = json!({ "id": "a", "tenant": "acme", "script": script });
    for (name, value) in fields.as_object().unwrap() {
        job[name] = value.clone();
    }
    job
}

fn script(name: &str) -> Value {
    json!({ "script": { "modules": [{ "name": name, "source": "" }] } })
}

#[test]
fn the_schema_and_the_worker_refuse_the_same() {
    let schema: Value = serde_json::from_str(include_str!("../schema/job.schema.json")).unwrap();
    let sound = [
        json!({}),
        json!({ "limits": null, "retry": null, "inputs": null, "entry": null, "deadline": null, "contract": null }),
        json!({ "limits": { "fuel": 5e7, "wallTimeMs": null }, "input": [1] }),
        json!({ "inputs": [1, null], "input": null }),
        json!({ "retry": { "on": ["host"], "attempts": 100, "pauseMs": 0, "pauseMaxMs": 86_400_000 } }),
        json!({ "id": "x".repeat(200), "tenant": "a-b_c.d" }),
        json!({ "clock": "1969-12-31T23:59:59Z", "deadline": "2026-03-01t09:30:00.123456789+01:00" }),
        json!({ "limits": { "strictLogs": true } }),
        json!({ "script": { "modules": [{ "name": "main.js", "source": "", "sourceMap": "{}" }] } }),
        script("lib/.hidden/tax.ts"),
    ];
    let wrong = [
        json!({ "tenant": "Acme.Sales" }),
        json!({ "tenant": "" }),
        json!({ "tenant": "a..b" }),
        json!({ "tenant": "x".repeat(201) }),
        json!({ "id": "" }),
        json!({ "id": "a\nb" }),
        json!({ "id": "x".repeat(201) }),
        json!({ "id": 7 }),
        json!({ "input": 1, "inputs": [1] }),
        json!({ "inputs": [] }),
        json!({ "inputs": [1], "retry": {} }),
        json!({ "limits": { "wall_time": 5 } }),
        json!({ "limits": [] }),
        json!({ "limits": { "fuel": 1.5 } }),
        json!({ "limits": { "fuel": -1 } }),
        json!({ "limits": { "fuel": "5" } }),
        json!({ "limits": { "fuel": 1e30 } }),
        json!({ "limits": { "strictLogs": "yes" } }),
        json!({ "colour": "blue" }),
        json!({ "script": { "modules": [] } }),
        json!({ "script": { "modules": [{ "name": "main.ts", "source": "", "colour": "" }] } }),
        json!({ "script": { "modules": [{ "name": "main.js", "source": "", "sourceMap": {} }] } }),
        json!({ "script": { "modules": [["main.ts", ""]] } }),
        json!({ "script": [[]] }),
        json!({ "retry": { "on": ["hosts"] } }),
        json!({ "retry": { "attempts": 0 } }),
        json!({ "retry": { "attempts": 101 } }),
        json!({ "retry": { "pauseMs": 86_400_001 } }),
        json!({ "retry": { "pause": 1 } }),
        json!({ "retry": [] }),
        json!({ "deadline": "tomorrow" }),
        json!({ "deadline": "2026-03-01" }),
        json!({ "deadline": "2026-13-01T09:30:00Z" }),
        json!({ "startAt": 1_772_353_800 }),
        json!({ "clock": "2026-03-01T09:30Z" }),
        json!({ "contract": "2" }),
    ];
    for (fields, expected) in
        sound.iter().map(|fields| (fields, true)).chain(wrong.iter().map(|fields| (fields, false)))
    {
        let job = job(fields);
        assert_eq!(passes(&job, &schema, &schema), expected, "the schema: {fields}");
        assert_eq!(Job::from_slice(job.to_string().as_bytes()).is_ok(), expected, "the worker: {fields}");
    }
}

/// The check of a script refuses such names, not the reading of a job.
#[test]
fn names_of_modules_are_plain_paths() {
    let schema: Value = serde_json::from_str(include_str!("../schema/job.schema.json")).unwrap();
    let long = "x".repeat(251);
    for name in [
        "",
        "./main.ts",
        "../main.ts",
        "/main.ts",
        "lib//tax.ts",
        "lib/../tax.ts",
        "lib\\tax.ts",
        "a\tb.ts",
        "..",
        "lib/",
        &long,
    ] {
        assert!(!passes(&job(&script(name)), &schema, &schema), "{name:?}");
    }
    for name in ["main.ts", "lib/tax.ts", "...", ".a", "..a/b..", "ümläut.ts"] {
        assert!(passes(&job(&script(name)), &schema, &schema), "{name:?}");
    }
}
