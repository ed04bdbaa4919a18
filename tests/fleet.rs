//! Processes that hear each other over a real RabbitMQ, and what the exporters show of it.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lapin::BasicProperties;
use lapin::options::QueueDeleteOptions;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use scriptmill::broker::amqp::Heartbeats;
use scriptmill::broker::{Heartbeats as _, Listener};
use scriptmill::scale::{Explanation, Options, Parts, Reading, Signal, Unavailable};
use scriptmill::signals::Signals;
use scriptmill_scaling::{BEAT, Beat, Depth};
use scriptmill_sdk::topology;
use support::{Rabbit, binary, clock, get, soon, spawn, start, start_command, with_rabbit};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const SLOTS: usize = 8;

/// A process in its fleet, as a worker has it.
struct Process {
    signal: Arc<dyn Signal>,
    registry: Registry,
    drain: CancellationToken,
    end: CancellationToken,
    running: JoinHandle<()>,
}

impl Process {
    fn worker(rabbit: &Rabbit) -> Self {
        Self::with_slots(rabbit, SLOTS)
    }

    /// A process with `slots` slots. Without slots it runs no jobs.
    fn with_slots(rabbit: &Rabbit, slots: usize) -> Self {
        let (clock, mut registry) = (clock(), Registry::with_prefix("scriptmill"));
        let signals = Signals::new(clock.clone());
        signals.has_slots(slots);
        signals.has_consumers(slots.min(1));
        let heartbeats = Arc::new(Heartbeats::new(&rabbit.options()));
        let retry_pause_max = Duration::from_millis(300);
        let parts = Parts { heartbeats, signals, bounds: None, looks: slots == 0, clock, retry_pause_max };
        let fleet = Options::default().build(parts, &mut registry);
        let (drain, end) = (CancellationToken::new(), CancellationToken::new());
        let signal = fleet.signal();
        let running = tokio::spawn(fleet.run(drain.clone(), end.clone()));
        Self { signal, registry, drain, end, running }
    }

    /// Waits until the reading is as it should be.
    async fn sees(&self, what: &str, is: impl Fn(Result<Reading, Unavailable>) -> bool) {
        let mut changes = self.signal.changes();
        let seeing = async {
            while !is(self.signal.read("default")) {
                changes.changed().await.unwrap();
            }
        };
        soon(what, seeing).await;
    }

    async fn sees_workers(&self, workers: u32, leaving: u32) {
        let is = |read: Result<Reading, _>| {
            read.is_ok_and(|reading| {
                let seen = reading.demand.observed;
                (seen.workers, seen.leaving) == (workers, leaving)
            })
        };
        self.sees(&format!("{workers} workers and {leaving} that leave"), is).await;
    }

    fn metrics(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).unwrap();
        text
    }

    fn ignored(&self, reason: &str) -> u64 {
        let metrics = self.metrics();
        let begin = format!("scriptmill_heartbeats_ignored_total{{reason=\"{reason}\"}} ");
        metrics.lines().find_map(|line| line.strip_prefix(&begin)).unwrap().parse().unwrap()
    }

    async fn ignores(&self, reason: &str, count: u64) {
        let ignoring = async {
            while self.ignored(reason) < count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        soon(&format!("heartbeats ignored as {reason}"), ignoring).await;
        assert_eq!(self.ignored(reason), count, "{reason}");
    }

    async fn ends(self) {
        self.end.cancel();
        soon("the end", self.running).await.unwrap();
    }
}

async fn listen(rabbit: &Rabbit) -> Box<dyn Listener> {
    soon("to be listening", Heartbeats::new(&rabbit.options()).listen()).await.unwrap()
}

async fn hear(listener: &mut dyn Listener) -> Beat {
    Beat::read(&soon("a heartbeat", listener.next()).await.unwrap()).unwrap()
}

async fn publish(rabbit: &Rabbit, bytes: &[u8]) {
    rabbit.publish(&rabbit.names.heartbeats, "", bytes, BasicProperties::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_hear_each_other_and_see_who_leaves() {
    with_rabbit(async |rabbit| {
        let (one, other, scaler) = (Process::worker(rabbit), Process::worker(rabbit), Process::with_slots(rabbit, 0));
        for process in [&one, &other, &scaler] {
            process.sees_workers(2, 0).await;
        }
        let text = scaler.metrics();
        assert!(text.contains("scriptmill_fleet_slots{group=\"default\"} 16.0\n"), "{text}");
        assert!(text.contains("scriptmill_fleet_workers{group=\"default\",state=\"leaving\"} 0.0\n"), "{text}");

        let mut listener = listen(rabbit).await;
        other.drain.cancel();
        // The leaving process says so at once, and again with each beat.
        for _ in 0..2 {
            while !hear(&mut *listener).await.leaving {}
        }
        one.sees_workers(1, 1).await;
        other.ends().await;
        assert!(hear_last(&mut *listener).await, "its last words were not that it leaves");
        one.sees_workers(1, 0).await;
        one.ends().await;
        scaler.sees_workers(0, 0).await;
        scaler.ends().await;
    })
    .await;
}

/// Whether any heartbeat up to now says that its process leaves. Ends once none comes for a quarter of a beat.
async fn hear_last(listener: &mut dyn Listener) -> bool {
    let mut last = false;
    while let Ok(heard) = tokio::time::timeout(BEAT / 4, listener.next()).await {
        let beat = Beat::read(&heard.unwrap()).unwrap();
        last |= beat.leaving;
    }
    last
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_fades_out_and_a_cut_connection_is_made_again() {
    with_rabbit(async |rabbit| {
        let (one, other) = (Process::worker(rabbit), Process::worker(rabbit));
        one.sees_workers(2, 0).await;
        other.sees_workers(2, 0).await;
        // The connection of the other process is dropped, and it says nothing.
        other.running.abort();
        one.sees_workers(1, 0).await;

        rabbit.proxy.cut();
        let mut listener = listen(rabbit).await;
        let beat = hear(&mut *listener).await;
        assert_eq!((beat.level.slots, beat.leaving), (SLOTS as u32, false));
        let successor = Process::worker(rabbit);
        one.sees_workers(2, 0).await;
        successor.sees_workers(2, 0).await;
        one.ends().await;
        successor.ends().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_and_forged_heartbeats_are_ignored_and_counted() {
    with_rabbit(async |rabbit| {
        let process = Process::worker(rabbit);
        let mut listener = listen(rabbit).await;
        let own = hear(&mut *listener).await;
        let forged = Beat { leaving: true, ..own.clone() };
        let group = Beat { process: "stranger".to_owned(), group: "another".to_owned(), ..own.clone() };
        let mut impossible = Beat { process: "stranger".to_owned(), ..own };
        impossible.level.slots = u32::MAX;
        publish(rabbit, b"\xff garbage").await;
        publish(rabbit, &vec![b'x'; 1 << 20]).await;
        publish(rabbit, br#"{"version":3}"#).await;
        for beat in [forged, group, impossible] {
            publish(rabbit, &beat.write().unwrap()).await;
        }
        for reason in ["malformed", "too_long", "version", "forged", "group", "impossible"] {
            process.ignores(reason, 1).await;
        }
        // None of these heartbeats was believed, and the process does not count its own as ignored.
        process.sees_workers(1, 0).await;
        assert_eq!(process.ignored("forged"), 1);
        process.ends().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_depth_of_a_queue_that_is_not_there_is_unknown() {
    with_rabbit(async |rabbit| {
        let mut listener = listen(rabbit).await;
        let empty = Some(Depth { ready: 0, consumers: 0 });
        assert_eq!(listener.depth().await.unwrap(), empty);
        let options = QueueDeleteOptions::default();
        rabbit.channel().queue_delete(rabbit.names.jobs.as_str().into(), options).await.unwrap();
        // The broker closes the channel each time; the next question is asked on another.
        assert_eq!(listener.depth().await.unwrap(), None);
        assert_eq!(listener.depth().await.unwrap(), None);
        let brokers = rabbit.options().brokers();
        let connection = brokers.connect(0, "scriptmill test").await.unwrap();
        topology::declare(&connection, &rabbit.names, brokers.timeout).await.unwrap();
        assert_eq!(listener.depth().await.unwrap(), empty);
        listener.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_there_is_a_reason_and_no_number() {
    let (clock, mut registry) = (clock(), Registry::with_prefix("scriptmill"));
    let address = "amqp://127.0.0.1:1".parse().unwrap();
    let nowhere = scriptmill::broker::amqp::Options { addresses: vec![address], ..Default::default() };
    let heartbeats = Arc::new(Heartbeats::new(&nowhere));
    let (signals, retry_pause_max) = (Signals::new(clock.clone()), Duration::from_millis(100));
    let parts = Parts { heartbeats, signals, bounds: None, looks: true, clock, retry_pause_max };
    let fleet = Options::default().build(parts, &mut registry);
    let (signal, end) = (fleet.signal(), CancellationToken::new());
    let running = tokio::spawn(fleet.run(CancellationToken::new(), end.clone()));
    let mut changes = signal.changes();
    soon("a beat", changes.changed()).await.unwrap();
    let reason = signal.read("default").unwrap_err().to_string();
    assert_eq!(reason, "the load of worker group default is unknown: no broker is connected");
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    assert!(!text.contains("desired_replicas") && !text.contains("fleet_slots"), "{text}");
    assert!(text.contains("scriptmill_scaling_state{group=\"default\",state=\"unknown\"} 1\n"), "{text}");
    end.cancel();
    soon("the end", running).await.unwrap();
}

/// `scriptmill scaler explain`, as a person calls it.
async fn explain(address: &str, arguments: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_scriptmill"));
    command.args(["scaler", "explain", "--address", &format!("http://{address}")]).args(arguments);
    soon("the explanation", command.output()).await.unwrap()
}

async fn fails(address: &str, arguments: &[&str], message: &str) {
    let output = explain(address, arguments).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains(message), "{message} is not in {output:?}");
}

/// Three jobs of an example, run by the workers there are.
async fn send_three(rabbit: &Rabbit) {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/order-total/");
    let (script, input) = (format!("{example}main.ts"), format!("{example}input.json"));
    let mut send = binary(rabbit);
    send.args(["send", &script, "--input", &input, "--count", "3"]);
    let sent = soon("three outcomes", send.output()).await.unwrap();
    assert!(sent.status.success(), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scaler_and_a_worker_say_why_it_is_that_number() {
    with_rabbit(async |rabbit| {
        let (_worker, worker) = start(rabbit, SLOTS).await;
        let (_scaler, scaler) = start_command("scaler", &[], rabbit).await;
        send_three(rabbit).await;
        for address in [&worker, &scaler] {
            // A worker is ready before it has heard the fleet.
            let known = async { while !explain(address, &[]).await.status.success() {} };
            soon("a number", known).await;
            let output = explain(address, &[]).await;
            let said = String::from_utf8_lossy(&output.stdout);
            for text in [
                "2 replicas, since the policy allows no fewer",
                "\na worker       8 slots\n",
                "\nfloor          in use: 0.00 slots = 0.00 replicas\n",
                "\npolicy         2 to 60\nreplicas       2\n",
                "there now",
                "one more",
                "\ngroup default, state ok, computed ",
            ] {
                assert!(said.contains(text), "{text} is not in {said}");
            }
            let counted = async {
                loop {
                    let output = explain(address, &["--json", "--group", "default"]).await;
                    let explanation: Explanation = serde_json::from_slice(&output.stdout).unwrap();
                    if explanation.services.count == 3 {
                        return explanation;
                    }
                }
            };
            let explanation = soon("three jobs", counted).await;
            assert_eq!(explanation.waits.count, 3);
            let number = explanation.number.unwrap();
            assert_eq!((number.replicas, number.observed.workers, number.observed.slots), (2, 1, 8.0));
            assert!(!explanation.last_hour.is_empty() && explanation.last_hour.len() < 100);
            fails(address, &["--group", "other&"], "there is no worker group other&; groups that http://").await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_nothing_to_explain_the_reason_is_said() {
    with_rabbit(async |rabbit| {
        let (_scaler, address) =
            spawn("scaler", &[("SCRIPTMILL_BROKER__ADDRESSES", "amqp://127.0.0.1:1")], rabbit).await;
        let listens = async { while get(&address, "/livez").await.is_none() {} };
        soon("the scaler", listens).await;
        fails(&address, &[], "the load of worker group default is unknown: no broker is connected").await;
        let output = explain(&address, &["--json"]).await;
        let explanation: Explanation = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((output.status.code(), explanation.number), (Some(1), None));
        fails("127.0.0.1:1", &[], "nobody can be asked at http://127.0.0.1:1: --address must name the admin server")
            .await;
        // RabbitMQ is no admin server.
        let authority = &rabbit.proxy.address.uri().authority;
        let broker = format!("{}:{}", authority.host, authority.port);
        // A busy broker may not answer at all within ten seconds.
        fails(&broker, &[], &format!("http://{broker} did not answer ")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_named_by_convention() {
    with_rabbit(async |rabbit| {
        let (_worker, address) = start(rabbit, SLOTS).await;
        let complete = async {
            loop {
                let answer = get(&address, "/metrics").await.unwrap_or_default();
                if answer.contains("scriptmill_desired_replicas{") {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let answer = soon("the scaling signal", complete).await;
        let (head, text) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("text/plain; version=0.0.4"), "{head}");
        for line in text.lines().filter(|line| line.starts_with("# TYPE ")) {
            let (name, kind) = line["# TYPE ".len()..].split_once(' ').unwrap();
            // The metrics of a process that all of Prometheus' clients show have no prefix of ours.
            assert!(name.starts_with("scriptmill_") || name.starts_with("process_"), "{line}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
            assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
            assert!(!["_ms", "_us", "_minutes", "_percent", "_count"].iter().any(|end| name.ends_with(end)), "{line}");
            let help = format!("# HELP {name} ");
            assert_eq!(text.matches(help.as_str()).count(), 1, "{line}");
        }
        for name in ["job_wait_seconds", "job_service_seconds"] {
            let (first, last) = (
                format!("scriptmill_{name}_bucket{{le=\"0.0001\"}} 0\n"),
                format!("scriptmill_{name}_bucket{{le=\"+Inf\"}} 0\n"),
            );
            assert!(text.contains(first.as_str()) && text.contains(last.as_str()), "{text}");
        }
        check_by_promtool(text);
    })
    .await;
}

/// Prometheus' own check, where it is installed.
fn check_by_promtool(text: &str) {
    use std::io::Write as _;

    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut promtool) = command.spawn() else {
        println!("promtool is not here (Debian: apt-get install prometheus)");
        return;
    };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let checked = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&checked.stderr) + String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success() && said.trim().is_empty(), "{said}\n{text}");
}
