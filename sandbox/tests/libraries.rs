//! Real libraries, bundled into scripts: the sandbox gives what Node gives, to the byte.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use scriptmill_sdk::Ending;

#[test]
fn libraries_give_the_value_that_node_gives() {
    let bundles = build();
    let mut names: Vec<String> = fs::read_dir(&bundles)
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".js")?.to_owned()))
        .collect();
    names.sort();
    assert!(names.len() >= 7, "only {names:?} were built");

    let mut wrong = Vec::new();
    for name in names {
        let read = |ending: &str| fs::read_to_string(bundles.join(format!("{name}.{ending}"))).unwrap();
        let bundle = common::single(&format!("{name}.js"), &read("js"));
        let expected = read("expected.json");
        let execution = common::run(&bundle, &read("input.json"));
        if !execution.warnings.is_empty() {
            wrong.push(format!("{name} is warned of: {:#?}", execution.warnings));
        }
        match execution.ending {
            Ending::Succeeded(value) if value.get() == expected.trim_end() => {}
            Ending::Succeeded(value) => wrong.push(format!("{name}\n  Node:    {expected}  sandbox: {value}")),
            ending => wrong.push(format!("{name}: {ending:#?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Builds the bundles of `examples/libraries`, with what Node makes of them, and returns their folder.
fn build() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/libraries");
    let bundles = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libraries");
    if !is_installed(&source) {
        let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
        run(Command::new("npm").args(install).current_dir(&source));
    }
    if bundles.exists() {
        fs::remove_dir_all(&bundles).unwrap();
    }
    run(Command::new("node").arg("build.mjs").arg(&bundles).current_dir(&source));
    bundles
}

/// Whether npm's own record of what it installed is at least as new as the list of what to install.
fn is_installed(package: &Path) -> bool {
    let modified = |path: &str| fs::metadata(package.join(path)).and_then(|file| file.modified());
    match (modified("node_modules/.package-lock.json"), modified("package-lock.json")) {
        (Ok(installed), Ok(wanted)) => installed >= wanted,
        _ => false,
    }
}

fn run(command: &mut Command) {
    let ran = command.output();
    let output =
        ran.unwrap_or_else(|error| panic!("{command:?}: {error}; `cargo xtask test` sees to it that Node is there"));
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{command:?}:\n{text}");
}
