//! The file of the compiled engine: loaded when it is sound and nobody else's, else made anew.

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use scriptmill_sandbox::Options;
use scriptmill_sandbox::prepare::{Bounds, Checker};
use scriptmill_sdk::Ending;

/// Starts a sandbox with this cache, runs a job in it, and returns the file and its inode, which a file made anew does not
/// share with the one before.
fn start(cache: &Path) -> (PathBuf, u64) {
    let options = common::options(Checker::in_process(Bounds::default()));
    let sandbox = common::new_sandbox(Options { cache_dir: Some(cache.to_owned()), ..options });
    let bundle = common::single("main.js", "export default () => 6 * 7;");
    let execution = common::wait(sandbox.execute(&bundle, common::invocation("null")));
    assert!(matches!(execution.ending, Ending::Succeeded(value) if value.get() == "42"));
    let mut files = fs::read_dir(cache).expect("the cache").map(|entry| entry.expect("a file").path());
    let (file, None) = (files.next().expect("a file"), files.next()) else { panic!("more than one file") };
    let inode = fs::symlink_metadata(&file).expect("the file").ino();
    (file, inode)
}

/// Asserts that the cache's file is not loaded but made anew once `spoil` has changed it.
fn spoiled(spoil: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("cache");
    let (file, first) = start(&cache);
    assert_eq!(start(&cache), (file.clone(), first), "a sound file is loaded");
    spoil(&file);
    assert_ne!(start(&cache).1, first, "a file that cannot be trusted is made anew");
}

/// Writes code that the engine was not compiled to, with the digest that it should have.
fn foreign_code(file: &Path) {
    let code = b"not what wasmtime wrote";
    common::say_of(file, "digest", &common::digest(code));
    let (line, _) = common::parts(file);
    fs::write(file, [&line, &code[..]].concat()).expect("written");
}

#[test]
fn a_damaged_file_is_made_anew() {
    spoiled(|file| {
        let mut bytes = fs::read(file).expect("the file");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(file, bytes).expect("written");
    });
}

#[test]
fn a_file_cut_short_is_made_anew() {
    spoiled(|file| fs::write(file, b"short").expect("written"));
}

#[test]
fn foreign_code_is_made_anew() {
    spoiled(foreign_code);
}

#[test]
fn a_file_of_another_engine_is_made_anew() {
    spoiled(|file| common::say_of(file, "engine", "another"));
}

#[test]
fn a_file_that_others_may_write_is_made_anew() {
    spoiled(|file| fs::set_permissions(file, Permissions::from_mode(0o666)).expect("permissions"));
}

#[test]
fn a_folder_that_others_may_write_is_neither_read_nor_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("cache");
    let (file, first) = start(&cache);
    // The file cannot be loaded: a start that read it would make it anew.
    fs::write(&file, "not what wasmtime wrote").expect("written");
    fs::set_permissions(&cache, Permissions::from_mode(0o777)).expect("permissions");
    assert_eq!(start(&cache), (file.clone(), first), "the file is left as it is");
    fs::set_permissions(&cache, Permissions::from_mode(0o700)).expect("permissions");
    assert_ne!(start(&cache).1, first, "it is made anew where nobody else may write");
}

#[test]
fn a_link_is_made_anew() {
    spoiled(|file| {
        let elsewhere = file.with_extension("elsewhere");
        fs::rename(file, &elsewhere).expect("renamed");
        let outside = file.parent().and_then(Path::parent).expect("a folder").join("outside");
        fs::rename(&elsewhere, &outside).expect("renamed");
        symlink(outside, file).expect("a link");
    });
}

#[test]
fn another_users_file_is_made_anew() {
    // Only root can give a file away.
    if fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        spoiled(|file| chown(file, Some(65_534), None).expect("given away"));
    }
}
