//! An engine that was compiled beforehand gives what one compiled here gives. It is loaded only if it fits and nobody else can
//! have written it. Otherwise a sandbox says why, and compiles.

mod common;

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use scriptmill_sandbox::prepare::{Bounds, Checker};
use scriptmill_sandbox::{Cpu, EngineOptions, Options, Sandbox, precompile};
use scriptmill_sdk::Ending;
use tempfile::TempDir;

/// Numbers, texts, sorting, maps and calls: what processors could do in different ways.
const SCRIPT: &str = "
export default (input) => {
  const roots = Array.from({ length: 500 }, (_, n) => Math.sqrt(n) * Math.sin(n) / Math.cbrt(n + 1) + Math.fround(n * 0.1));
  const words = roots.map((root) => root.toFixed(7)).sort().join(' ').replace(/-(\\d)/g, (_, digit) => digit + '~');
  const counts = new Map();
  for (const letter of words) counts.set(letter, (counts.get(letter) ?? 0) + (0 / 0 === 0 ? 1 : Math.clz32(letter.charCodeAt(0))));
  return [words.length, [...counts], roots.reduce((a, b) => a + b), 2n ** 200n % 1000007n + '', input];
};";

/// The engine for the first of this machine's processors.
static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("engine.bin");
    precompile(&options(None).engine(), Cpu::HERE[0], &file).expect("the engine");
    fs::read(file).expect("the engine")
});

fn options(precompiled: Option<&Path>) -> Options {
    Options { precompiled: precompiled.map(Path::to_owned), ..common::options(Checker::in_process(Bounds::default())) }
}

/// Lines of a log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("the log").write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts a sandbox, and returns it with what it logged meanwhile.
fn start(options: Options) -> (Sandbox, String) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let sandbox = tracing::subscriber::with_default(subscriber, || common::new_sandbox(options));
    let said = String::from_utf8(log.0.lock().expect("the log").clone()).expect("text");
    (sandbox, said)
}

/// Starts a sandbox with an empty cache. Returns it, whether it compiled the engine, and what it logged.
fn start_fresh(file: &Path) -> (Sandbox, bool, String) {
    let cache = tempfile::tempdir().expect("a folder");
    let (sandbox, said) = start(Options { cache_dir: Some(cache.path().to_owned()), ..options(Some(file)) });
    // An engine that is compiled is kept in the cache.
    let has_compiled = fs::read_dir(cache.path()).expect("the cache").next().is_some();
    (sandbox, has_compiled, said)
}

/// What a job of [`SCRIPT`] gives: value, fuel, and fuel of the top level.
fn outcome(sandbox: &Sandbox) -> (String, u64, u64) {
    let bundle = common::single("main.js", SCRIPT);
    let execution = common::wait(sandbox.execute(&bundle, common::invocation("[1.10]")));
    let Ending::Succeeded(value) = execution.ending else { panic!("{:?}", execution.ending) };
    (value.get().to_owned(), execution.usage.fuel, execution.usage.prepare_fuel)
}

/// A file three folders deep.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let deep = folder.path().join("usr/lib");
    fs::create_dir_all(&deep).expect("folders");
    for folder in deep.ancestors().take(2) {
        fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("permissions");
    }
    let file = deep.join("engine.bin");
    fs::write(&file, &*FILE).expect("written");
    fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("permissions");
    (folder, file)
}

#[test]
fn value_and_fuel_are_those_of_an_engine_compiled_here() {
    let here = outcome(common::sandbox());
    for cpu in Cpu::HERE {
        let folder = tempfile::tempdir().expect("a folder");
        // The folder above is made too.
        let file = folder.path().join("lib/engine.bin");
        let bytes = precompile(&options(None).engine(), *cpu, &file).expect("the engine");
        assert_eq!(fs::metadata(&file).expect("the file").len(), bytes);
        let (sandbox, has_compiled, said) = start_fresh(&file);
        // On a processor that lacks instructions of the newer ones, the log says so.
        assert!(!has_compiled || said.contains("this processor lacks"), "{cpu:?}: {said}");
        assert_eq!(outcome(&sandbox), here, "{cpu:?}");
    }
}

/// Spoils a sound file. Asserts that a sandbox says why it refuses the file, and that it runs jobs all the same.
fn refused(what: &str, spoil: impl FnOnce(&Path)) {
    let (_folder, file) = place();
    spoil(&file);
    let (sandbox, said) = start(options(Some(&file)));
    assert!(said.contains("SM5006") && said.contains(what), "no {what:?} in {said}");
    assert_eq!(outcome(&sandbox).1, outcome(common::sandbox()).1);
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("permissions");
}

fn above(file: &Path, folders: usize) -> &Path {
    file.ancestors().nth(folders).expect("a folder")
}

#[test]
fn a_sound_file_is_loaded_without_a_word_of_warning() {
    let (_folder, file) = place();
    let (sandbox, has_compiled, said) = start_fresh(&file);
    assert!(!has_compiled && !said.contains("WARN"), "{said}");
    drop(sandbox);
    // If the path is a link, the file that it leads to counts.
    let link = above(&file, 3).join("link");
    std::os::unix::fs::symlink(&file, &link).expect("a link");
    assert!(!start_fresh(&link).1);
}

#[test]
fn a_file_that_is_not_there_is_missed() {
    refused("there is none", |file| fs::remove_file(file).expect("removed"));
    let (_sandbox, has_compiled, _) = start_fresh(Path::new("/nowhere/engine.bin"));
    assert!(has_compiled);
}

#[test]
fn what_others_may_write_is_refused() {
    refused("engine.bin (mode 0666)", |file| chmod(file, 0o666));
    refused("usr/lib (mode 0775)", |file| chmod(above(file, 1), 0o775));
    refused("usr (mode 0757)", |file| chmod(above(file, 2), 0o757));
}

#[test]
fn another_users_file_is_refused() {
    // Only root can give a file away.
    if fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        refused("engine.bin belongs to user 65534", |file| chown(file, Some(65_534), None).expect("given away"));
        refused("usr belongs to user 65534", |file| chown(above(file, 2), Some(65_534), None).expect("given away"));
    }
}

#[test]
fn a_file_of_something_else_is_refused() {
    let other = Cpu::HERE.iter().find(|cpu| **cpu != Cpu::HERE[0]);
    refused("scriptmill 0.0.1 made it", |file| common::say_of(file, "scriptmill", "0.0.1"));
    refused("another engine.wasm", |file| common::say_of(file, "engine", &common::digest(b"")));
    refused("another version of wasmtime", |file| common::say_of(file, "settings", "0123456789abcdef"));
    refused("for x86-64-v9, and no processors of this name", |file| common::say_of(file, "cpu", "x86-64-v9"));
    let elsewhere = if cfg!(target_arch = "x86_64") { Cpu::Arm8A } else { Cpu::X86V2 };
    refused("and this machine is", |file| common::say_of(file, "cpu", elsewhere.name()));
    refused("with other settings", |file| common::say_of(file, "cpu", "native"));
    if let Some(other) = other {
        // Either this processor is none of those, or code for those has other settings.
        refused("it was compiled", |file| common::say_of(file, "cpu", other.name()));
    }
    refused("with other settings", |file| {
        let unmetered = EngineOptions { metered: false, ..options(None).engine() };
        precompile(&unmetered, Cpu::HERE[0], file).expect("the engine");
    });
}

#[test]
fn a_damaged_file_is_refused() {
    refused("it is damaged", |file| {
        let mut bytes = fs::read(file).expect("the file");
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(file, bytes).expect("written");
    });
    refused("it is damaged", |file| fs::write(file, &FILE[..FILE.len() - 1]).expect("written"));
    refused("it is no compiled engine", |file| fs::write(file, &FILE[..20]).expect("written"));
    refused("it is no compiled engine", |file| fs::write(file, "{}\n").expect("written"));
    refused("wasmtime refuses it", |file| {
        let code = b"not what wasmtime wrote";
        common::say_of(file, "digest", &common::digest(code));
        let (line, _) = common::parts(file);
        fs::write(file, [&line, &code[..]].concat()).expect("written");
    });
}
