//! Processes of this program: the scaler, and the workers of a Deployment.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use scriptmill_scaling::Policy;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::autoscaler::Certificate;

/// A worker that was told to end is killed if it has not ended after this time. Its grace period is 25 s.
const END_MAX: Duration = Duration::from_secs(30);

/// How processes of this demo are started.
pub(super) struct Processes {
    program: PathBuf,
    /// The arguments that this process was started with.
    passed: Vec<OsString>,
    /// The further arguments of all processes of the demo.
    own: Vec<String>,
}

impl Processes {
    pub(super) fn new(passed: Vec<OsString>, prefix: &str, policy: &Policy, slots: u32) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("the path of this program cannot be found out")?;
        let own = set([
            ("broker.prefix", prefix.to_owned()),
            ("scaling.min", policy.min.to_string()),
            ("scaling.max", policy.max.to_string()),
            ("worker.slots", slots.to_string()),
            ("log.filter", "warn".to_owned()),
        ]);
        Ok(Self { program, passed, own: own.collect() })
    }

    /// Starts the process that says how many workers there should be: to people at `admin`, and to Kubernetes at
    /// `metrics`.
    pub(super) fn start_scaler(
        &self,
        admin: SocketAddr,
        metrics: SocketAddr,
        certificate: &Certificate,
    ) -> anyhow::Result<Child> {
        self.start(
            "scaler",
            set([
                ("http.address", admin.to_string()),
                ("scaler.external_metrics_address", metrics.to_string()),
                ("scaler.certificate_file", certificate.certificate_file.display().to_string()),
                ("scaler.key_file", certificate.key_file.display().to_string()),
                ("scaler.authentication", "none".to_owned()),
            ]),
        )
    }

    fn start_worker(&self) -> anyhow::Result<Child> {
        self.start("work", set([("http.address", "off".to_owned()), ("scaler.keda_address", "off".to_owned())]))
    }

    fn start(&self, command: &str, own: impl Iterator<Item = String>) -> anyhow::Result<Child> {
        let mut process = Command::new(&self.program);
        process.arg(command).args(&self.passed).args(&self.own).args(own);
        process.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        process.spawn().with_context(|| format!("scriptmill {command} cannot be started"))
    }
}

fn set<const N: usize>(settings: [(&str, String); N]) -> impl Iterator<Item = String> {
    settings.map(|(key, value)| ["--set".to_owned(), format!("{key}={value}")]).into_iter().flatten()
}

/// Keeps the wanted number of workers, in place of Kubernetes' Deployment.
pub(super) struct Deployment {
    processes: Processes,
    /// The oldest first.
    workers: Vec<Child>,
    /// Workers that were told to end.
    leaving: Vec<Child>,
}

impl Deployment {
    pub(super) fn new(processes: Processes) -> Self {
        Self { processes, workers: Vec::new(), leaving: Vec::new() }
    }

    /// Workers that are to stay.
    pub(super) fn replicas(&self) -> u32 {
        u32::try_from(self.workers.len()).unwrap_or(u32::MAX)
    }

    /// Starts workers, or tells the youngest to end. A worker that has ended by itself is replaced.
    pub(super) fn scale(&mut self, replicas: u32) -> anyhow::Result<()> {
        self.workers.retain_mut(|worker| matches!(worker.try_wait(), Ok(None)));
        self.leaving.retain_mut(|worker| matches!(worker.try_wait(), Ok(None)));
        while self.replicas() < replicas {
            self.workers.push(self.processes.start_worker()?);
        }
        let spare = self.workers.split_off(replicas as usize);
        spare.iter().try_for_each(tell_to_end)?;
        self.leaving.extend(spare);
        Ok(())
    }

    /// Ends all workers.
    pub(super) async fn end(mut self) -> anyhow::Result<()> {
        self.scale(0)?;
        for mut worker in self.leaving {
            if timeout(END_MAX, worker.wait()).await.is_err() {
                worker.kill().await.context("a worker cannot be killed")?;
            }
        }
        Ok(())
    }
}

/// Sends SIGTERM, as Kubernetes does.
fn tell_to_end(worker: &Child) -> anyhow::Result<()> {
    let pid = worker.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    match pid {
        Some(pid) => kill_process(pid, Signal::TERM).context("a worker cannot be told to end"),
        // The worker has ended already.
        None => Ok(()),
    }
}
