//! `cargo xtask engine`: from QuickJS-NG's sources to `sandbox/engine/engine.wasm`, the same bytes wherever it is built.
//!
//! No third-party source is checked in: `cargo vendor` fetches the crate that holds QuickJS-NG, our patches are applied
//! to that copy under `target/`, and the guest is built against it. `engine.lock` says what went in and what came out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::workspace::{self, cargo};

const CRATE: &str = "rquickjs-sys";
const TARGET: &str = "wasm32-unknown-unknown";
/// The features of WebAssembly that rustc uses on this target and clang 19 leaves off.
const C_FEATURES: &str = "-mbulk-memory -mnontrapping-fptoint -msign-ext";
/// How QuickJS-NG is optimised. A call costs more than usual, since it brings the fuel up to date, so more is inlined than
/// by default (225). Over the scripts of `cargo xtask bench compute` and an order a threshold of 300 takes within 1 % of
/// the time, 500 takes 8 % more, and 800 takes 15 to 40 % more for the three that were tried; `-O3` with its default 5 % more.
const C_OPTIMISATION: &str = "-O2 -mllvm -inline-threshold=400";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Rebuild, and compare with what is checked in; changes nothing under sandbox/
    #[arg(long)]
    check: bool,
    /// Hold the guest against the lints, and build nothing
    #[arg(long, conflicts_with_all = ["check", "output"])]
    lint: bool,
    /// Where to put the engine (without it: sandbox/engine/engine.wasm, and engine.lock beside it)
    #[arg(long)]
    output: Option<PathBuf>,
}

/// What `engine.wasm` was made from, and by what.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Lock {
    /// SHA-256 of engine.wasm.
    engine: String,
    tools: Tools,
    sources: Sources,
}

/// The versions as the tools themselves print them.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Tools {
    rustc: String,
    clang: String,
    lld: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Sources {
    /// Version and checksum of the crate that holds QuickJS-NG, as in Cargo.lock.
    crate_version: String,
    crate_checksum: String,
    /// SHA-256 over the guest's manifest, lock file and sources.
    guest: String,
    /// SHA-256 of each patch.
    patches: BTreeMap<String, String>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let folder = workspace::root().join("sandbox/engine");
    let sources = Sources::read(&folder)?;
    let toolchain = Toolchain::find()?;
    if options.lint {
        Guest::prepare(&folder)?.cargo(&toolchain, &["clippy"], &["--", "--deny", "warnings"])?;
        return Ok(ExitCode::SUCCESS);
    }
    let tools = toolchain.versions()?;
    if options.check {
        return check(options, &folder, sources, &toolchain, tools);
    }
    let built = build(&folder, &toolchain)?;
    let output = options.output.clone().unwrap_or_else(|| folder.join("engine.wasm"));
    fs::copy(&built, &output).with_context(|| format!("could not write {}", output.display()))?;
    let engine = digest(&fs::read(&built)?);
    println!("{} {engine}", output.display());
    if options.output.is_none() {
        let lock = Lock { engine, tools, sources };
        let text = toml::to_string_pretty(&lock)?;
        fs::write(folder.join("engine.lock"), format!("{LOCK_HEADER}{text}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

const LOCK_HEADER: &str = "# Written by `cargo xtask engine`; `cargo xtask engine --check` proves it.\n";

fn check(options: &Options, folder: &Path, sources: Sources, toolchain: &Toolchain, tools: Tools) -> Result<ExitCode> {
    let lock: Lock = toml::from_str(&fs::read_to_string(folder.join("engine.lock"))?)
        .context("engine.lock is not what `cargo xtask engine` writes")?;
    let checked_in = fs::read(folder.join("engine.wasm"))?;
    ensure!(
        digest(&checked_in) == lock.engine && sources == lock.sources,
        "engine.wasm was not built from these sources: run `cargo xtask engine`",
    );
    let built = build(folder, toolchain)?;
    if let Some(output) = &options.output {
        fs::copy(&built, output)?;
    }
    if fs::read(&built)? == checked_in {
        println!("engine.wasm is what these sources give, byte for byte");
        return Ok(ExitCode::SUCCESS);
    }
    let differing = tools.differing(&lock.tools);
    if differing.is_empty() {
        bail!("the same sources and tools gave another engine: {}", built.display());
    }
    for (tool, here, then) in &differing {
        println!("{tool} differs: here {here}, for engine.wasm {then}");
    }
    println!("so the bytes differ too; running the sandbox's tests on {}", built.display());
    let status = cargo()
        .args(["test", "--package", "scriptmill-sandbox"])
        .env("SCRIPTMILL_ENGINE_WASM", &built)
        .current_dir(workspace::root())
        .status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Builds the guest against the patched crate. Returns where the engine is.
fn build(folder: &Path, toolchain: &Toolchain) -> Result<PathBuf> {
    let guest = Guest::prepare(folder)?;
    guest.cargo(toolchain, &["build"], &[])?;
    Ok(guest.work.join("target").join(TARGET).join("release/scriptmill_engine.wasm"))
}

/// A copy of the guest's sources below `target/`, with the patched crate beside them.
struct Guest {
    work: PathBuf,
    sources: PathBuf,
    /// The crate that holds QuickJS-NG, patched.
    quickjs: PathBuf,
}

impl Guest {
    fn prepare(folder: &Path) -> Result<Self> {
        let work = workspace::root().join("target/engine");
        let sources = work.join("guest");
        // Below the guest, whose folder is the workspace. Cargo hashes the paths of packages into the names of symbols,
        // and only paths within the workspace are hashed relative to it. The order of functions depends on those names.
        let vendor = sources.join("vendor");
        // The target folder goes too, since the crate's build script does not watch QuickJS-NG's sources.
        for stale in [&sources, &work.join("target")] {
            if stale.exists() {
                fs::remove_dir_all(stale)?;
            }
        }
        // A copy, since the patch changes the lock file.
        for file in guest_files(folder)? {
            let to = sources.join(&file);
            fs::create_dir_all(to.parent().unwrap_or(&sources))?;
            fs::copy(folder.join(&file), to)?;
        }
        succeed(
            cargo()
                .args(["vendor", "--quiet", "--locked", "--manifest-path"])
                .arg(sources.join("Cargo.toml"))
                .arg(&vendor)
                .stdout(std::process::Stdio::null()),
        )?;
        let quickjs = vendor.join(CRATE);
        for patch in patches(folder)? {
            // The ceiling hides our own repository. Otherwise git would read the paths relative to it.
            succeed(
                Command::new("git")
                    .args(["apply", "--whitespace=nowarn"])
                    .arg(&patch)
                    .current_dir(&quickjs)
                    .env("GIT_CEILING_DIRECTORIES", &vendor),
            )?;
        }
        Ok(Self { work, sources, quickjs })
    }

    /// Runs cargo on the sources, for WebAssembly and with the patched crate.
    fn cargo(&self, toolchain: &Toolchain, command: &[&str], arguments: &[&str]) -> Result<()> {
        let place = format!("{}=/engine", self.work.display());
        let registry = format!("{}=/cargo", cargo_home().display());
        let rust_flags = [
            format!("--remap-path-prefix={place}"),
            format!("--remap-path-prefix={registry}"),
            "-Clink-arg=--import-memory".into(),
            "-Clink-arg=--stack-first".into(),
            // js.rs in the guest gives JavaScript a part of this stack. The engine's README says under "Stacks" why it
            // is 64 KiB more than 2 MiB.
            "-Clink-arg=-zstack-size=2162688".into(),
            "-Clink-arg=--export-if-defined=__stack_high".into(),
        ];
        let variable = |name: &str| format!("{name}_{}", TARGET.replace('-', "_"));
        succeed(
            cargo()
                .args(command)
                .args(["--release", "--target", TARGET, "--config"])
                .arg(format!("patch.crates-io.{CRATE}.path={:?}", self.quickjs.display().to_string()))
                .arg("--target-dir")
                .arg(self.work.join("target"))
                .args(arguments)
                .current_dir(&self.sources)
                .env("CARGO_ENCODED_RUSTFLAGS", rust_flags.join("\u{1f}"))
                .env(variable("CC"), &toolchain.clang)
                .env(variable("AR"), &toolchain.ar)
                .env(variable("CFLAGS"), format!("-ffile-prefix-map={place} {C_FEATURES} {C_OPTIMISATION}")),
        )
    }
}

/// The programs beside cargo that a build needs.
struct Toolchain {
    clang: String,
    ar: String,
    lld: PathBuf,
}

impl Toolchain {
    fn find() -> Result<Self> {
        let first = |names: [&'static str; 2]| {
            names.into_iter().find(|name| output(Command::new(name).arg("--version")).is_ok())
        };
        let clang = first(["clang-19", "clang"]).context("clang-19 is not on PATH: the engine cannot be built here")?;
        let ar =
            first(["llvm-ar-19", "llvm-ar"]).context("llvm-ar-19 is not on PATH: the engine cannot be built here")?;
        let rustc = output(Command::new("rustc").arg("-vV"))?;
        let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc -vV names no host")?;
        let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
        let rustlib = Path::new(sysroot.trim()).join("lib/rustlib");
        ensure!(
            rustlib.join(TARGET).exists(),
            "Rust's target {TARGET} is not installed: the engine cannot be built here \
             (rustup target add {TARGET})",
        );
        let lld = rustlib.join(host).join("bin/rust-lld");
        Ok(Self { clang: clang.into(), ar: ar.into(), lld })
    }

    fn versions(&self) -> Result<Tools> {
        let first_line = |text: String| text.lines().next().unwrap_or_default().to_owned();
        Ok(Tools {
            rustc: first_line(output(Command::new("rustc").arg("--version"))?),
            clang: first_line(output(Command::new(&self.clang).arg("--version"))?),
            lld: first_line(output(Command::new(&self.lld).args(["-flavor", "wasm", "--version"]))?),
        })
    }
}

impl Tools {
    /// Name, version here and version there of each tool whose versions differ.
    fn differing<'a>(&'a self, other: &'a Self) -> Vec<(&'static str, &'a str, &'a str)> {
        [
            ("rustc", &*self.rustc, &*other.rustc),
            ("clang", &*self.clang, &*other.clang),
            ("lld", &*self.lld, &*other.lld),
        ]
        .into_iter()
        .filter(|(_, here, there)| here != there)
        .collect()
    }
}

impl Sources {
    fn read(folder: &Path) -> Result<Self> {
        let lock: toml::Table = toml::from_str(&fs::read_to_string(folder.join("Cargo.lock"))?)?;
        let packages = lock.get("package").and_then(toml::Value::as_array);
        let package = packages
            .and_then(|packages| {
                packages.iter().find(|package| package.get("name").and_then(toml::Value::as_str) == Some(CRATE))
            })
            .with_context(|| format!("sandbox/engine/Cargo.lock does not name {CRATE}"))?;
        let field = |name: &str| {
            let field = package.get(name).and_then(toml::Value::as_str);
            field.map(str::to_owned).with_context(|| format!("{CRATE} has no {name} in Cargo.lock"))
        };
        let mut guest = Sha256::new();
        for file in guest_files(folder)? {
            let bytes = fs::read(folder.join(&file))?;
            guest.update(format!("{} {}\n", file.display(), bytes.len()));
            guest.update(bytes);
        }
        let mut hashes = BTreeMap::new();
        for patch in patches(folder)? {
            let name = patch.file_name().unwrap_or_default().to_string_lossy().into_owned();
            hashes.insert(name, digest(&fs::read(&patch)?));
        }
        Ok(Self {
            crate_version: field("version")?,
            crate_checksum: field("checksum")?,
            guest: hex(&guest.finalize()),
            patches: hashes,
        })
    }
}

/// What the guest is built from, relative to its folder.
fn guest_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = vec![PathBuf::from("Cargo.lock"), PathBuf::from("Cargo.toml")];
    for entry in fs::read_dir(folder.join("src"))? {
        files.push(Path::new("src").join(entry?.file_name()));
    }
    files.sort();
    Ok(files)
}

/// Our patches, in the order in which they are applied.
fn patches(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut patches = Vec::new();
    for entry in fs::read_dir(folder.join("patches"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "patch") {
            patches.push(path);
        }
    }
    patches.sort();
    Ok(patches)
}

fn cargo_home() -> PathBuf {
    let home = || std::env::home_dir().unwrap_or_default().join(".cargo");
    std::env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from)
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("could not run {command:?}"))?;
    ensure!(status.success(), "failed: {command:?}");
    Ok(())
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("could not run {command:?}"))?;
    ensure!(output.status.success(), "failed: {command:?}");
    Ok(String::from_utf8(output.stdout)?)
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Without clang the engine cannot be rebuilt, but this test finds everywhere a change that was not built.
    #[test]
    fn the_engine_was_built_from_these_sources() {
        let folder = workspace::root().join("sandbox/engine");
        let lock: Lock = toml::from_str(&fs::read_to_string(folder.join("engine.lock")).unwrap()).unwrap();
        assert_eq!(lock.sources, Sources::read(&folder).unwrap(), "run `cargo xtask engine`");
        assert_eq!(lock.engine, digest(&fs::read(folder.join("engine.wasm")).unwrap()));
    }

    #[test]
    fn only_the_tools_that_differ_are_named() {
        let tools = |clang: &str| Tools { rustc: "rustc 1.95.0".into(), clang: clang.into(), lld: "LLD 22".into() };
        assert_eq!(tools("19").differing(&tools("20")), [("clang", "19", "20")]);
        assert!(tools("19").differing(&tools("19")).is_empty());
    }
}
