//! An engine publishes before any worker has run: to the exchange, or straight to the queue. The outcome arrives once a
//! worker starts.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::process::{Output, Stdio};

use scriptmill_sdk::amqp::Envelope;
use scriptmill_sdk::client::{Client, DispatchError, Options};
use scriptmill_sdk::connect::Brokers;
use scriptmill_sdk::{Address, Bundle, Code, Ending, Job, Outcome, topology};
use serde_json::json;
use support::{LONG, Rabbit, server, start, start_command, with_rabbit};
use tokio::process::Command;
use tokio::time::timeout;

fn job(id: &str) -> Job {
    Job::new(id, "acme.sales".parse().unwrap(), Bundle::of("main.ts", "export default () => 42;"))
}

fn value(outcome: &Outcome) -> &str {
    match &outcome.ending {
        Ending::Succeeded(value) => value.get(),
        other => panic!("{other:?}"),
    }
}

fn client_at(rabbit: &Rabbit, address: Address) -> Options {
    let options = rabbit.options();
    let brokers = Brokers { addresses: vec![address], ..options.brokers() };
    Options { brokers, prefix: options.prefix, ..Options::to([]) }
}

/// Runs `scriptmill declare`.
async fn declare(rabbit: &Rabbit, address: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scriptmill"));
    command.arg("declare").env("SCRIPTMILL_BROKER__ADDRESSES", address);
    command.env("SCRIPTMILL_BROKER__PREFIX", &rabbit.prefix);
    if let Some(file) = std::env::var_os("SCRIPTMILL_TEST_CA") {
        command.env("SCRIPTMILL_BROKER__CA_FILE", file);
    }
    timeout(LONG, command.stdin(Stdio::null()).output()).await.expect("an end").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_dispatches_before_any_worker_has_run() {
    with_rabbit(async |rabbit| {
        let client = Client::connect(client_at(rabbit, server().parse().unwrap())).await.unwrap();
        let waiting = client.dispatch(&job("early")).await.unwrap();
        let _worker = start(rabbit, 1).await;
        assert_eq!(value(&waiting.outcome(LONG).await.unwrap()), "42");
        client.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_publishes_before_any_worker_has_run() {
    with_rabbit(async |rabbit| {
        let replies = rabbit.declare_requester("replies").await;
        let declared = declare(rabbit, &server()).await;
        let (stdout, stderr) = (String::from_utf8_lossy(&declared.stdout), String::from_utf8_lossy(&declared.stderr));
        assert!(declared.status.success() && stdout.contains(&rabbit.names.jobs), "{stdout}{stderr}");

        let jobs = rabbit.names.jobs.as_str();
        // To the exchange under the tenant's name, and straight to the queue over the default exchange.
        for (id, exchange, routing_key) in [("to-exchange", jobs, "acme.sales"), ("to-queue", "", jobs)] {
            let (message_id, reply_to) = (Some(id.to_owned()), Some(replies.clone()));
            let properties = Envelope { message_id, reply_to, ..Envelope::default() }.job_properties();
            rabbit.publish(exchange, routing_key, &serde_json::to_vec(&job(id)).unwrap(), properties).await;
        }
        let _worker = start(rabbit, 1).await;
        let mut answered = Vec::new();
        for _ in 0..2 {
            let message = timeout(LONG, rabbit.take(&replies)).await.expect("an outcome");
            let outcome: Outcome = serde_json::from_slice(&message.body).unwrap();
            assert_eq!(value(&outcome), "42");
            answered.push(outcome.job_id);
        }
        answered.sort();
        assert_eq!(answered, ["to-exchange", "to-queue"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_exists_with_other_arguments_is_not_declared() {
    with_rabbit(async |rabbit| {
        // A classic queue with the name of the queue of jobs.
        rabbit.declare_requester("jobs").await;
        let declared = declare(rabbit, &server()).await;
        let stderr = String::from_utf8_lossy(&declared.stderr);
        let differs = format!("SM4102: {} exists with other properties", rabbit.names.jobs);
        assert!(declared.status.code() == Some(1) && stderr.contains(&differs), "{stderr}");
    })
    .await;
}

/// A user of a test's own, removed with it.
struct User {
    name: String,
    address: Address,
}

impl User {
    /// A user with these permissions to configure, write and read. Returns `None` if `rabbitmqctl` cannot be run or
    /// speaks to another broker than the tests do.
    async fn new(rabbit: &Rabbit, permissions: &[String; 3]) -> Option<Self> {
        let name = rabbit.prefix.clone();
        let mut uri = server().parse::<Address>().unwrap().uri().clone();
        uri.authority.userinfo.username.clone_from(&name);
        uri.authority.userinfo.password.clone_from(&name);
        let user = Self { address: uri.to_string().parse().unwrap(), name };
        let made = rabbitmqctl(&["add_user", &user.name, &user.name]).and_then(|()| user.may(permissions));
        let connected = client_at(rabbit, user.address.clone()).brokers.connect(0, "scriptmill test").await;
        match made.zip(connected.ok()) {
            Some(((), connection)) => connection.close(200, "done".into()).await.unwrap(),
            None => {
                eprintln!("not tested: rabbitmqctl cannot make a user at {}", rabbit.proxy.address);
                return None;
            }
        }
        Some(user)
    }

    fn may(&self, permissions: &[String; 3]) -> Option<()> {
        let [configure, write, read] = permissions.each_ref().map(String::as_str);
        rabbitmqctl(&["set_permissions", "-p", &self.address.uri().vhost, &self.name, configure, write, read])
    }
}

/// The permissions of an engine's user: every right on its reply queues, to publish jobs if `may_publish`, and nothing else.
fn of_an_engine(rabbit: &Rabbit, may_publish: bool) -> [String; 3] {
    let replies = format!("^{}\\.replies\\.", rabbit.prefix);
    let writes = if may_publish { format!("{replies}|^{}\\.jobs$", rabbit.prefix) } else { replies.clone() };
    [replies.clone(), writes, replies]
}

impl Drop for User {
    fn drop(&mut self) {
        rabbitmqctl(&["delete_user", &self.name]);
    }
}

fn rabbitmqctl(arguments: &[&str]) -> Option<()> {
    let output = std::process::Command::new("rabbitmqctl").arg("--quiet").args(arguments).output().ok()?;
    output.status.success().then_some(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_the_permission_to_declare_relies_on_others() {
    with_rabbit(async |rabbit| {
        let Some(user) = User::new(rabbit, &of_an_engine(rabbit, true)).await else { return };
        let declared = declare(rabbit, &user.address.uri().to_string()).await;
        let stderr = String::from_utf8_lossy(&declared.stderr);
        let refused = format!("SM4103: {} refuses the user {}: a permission is missing: ", user.address, user.name);
        assert!(declared.status.code() == Some(1) && stderr.contains(&refused), "{stderr}");

        let client = Client::connect(client_at(rabbit, user.address.clone())).await.unwrap();
        let nowhere = client.dispatch(&job("first")).await.map(drop).unwrap_err();
        assert!(matches!(nowhere, DispatchError::NoQueue(_)), "{nowhere}");
        assert!(declare(rabbit, &server()).await.status.success());
        let waiting = client.dispatch(&job("second")).await.unwrap();
        let _worker = start(rabbit, 1).await;
        assert_eq!(value(&waiting.outcome(LONG).await.unwrap()), "42");
        client.close().await;

        user.may(&of_an_engine(rabbit, false)).expect("rabbitmqctl worked before");
        let client = Client::connect(client_at(rabbit, user.address.clone())).await.unwrap();
        let refused = client.dispatch(&job("third")).await.map(drop).unwrap_err();
        assert!(refused.to_string().contains("403 ACCESS_REFUSED") && !refused.is_transient(), "{refused}");
        client.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_the_permission_to_declare_relies_on_others() {
    with_rabbit(async |rabbit| {
        let own = format!("^{}\\.|^amq\\.default$", rabbit.prefix);
        let Some(user) = User::new(rabbit, &["^$".to_owned(), own.clone(), own]).await else { return };
        assert!(declare(rabbit, &server()).await.status.success());
        let brokers = client_at(rabbit, server().parse().unwrap()).brokers;
        let connection = brokers.connect(0, "scriptmill test").await.unwrap();
        let delays = [1, 2].map(|seconds| topology::delay(&rabbit.names, seconds)).into();
        topology::declare_all(&connection, delays, LONG).await.unwrap();
        connection.close(200, "done".into()).await.unwrap();

        let replies = rabbit.declare_requester("replies").await;
        let address = user.address.uri().to_string();
        let settings = [("SCRIPTMILL_BROKER__ADDRESSES", address.as_str()), ("SCRIPTMILL_WORKER__SLOTS", "2")];
        let (_worker, _) = start_command("work", &settings, rabbit).await;
        let now = jiff::Timestamp::now();
        let later = json!({ "startAt": (now + std::time::Duration::from_secs(2)).to_string() });
        let again = json!({ "retry": { "attempts": 2, "pauseMs": 500 } });
        rabbit.put_job("at once", "export default () => 1", &json!({}), &replies).await;
        rabbit.put_job("later", "export default () => 1", &later, &replies).await;
        rabbit.put_job("again", "export default () => { throw new Error('no') }", &again, &replies).await;
        rabbit.put_job("no job", "export default () => 1", &json!({ "tenant": "No Tenant" }), &replies).await;
        let mut ended = Vec::new();
        for _ in 0..4 {
            let message = timeout(LONG, rabbit.take(&replies)).await.expect("an outcome");
            let outcome: Outcome = serde_json::from_slice(&message.body).unwrap();
            ended.push((outcome.job_id, outcome.ending.code(), message.properties.envelope().attempt));
        }
        ended.sort();
        let expected = [
            ("again", Some(Code::Thrown), 2),
            ("at once", None, 1),
            ("later", None, 1),
            ("no job", Some(Code::InvalidField), 1),
        ];
        assert_eq!(ended, expected.map(|(id, code, attempt)| (id.to_owned(), code, attempt)));
        timeout(LONG, rabbit.take(&rabbit.names.dead)).await.expect("the dead letter");
        assert_eq!(rabbit.ready(&rabbit.names.jobs).await, 0);
    })
    .await;
}
