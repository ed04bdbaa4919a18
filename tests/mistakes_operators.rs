//! The commonest mistakes of engine developers and of operators. Each is answered with a place, a name and a remedy,
//! and the log holds only what concerns them.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use lapin::BasicProperties;
use lapin::options::QueueBindOptions;
use lapin::types::{AMQPValue, FieldTable};
use scriptmill_sdk::amqp::{ENQUEUED_AT, Envelope};
use scriptmill_sdk::{Address, Ending, Outcome};
use serde_json::{Value, json};
use support::{LONG, Rabbit, get, is_ready, server, signal, spawn, spawn_with, start, start_command, with_rabbit};
use tokio::process::{Child, Command};
use tokio::time::timeout;

fn job(fields: &Value) -> Value {
    let script = json!({ "modules": [{ "name": "main.ts", "source": "export default (x) => x;" }] });
    let mut job = json!({ "id": "order-4711/approve", "tenant": "acme.sales", "script": script });
    for (name, value) in fields.as_object().unwrap() {
        job[name] = value.clone();
    }
    job
}

/// A mistake in a job, the field to blame, and what the sentence says.
fn mistakes_in_jobs() -> Vec<(Value, &'static str, &'static [&'static str])> {
    vec![
        (
            json!({ "limits": { "wallTimeMs": "5s" } }),
            "limits.wallTimeMs",
            &["a whole number of milliseconds", "the text \"5s\""],
        ),
        (json!({ "limits": { "wall_time": 500 } }), "limits.wall_time", &["did you mean wallTimeMs?"]),
        (json!({ "limits": { "fule": 1000 } }), "limits.fule", &["did you mean fuel?"]),
        (json!({ "limits": [] }), "limits", &["must be an object, but is an array"]),
        (json!({ "deadLine": "2026-03-01T09:30:00Z" }), "deadLine", &["did you mean deadline?"]),
        (
            json!({ "deadline": 1_772_353_800 }),
            "deadline",
            &["RFC 3339", "as seconds since 1970 that is 2026-03-01T08:30:00Z"],
        ),
        (json!({ "startAt": "1970-01-21T12:19:13Z" }), "startAt", &["seconds taken for milliseconds"]),
        (json!({ "script": "export default (x) => x;" }), "script", &["must be an object, but is the text"]),
        (
            json!({ "script": { "modules": [{ "name": "main.ts", "code": "" }] } }),
            "script.modules[0].code",
            &["did you mean source?"],
        ),
        (json!({ "input": 1, "inputs": [1] }), "inputs", &["one or the other"]),
        (json!({ "retry": { "attempts": "3" } }), "retry.attempts", &["a whole number, but is the text \"3\""]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_field_is_named_in_an_answer_that_is_found() {
    with_rabbit(async |rabbit| {
        let (_worker, _) = start(rabbit, 1).await;
        let queue = rabbit.declare_requester("engine").await;
        let (results, none) = (rabbit.names.results.as_str(), FieldTable::default());
        let bound = rabbit.channel().queue_bind(
            queue.as_str().into(),
            results.into(),
            "acme.#".into(),
            QueueBindOptions::default(),
            none,
        );
        bound.await.unwrap();
        for (fields, path, said) in mistakes_in_jobs() {
            let body = job(&fields).to_string();
            // As an engine publishes a job when it sets no property at all.
            rabbit.put(&rabbit.names.jobs, body.as_bytes(), BasicProperties::default()).await;
            let message = timeout(LONG, rabbit.take(&queue)).await.expect("the answer");
            let outcome: Outcome = serde_json::from_slice(&message.body).unwrap();
            assert_eq!((outcome.job_id.as_str(), outcome.tenant.as_str()), ("order-4711/approve", "acme.sales"));
            let Ending::Rejected(rejection) = outcome.ending else { panic!("{fields}: {:?}", outcome.ending) };
            assert_eq!((rejection.code.to_string().as_str(), rejection.path.as_deref()), ("SM3002", Some(path)));
            for part in [&[path], said].concat() {
                assert!(rejection.message.contains(part), "{fields}: {}", rejection.message);
            }
            let of_rust = ["expected", "struct", "u64", "invalid type", "map", "sequence", "line 1"];
            assert!(!of_rust.iter().any(|word| rejection.message.contains(word)), "{}", rejection.message);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_set_may_be_null_and_a_time_that_cannot_be_is_not_believed() {
    with_rabbit(async |rabbit| {
        let (_worker, address) = start(rabbit, 1).await;
        let queue = rabbit.declare_requester("replies").await;
        let nulls =
            json!({ "entry": null, "input": 1, "inputs": null, "limits": null, "deadline": null, "clock": null });
        let mut headers = FieldTable::default();
        headers.insert(ENQUEUED_AT.into(), AMQPValue::LongLongInt(1_795_572_491));
        let envelope = Envelope { reply_to: Some(queue.clone()), ..Envelope::default() };
        let properties = envelope.job_properties().with_headers(headers);
        rabbit.put(&rabbit.names.jobs, job(&nulls).to_string().as_bytes(), properties).await;
        let message = timeout(LONG, rabbit.take(&queue)).await.expect("the answer");
        let outcome: Outcome = serde_json::from_slice(&message.body).unwrap();
        assert!(matches!(outcome.ending, Ending::Succeeded(_)), "{outcome:?}");
        assert_eq!(outcome.usage.times.queued_us, None);
        let metrics = get(&address, "/metrics").await.unwrap();
        assert!(metrics.contains("scriptmill_misdated_messages_total 1\n"), "{metrics}");
        assert!(!metrics.contains("phase=\"queued\""), "{metrics}");
    })
    .await;
}

/// Runs the binary without the caller's settings.
async fn scriptmill(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scriptmill"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SCRIPTMILL_")) {
        command.env_remove(name);
    }
    command.args(arguments).envs(environment.iter().copied()).stdin(Stdio::null()).kill_on_drop(true);
    timeout(LONG, command.output()).await.expect("an end").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn check_config_finds_what_a_worker_would_refuse() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().map(|address| (address.to_string(), taken)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let cases: &[(&str, &str, &[&str])] = &[
        ("SCRIPTMILL_WROKER__SLOTS", "4", &["SM4002", "SCRIPTMILL_WROKER__SLOTS", "did you mean worker.slots?"]),
        ("SCRIPTMILL_WORKER_SLOTS", "4", &["SM4002", "did you mean SCRIPTMILL_WORKER__SLOTS?"]),
        ("SCRIPTMIL_WORKER__SLOTS", "4", &["SM4002", "did you mean SCRIPTMILL_WORKER__SLOTS?"]),
        ("SCRIPTMILL_BROKER__ADDRESSES", "localhost:5672", &["SM4001", "no scheme", "begin it with amqp://"]),
        ("SCRIPTMILL_BROKER__ADDRESSES", "http://mq:15672", &["SM4001", "must begin with amqp://"]),
        ("SCRIPTMILL_BROKER__ADDRESSES", "amqp://mq:567200", &["SM4001", "its port is no number from 1 to 65535"]),
        ("SCRIPTMILL_BROKER__ADDRESSES", "amqp://shop:p@ss/w@mq", &["SM4001", "write @ as %40"]),
        ("SCRIPTMILL_BROKER__ADDRESSES", "amqp://mq/prod/eu", &["SM4001", "virtual host", "%2F"]),
        ("SCRIPTMILL_BROKER__ADDRESSES", "amqp://shop:a b@mq", &["SM4001", "space", "%20"]),
        ("SCRIPTMILL_BROKER__CA_FILE", empty.to_str().unwrap(), &["SM4001", "at least one certificate (PEM)"]),
        ("SCRIPTMILL_LOG__FILTER", "inof", &["SM4001", "log.filter", "off, error, warn, info, debug or trace"]),
        ("SCRIPTMILL_WORKER__SLOTS", "4096", &["SM4001", "would fit", "for jobs"]),
        ("SCRIPTMILL_LEDGER__ADDRESSES", "postgres://db", &["SM4001", "it names no database"]),
        ("SCRIPTMILL_HTTP__ADDRESS", &taken.0, &["http.address", &taken.0]),
        ("SCRIPTMILL_SCALER__KEY_FILE", "/nowhere/tls.key", &["SM4003", "/nowhere/tls.key"]),
    ];
    for (name, value, said) in cases {
        let output = scriptmill(&["work", "--check-config"], &[(name, value)]).await;
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{name}={value}");
        for part in *said {
            assert!(told.contains(part), "{name}={value}: {told}");
        }
        assert!(!told.contains("p@ss"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_or_an_input_that_is_not_there_is_told_as_that() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("main.ts");
    std::fs::write(&script, "export default () => 1;").unwrap();
    std::fs::write(folder.path().join("broken.json"), "{\"a\": 1,}").unwrap();
    let (script, missing) = (script.to_str().unwrap(), folder.path().join("gone"));
    let (missing, broken) = (missing.to_str().unwrap(), folder.path().join("broken.json"));
    let cases: [(&[&str], &[&str]); 4] = [
        (&["run", missing], &["SM4003", missing]),
        (&["check", missing], &["SM4003", missing]),
        (&["run", script, "--input", missing], &["SM4003", missing]),
        (
            &["run", script, "--input", broken.to_str().unwrap()],
            &["SM3002", "is not JSON: the name of a field, in double quotes, should stand there, at line 1, column 9"],
        ),
    ];
    for (arguments, said) in cases {
        let output = scriptmill(arguments, &[]).await;
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(said.iter().all(|part| told.contains(part)), "{arguments:?}: {told}");
    }
}

/// The tests' broker, with another user, virtual host or port.
fn server_with(change: impl FnOnce(&mut lapin::uri::AMQPUri)) -> Address {
    let mut uri = server().parse::<Address>().unwrap().uri().clone();
    change(&mut uri);
    uri.to_string().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_cannot_be_used_is_named_with_the_user_and_the_one_cause() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let cases = [
        (server_with(|uri| uri.authority.port = free.port()), "SM4101", "nothing listens there"),
        (server_with(|uri| uri.authority.host = "no-such-host.invalid".into()), "SM4101", "its name is not known"),
        (
            server_with(|uri| uri.authority.userinfo.password = "hunter2".into()),
            "SM4103",
            "the user name or the password is not right",
        ),
        (server_with(|uri| uri.vhost = "no-such-vhost".into()), "SM4103", "there is no virtual host no-such-vhost"),
    ];
    for (address, code, cause) in cases {
        let output = scriptmill(&["declare", "--broker", &address.uri().to_string()], &[]).await;
        let told = String::from_utf8(output.stderr).unwrap();
        let user = format!("the user {}", address.uri().authority.userinfo.username);
        let names_user = code == "SM4101" || told.contains(&user);
        let is_told = told.contains(code) && told.contains(cause) && told.contains(&address.to_string());
        assert!(is_told && names_user && !told.contains("hunter2"), "{told}");
        assert_eq!(told.lines().count(), 2, "the sentence and the command that explains it: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readyz_says_what_is_in_the_way() {
    with_rabbit(async |rabbit| {
        let is_told = async |address: &str, what: &str| {
            let told = async {
                loop {
                    let answer = get(address, "/readyz").await.unwrap_or_default();
                    if answer.contains(what) {
                        break answer;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            let answer = timeout(LONG, told).await.unwrap_or_else(|_| panic!("{what} is told"));
            assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        };
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let closed = server_with(|uri| uri.authority.port = free.port()).uri().to_string();
        let (_gone, address) = spawn("work", &[("SCRIPTMILL_BROKER__ADDRESSES", &closed)], rabbit).await;
        is_told(&address, "not ready: broker: SM4101").await;
        let stranger = server_with(|uri| uri.authority.userinfo.password = "wrong".into()).uri().to_string();
        let (_stranger, address) = spawn("work", &[("SCRIPTMILL_BROKER__ADDRESSES", &stranger)], rabbit).await;
        is_told(&address, "not ready: permission: SM4103").await;

        let (worker, address) = start(rabbit, 1).await;
        let queue = rabbit.declare_requester("replies").await;
        rabbit.put_job("endless", "export default () => { for (;;); };", &Value::Null, &queue).await;
        let runs = async {
            while !get(&address, "/metrics").await.unwrap().contains("scriptmill_jobs_running 1\n") {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(LONG, runs).await.expect("it runs");
        signal(&worker, "-TERM").await;
        is_told(&address, "not ready: drain: the worker is leaving").await;

        let proxy = rabbit.proxy.address.uri();
        if proxy.scheme == lapin::uri::AMQPScheme::AMQP {
            let through = proxy.to_string();
            let (_held, address) = start_command("work", &[("SCRIPTMILL_BROKER__ADDRESSES", &through)], rabbit).await;
            rabbit.proxy.blocks();
            is_told(&address, "not ready: memory: the broker holds publishing back").await;
        }
    })
    .await;
}

/// What a worker has logged, once it has ended.
async fn log_of(worker: Child) -> String {
    signal(&worker, "-TERM").await;
    let output = timeout(LONG, worker.wait_with_output()).await.expect("an end").unwrap();
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_outcome_and_no_password_is_in_the_log() {
    const SECRET: &str = "DE89370400440532013000";
    with_rabbit(async |rabbit| {
        let settings =
            [("SCRIPTMILL_LOG", "trace"), ("SCRIPTMILL_LOG__FORMAT", "json"), ("SCRIPTMILL_WORKER__SLOTS", "1")];
        let (worker, address) = spawn_with("work", &settings, rabbit, Stdio::piped()).await;
        is_ready(&address).await;
        let queue = rabbit.declare_requester("replies").await;
        let input = json!({ "input": { "iban": SECRET } });
        rabbit.put_job("kept", "export default (x) => x", &input, &queue).await;
        rabbit.put_job("lost", "export default (x) => x", &input, "nobody's queue").await;
        rabbit.put_job("thrown", "export default (x) => { throw new Error(x.iban); }", &input, &queue).await;
        rabbit.put_job("wrong", "export default (x) => x", &json!({ "limits": { "fuel": SECRET } }), &queue).await;
        for _ in 0..3 {
            timeout(LONG, rabbit.take(&queue)).await.expect("an outcome");
        }
        for _ in 0..2 {
            timeout(LONG, rabbit.take(&rabbit.names.dead))
                .await
                .expect("the outcome that was lost, and the job that is none");
        }
        let log = log_of(worker).await;
        let bytes: Vec<_> = SECRET.bytes().take(6).map(|byte| byte.to_string()).collect();
        assert!(!log.contains(SECRET) && !log.contains(&bytes.join(", ")), "{log}");
        let password = server().parse::<Address>().unwrap().uri().authority.userinfo.clone();
        let credentials = format!("{}:{}@", password.username, password.password);
        assert!(!log.contains(&credentials) && !log.contains("\"target\":\"lapin"), "{log}");
        assert!(log.contains("an outcome could not be delivered; it goes to the dead letters"), "{log}");
        for (id, parts) in [("thrown", &["SM2001", "failed"][..]), ("wrong", &["SM3002", "limits.fuel", "rejected"])] {
            let lines = log
                .lines()
                .filter(|line| line.contains("\"code\":\"SM") && line.contains(&format!("\"job\":\"{id}\"")));
            let lines: Vec<_> = lines.collect();
            assert_eq!(lines.len(), 1, "{id}: {log}");
            assert!(parts.iter().chain(&["\"tenant\":\"acme\""]).all(|part| lines[0].contains(part)), "{}", lines[0]);
        }
    })
    .await;
}

/// The permissions that a page says how to grant: to configure, to write and to read.
fn granted(page: &str) -> [String; 3] {
    let (_, command) = page.split_once("rabbitmqctl set_permissions").expect("the command");
    let mut quoted = command.split('\'').skip(1).step_by(2).map(str::to_owned);
    [(); 3].map(|()| quoted.next().expect("three patterns"))
}

fn rabbitmqctl(arguments: &[&str]) -> bool {
    let output = std::process::Command::new("rabbitmqctl").arg("--quiet").args(arguments).output();
    output.is_ok_and(|output| output.status.success())
}

/// A user and a virtual host of a test's own.
struct Guest(String);

impl Drop for Guest {
    fn drop(&mut self) {
        rabbitmqctl(&["delete_user", &self.0]);
        rabbitmqctl(&["delete_vhost", &self.0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_on_the_page_grants_what_a_worker_and_an_engine_need() {
    with_rabbit(async |rabbit: &Rabbit| {
        let guest = Guest(rabbit.prefix.replace('.', "-"));
        let name = guest.0.as_str();
        let permissions = granted(include_str!("../docs/errors/SM4103.md"));
        let [configure, write, read] = permissions.each_ref().map(String::as_str);
        let made = rabbitmqctl(&["add_vhost", name])
            && rabbitmqctl(&["add_user", name, name])
            && rabbitmqctl(&["set_permissions", "-p", name, name, configure, write, read]);
        let address = server_with(|uri| {
            (uri.authority.userinfo.username, uri.authority.userinfo.password) = (name.to_owned(), name.to_owned());
            name.clone_into(&mut uri.vhost);
        });
        if !made {
            eprintln!("not tested: rabbitmqctl cannot make a user");
            return;
        }
        let address = address.uri().to_string();
        let settings = [
            ("SCRIPTMILL_BROKER__ADDRESSES", address.as_str()),
            ("SCRIPTMILL_BROKER__PREFIX", "scriptmill"),
            ("SCRIPTMILL_WORKER__SLOTS", "1"),
        ];
        let (_worker, _) = start_command("work", &settings, rabbit).await;
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("main.ts");
        std::fs::write(&script, "export default () => 1;").unwrap();
        let sent = scriptmill(&["send", script.to_str().unwrap(), "--broker", &address], &[]).await;
        assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    })
    .await;
}

/// The names of metrics in a text of Prometheus, without the endings of their samples.
fn families(text: &str) -> BTreeSet<String> {
    text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next().map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_lists_the_metrics_and_promtool_finds_nothing() {
    with_rabbit(async |rabbit| {
        let (_worker, address) = start_command("work", &[("SCRIPTMILL_WORKER__SLOTS", "2")], rabbit).await;
        let queue = rabbit.declare_requester("replies").await;
        rabbit.put_job("a", "export default () => 1", &Value::Null, &queue).await;
        rabbit.put_job("b", "export default () => 1", &json!({ "colour": 1 }), &queue).await;
        rabbit.put_job("c", "export default () => 1", &Value::Null, "nobody's queue").await;
        for _ in 0..2 {
            timeout(LONG, rabbit.take(&queue)).await.expect("an outcome");
        }
        let page = include_str!("../docs/metrics.md");
        let listed: BTreeSet<_> =
            page.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split('`').next()?.to_owned())).collect();
        for name in include_str!("../deploy/monitoring/metrics.txt").lines() {
            let ends = ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end));
            assert!(
                listed.contains(name) || ends.is_some_and(|family| listed.contains(family)),
                "{name} is not listed"
            );
        }
        let is_elsewhere = |name: &str| name.starts_with("scriptmill_ledger_") || name == "scriptmill_moved_jobs_total";
        // Metrics of the fleet that are known only after a while come last.
        let all = async {
            loop {
                let text = body(&get(&address, "/metrics").await.unwrap());
                let shown = families(&text);
                let missing: Vec<_> = listed.difference(&shown).filter(|name| !is_elsewhere(name)).cloned().collect();
                if missing.is_empty() {
                    break text;
                }
                println!("not shown: {missing:?}");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        let text = timeout(LONG, all).await.expect("all that the page lists is shown");
        let unlisted: Vec<_> = families(&text).difference(&listed).cloned().collect();
        assert!(unlisted.is_empty(), "not on the page: {unlisted:?}");
        let buckets = buckets(&text, "scriptmill_job_wait_seconds");
        assert!(buckets.windows(2).all(|pair| pair[1] <= 2.5 * pair[0] + 1e-9), "{buckets:?}");
        assert!(buckets[0] <= 0.001 && *buckets.last().unwrap() >= 300.0, "{buckets:?}");
        promtool(&text).await;
    })
    .await;
}

fn body(answer: &str) -> String {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned()
}

fn buckets(text: &str, name: &str) -> Vec<f64> {
    let start = format!("{name}_bucket{{le=\"");
    let bounds = text.lines().filter_map(|line| line.strip_prefix(&start)?.split('"').next()?.parse::<f64>().ok());
    bounds.filter(|bound| bound.is_finite()).collect()
}

/// Prometheus' own check, where it is installed.
async fn promtool(text: &str) {
    use tokio::io::AsyncWriteExt as _;

    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        eprintln!("not tested: there is no promtool");
        return;
    };
    child.stdin.take().unwrap().write_all(text.as_bytes()).await.unwrap();
    let output = timeout(LONG, child.wait_with_output()).await.expect("an end").unwrap();
    let mut told = String::from_utf8(output.stdout).unwrap();
    _ = write!(told, "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && told.trim().is_empty(), "{told}");
}

#[test]
fn a_cache_folder_that_others_may_write_is_not_written() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let shared = folder.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o777)).unwrap();
    std::fs::write(folder.path().join("main.ts"), "export default () => 1;").unwrap();
    let run = |cache: &Path| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_scriptmill"));
        command.args(["run", "main.ts"]).current_dir(folder.path()).env("SCRIPTMILL_SANDBOX__CACHE_DIR", cache);
        assert!(command.output().unwrap().status.success());
    };
    run(&shared);
    assert_eq!(std::fs::read_dir(&shared).unwrap().count(), 0);
}
