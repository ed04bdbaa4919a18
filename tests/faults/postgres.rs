//! A PostgreSQL for the tests' ledger alone: on loopback, with all its files in a temporary folder.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::nodes::{free_port, kept_folder};
use crate::support::{LONG, signal, soon};

/// Where packages put the programs, in a folder for each version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// The user that owns the database. The server runs as this user where the tests run as root, which PostgreSQL refuses.
const OWNER: &str = "postgres";

/// How the server is stopped.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop {
    /// Ends the sessions and puts in order what they did: `pg_ctl stop --mode fast`.
    Fast,
    /// At once, as in a crash: `pg_ctl stop --mode immediate`. The next start recovers from the log.
    Immediate,
}

/// The programs of a server, and as whom they run.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    folder: PathBuf,
    /// The user and group as whom the server runs, if they are not ours.
    owner: Option<(u32, u32)>,
}

/// The programs of the newest version on this machine. Returns `None` if there are none, or no user who may run them.
pub(crate) fn programs() -> Option<Programs> {
    let versions = fs::read_dir(VERSIONS).ok()?.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    let folder = versions.filter(|bin| bin.join("initdb").exists() && bin.join("postgres").exists()).max()?;
    let is_root = fs::metadata("/proc/self").ok()?.uid() == 0;
    let owner = if is_root { Some(owner()?) } else { None };
    Some(Programs { folder, owner })
}

fn owner() -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let user = users.lines().find(|user| user.split(':').next() == Some(OWNER))?;
    let mut numbers = user.split(':').skip(2).map_while(|number| number.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

/// One server.
pub(crate) struct Postgres {
    programs: Programs,
    port: u16,
    process: Option<Child>,
    folder: TempDir,
}

impl Postgres {
    /// Makes a database and starts its server.
    pub(crate) async fn start(programs: Programs) -> Self {
        let folder = kept_folder("scriptmill-ledger-");
        if let Some((user, group)) = programs.owner {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let mut postgres = Self { programs, port: free_port(), process: None, folder };
        let mut initdb = postgres.command("initdb");
        initdb.args(["--username", OWNER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"]);
        let made = soon("the database", initdb.output()).await.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        postgres.boot().await;
        postgres
    }

    /// The address of the ledger.
    pub(crate) fn address(&self) -> String {
        format!("postgres://{OWNER}@127.0.0.1:{}/postgres", self.port)
    }

    /// The folder with all that the server writes.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.folder.join(program));
        if let Some((user, group)) = self.programs.owner {
            command.uid(user).gid(group);
        }
        command.current_dir(self.folder()).arg("-D").arg(self.folder().join("data"));
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Starts the server and waits until it takes connections. It may still be recovering then, and tells that to everybody who connects.
    pub(crate) async fn boot(&mut self) {
        let log = File::options().create(true).append(true).open(self.folder().join("log")).unwrap();
        let mut server = self.command("postgres");
        server.args([
            "-p",
            &self.port.to_string(),
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
        ]);
        self.process = Some(server.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let up = async {
            while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.is_err() {
                sleep(Duration::from_millis(50)).await;
            }
        };
        soon("a connection to PostgreSQL", up).await;
    }

    /// Stops the server.
    pub(crate) async fn stop(&mut self, how: Stop) {
        let mut process = self.process.take().unwrap();
        let name = match how {
            Stop::Fast => "-INT",
            Stop::Immediate => "-QUIT",
        };
        signal(&process, name).await;
        if timeout(LONG, process.wait()).await.is_err() {
            process.kill().await.unwrap();
        }
    }

    /// Ends the server. The folder with what it wrote is kept if somebody must look at it.
    pub(crate) async fn end(mut self, is_kept: bool) {
        self.stop(Stop::Immediate).await;
        self.folder.disable_cleanup(is_kept);
    }
}
