//! The two programs that a process-engine developer reads first, run against a real worker.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::{Rabbit, server, with_rabbit};

/// A worker process, ended with the test.
struct Worker(Child);

impl Worker {
    fn start(rabbit: &Rabbit) -> Self {
        let worker = Command::new(env!("CARGO_BIN_EXE_scriptmill"))
            .arg("work")
            .env("SCRIPTMILL_BROKER__ADDRESSES", server())
            .env("SCRIPTMILL_BROKER__PREFIX", &rabbit.prefix)
            .env("SCRIPTMILL_HTTP__ADDRESS", "off")
            .stdin(Stdio::null())
            .spawn();
        Self(worker.expect("the worker's binary"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a dispatch program until it succeeds: the worker may not have declared its queue yet.
fn dispatched(value: &str, mut program: impl FnMut() -> Command) {
    let began = Instant::now();
    loop {
        let output = program().output().expect("the program starts");
        let text = String::from_utf8_lossy(&output.stdout);
        if output.status.success() {
            assert!(text.contains("succeeded") && text.contains(value), "{text}");
            return;
        }
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(began.elapsed() < support::LONG, "{text}{error}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_example_gets_its_outcome() {
    with_rabbit(async |rabbit| {
        let _worker = Worker::start(rabbit);
        let binaries = Path::new(env!("CARGO_BIN_EXE_scriptmill")).parent().expect("a folder").to_owned();
        let prefix = rabbit.prefix.clone();
        let run = move || {
            dispatched("125", || {
                let mut program = Command::new(binaries.join("examples/dispatch"));
                program.env("AMQP_URL", server()).env("SCRIPTMILL_PREFIX", &prefix);
                program
            });
        };
        tokio::task::spawn_blocking(run).await.expect("the example");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_example_gets_its_outcome() {
    with_rabbit(async |rabbit| {
        let _worker = Worker::start(rabbit);
        let folder = root().join("sdk/examples");
        let queue = rabbit.names.jobs.clone();
        let run = move || {
            let installed = Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder).output();
            let installed = installed.expect("npm");
            assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
            dispatched("15458", || {
                let mut program = Command::new("node");
                program.arg("dispatch.mjs").current_dir(&folder);
                program.env("AMQP_URL", server()).env("SCRIPTMILL_QUEUE", &queue);
                program
            });
        };
        tokio::task::spawn_blocking(run).await.expect("the example");
    })
    .await;
}
