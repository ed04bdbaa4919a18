//! A live child: its process, and the threads that talk with it.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::packet;
use crate::program::{Bounds, Program};

/// How long a new child may take to be ready.
const START_TIME: Duration = Duration::from_secs(20);
/// How long a child that has closed its pipes may take to end.
const END_TIME: Duration = Duration::from_secs(2);
/// How long a dead child's last words may take to arrive: they are in the pipe already, and the end of them comes only when
/// nobody holds the other end, which a process of the child's own still may.
const WORDS_TIME: Duration = Duration::from_millis(500);
/// What is kept of the child's last words.
const STDERR_BYTES: usize = 2048;
/// The shortest wait before a child's processor time is looked at again.
const LOOK: Duration = Duration::from_millis(10);

/// How a wait for an answer ended.
pub(crate) enum Waited {
    Answer(Vec<u8>),
    /// The child used more processor time than it may.
    TookTooLong,
    /// So much time passed by the clock that the machine must be at fault.
    GotNoProcessor,
    /// The child is dead or dying.
    Gone,
}

/// A live child.
pub(crate) struct Process {
    process: std::process::Child,
    stderr: Arc<Mutex<Vec<u8>>>,
    /// Disconnected when all that the child wrote on standard error has been read.
    stderr_ended: Receiver<()>,
}

/// A live child and the thread that talks with it.
pub(crate) struct Running {
    process: Process,
    pub(crate) requests: SyncSender<Arc<[u8]>>,
    pub(crate) answers: Receiver<io::Result<Vec<u8>>>,
}

impl Process {
    /// Starts a child. Its input and output are the caller's.
    pub(crate) fn start(program: &Program) -> Result<(Self, ChildStdin, ChildStdout), String> {
        // Whoever started this process may have left it more than its own pipes: the child gets none of it.
        close_fds::set_fds_cloexec(3, &[]);
        let mut process = Command::new(&program.path)
            .args(&program.arguments)
            .env_clear()
            // Ctrl-C on a terminal is for the parent, which may still want answers while it drains.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", program.path.display()))?;
        let stderr = Arc::new(Mutex::new(Vec::new()));
        let (stdin, stdout, errors) = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (ending, stderr_ended) = sync_channel(0);
        let started = Self { process, stderr: Arc::clone(&stderr), stderr_ended };
        let (Some(stdin), Some(stdout), Some(mut errors)) = (stdin, stdout, errors) else {
            return Err("it has no pipes".to_owned());
        };
        let listen = move || {
            keep_last_words(&mut errors, &stderr);
            drop(ending);
        };
        spawn("child-stderr", listen)?;
        Ok((started, stdin, stdout))
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let spawned = thread::Builder::new().name(name.into()).spawn(work);
    spawned.map(drop).map_err(|error| format!("no thread: {error}"))
}

impl Running {
    /// Starts a child and waits until it is ready.
    pub(crate) fn start(program: &Program, bounds: &Bounds) -> Result<Self, String> {
        let (process, mut stdin, mut stdout) = Process::start(program)?;
        let (requests, to_send) = sync_channel::<Arc<[u8]>>(1);
        let (received, answers) = sync_channel(1);
        let mut running = Self { process, requests, answers };
        let bounds = *bounds;
        spawn("child-pipe", move || talk(&mut stdin, &mut stdout, &bounds, &to_send, &received))?;
        match running.answers.recv_timeout(START_TIME) {
            Ok(Ok(lacking)) => {
                say_once(&lacking);
                Ok(running)
            }
            Err(RecvTimeoutError::Timeout) => Err(format!("it was not ready after {START_TIME:?}")),
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Err(running.end().0),
        }
    }

    /// Waits for the answer to a request within its bounds.
    pub(crate) fn wait(&self, bounds: &Bounds) -> Waited {
        let (began, before) = (Instant::now(), self.process.processor_time());
        loop {
            // Where the system does not say it, the clock must do.
            let used = before.and_then(|before| Some(self.process.processor_time()?.saturating_sub(before)));
            let left = bounds.time.saturating_sub(used.unwrap_or_else(|| began.elapsed()));
            let wall_left = bounds.wall_time.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Waited::TookTooLong;
            }
            if wall_left.is_zero() {
                return Waited::GotNoProcessor;
            }
            // It works on one thread, which uses no time faster than it passes.
            match self.answers.recv_timeout(left.max(LOOK).min(wall_left)) {
                Ok(Ok(answer)) => return Waited::Answer(answer),
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => return Waited::Gone,
            }
        }
    }

    /// As [`Process::end`].
    pub(crate) fn end(&mut self) -> (String, Option<ExitStatus>) {
        self.process.end()
    }
}

impl Process {
    /// Processor time of the child so far, in steps of some 10 ms: `utime` and `stime` of proc_pid_stat(5).
    fn processor_time(&self) -> Option<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).ok()?;
        // The name before them may hold anything but ends with the last parenthesis.
        let (_, fields) = stat.rsplit_once(')')?;
        let ticks: Vec<u64> =
            fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
        let [user, system] = ticks[..] else { return None };
        Some(Duration::from_millis((user + system).saturating_mul(1_000) / rustix::param::clock_ticks_per_second()))
    }

    /// Waits for a child that has closed its end, and says how it ended.
    pub(crate) fn end(&mut self) -> (String, Option<ExitStatus>) {
        let deadline = Instant::now() + END_TIME;
        let status = loop {
            match self.process.try_wait() {
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
                Ok(status) => break status,
                Err(_) => break None,
            }
        };
        // Nothing is ever sent: what is waited for is the end of the thread that reads.
        let _ = self.stderr_ended.recv_timeout(WORDS_TIME);
        let words = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        let words = String::from_utf8_lossy(&words);
        let how = status.map_or_else(|| "it closed its pipes".to_owned(), |status| status.to_string());
        (if words.trim().is_empty() { how } else { format!("{how}: {}", words.trim()) }, status)
    }
}

/// Says which of its rights a child could not give up, once for all children.
pub(crate) fn say_once(lacking: &[u8]) {
    static SAID: Once = Once::new();
    if !lacking.is_empty() {
        let lacking = String::from_utf8_lossy(lacking).into_owned();
        SAID.call_once(|| tracing::warn!(lacking, "child processes keep rights that they need not have"));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends requests and receives their answers, until either end is gone. The first exchange tells the child its bounds, and
/// the parent that it is alive.
fn talk(
    stdin: &mut impl Write,
    stdout: &mut impl Read,
    bounds: &Bounds,
    requests: &Receiver<Arc<[u8]>>,
    answers: &SyncSender<io::Result<Vec<u8>>>,
) {
    let mut exchange = |body: &[u8]| {
        packet::write(stdin, body)?;
        packet::read(stdout, bounds.answer_bytes)?.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
    };
    let mut next = Some(exchange(&bounds.memory_bytes.to_le_bytes()));
    while let Some(answer) = next.take() {
        let failed = answer.is_err();
        if answers.send(answer).is_err() || failed {
            break;
        }
        next = requests.recv().ok().map(|body| exchange(&body));
    }
}

/// Reads what the child writes on standard error, and keeps the end of it.
fn keep_last_words(stderr: &mut impl Read, kept: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 512];
    while let Ok(count @ 1..) = stderr.read(&mut buffer) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&buffer[..count]);
        let excess = kept.len().saturating_sub(STDERR_BYTES);
        kept.drain(..excess);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// What is said of a shell that ends before it is ready.
    fn said(script: &str) -> String {
        let program = Program { path: "/bin/sh".into(), arguments: vec!["-c".into(), script.into()] };
        let bounds = Bounds {
            children: 1,
            memory_bytes: 1 << 30,
            time: Duration::from_secs(1),
            wall_time: Duration::from_secs(10),
            queue: 1,
            answer_bytes: 1 << 10,
        };
        Running::start(&program, &bounds).err().unwrap()
    }

    #[test]
    fn the_last_words_of_a_child_are_never_missed() {
        for round in 0..200 {
            assert_eq!(said("echo the reason >&2; exit 3"), "exit status: 3: the reason", "round {round}");
        }
    }

    #[test]
    fn a_process_that_holds_the_pipe_open_is_not_waited_for() {
        let said = said("/bin/sleep 60 </dev/null >/dev/null & echo $! >&2; exit 3");
        let left = said.strip_prefix("exit status: 3: ").unwrap();
        assert!(std::path::Path::new("/proc").join(left).exists(), "it was waited for: {said}");
        Command::new("/bin/kill").arg(left).status().unwrap();
    }
}
