//! A real RabbitMQ for tests: each test has queues of its own, removed when it ends, and a connection that it can cut.
#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, reason = "tests")]

pub mod frames;
pub mod proxy;

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use lapin::options::{
    BasicAckOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeleteOptions,
    QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection};
use proxy::Proxy;
use scriptmill::broker::amqp::{Amqp, Options};
use scriptmill::broker::{Message, Names};
use scriptmill_sandbox::{Clock, TokioClock};
use scriptmill_sdk::amqp::Envelope;
use scriptmill_sdk::connect::Brokers;
use scriptmill_sdk::topology;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The clock that a worker is given.
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(TokioClock::new(tokio::runtime::Handle::current()))
}

/// The longest wait of a test: enough for a busy machine, and only a test that fails waits this long.
pub const LONG: Duration = Duration::from_secs(60);

/// The output of a future that must not take longer than [`LONG`].
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(LONG, future).await.unwrap_or_else(|_| panic!("{what} never came"))
}

/// The RabbitMQ to test against.
pub fn server() -> String {
    std::env::var("SCRIPTMILL_TEST_AMQP").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672".to_owned())
}

/// Certificates to trust if the server speaks `amqps`.
fn ca_file() -> Option<PathBuf> {
    std::env::var_os("SCRIPTMILL_TEST_CA").map(PathBuf::from)
}

/// How many queues for delayed jobs tests use: the shortest ones.
const DELAYS_USED: usize = 13;

/// Runs a test on queues of its own, and removes them even if it fails.
pub async fn with_rabbit(case: impl AsyncFnOnce(&Rabbit)) {
    let rabbit = Rabbit::new().await;
    let ended = AssertUnwindSafe(case(&rabbit)).catch_unwind().await;
    rabbit.remove().await;
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}

/// Queues under a prefix of their own, and a proxy in front of the broker.
pub struct Rabbit {
    pub prefix: String,
    pub names: Names,
    pub proxy: Proxy,
    admin: Connection,
    channel: Channel,
    requesters: Mutex<Vec<String>>,
}

impl Rabbit {
    async fn new() -> Self {
        let prefix = format!("scriptmill-test-{}", uuid::Uuid::new_v4().simple());
        let brokers = Brokers { ca_file: ca_file(), ..Brokers::at([server().parse().unwrap()]) };
        let admin = brokers.connect(0, "scriptmill test").await.unwrap_or_else(|error| {
            panic!("these tests need a RabbitMQ; SCRIPTMILL_TEST_AMQP and SCRIPTMILL_TEST_CA say which: {error}")
        });
        let channel = admin.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let names = Names::new(&prefix);
        Self {
            prefix,
            names,
            proxy: Proxy::to(&server().parse().unwrap()).await,
            admin,
            channel,
            requesters: Mutex::default(),
        }
    }

    /// Options that lead a worker through the proxy.
    pub fn options(&self) -> Options {
        Options {
            addresses: vec![self.proxy.address.clone()],
            prefix: self.prefix.clone(),
            ca_file: ca_file(),
            retry_pause_max: Duration::from_millis(300),
            ..Options::default()
        }
    }

    pub fn broker(&self) -> Amqp {
        Amqp::new(self.options())
    }

    pub async fn declare_requester(&self, name: &str) -> String {
        self.declare_requester_with(name, FieldTable::default()).await
    }

    pub async fn declare_requester_with(&self, name: &str, arguments: FieldTable) -> String {
        let queue = format!("{}.{name}", self.prefix);
        let options = QueueDeclareOptions::durable();
        self.channel.queue_declare(queue.as_str().into(), options, arguments).await.unwrap();
        self.requesters.lock().unwrap().push(queue.clone());
        queue
    }

    /// Takes the next message of a queue, waiting for it.
    pub async fn take(&self, queue: &str) -> Message {
        loop {
            if let Some(message) = self.try_take(queue).await {
                return message;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn try_take(&self, queue: &str) -> Option<Message> {
        let got = self.channel.basic_get(queue.into(), BasicGetOptions::default()).await.unwrap()?;
        got.delivery.acker.ack(BasicAckOptions::default()).await.unwrap();
        Some(Message { body: got.delivery.data.into(), properties: got.delivery.properties.into() })
    }

    pub async fn put(&self, queue: &str, body: &[u8], properties: BasicProperties) {
        self.publish("", queue, body, properties).await;
    }

    /// Puts a job of this script on the queue, with further fields.
    pub async fn put_job(&self, id: &str, source: &str, more: &serde_json::Value, reply_to: &str) {
        let script = serde_json::json!({ "modules": [{ "name": "main.ts", "source": source }] });
        let mut job = serde_json::json!({ "id": id, "tenant": "acme", "script": script });
        job.as_object_mut()
            .unwrap()
            .extend(more.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
        let (message_id, reply_to) = (Some(id.to_owned()), Some(reply_to.to_owned()));
        let properties = Envelope { message_id, reply_to, ..Envelope::default() }.job_properties();
        self.put(&self.names.jobs, job.to_string().as_bytes(), properties).await;
    }

    pub async fn publish(&self, exchange: &str, routing_key: &str, body: &[u8], properties: BasicProperties) {
        let options = BasicPublishOptions::default();
        let published = self.channel.basic_publish(exchange.into(), routing_key.into(), options, body, properties);
        published.await.unwrap().await.unwrap();
    }

    /// Messages of a queue that are not with a consumer.
    pub async fn ready(&self, queue: &str) -> u32 {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        self.channel.queue_declare(queue.into(), options, FieldTable::default()).await.unwrap().message_count()
    }

    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// A further channel, for what may make the broker close it.
    pub async fn another_channel(&self) -> Channel {
        self.admin.create_channel().await.unwrap()
    }

    async fn remove(self) {
        // A failed test may have closed the test's own channel.
        let channel = self.admin.create_channel().await.unwrap();
        remove_all(&channel, &self.names).await;
        let requesters = std::mem::take(&mut *self.requesters.lock().unwrap());
        for queue in requesters {
            channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
        }
        self.admin.close(200, "done".into()).await.unwrap();
    }
}

/// Removes all queues and exchanges under these names, except those of requesters.
pub async fn remove_all(channel: &Channel, names: &Names) {
    for declaration in topology::declarations(names) {
        let name = declaration.name.as_str().into();
        if declaration.kind.is_exchange() {
            channel.exchange_delete(name, ExchangeDeleteOptions::default()).await.unwrap();
        } else {
            channel.queue_delete(name, QueueDeleteOptions::default()).await.unwrap();
        }
    }
    for seconds in &topology::DELAYS_SECONDS[..DELAYS_USED] {
        channel.queue_delete(names.delay_queue(*seconds).into(), QueueDeleteOptions::default()).await.unwrap();
    }
}

/// `scriptmill work` as a process that is ready, and its address for health.
pub async fn start(rabbit: &Rabbit, slots: usize) -> (Child, String) {
    start_command("work", &[("SCRIPTMILL_WORKER__SLOTS", &slots.to_string())], rabbit).await
}

/// A long-running command as a process that is ready, and its address for health.
pub async fn start_command(command: &str, settings: &[(&str, &str)], rabbit: &Rabbit) -> (Child, String) {
    let (process, address) = spawn(command, settings, rabbit).await;
    is_ready(&address).await;
    (process, address)
}

/// Waits until the process at this address is ready.
pub async fn is_ready(address: &str) {
    let ready = async {
        while get(address, "/readyz").await.is_none_or(|answer| !answer.starts_with("HTTP/1.1 200")) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, ready).await.expect("it becomes ready");
}

/// A long-running command as a process, and the address at which it will answer.
pub async fn spawn(command: &str, settings: &[(&str, &str)], rabbit: &Rabbit) -> (Child, String) {
    spawn_with(command, settings, rabbit, Stdio::null()).await
}

/// As [`spawn`], with this standard error.
pub async fn spawn_with(command: &str, settings: &[(&str, &str)], rabbit: &Rabbit, stderr: Stdio) -> (Child, String) {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let mut process = binary(rabbit);
    process.arg(command).env("SCRIPTMILL_HTTP__ADDRESS", &free).envs(settings.iter().copied());
    process.stdout(Stdio::null()).stderr(stderr);
    (process.spawn().unwrap(), free)
}

/// The command, on a test's own queues.
pub fn binary(rabbit: &Rabbit) -> Command {
    binary_at(&server(), &rabbit.prefix)
}

/// The command, at these brokers and on queues with this prefix: the binary built here, or the one that `SCRIPTMILL_TEST_BINARY` names.
pub fn binary_at(addresses: &str, prefix: &str) -> Command {
    let built_here = || env!("CARGO_BIN_EXE_scriptmill").into();
    let mut process = Command::new(std::env::var_os("SCRIPTMILL_TEST_BINARY").unwrap_or_else(built_here));
    process
        .env("SCRIPTMILL_BROKER__ADDRESSES", addresses)
        .env("SCRIPTMILL_BROKER__PREFIX", prefix)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    if let Some(file) = std::env::var_os("SCRIPTMILL_TEST_CA") {
        process.env("SCRIPTMILL_BROKER__CA_FILE", file);
    }
    if let Some(cache) = std::env::var_os("SCRIPTMILL_TEST_CACHE_DIR") {
        process.env("SCRIPTMILL_SANDBOX__CACHE_DIR", cache);
    }
    process
}

/// Sends a process a signal, such as `-STOP`.
pub async fn signal(process: &Child, name: &str) {
    let id = process.id().expect("it runs").to_string();
    assert!(Command::new("kill").args([name, &id]).status().await.unwrap().success());
}

/// The whole answer to a GET. Returns `None` while nobody listens.
pub async fn get(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer)
}
