//! A supervised child process that answers requests, one at a time.
//!
//! Whatever reads untrusted bytes in native code runs in such a child: it may overflow its stack, run out of memory or
//! never come back, and that is the failure of one request. The child is kept alive between requests and replaced when
//! it dies. Parent and child are usually the same program; they talk in frames over the child's stdin and stdout: four
//! bytes of length, little endian, then the body.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use tokio::sync::{mpsc, oneshot};

/// Starts that may fail in a row before a request is given up.
const STARTS_MAX: u32 = 3;
/// How long a new child may take to be ready.
const START_TIME: Duration = Duration::from_secs(20);
/// The pause after the first failed start; it doubles with each one up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// What is kept of the child's last words.
const STDERR_BYTES: usize = 2048;

/// The program to run as the child.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its path. It gets no environment.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// What a child may use.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Address space in bytes, stacks included.
    pub memory_bytes: u64,
    /// Time for one request.
    pub time: Duration,
    /// Requests that may wait for the child; whoever comes later waits to be queued.
    pub queue: usize,
    /// Length of an answer in bytes.
    pub answer_bytes: u32,
}

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    /// The child died over it.
    #[error("the child process died: {0}")]
    Died(String),
    /// It took longer than it may, and the child was killed.
    #[error("the child process took longer than {0:?} and was killed")]
    TookTooLong(Duration),
    /// No child could be started. The request is not at fault.
    #[error("the child process cannot be started: {0}")]
    Unavailable(String),
}

/// A handle on a child process. Clones share it; it is killed when the last one is gone.
#[derive(Clone, Debug)]
pub struct Child {
    requests: mpsc::Sender<Request>,
}

#[derive(Debug)]
struct Request {
    body: Arc<[u8]>,
    answer: oneshot::Sender<Result<Vec<u8>, Failed>>,
}

impl Child {
    /// A child that is started with the first request.
    ///
    /// # Errors
    /// The operating system has no thread for its supervisor.
    pub fn new(program: Program, bounds: Bounds) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel(bounds.queue.max(1));
        thread::Builder::new().name("child-supervisor".into()).spawn(move || supervise(&program, &bounds, receiver))?;
        Ok(Self { requests: sender })
    }

    /// Sends a request and waits for its answer. It needs no runtime. One request is worked on at a time.
    ///
    /// # Errors
    /// The child died, took too long or could not be started.
    pub async fn call(&self, body: Vec<u8>) -> Result<Vec<u8>, Failed> {
        let (answer, answered) = oneshot::channel();
        let gone = || Failed::Unavailable("its supervisor has ended".to_owned());
        self.requests.send(Request { body: body.into(), answer }).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

fn supervise(program: &Program, bounds: &Bounds, mut requests: mpsc::Receiver<Request>) {
    let mut starter = Starter { program, bounds, failures: 0, next: Instant::now() };
    let mut running = None;
    while let Some(Request { body, answer }) = requests.blocking_recv() {
        if answer.is_closed() {
            continue;
        }
        let mut result = ask(&mut starter, &mut running, &body);
        if let Err(Asked::KilledFromOutside(_)) = result {
            // Somebody else's kill says nothing about this request, unless it happens again.
            result = ask(&mut starter, &mut running, &body);
        }
        // Whoever asked may have left meanwhile.
        let _ = answer.send(result.map_err(|error| match error {
            Asked::Failed(failed) => failed,
            Asked::KilledFromOutside(how) => Failed::Died(how),
        }));
    }
}

enum Asked {
    Failed(Failed),
    KilledFromOutside(String),
}

fn ask(starter: &mut Starter<'_>, running: &mut Option<Running>, body: &Arc<[u8]>) -> Result<Vec<u8>, Asked> {
    let mut child = match running.take() {
        Some(child) => child,
        None => starter.start().map_err(|why| Asked::Failed(Failed::Unavailable(why)))?,
    };
    let time = starter.bounds.time;
    if child.requests.send(Arc::clone(body)).is_ok() {
        match child.answers.recv_timeout(time) {
            Ok(Ok(answer)) => {
                *running = Some(child);
                return Ok(answer);
            }
            Err(RecvTimeoutError::Timeout) => return Err(Asked::Failed(Failed::TookTooLong(time))),
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => {}
        }
    }
    let (how, status) = child.end();
    tracing::debug!(how, "a child process died over a request");
    // Memory and stack that ran out end in other signals; a time that ran out is known already.
    let from_outside = [Signal::KILL, Signal::TERM, Signal::INT, Signal::HUP].map(Signal::as_raw);
    match status.and_then(|status| status.signal()) {
        Some(signal) if from_outside.contains(&signal) => Err(Asked::KilledFromOutside(how)),
        _ => Err(Asked::Failed(Failed::Died(how))),
    }
}

/// Starts children, with growing pauses while they fail to.
struct Starter<'a> {
    program: &'a Program,
    bounds: &'a Bounds,
    failures: u32,
    next: Instant,
}

impl Starter<'_> {
    fn start(&mut self) -> Result<Running, String> {
        let mut left = STARTS_MAX;
        loop {
            thread::sleep(self.next.saturating_duration_since(Instant::now()));
            match Running::start(self.program, self.bounds) {
                Ok(running) => {
                    self.failures = 0;
                    return Ok(running);
                }
                Err(why) => {
                    let pause = PAUSE.saturating_mul(1 << self.failures.min(16)).min(PAUSE_MAX);
                    self.failures += 1;
                    self.next = Instant::now() + pause;
                    tracing::warn!(why, failures = self.failures, "a child process could not be started");
                    left -= 1;
                    if left == 0 {
                        return Err(why);
                    }
                }
            }
        }
    }
}

/// A live child and the thread that talks with it.
struct Running {
    process: std::process::Child,
    requests: std::sync::mpsc::SyncSender<Arc<[u8]>>,
    answers: std::sync::mpsc::Receiver<io::Result<Vec<u8>>>,
    stderr: Arc<Mutex<Vec<u8>>>,
}

impl Running {
    fn start(program: &Program, bounds: &Bounds) -> Result<Self, String> {
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
        let (requests, to_send) = sync_channel::<Arc<[u8]>>(1);
        let (received, answers) = sync_channel(1);
        let stderr = Arc::new(Mutex::new(Vec::new()));
        let (stdin, stdout, errors) = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let mut running = Self { process, requests, answers, stderr: Arc::clone(&stderr) };
        let (Some(mut stdin), Some(mut stdout), Some(mut errors)) = (stdin, stdout, errors) else {
            return Err("it has no pipes".to_owned());
        };
        let (memory, answer_bytes) = (bounds.memory_bytes.to_le_bytes(), bounds.answer_bytes);
        let talk = move || {
            // The first exchange tells the child its bounds, and the parent that it is alive.
            let mut exchange = |body: &[u8]| {
                write_frame(&mut stdin, body)?;
                read_frame(&mut stdout, answer_bytes)?.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
            };
            let mut next = Some(exchange(&memory));
            while let Some(answer) = next.take() {
                let failed = answer.is_err();
                if received.send(answer).is_err() || failed {
                    break;
                }
                next = to_send.recv().ok().map(|body| exchange(&body));
            }
        };
        let listen = move || {
            let mut buffer = [0; 512];
            while let Ok(count @ 1..) = errors.read(&mut buffer) {
                let mut kept = stderr.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(&buffer[..count]);
                let excess = kept.len().saturating_sub(STDERR_BYTES);
                kept.drain(..excess);
            }
        };
        for (name, work) in
            [("child-pipe", Box::new(talk) as Box<dyn FnOnce() + Send>), ("child-stderr", Box::new(listen))]
        {
            thread::Builder::new().name(name.into()).spawn(work).map_err(|error| format!("no thread: {error}"))?;
        }
        match running.answers.recv_timeout(START_TIME) {
            Ok(Ok(_)) => Ok(running),
            Err(RecvTimeoutError::Timeout) => Err(format!("it was not ready after {START_TIME:?}")),
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Err(running.end().0),
        }
    }

    /// Waits for a child that has closed its end, and says how it ended.
    fn end(&mut self) -> (String, Option<ExitStatus>) {
        let deadline = Instant::now() + Duration::from_secs(2);
        let status = loop {
            match self.process.try_wait() {
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
                Ok(status) => break status,
                Err(_) => break None,
            }
        };
        let words = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        let words = String::from_utf8_lossy(&words);
        let how = status.map_or_else(|| "it closed its pipes".to_owned(), |status| status.to_string());
        (if words.trim().is_empty() { how } else { format!("{how}: {}", words.trim()) }, status)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The child's side: answers requests from stdin on stdout until stdin ends, on a thread with `stack_bytes` of stack.
/// The parent's first frame sets how much address space there is. Nothing else may write to stdout.
pub fn serve(stack_bytes: usize, answer: impl FnMut(&[u8]) -> Vec<u8> + Send + 'static) -> ExitCode {
    let worker = thread::Builder::new().name("serve".into()).stack_size(stack_bytes);
    let served = worker.spawn(move || answer_requests(answer)).map(thread::JoinHandle::join);
    match served {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        Ok(Ok(Err(error))) | Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        Ok(Err(_)) => ExitCode::FAILURE,
    }
}

fn answer_requests(mut answer: impl FnMut(&[u8]) -> Vec<u8>) -> io::Result<()> {
    // A parent that dies while the child is busy takes it along; else the child sees the end of stdin.
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let (mut stdin, mut stdout) = (io::stdin().lock(), io::stdout().lock());
    let Some(bounds) = read_frame(&mut stdin, 8)? else { return Ok(()) };
    let memory_bytes = u64::from_le_bytes(bounds.try_into().map_err(|_| io::ErrorKind::InvalidData)?);
    for (resource, bound) in [(Resource::As, memory_bytes), (Resource::Core, 0)] {
        setrlimit(resource, Rlimit { current: Some(bound), maximum: Some(bound) })?;
    }
    write_frame(&mut stdout, &[])?;
    while let Some(request) = read_frame(&mut stdin, u32::MAX)? {
        write_frame(&mut stdout, &answer(&request))?;
    }
    Ok(())
}

fn write_frame(to: &mut impl Write, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(body)?;
    to.flush()
}

/// The next frame, or `None` at the end of the stream.
fn read_frame(from: &mut impl Read, max: u32) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    }
    let length = u32::from_le_bytes(length);
    if length > max {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a frame of {length} bytes; at most {max} are allowed"),
        ));
    }
    let mut body = vec![0; length as usize];
    from.read_exact(&mut body)?;
    Ok(Some(body))
}
