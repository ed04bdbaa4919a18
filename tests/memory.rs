//! A worker in a control group that has exactly the memory that the worker says it takes, against the worst that jobs
//! can do to it. To make the group, the test must be root; where none can be made, it says so and tries nothing.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use scriptmill::config::{Config, Sources};
use scriptmill_sdk::amqp::Envelope;
use scriptmill_sdk::{Ending, Origin, Outcome};
use serde_json::{Value, json};
use support::{Rabbit, binary, get, soon, with_rabbit};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::timeout;

/// A small worker, so that its memory is filled quickly.
const SETTINGS: [(&str, &str); 11] = [
    ("SCRIPTMILL_WORKER__SLOTS", "4"),
    ("SCRIPTMILL_WORKER__PREFETCH_MARGIN", "4"),
    ("SCRIPTMILL_WORKER__MESSAGE_SIZE", "2MiB"),
    ("SCRIPTMILL_WORKER__INPUT_SIZE", "1536KiB"),
    ("SCRIPTMILL_WORKER__PREPARING_SIZE", "16MiB"),
    ("SCRIPTMILL_WORKER__LIMITS__MEMORY", "32MiB"),
    ("SCRIPTMILL_WORKER__LIMITS__OUTPUT", "1536KiB"),
    ("SCRIPTMILL_WORKER__LIMITS__PREPARE_FUEL", "300000000"),
    ("SCRIPTMILL_SANDBOX__SOURCE_SIZE", "512KiB"),
    ("SCRIPTMILL_SANDBOX__CHECK_MEMORY", "384MiB"),
    ("SCRIPTMILL_SANDBOX__IMAGE_CACHE", "64MiB"),
];

/// A control group of its own, removed at the end.
struct Group(PathBuf);

impl Group {
    /// Version 1 of control groups has a tree for memory alone, version 2 has one tree for everything.
    fn new(name: &str, bytes: u64) -> Option<Self> {
        let root = Path::new("/sys/fs/cgroup");
        let (folder, limit) = match root.join("memory").is_dir() {
            true => (root.join("memory").join(name), "memory.limit_in_bytes"),
            false => (root.join(name), "memory.max"),
        };
        fs::create_dir(&folder).ok()?;
        let group = Self(folder);
        fs::write(group.0.join(limit), bytes.to_string()).ok()?;
        // Fails on a machine without swap, which has none to turn off.
        let _ = fs::write(group.0.join("memory.swap.max"), "0");
        Some(group)
    }

    /// Processes of the group that the kernel killed for want of memory.
    fn kills(&self) -> u64 {
        let texts = ["memory.oom_control", "memory.events"].map(|name| fs::read_to_string(self.0.join(name)));
        let count = |text: String| {
            let mut lines = text.lines().map(str::to_owned).collect::<Vec<_>>().into_iter();
            lines.find_map(|line| line.strip_prefix("oom_kill ").and_then(|count| count.parse::<u64>().ok()))
        };
        texts.into_iter().flatten().find_map(count).unwrap()
    }

    /// The most memory that the group used.
    fn peak(&self) -> u64 {
        let texts = ["memory.max_usage_in_bytes", "memory.peak"].map(|name| fs::read_to_string(self.0.join(name)));
        texts.into_iter().flatten().find_map(|text| text.trim().parse().ok()).unwrap_or(0)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A process that was killed just now may still be in it.
        for _ in 0..100 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Jobs that take memory in every way at once: the source and input of each.
fn jobs() -> Vec<(String, Value)> {
    let mut jobs = Vec::new();
    let mut add = |source: String, input: Value| jobs.push((source, input));
    for n in 0..30 {
        add(
            format!("const table = new Uint8Array(3_000_000).fill({n});\nexport default () => table.length;"),
            Value::Null,
        );
    }
    for n in 0..8 {
        // Its image fills a sandbox, and its job writes all of it anew.
        let source = "const table = new Uint8Array(24_000_000).fill(1);\nexport default async () => { table.fill(2); \
                      await sleep(300); return table[7]; };";
        add(format!("{source} // {n}"), Value::Null);
    }
    for n in 0..3 {
        add(
            format!("const f = console.log; for (;;) {{ f(); f(); f(); f(); }} export default () => {n};"),
            Value::Null,
        );
        add(
            format!(
                "export default () => {{ for (let n = 0; n < 2e5; n++) clearTimeout(setTimeout(() => {{}}, 1e6)); return {n}; }}"
            ),
            Value::Null,
        );
        // As much of a source as there may be.
        let functions: String =
            (0..9_000).map(|m| format!("function f{m}(a: number) {{ return a + {m}; }}\n")).collect();
        add(format!("{functions}export default () => f{n}(1);"), Value::Null);
    }
    let long = "x".repeat(1_400_000);
    for _ in 0..20 {
        let source = "export default (input) => { const copies = []; for (let n = 0; n < 15; n++) copies.push(input + n); return copies[3]; };";
        add(source.to_owned(), Value::from(long.as_str()));
    }
    jobs
}

async fn put(rabbit: &Rabbit, id: usize, source: &str, input: &Value, reply_to: &str) {
    let script = json!({ "modules": [{ "name": "main.ts", "source": source }] });
    // Of several tenants, so that all places are taken.
    let job = json!({ "id": id.to_string(), "tenant": format!("tenant-{}", id % 5), "script": script, "input": input });
    let properties =
        Envelope { message_id: Some(id.to_string()), reply_to: Some(reply_to.to_owned()), ..Envelope::default() }
            .job_properties();
    rabbit.put(&rabbit.names.jobs, job.to_string().as_bytes(), properties).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mix_of_scripts_gets_the_worker_killed() {
    let environment = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let bytes = Config::load(Sources { environment, ..Sources::default() }).unwrap().budget().bytes();
    let name = format!("scriptmill-test-{}", uuid::Uuid::new_v4().simple());
    let Some(group) = Group::new(&name, bytes) else {
        eprintln!("skipped: no control group can be made here, which takes root and a writable /sys/fs/cgroup");
        return;
    };
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let worker = binary(rabbit);
        let mut command = Command::new("/bin/sh");
        // The shell enters the group and becomes the worker.
        command.args(["-c", "echo $$ > \"$0\" && exec \"$1\" work"]);
        command.arg(group.0.join("cgroup.procs")).arg(worker.as_std().get_program());
        command.envs(worker.as_std().get_envs().filter_map(|(name, value)| Some((name, value?)))).envs(SETTINGS);
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
        command.env("SCRIPTMILL_HTTP__ADDRESS", &address).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        // A worker declares the queue of jobs before it is ready.
        soon("a worker that is ready", async {
            while get(&address, "/readyz").await.is_none_or(|answer| !answer.starts_with("HTTP/1.1 200")) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        let jobs = jobs();
        for (id, (source, input)) in jobs.iter().enumerate() {
            put(rabbit, id, source, input, &queue).await;
        }
        for number in 0..jobs.len() {
            let message = tokio::select! {
                message = timeout(Duration::from_secs(300), rabbit.take(&queue)) => message,
                ended = process.wait() => panic!("after {number} outcomes the worker ended: {ended:?}; killed: {}", group.kills()),
            };
            let message = message.unwrap_or_else(|_| panic!("{number} outcomes came, then none"));
            let outcome: Outcome = serde_json::from_slice(&message.body).unwrap();
            if let Ending::Failed(failure) = &outcome.ending {
                assert!(failure.origin != Origin::Platform, "{failure:?}");
            }
        }
        let (kills, peak) = (group.kills(), group.peak());
        println!("the worker says {} MiB, the peak was {} MiB", bytes >> 20, peak >> 20);
        assert_eq!(kills, 0, "of {bytes} bytes at most {peak} were used, and the kernel killed for want of memory");
        process.kill().await.unwrap();
        soon("the worker's end", process.wait()).await.unwrap();
    })
    .await;
}
