//! One sandbox for all tests of a binary, and scripts run on it.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use scriptmill_sandbox::prepare::{Bounds, Checker};
use scriptmill_sandbox::{Execution, Invocation, Options, Sandbox, TokioClock};
use scriptmill_sdk::{Bundle, Limits, Module};
use tokio::runtime::Runtime;

/// 2026-01-02T03:04:05Z.
pub(crate) const CLOCK_MS: u64 = 1_767_323_045_000;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| new_sandbox(options(Checker::in_process(Bounds::default()))));

/// Options of a sandbox for tests, with the compiled engine in the cache that all tests share.
pub(crate) fn options(checker: Checker) -> Options {
    let clock = Arc::new(TokioClock::new(runtime()));
    let mut options = Options::new(checker, clock);
    options.cache_dir = std::env::var_os("SCRIPTMILL_TEST_CACHE_DIR").map(PathBuf::from);
    // `cargo xtask engine --check` names a rebuilt engine in this variable.
    if let Some(path) = std::env::var_os("SCRIPTMILL_ENGINE_WASM") {
        options.wasm = std::fs::read(path).expect("the engine named by SCRIPTMILL_ENGINE_WASM").into();
    }
    options
}

/// A sandbox with the checked-in engine, or with the one that `SCRIPTMILL_ENGINE_WASM` names: a rebuilt one.
pub(crate) fn new_sandbox(options: Options) -> Sandbox {
    let mut engine = options.engine();
    if let Some(path) = std::env::var_os("SCRIPTMILL_ENGINE_WASM") {
        engine.wasm = std::fs::read(path).expect("the engine").into();
    }
    Sandbox::with_engine(options, &engine).expect("a sandbox")
}

/// What a job of these tests asks for.
pub(crate) fn invocation(input: &str) -> Invocation<'_> {
    Invocation {
        entry: None,
        input,
        limits: Limits::default(),
        job_id: "job-1",
        tenant: "acme",
        attempt: 1,
        deadline_ms: None,
        clock_ms: Some(CLOCK_MS),
    }
}

/// A script of one file.
pub(crate) fn single(name: &str, source: &str) -> Bundle {
    Bundle { modules: vec![Module::new(name, source)] }
}

/// The runtime whose timers the sandbox uses.
pub(crate) fn runtime() -> tokio::runtime::Handle {
    RUNTIME.handle().clone()
}

/// Runs a future to its end.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

/// The sandbox.
pub(crate) fn sandbox() -> &'static Sandbox {
    &SANDBOX
}

/// Runs one job of a script.
pub(crate) fn run(bundle: &Bundle, input: &str) -> Execution {
    wait(SANDBOX.execute(bundle, invocation(input)))
}

/// Runs one job of a script in files.
pub(crate) fn run_files(main: &Path, input: &str) -> Result<(Bundle, Execution), String> {
    let checker = Checker::in_process(Bounds::default());
    let script = wait(checker.read(main)).map_err(|error| error.to_string())?;
    let execution = run(&script.bundle, input);
    Ok((script.bundle, execution))
}

/// The first line of a compiled engine's file, its end included, and the code behind it.
pub(crate) fn parts(file: &Path) -> (Vec<u8>, Vec<u8>) {
    let mut line = std::fs::read(file).expect("the file");
    let end = line.iter().position(|byte| *byte == b'\n').expect("a line") + 1;
    let code = line.split_off(end);
    (line, code)
}

/// Changes a field in the first line of a compiled engine's file.
pub(crate) fn say_of(file: &Path, field: &str, value: &str) {
    let (line, code) = parts(file);
    let mut said: serde_json::Value = serde_json::from_slice(&line).expect("JSON");
    assert!(said[field].is_string(), "{said}");
    said[field] = value.into();
    std::fs::write(file, [format!("{said}\n").as_bytes(), &code].concat()).expect("written");
}

/// SHA-256 in hexadecimal.
pub(crate) fn digest(code: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(code).iter().map(|byte| format!("{byte:02x}")).collect()
}
