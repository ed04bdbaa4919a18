//! The two programs that a process-engine developer reads first, run against a real worker.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::{server, start, with_rabbit};

/// Runs a dispatch program, which prints its outcome.
fn dispatched(value: &str, mut program: Command) {
    let output = program.output().expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("succeeded") && text.contains(value), "{text}{error}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_example_gets_its_outcome() {
    with_rabbit(async |rabbit| {
        let _worker = start(rabbit, 2).await;
        let binaries = Path::new(env!("CARGO_BIN_EXE_scriptmill")).parent().expect("a folder").to_owned();
        let prefix = rabbit.prefix.clone();
        let run = move || {
            let mut program = Command::new(binaries.join("examples/dispatch"));
            program.env("AMQP_URL", server()).env("SCRIPTMILL_PREFIX", &prefix);
            dispatched("125", program);
        };
        tokio::task::spawn_blocking(run).await.expect("the example");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_example_gets_its_outcome() {
    with_rabbit(async |rabbit| {
        let _worker = start(rabbit, 2).await;
        let folder = root().join("sdk/examples");
        let prefix = rabbit.prefix.clone();
        let run = move || {
            let installed = Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder).output();
            let installed = installed.expect("npm");
            assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
            let mut program = Command::new("node");
            program.arg("dispatch.mjs").current_dir(&folder);
            program.env("AMQP_URL", server()).env("SCRIPTMILL_PREFIX", &prefix);
            dispatched("15458", program);
        };
        tokio::task::spawn_blocking(run).await.expect("the example");
    })
    .await;
}
