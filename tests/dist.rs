//! The files of a release: each is installed into an empty folder, and runs.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program, which the workspace's tests have built beside this package's.
fn binary() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_xtask")).with_file_name("scriptmill");
    assert!(binary.exists(), "build it before: cargo build --workspace");
    binary
}

fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).join("\n");
    assert!(output.status.success(), "{command:?}: {told}");
    output
}

fn has(program: &str) -> bool {
    let is_there = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !is_there {
        eprintln!("not tested: there is no {program}");
    }
    is_there
}

/// Runs the demo of an installed program, without the caller's settings except for where the compiled engine is kept.
fn demonstrates(program: &Path) {
    let mut demo = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SCRIPTMILL_")) {
        demo.env_remove(name);
    }
    if let Some(cache) = std::env::var_os("SCRIPTMILL_TEST_CACHE_DIR") {
        demo.env("SCRIPTMILL_SANDBOX__CACHE_DIR", cache);
    }
    let output = succeeds(demo.arg("demo"));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("jobs of order-total succeeded"), "{told}");
}

/// Makes the files of a release, from a binary without the symbols that make a test's binary so large.
fn made(folder: &Path) -> PathBuf {
    let (binary, small) = (binary(), folder.join("scriptmill"));
    if has("strip") {
        succeeds(Command::new("strip").arg(&binary).arg("-o").arg(&small));
    } else {
        std::fs::copy(&binary, &small).unwrap();
    }
    let out = folder.join("out");
    let mut dist = Command::new(env!("CARGO_BIN_EXE_xtask"));
    succeeds(dist.arg("dist").arg("--binary").arg(&small).arg("--out").arg(&out));
    out
}

fn file(out: &Path, is: impl Fn(&str) -> bool) -> PathBuf {
    let mut files = std::fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| is(path.file_name().unwrap().to_str().unwrap())).expect("the file was made")
}

#[test]
fn each_package_is_installed_from_its_file_and_runs() {
    if !has("dpkg-deb") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = made(folder.path());
    let empty = |name: &str| {
        let empty = folder.path().join(name);
        std::fs::create_dir(&empty).unwrap();
        empty
    };

    let tar = empty("tar");
    let archive = file(&out, |name| name.ends_with(".tar.gz"));
    succeeds(
        Command::new("tar")
            .arg("--extract")
            .arg("--file")
            .arg(archive)
            .args(["--strip-components", "1"])
            .current_dir(&tar),
    );
    for part in
        ["LICENSE-MIT", "LICENSE-APACHE", "completions/scriptmill", "completions/_scriptmill", "man/man1/scriptmill.1"]
    {
        assert!(tar.join(part).exists(), "{part}");
    }
    demonstrates(&tar.join("scriptmill"));

    let debian = empty("debian");
    let package = file(&out, |name| name.ends_with(".deb"));
    succeeds(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(&debian));
    let field = succeeds(Command::new("dpkg-deb").arg("--field").arg(&package).arg("Package"));
    assert_eq!(String::from_utf8_lossy(&field.stdout).trim(), "scriptmill");
    assert!(debian.join("usr/share/doc/scriptmill/copyright").exists());
    demonstrates(&debian.join("usr/bin/scriptmill"));

    assert!(out.join("image/usr/local/lib/scriptmill/engine.bin").exists());
    demonstrates(&out.join("image/usr/local/bin/scriptmill"));

    if has("npm") {
        let node = empty("node");
        std::fs::write(node.join("package.json"), "{}").unwrap();
        let mut npm = Command::new("npm");
        npm.args(["install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&node);
        let is_package = |name: &str| name.ends_with(".tgz");
        for package in ["scriptmill-cli", "scriptmill-types", "scriptmill-0", "scriptmill-1"] {
            let found = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
            let is_it = |path: &PathBuf| {
                let name = path.file_name().unwrap().to_str().unwrap();
                name.starts_with(package) && is_package(name)
            };
            npm.args(found.filter(is_it));
        }
        succeeds(npm.env("npm_config_cache", folder.path().join("npm-cache")));
        assert!(node.join("node_modules/@scriptmill/types/globals.d.ts").exists());
        demonstrates(&node.join("node_modules/.bin/scriptmill"));
    }
}
