//! Jobs and batches through intake, execution and a real sandbox: a job gets what it asks for, and each input of a batch runs as
//! a job of its own would.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use scriptmill::execute::Environment;
use scriptmill::intake::{Around, Policy, read};
use scriptmill::service::Options as WorkerOptions;
use scriptmill_sandbox::prepare::{Bounds, Checker};
use scriptmill_sandbox::{Clock as _, Options, Sandbox, TokioClock};

use scriptmill_sdk::{Code, Ending, Failure, ItemResult, Outcome};
use serde_json::{Value, json};

fn sandbox() -> Sandbox {
    let clock = Arc::new(TokioClock::new(tokio::runtime::Handle::current()));
    let mut options = Options::new(Checker::in_process(Bounds::default()), clock);
    options.cache_dir = std::env::var_os("SCRIPTMILL_TEST_CACHE_DIR").map(Into::into);
    Sandbox::new(options).unwrap()
}

async fn run(sandbox: &Sandbox, job: &Value, change: impl FnOnce(&mut Policy)) -> Outcome {
    let mut policy = WorkerOptions::default().policy(false, sandbox.engine_hash());
    change(&mut policy);
    let clock = TokioClock::new(tokio::runtime::Handle::current());
    match read(job.to_string().as_bytes(), &Around::default(), clock.now(), &policy) {
        Ok(accepted) => {
            let environment = Environment { runner: sandbox, policy: &policy, clock: &clock };
            environment.prepare_and_execute(accepted).await
        }
        Err(outcome) => *outcome,
    }
}

fn job(source: &str) -> Value {
    let script = json!({ "modules": [{ "name": "main.ts", "source": source }] });
    json!({ "id": "b", "tenant": "acme", "script": script, "clock": "2026-03-01T09:00:00Z" })
}

fn batch(source: &str, inputs: &Value) -> Value {
    let mut job = job(source);
    job["inputs"] = inputs.clone();
    job
}

fn results(outcome: Outcome) -> Vec<ItemResult> {
    match outcome.ending {
        Ending::Completed(results) => results,
        other => panic!("{other:?}"),
    }
}

/// All of a result that does not depend on the machine.
fn told(ending: &Ending, logs: &impl serde::Serialize, fuel: u64) -> String {
    format!("{ending:?} {} {fuel}", serde_json::to_string(logs).unwrap())
}

const SCRIPT: &str = "
let calls = 0;
export default async (input: any, ctx: any) => {
  calls++;
  console.log(ctx.jobId, Math.random(), Date.now());
  (Object.prototype as any).leaked = ((Object.prototype as any).leaked ?? 0) + 1;
  if (input === 'throw') throw new RangeError('asked to');
  if (input === 'loop') for (;;);
  if (input === 'sleep') await sleep(5);
  return { calls, input, leaked: (Object.prototype as any).leaked };
};";

#[tokio::test]
async fn each_input_runs_as_a_job_of_its_own_would() {
    let sandbox = sandbox();
    let inputs = json!([1, "throw", 1e300, "loop", null, "sleep", { "b": 1, "a": [1.50, "\u{e9}"] }]);
    let mut whole = batch(SCRIPT, &inputs);
    whole["limits"] = json!({ "fuel": 3_000_000 });
    let outcome = run(&sandbox, &whole, |_| {}).await;
    let total = outcome.usage.fuel;
    let results = results(outcome);
    assert_eq!(results.len(), 7);
    let mut fuel = 0;
    for (number, (result, input)) in results.iter().zip(inputs.as_array().unwrap()).enumerate() {
        let mut alone = job(SCRIPT);
        alone["limits"] = whole["limits"].clone();
        alone["id"] = json!(format!("b#{number}"));
        alone["input"] = input.clone();
        let alone = run(&sandbox, &alone, |_| {}).await;
        let expected = told(&alone.ending, &alone.logs, alone.usage.fuel);
        assert_eq!(told(&result.ending, &result.logs, result.usage.fuel), expected, "input {number}");
        fuel += result.usage.fuel;
    }
    assert_eq!(fuel, total);
    let statuses: Vec<_> = results.iter().map(|result| result.ending.status()).collect();
    let expected = ["succeeded", "failed", "succeeded", "exhausted", "succeeded", "succeeded", "succeeded"];
    assert_eq!(statuses, expected);
}

#[tokio::test]
async fn a_bad_input_is_rejected_alone() {
    let sandbox = sandbox();
    let deep = (0..600).fold(json!(0), |value, _| json!([value]));
    let inputs = json!(["a".repeat(2_000), 1, deep]);
    let whole = batch("export default (input: any) => input;", &inputs);
    let results = results(run(&sandbox, &whole, |policy| policy.input_bytes_max = 1_500).await);
    let rejected = |number: usize| match &results[number].ending {
        Ending::Rejected(rejection) => (rejection.code, rejection.path.clone().unwrap()),
        other => panic!("{other:?}"),
    };
    assert_eq!(rejected(0), (Code::InputTooLarge, "inputs[0]".to_owned()));
    assert!(matches!(&results[1].ending, Ending::Succeeded(value) if value.get() == "1"));
    assert_eq!(rejected(2), (Code::InputTooDeep, "inputs[2]".to_owned()));
}

#[tokio::test]
async fn a_bad_script_or_entry_rejects_the_batch() {
    let sandbox = sandbox();
    let rejected = |outcome: Outcome| match outcome.ending {
        Ending::Rejected(rejection) => rejection.code,
        other => panic!("{other:?}"),
    };
    let outcome = run(&sandbox, &batch("export default (", &json!([1, 2])), |_| {}).await;
    assert!(!outcome.diagnostics.is_empty());
    assert_eq!(rejected(outcome), Code::Syntax);
    let mut whole = batch("export default () => 1;", &json!(["a".repeat(2_000), 2]));
    whole["entry"] = json!("other");
    let outcome = run(&sandbox, &whole, |policy| policy.input_bytes_max = 1_500).await;
    assert_eq!(rejected(outcome), Code::UnknownEntry);
}

#[tokio::test]
async fn results_that_do_not_fit_into_the_outcome_are_exhausted() {
    let sandbox = sandbox();
    let source = "export default (length: number) => 'a'.repeat(length);";
    let whole = batch(source, &json!([30_000, 1, 40_000, 2, 9_000, 3]));
    let bound = 100_000;
    let outcome = run(&sandbox, &whole, |policy| policy.message_bytes_max = bound).await;
    assert!(serde_json::to_vec(&outcome).unwrap().len() as u64 <= bound);
    let results = results(outcome);
    let statuses: Vec<_> = results.iter().map(|result| result.ending.status()).collect();
    assert_eq!(statuses, ["succeeded", "succeeded", "exhausted", "succeeded", "succeeded", "succeeded"]);
    assert_eq!(results[2].ending.code(), Some(Code::Output));
}

#[tokio::test]
async fn inputs_after_the_deadline_are_cancelled() {
    let sandbox = sandbox();
    let mut whole = batch("export default () => 1;", &json!([1, 2]));
    whole["deadline"] = json!("2020-01-01T00:00:00Z");
    let results = results(run(&sandbox, &whole, |_| {}).await);
    assert!(results.iter().all(|result| result.ending.code() == Some(Code::DeadlinePassed)));
}

/// Limits that a job asks for, a script that meets them and none of the worker's own, and the code with which its job ends.
#[rustfmt::skip]
const LIMITS: [(&str, &str, Code); 9] = [
    (r#"{"fuel": 100000}"#, "export default () => { for (let n = 0; n < 1e5; n++); return 1; };", Code::Fuel),
    (r#"{"memoryBytes": 16777216}"#, "export default () => new Uint8Array(32 << 20).length;", Code::Memory),
    (r#"{"wallTimeMs": 1}"#, "export default async () => { await sleep(20); return 1; };", Code::WallTime),
    (r#"{"outputBytes": 50}"#, "export default () => 'x'.repeat(100);", Code::Output),
    (r#"{"nesting": 2}"#, "export default () => [[[1]]];", Code::Nesting),
    (r#"{"pendingCalls": 1}"#, "export default async () => { await Promise.all([sleep(1), sleep(1)]); return 1; };", Code::PendingCalls),
    (r#"{"logLines": 1, "strictLogs": true}"#, "export default () => { console.log('one'); console.log('two'); return 1; };", Code::LogLines),
    (r#"{"logBytes": 3, "strictLogs": true}"#, "export default () => { console.log('four'); return 1; };", Code::LogBytes),
    (r#"{"strictLogs": true}"#, "export default () => { for (let n = 0; n < 1200; n++) console.log('row'); return 1; };", Code::LogLines),
];

#[tokio::test]
async fn a_job_ends_at_the_limit_that_it_asks_for() {
    let sandbox = sandbox();
    for (limits, source, code) in LIMITS {
        let mut asks = job(source);
        let free = run(&sandbox, &asks, |_| {}).await.ending;
        assert!(matches!(free, Ending::Succeeded(_)), "without {limits}: {free:?}");
        asks["limits"] = serde_json::from_str(limits).unwrap();
        let ending = run(&sandbox, &asks, |_| {}).await.ending;
        assert_eq!((ending.status(), ending.code()), ("exhausted", Some(code)), "{limits}: {ending:?}");
    }
}

#[tokio::test]
async fn an_error_names_the_file_and_the_line_of_the_map_beside_a_module() {
    const BUNDLE: &str = "function total(order) {\n  return order.missing.name;\n}\nexport default () => total({});\n";
    let sandbox = sandbox();
    // Of the scripts that are kept, those that differ in their maps alone are two.
    for (file, at) in [
        (None, "main.js:2:24"),
        (Some("src/total.ts"), "src/total.ts:6:3"),
        (Some("src/order.ts"), "src/order.ts:6:3"),
        (None, "main.js:2:24"),
    ] {
        let mut job = job(BUNDLE);
        let module = &mut job["script"]["modules"][0];
        module["name"] = json!("main.js");
        if let Some(file) = file {
            let map = json!({ "version": 3, "sources": [file], "mappings": "AAIA;EACE" });
            module["sourceMap"] = json!(map.to_string());
        }
        let ending = run(&sandbox, &job, |_| {}).await.ending;
        let Ending::Failed(Failure { thrown: Some(thrown), .. }) = &ending else { panic!("{ending:?}") };
        let found = thrown.stack[0].at.as_ref().map(ToString::to_string);
        assert_eq!(found.as_deref(), Some(at), "{ending:?}");
    }
}
