//! What a script logs, what the locale methods give and how lists are sorted is as in Node: each `as_node/NAME.js` has its `NAME.node.json`, which
//! `as_node/record.mjs` wrote with Node 20.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};
use scriptmill_sdk::{Ending, Limits};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Recorded {
    value: Value,
    logs: Vec<String>,
}

fn main() {
    let trials = ["console", "methods", "locale", "sorting"].map(|name| Trial::test(name, move || compare(name)));
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit();
}

fn compare(name: &str) -> Result<(), Failed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/as_node");
    let source = fs::read_to_string(folder.join(format!("{name}.js")))?;
    let recorded = fs::read_to_string(folder.join(format!("{name}.node.json")))?;
    let recorded: Recorded = serde_json::from_str(&recorded)?;
    let bundle = common::single("main.js", &source);
    let mut invocation = common::invocation("null");
    invocation.limits = Limits { log_bytes: 4 << 20, ..invocation.limits };
    let execution = common::wait(common::sandbox().execute(&bundle, invocation));
    let Ending::Succeeded(value) = &execution.ending else { return Err(format!("{:#?}", execution.ending).into()) };
    assert_eq!(execution.logs.len(), recorded.logs.len());
    for (line, expected) in execution.logs.iter().zip(&recorded.logs) {
        assert_eq!(line.text, *expected);
    }
    let value: Value = serde_json::from_str(value.get())?;
    let (Value::Object(found), Value::Object(expected)) = (&value, &recorded.value) else {
        assert_eq!(value, recorded.value);
        return Ok(());
    };
    for (field, expected) in expected {
        assert_eq!(found.get(field), Some(expected), "{field}");
    }
    Ok(())
}
