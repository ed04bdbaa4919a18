//! Every example, with id and clock given, has the same value and the same fuel whichever way it runs: here and now,
//! through the queue in memory, and through RabbitMQ. An error names the same lines.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use support::{server, start, with_rabbit};

const CLOCK: &str = "2026-01-31T09:00:00Z";
const TENANT: &str = "demo";

/// What must not differ. The value is compared as text, to the byte.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    job_id: String,
    status: String,
    value: Option<Box<RawValue>>,
    usage: Usage,
    engine: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    fuel: u64,
    prepare_fuel: u64,
}

impl Outcome {
    fn fixed(&self) -> String {
        let value = self.value.as_ref().map_or("none", |value| value.get());
        let Usage { fuel, prepare_fuel } = self.usage;
        format!("{} fuel {fuel} and {prepare_fuel} engine {} value {value}", self.status, self.engine)
    }
}

/// The outcomes that a command prints, one a line, by job.
fn outcomes(arguments: &[&str]) -> BTreeMap<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_scriptmill")).args(arguments).output().unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}\n{stdout}\n{stderr}");
    let outcome = |line: &str| {
        let outcome: Outcome = serde_json::from_str(line).unwrap();
        (outcome.job_id.clone(), outcome.fixed())
    };
    stdout.lines().map(outcome).collect()
}

fn examples() -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: PathBuf| (path.file_name().unwrap().to_string_lossy().into_owned(), path);
    folders.filter(|path| path.join("main.ts").is_file()).map(name).collect()
}

#[tokio::test]
async fn value_and_fuel_are_the_same_in_run_in_demo_and_through_rabbitmq() {
    with_rabbit(async |rabbit| {
        let demo = outcomes(&["demo", "--outcomes", "--clock", CLOCK]);
        assert!(demo.len() >= 10, "{demo:?}");
        let _worker = start(rabbit, 2).await;
        for (name, folder) in examples() {
            let (script, input) = (folder.join("main.ts"), folder.join("input.json"));
            let (script, input) = (script.to_str().unwrap(), input.to_str().unwrap());
            let job = [script, "--input", input, "--id", &name, "--tenant", TENANT, "--clock", CLOCK];
            let run = outcomes(&[&["run"], job.as_slice()].concat());
            let broker = ["--outcomes", "--broker", &server(), "--prefix", &rabbit.prefix];
            let sent = outcomes(&[&["send"], job.as_slice(), &broker].concat());
            assert_eq!(run.len(), 1, "{name}");
            assert_eq!(run.get(&name), demo.get(&name), "{name}: run and demo");
            assert_eq!(run, sent, "{name}: run and RabbitMQ");
        }
    })
    .await;
}

#[tokio::test]
async fn an_error_names_the_files_of_a_bundle_in_run_and_through_rabbitmq() {
    with_rabbit(async |rabbit| {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("main.js");
        let bundle = "function helper(order) {\n  return order.missing.name;\n}\nexport default () => helper({});\n//# sourceMappingURL=main.js.map\n";
        fs::write(&script, bundle).unwrap();
        let map = r#"{"version":3,"sources":["../src/helper.ts"],"mappings":"AAIA;EACE"}"#;
        fs::write(folder.path().join("main.js.map"), map).unwrap();
        let script = script.to_str().unwrap();
        let _worker = start(rabbit, 1).await;
        let error = |arguments: &[&str]| {
            let output = Command::new(env!("CARGO_BIN_EXE_scriptmill")).args(arguments).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
            let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
            outcome["error"].clone()
        };
        let run = error(&["run", script]);
        let at = json!({ "file": "src/helper.ts", "line": 6, "column": 3 });
        assert_eq!(run["thrown"]["stack"][0]["at"], at, "{run:#}");
        let sent = error(&["send", script, "--outcomes", "--broker", &server(), "--prefix", &rabbit.prefix]);
        assert_eq!(run, sent, "run and RabbitMQ");
    })
    .await;
}
