//! The worker processes, each with its own proxies to the brokers.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::Child;
use tokio::time::{sleep, timeout};

use crate::history::Event;
use crate::link::Link;
use crate::support::{LONG, binary_at, get, signal};

const SETTINGS: &[(&str, &str)] = &[
    ("SCRIPTMILL_WORKER__SLOTS", "16"),
    ("SCRIPTMILL_WORKER__GRACE", "10s"),
    ("SCRIPTMILL_WORKER__UNDELIVERED__PATIENCE", "2s"),
    ("SCRIPTMILL_BROKER__TIMEOUT", "5s"),
    ("SCRIPTMILL_BROKER__HEARTBEAT", "2s"),
    ("SCRIPTMILL_BROKER__RETRY_PAUSE_MAX", "1s"),
    ("SCRIPTMILL_LOG__FORMAT", "json"),
    // A line for each job that has run, and for each that runs in quarantine.
    ("SCRIPTMILL_LOG__FILTER", "info,scriptmill::rooms=debug,scriptmill::quarantine=debug"),
];

/// Further settings where there is a ledger.
const LEDGER_SETTINGS: &[(&str, &str)] = &[("SCRIPTMILL_LEDGER__LEASE", "5s"), ("SCRIPTMILL_LEDGER__TIMEOUT", "2s")];

/// One worker. Its process is replaced at times; its proxies to the brokers stay.
pub(crate) struct Worker {
    pub(crate) link: Link,
    prefix: String,
    /// The address of the ledger.
    ledger: Option<String>,
    process: Child,
    health: String,
    logs: Vec<PathBuf>,
    folder: PathBuf,
    number: usize,
}

impl Worker {
    pub(crate) async fn start(number: usize, link: Link, prefix: &str, ledger: Option<String>, folder: &Path) -> Self {
        let (prefix, folder) = (prefix.to_owned(), folder.to_owned());
        let log = folder.join(format!("worker-{number}.0.log"));
        let (process, health) = spawn(&link, &prefix, ledger.as_deref(), &log).await;
        Self { link, prefix, ledger, process, health, logs: vec![log], folder, number }
    }

    async fn replace(&mut self) {
        let log = self.folder.join(format!("worker-{}.{}.log", self.number, self.logs.len()));
        (self.process, self.health) = spawn(&self.link, &self.prefix, self.ledger.as_deref(), &log).await;
        self.logs.push(log);
    }

    /// Kills the process.
    pub(crate) async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// Starts another process in the place of one that has ended.
    pub(crate) async fn start_again(&mut self) {
        self.replace().await;
    }

    /// Sends the process a signal, such as `-STOP`.
    pub(crate) async fn signal(&self, name: &str) {
        signal(&self.process, name).await;
    }

    /// Has the process drain, and starts another in its place. An error says that it did not end well.
    pub(crate) async fn drain(&mut self) -> Result<(), String> {
        self.signal("-TERM").await;
        let ended = timeout(LONG, self.process.wait()).await;
        let drained = match ended {
            Ok(status) if status.as_ref().is_ok_and(std::process::ExitStatus::success) => Ok(()),
            Ok(status) => Err(format!("worker {}, drained, ended with {status:?}", self.number)),
            Err(_) => {
                self.kill().await;
                Err(format!("worker {}, drained, had not ended after {LONG:?}", self.number))
            }
        };
        self.replace().await;
        drained
    }

    /// Waits until the worker takes jobs. An error says that it does not, or is gone.
    pub(crate) async fn is_ready(&mut self) -> Result<(), String> {
        let mut answer = None;
        let ready = async {
            loop {
                answer = timeout(Duration::from_secs(2), get(&self.health, "/readyz")).await.unwrap_or_default();
                if answer.as_ref().is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                    break;
                }
                sleep(Duration::from_millis(50)).await;
            }
        };
        if timeout(LONG, ready).await.is_ok() {
            return Ok(());
        }
        let ended = self.process.try_wait();
        Err(format!("worker {} is not ready after {LONG:?}: {answer:?}, {ended:?}", self.number))
    }

    /// The jobs that ended, as its processes logged.
    pub(crate) fn said(&self) -> Vec<Event> {
        let lines = self.logs.iter().flat_map(|log| BufReader::new(File::open(log).unwrap()).lines());
        let job = |line: String| {
            let line: Value = serde_json::from_str(&line).ok()?;
            let ended = line["fields"]["message"] == "the job ended" || line["message"] == "the job ended";
            let id = line["span"]["id"].as_str().filter(|_| ended)?;
            Some(Event::Ended { job: id.to_owned(), worker: self.number })
        };
        lines.map_while(Result::ok).filter_map(job).collect()
    }

    /// Drains the worker for good, when everything is over.
    pub(crate) async fn end(mut self) -> Result<(), String> {
        self.signal("-TERM").await;
        match timeout(LONG, self.process.wait()).await {
            Ok(_) => Ok(()),
            Err(_) => Err(format!("worker {} had not ended after {LONG:?}", self.number)),
        }
    }
}

async fn spawn(link: &Link, prefix: &str, ledger: Option<&str>, log: &Path) -> (Child, String) {
    let health = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let mut command = binary_at(&link.addresses(), prefix);
    command.arg("work").env("SCRIPTMILL_HTTP__ADDRESS", &health).envs(SETTINGS.iter().copied());
    if let Some(address) = ledger {
        command.env("SCRIPTMILL_LEDGER__ADDRESSES", address).envs(LEDGER_SETTINGS.iter().copied());
    }
    let stderr = File::create(log).unwrap();
    command.stdout(Stdio::null()).stderr(stderr);
    (command.spawn().unwrap(), health)
}
