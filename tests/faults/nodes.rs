//! RabbitMQ nodes for the tests alone: on loopback, with an epmd of their own, and with all their files in a temporary folder.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::support::LONG;

/// How long a node may take to start on a busy machine.
const START: Duration = Duration::from_secs(180);
/// How long one call of `rabbitmqctl` may take.
const ANSWER: Duration = Duration::from_secs(30);
/// The folders in which packages put the scripts themselves. `/usr/sbin` has wrappers that run them as another user, on
/// that user's data.
const SCRIPTS: &[&str] = &["/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin"];

/// The folder of RabbitMQ's programs: the one that `SCRIPTMILL_TEST_RABBITMQ` names, to try another version, or one that packages use.
pub(crate) fn programs() -> Option<&'static Path> {
    static FOLDER: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let named = std::env::var_os("SCRIPTMILL_TEST_RABBITMQ").map(PathBuf::from);
        let mut folders = named.into_iter().chain(SCRIPTS.iter().map(PathBuf::from));
        folders.find(|folder| folder.join("rabbitmq-server").exists() && folder.join("rabbitmqctl").exists())
    });
    FOLDER.as_deref()
}

/// Nodes that are one cluster.
pub(crate) struct Nodes {
    programs: &'static Path,
    nodes: Vec<Node>,
    epmd: Child,
    epmd_port: u16,
    folder: TempDir,
}

struct Node {
    name: String,
    port: u16,
    distribution_port: u16,
    home: PathBuf,
    process: Option<Child>,
}

/// A temporary folder that is kept by default, so that it is there after a panic.
pub(crate) fn kept_folder(prefix: &str) -> TempDir {
    tempfile::Builder::new().prefix(prefix).disable_cleanup(true).tempdir().unwrap()
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

impl Nodes {
    /// Starts `count` nodes with these programs.
    pub(crate) async fn start(programs: &'static Path, count: usize) -> Self {
        let folder = kept_folder("scriptmill-faults-");
        let epmd_port = free_port();
        let mut epmd = Command::new("epmd");
        epmd.args(["-address", "127.0.0.1", "-port", &epmd_port.to_string()]).kill_on_drop(true);
        let epmd = epmd.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut nodes = Self { programs, nodes: Vec::new(), epmd, epmd_port, folder };
        for number in 0..count {
            nodes.add(number);
        }
        // The first node makes the cluster that the others join.
        nodes.boot(0).await;
        for number in 1..count {
            nodes.launch(number);
        }
        for number in 1..count {
            nodes.is_up(number).await;
        }
        nodes
    }

    fn add(&mut self, number: usize) {
        let home = self.folder.path().join(format!("node-{number}"));
        std::fs::create_dir(&home).unwrap();
        let name = |number: usize| format!("faults-{number}@localhost");
        let (port, distribution_port) = (free_port(), free_port());
        let mut settings = format!("listeners.tcp.1 = 127.0.0.1:{port}\nlog.console = false\n");
        if number > 0 {
            settings += "cluster_formation.peer_discovery_backend = classic_config\n";
            for (place, member) in [0, number].into_iter().enumerate() {
                let place = place + 1;
                writeln!(settings, "cluster_formation.classic_config.nodes.{place} = {}", name(member)).unwrap();
            }
        }
        std::fs::write(home.join("rabbitmq.conf"), settings).unwrap();
        std::fs::write(home.join("plugins"), "[].").unwrap();
        let cookie = home.join(".erlang.cookie");
        std::fs::write(&cookie, "a-cookie-for-faults").unwrap();
        std::fs::set_permissions(&cookie, std::os::unix::fs::PermissionsExt::from_mode(0o400)).unwrap();
        self.nodes.push(Node { name: name(number), port, distribution_port, home, process: None });
    }

    pub(crate) fn count(&self) -> usize {
        self.nodes.len()
    }

    /// The address of a node, with this user's name and password.
    pub(crate) fn address(&self, number: usize, user: &str) -> String {
        format!("amqp://{user}:{user}@127.0.0.1:{}", self.nodes[number].port)
    }

    /// A command that runs one of RabbitMQ's programs for a node.
    fn command(&self, program: &str, number: usize) -> Command {
        let node = &self.nodes[number];
        let mut command = Command::new(self.programs.join(program));
        command
            .env("HOME", &node.home)
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODENAME", &node.name)
            .env("RABBITMQ_NODE_PORT", node.port.to_string())
            .env("RABBITMQ_DIST_PORT", node.distribution_port.to_string())
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}")
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .env("RABBITMQ_CONFIG_FILE", node.home.join("rabbitmq"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", node.home.join("plugins"))
            .env("RABBITMQ_GENERATED_CONFIG_DIR", node.home.join("generated"))
            .env("RABBITMQ_MNESIA_BASE", node.home.join("data"))
            .env("RABBITMQ_LOG_BASE", node.home.join("log"))
            .env("RABBITMQ_PID_FILE", node.home.join("pid"))
            // So that no shell stands between us and the node.
            .env("RUNNING_UNDER_SYSTEMD", "true")
            .current_dir(&node.home)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    fn launch(&mut self, number: usize) {
        let mut server = self.command("rabbitmq-server", number);
        let process = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.nodes[number].process = Some(process);
    }

    /// Waits until a node takes connections, which is the last step of its start.
    async fn is_up(&self, number: usize) {
        let up = async {
            while TcpStream::connect((Ipv4Addr::LOCALHOST, self.nodes[number].port)).await.is_err() {
                sleep(Duration::from_millis(100)).await;
            }
        };
        let within = timeout(START, up).await;
        within
            .unwrap_or_else(|_| panic!("node {number} of RabbitMQ, with {}, is not up", self.folder.path().display()));
    }

    /// Starts a node, and waits until it takes connections.
    pub(crate) async fn boot(&mut self, number: usize) {
        self.launch(number);
        self.is_up(number).await;
    }

    /// Stops a node in an orderly way.
    pub(crate) async fn stop(&mut self, number: usize) {
        let mut process = self.nodes[number].process.take().unwrap();
        crate::support::signal(&process, "-TERM").await;
        if timeout(LONG, process.wait()).await.is_err() {
            process.kill().await.unwrap();
        }
    }

    /// Kills a node.
    pub(crate) async fn kill(&mut self, number: usize) {
        self.nodes[number].process.take().unwrap().kill().await.unwrap();
    }

    /// Runs `rabbitmqctl` and returns what it prints. The error is its complaint.
    pub(crate) async fn control(&self, number: usize, arguments: &[&str]) -> Result<String, String> {
        let mut command = self.command("rabbitmqctl", number);
        command.arg("--quiet").args(arguments);
        let Ok(output) = timeout(ANSWER, command.output()).await else {
            return Err(format!("rabbitmqctl {arguments:?}: no answer"));
        };
        let output = output.map_err(|error| error.to_string())?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(format!("rabbitmqctl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)))
        }
    }

    /// Runs `rabbitmqctl` until it succeeds, since a node may be busy. Panics if it fails for [`LONG`].
    pub(crate) async fn must(&self, number: usize, arguments: &[&str]) -> String {
        let since = Instant::now();
        loop {
            match self.control(number, arguments).await {
                Ok(said) => return said,
                Err(why) => assert!(since.elapsed() < LONG, "{why}"),
            }
        }
    }

    /// As [`Nodes::must`], on every node.
    pub(crate) async fn all_must(&self, arguments: &[&str]) {
        for number in 0..self.count() {
            self.must(number, arguments).await;
        }
    }

    /// The node on which a quorum queue has its leader. Returns an error if there is no such queue, or if it has no leader.
    pub(crate) async fn leader(&self, queue: &str) -> Result<usize, String> {
        let since = Instant::now();
        loop {
            let listed = self.must(0, &["list_queues", "--no-table-headers", "name", "leader"]).await;
            let of_queue = |line: &&str| line.split_once('\t').is_some_and(|(name, _)| name == queue);
            let line = listed.lines().find(of_queue);
            let leader = line.and_then(|line| self.nodes.iter().position(|node| line.ends_with(&node.name)));
            if let Some(leader) = leader {
                return Ok(leader);
            }
            if since.elapsed() > LONG {
                return Err(format!("no leader of {queue} in {listed:?}"));
            }
        }
    }

    /// The folder with all that the nodes write.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends the nodes and epmd. The folder with what they wrote is kept if somebody must look at it.
    pub(crate) async fn end(mut self, is_kept: bool) {
        for node in &mut self.nodes {
            if let Some(mut process) = node.process.take() {
                process.kill().await.unwrap();
            }
        }
        self.epmd.kill().await.unwrap();
        self.folder.disable_cleanup(is_kept);
    }
}
