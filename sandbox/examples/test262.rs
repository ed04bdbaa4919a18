//! The tests of a test262 checkout through the whole sandbox: each is a script that is checked, transpiled and run.
//! `cargo xtask test262 PATH` starts it; CONTRIBUTING.md says how tests are selected.

#![allow(clippy::expect_used, reason = "a tool for contributors")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{env, fs, thread};

use scriptmill_sandbox::prepare::{Bounds, Checker};
use scriptmill_sandbox::{Invocation, Options, Sandbox, TokioClock};
use scriptmill_sdk::{Bundle, Ending, Limits, Module};

/// Native code recurses over a test's text.
const STACK_BYTES: usize = 256 << 20;

/// Features that QuickJS-NG does not have, or that only another kind of host provides: realms, a collection on demand,
/// `document.all`, modules of other kinds than JavaScript. `Intl` and all features whose names begin with it are left out too.
const FEATURES_LEFT_OUT: [&str; 20] = [
    "Atomics.waitAsync",
    "IsHTMLDDA",
    "ShadowRealm",
    "Temporal",
    "await-dictionary",
    "canonical-tz",
    "cross-realm",
    "decorators",
    "host-gc-required",
    "import-assertions",
    "import-attributes",
    "import-bytes",
    "import-defer",
    "import-text",
    "json-modules",
    "legacy-regexp",
    "source-phase-imports",
    "source-phase-imports-module-source",
    "tail-call-optimization",
    "FinalizationRegistry.prototype.cleanupSome",
];

/// A test that names one of these asks for a host that can make realms, evaluate scripts, start agents or collect.
const HOST_LEFT_OUT: [&str; 7] = [
    "$262.createRealm",
    "$262.evalScript",
    "$262.agent",
    "$262.gc",
    "$262.IsHTMLDDA",
    "$262.AbstractModuleSource",
    "_FIXTURE",
];

/// What the host defines for tests, and where an asynchronous test says how it ended.
const HOST: &str = "function print() {}
var $262 = { global: globalThis, detachArrayBuffer(buffer) { structuredClone(null, { transfer: [buffer] }); } };
var $sm = { done: null };
function $DONE(error) { $sm.done = error ? 'failed: ' + (error.name ?? '') + ' ' + (error.message ?? error) : 'done'; }
";

fn main() {
    let mut arguments = env::args().skip(1);
    let checkout = PathBuf::from(arguments.next().expect("the path of a checkout of tc39/test262"));
    let filter = arguments.next().unwrap_or_default();
    let threads = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(2);
    let mut paths = Vec::new();
    for folder in ["language", "built-ins", "annexB"] {
        collect(&checkout.join("test").join(folder), &mut paths);
    }
    paths.retain(|path| path.to_string_lossy().contains(&filter));
    paths.sort();
    let harness = Harness::read(&checkout.join("harness"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut options =
        Options::new(Checker::in_process(Bounds::default()), Arc::new(TokioClock::new(runtime.handle().clone())));
    options.limits.prepare_fuel = 20_000_000_000;
    // Some tests join half a million texts.
    options.limits.memory_bytes = 512 << 20;
    options.cache_dir = env::var_os("SCRIPTMILL_TEST_CACHE_DIR").map(PathBuf::from);
    let mut engine = options.engine();
    if let Some(path) = env::var_os("SCRIPTMILL_ENGINE_WASM") {
        engine.wasm = fs::read(path).expect("the engine").into();
    }
    let sandbox = Sandbox::with_engine(options, &engine).expect("a sandbox");
    let (next, summary) = (AtomicUsize::new(0), Mutex::new(Summary::default()));
    thread::scope(|scope| {
        for _ in 0..threads {
            let work = || {
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let name = path.strip_prefix(&checkout).unwrap_or(path).display().to_string();
                    // Some tests are not UTF-8, since that is what they test. They are left out.
                    let file = path.file_name().unwrap_or_default().to_string_lossy();
                    let read = |source| Test::read(&file, source, &harness);
                    let Some(test) = fs::read_to_string(path).ok().and_then(read) else {
                        summary.lock().expect("the summary").left_out += 1;
                        continue;
                    };
                    let verdict = runtime.block_on(test.run(&sandbox));
                    summary.lock().expect("the summary").add(name, &test, verdict);
                }
            };
            thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work).expect("a thread");
        }
    });
    summary.into_inner().expect("the summary").print();
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|end| end == "js") && !path.to_string_lossy().contains("_FIXTURE") {
            paths.push(path);
        }
    }
}

/// The files that tests include, by name.
struct Harness(BTreeMap<String, String>);

impl Harness {
    fn read(folder: &Path) -> Self {
        let entries = fs::read_dir(folder).expect("the checkout's folder harness");
        let files = entries
            .flatten()
            .filter_map(|entry| Some((entry.file_name().into_string().ok()?, fs::read_to_string(entry.path()).ok()?)));
        Self(files.collect())
    }
}

#[derive(PartialEq)]
enum Expected {
    Passes,
    /// `$DONE` is called without an error.
    IsDone,
    /// It is refused before any of it runs.
    IsRefused,
    /// It throws an error of this name.
    Throws(String),
}

struct Test {
    bundle: Bundle,
    expected: Expected,
    features: Vec<String>,
}

impl Test {
    /// Returns `None` if the test is not selected. `name` is the name of its file, by which a test may import itself.
    fn read(name: &str, source: String, harness: &Harness) -> Option<Self> {
        let meta = source.split_once("/*---")?.1.split_once("---*/")?.0.replace(['\r', '\n'], "\n");
        let (flags, features) = (list(&meta, "flags"), list(&meta, "features"));
        let is = |flag: &str| flags.iter().any(|other| other == flag);
        let needs_more = features.iter().any(|it| FEATURES_LEFT_OUT.contains(&it.as_str()) || it.starts_with("Intl"))
            || HOST_LEFT_OUT.iter().any(|name| source.contains(name))
            || is("CanBlockIsTrue");
        let imports = is("module")
            && source
                .lines()
                .any(|line| line.contains(" from '") || line.contains(" from \"") || line.starts_with("import '"));
        if needs_more || imports {
            return None;
        }
        let negative = value(&meta, "negative").unwrap_or_default();
        let expected = match (value(negative, "phase").map(first_line), value(negative, "type").map(first_line)) {
            (Some("parse" | "early" | "resolution"), _) => Expected::IsRefused,
            (Some(_), Some(error)) => Expected::Throws(error.to_owned()),
            _ if is("async") => Expected::IsDone,
            _ => Expected::Passes,
        };
        let mut text = String::new();
        if is("onlyStrict") {
            text.push_str("\"use strict\";\n");
        }
        if !is("raw") {
            text.push_str(HOST);
            let needed = ["assert.js", "sta.js"].map(str::to_owned).into_iter().chain(list(&meta, "includes"));
            for name in needed {
                text.push_str(harness.0.get(&name)?);
                text.push('\n');
            }
            // The engine's report takes a thrown object that has a name and a message for an error.
            text.push_str("Test262Error.prototype.name = 'Test262Error';\n");
        }
        text.push_str(&source);
        // Only a `raw` test's own text may say how it is read, so no `export` is added to it.
        let entry = if is("raw") { "" } else { "function main() { return $sm.done; }\n" };
        text.push_str(if is("module") && !entry.is_empty() { "\n;export " } else { "\n;" });
        text.push_str(if entry.is_empty() { "function main() {}\n" } else { entry });
        Some(Self { bundle: Bundle { modules: vec![Module::new(name, text)] }, expected, features })
    }

    /// Ok, or why it fails.
    async fn run(&self, sandbox: &Sandbox) -> Result<(), String> {
        let image = match sandbox.prepare(&self.bundle).await {
            Ok(image) => image,
            Err(refusal) => {
                return match (&self.expected, &refusal.ending) {
                    (Expected::IsRefused, Ending::Rejected(_)) => Ok(()),
                    (Expected::Throws(name), Ending::Failed(failure))
                        if failure.thrown.as_ref().is_some_and(|thrown| thrown.name == *name) =>
                    {
                        Ok(())
                    }
                    (_, ending) => Err(told(ending)),
                };
            }
        };
        match &self.expected {
            Expected::Passes => Ok(()),
            Expected::IsRefused => Err("it was not refused".into()),
            Expected::Throws(name) => Err(format!("no {name} was thrown")),
            Expected::IsDone => {
                let limits = Limits { fuel: 20_000_000_000, wall_time: Duration::from_secs(60), ..Limits::default() };
                let job = Invocation {
                    // A test may export a default of its own.
                    entry: Some("main"),
                    input: "null",
                    limits,
                    job_id: "test",
                    tenant: "test262",
                    attempt: 1,
                    deadline_ms: None,
                    clock_ms: None,
                };
                match sandbox.run(&image, job).await.ending {
                    Ending::Succeeded(value) if value.get() == "\"done\"" => Ok(()),
                    Ending::Succeeded(value) => Err(format!("$DONE: {}", value.get())),
                    ending => Err(told(&ending)),
                }
            }
        }
    }
}

fn told(ending: &Ending) -> String {
    let text = match ending {
        Ending::Failed(failure) => failure.message.clone(),
        Ending::Exhausted(exhausted) => exhausted.message.clone(),
        Ending::Rejected(rejection) => rejection.message.clone(),
        other => other.status().to_owned(),
    };
    let code = ending.code().map(|code| code.to_string()).unwrap_or_default();
    format!("{code} {}", text.lines().next().unwrap_or_default())
}

/// The text that follows a key of the front matter. The key may be indented.
fn value<'m>(meta: &'m str, name: &str) -> Option<&'m str> {
    let mut rest = meta;
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        if let Some(value) = line.trim_start().strip_prefix(name).and_then(|line| line.strip_prefix(':')) {
            return Some(&rest[line.len() - value.len()..]);
        }
        rest = after;
    }
    None
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim()
}

/// A list of the front matter: `name: [a, b]`, which may go over lines, or a line for each with a dash.
fn list(meta: &str, name: &str) -> Vec<String> {
    let Some(rest) = value(meta, name) else { return Vec::new() };
    let item = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
    match rest.trim_start().strip_prefix('[') {
        Some(rest) => {
            rest.split(']').next().unwrap_or_default().split(',').map(item).filter(|it| !it.is_empty()).collect()
        }
        None => rest.lines().skip(1).map_while(|line| line.trim().strip_prefix('-')).map(item).collect(),
    }
}

#[derive(Default)]
struct Summary {
    passed: usize,
    left_out: usize,
    refused: usize,
    to_be_refused: usize,
    failed: Vec<(String, String)>,
    /// Failures by feature.
    features: BTreeMap<String, usize>,
}

impl Summary {
    fn add(&mut self, name: String, test: &Test, verdict: Result<(), String>) {
        let is_negative = test.expected == Expected::IsRefused;
        self.to_be_refused += usize::from(is_negative);
        match verdict {
            Ok(()) => {
                self.passed += 1;
                self.refused += usize::from(is_negative);
            }
            Err(why) => {
                for feature in &test.features {
                    *self.features.entry(feature.clone()).or_default() += 1;
                }
                self.failed.push((name, why));
            }
        }
    }

    fn print(mut self) {
        self.failed.sort();
        for (name, why) in &self.failed {
            println!("failed {name}: {why}");
        }
        println!("\nfailed, by feature:");
        for (feature, count) in &self.features {
            println!("{count:6} {feature}");
        }
        let selected = self.passed + self.failed.len();
        println!("\n{} of {selected} pass; {} were not selected", self.passed, self.left_out);
        println!("{} of {} that must not compile are refused", self.refused, self.to_be_refused);
    }
}
