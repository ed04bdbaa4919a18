//! The authors' types: they describe the script world and nothing of a browser or of Node, and every example passes them.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::Command;

#[test]
fn the_types_hold_and_every_example_passes_them() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("types");
    npm(&package, &["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]);
    npm(&package, &["test"]);
}

fn npm(directory: &Path, arguments: &[&str]) {
    let ran = Command::new("npm").args(arguments).current_dir(directory).output();
    let output = ran.unwrap_or_else(|error| {
        panic!("npm cannot be started ({error}); `cargo xtask test` sees to it that it is there")
    });
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "npm {} in {}:\n{text}", arguments.join(" "), directory.display());
}
