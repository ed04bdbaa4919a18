//! The child's side.

use std::io::{self, Stdout};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::sync::mpsc;

use crate::{confine, packet};

/// Requests that have been read and not yet taken up. The parent bounds how many there are; the pipe holds the rest.
const UNTAKEN_MAX: usize = 64;

/// The child's side: answers requests from stdin on stdout until stdin ends, on a thread with `stack_bytes` of stack.
/// It first gives up every right but that to work on what it is sent (`confine.rs`); the parent's first packet sets how much
/// address space there is. Nothing else may write to stdout.
pub fn serve(stack_bytes: usize, answer: impl FnMut(&[u8]) -> Vec<u8> + Send + 'static) -> ExitCode {
    let lacking = confine::before_threads();
    let worker = thread::Builder::new().name("serve".into()).stack_size(stack_bytes);
    let served = worker.spawn(move || answer_requests(lacking, answer)).map(thread::JoinHandle::join);
    match served {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        Ok(Ok(Err(error))) | Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        Ok(Err(_)) => ExitCode::FAILURE,
    }
}

/// What a parent says that has several requests under way.
#[derive(Debug)]
pub enum Asked {
    /// It wants an answer.
    Request(Request),
    /// It wants none any more to the request of this number. One is sent all the same, which may be empty.
    Unwanted(u32),
}

/// A request that waits for its answer.
#[derive(Debug)]
pub struct Request {
    number: u32,
    body: Vec<u8>,
    stdout: Arc<Mutex<Stdout>>,
}

impl Request {
    /// Tells it from the others under way.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// What is asked.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Answers it. Without a parent that reads, the child is about to end.
    pub fn answer(&self, answer: &[u8]) {
        let mut stdout = self.stdout.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = packet::write_numbered(&mut *stdout, self.number, answer);
    }
}

/// The child's side of [`Shared`](crate::Shared): `work` takes up requests and answers them in any order, on a thread with `stack_bytes`
/// of stack. The child keeps its rights, since it maps code and starts processes of its own. Where memory runs out, the system kills it
/// before any other process. It ends, whatever it works on, when the parent closes its stdin. Nothing else may write to stdout.
pub fn serve_shared(stack_bytes: usize, work: impl FnOnce(mpsc::Receiver<Asked>) + Send + 'static) -> ExitCode {
    // Elsewhere than on Linux there is no such file, and nothing to be said.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let (sender, receiver) = mpsc::channel(UNTAKEN_MAX);
    let worker = thread::Builder::new().name("serve".into()).stack_size(stack_bytes);
    let served = worker
        .spawn(move || {
            let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(receiver)));
            if worked.is_err() {
                // This process reads on, and would keep its parent waiting for answers.
                std::process::abort();
            }
        })
        .and_then(|_| pass_on_requests(&sender));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn pass_on_requests(sender: &mpsc::Sender<Asked>) -> io::Result<()> {
    let mut stdin = io::stdin().lock();
    let stdout = Arc::new(Mutex::new(io::stdout()));
    begin(&mut stdin, &mut io::stdout(), None)?;
    while let Some((number, body)) = packet::read_numbered(&mut stdin, u32::MAX)? {
        let stdout = Arc::clone(&stdout);
        let asked =
            if body.is_empty() { Asked::Unwanted(number) } else { Asked::Request(Request { number, body, stdout }) };
        if sender.blocking_send(asked).is_err() {
            break;
        }
    }
    Ok(())
}

fn answer_requests(lacking: Vec<String>, mut answer: impl FnMut(&[u8]) -> Vec<u8>) -> io::Result<()> {
    let (mut stdin, mut stdout) = (io::stdin().lock(), io::stdout().lock());
    begin(&mut stdin, &mut stdout, Some(lacking))?;
    while let Some(request) = packet::read(&mut stdin, u32::MAX)? {
        packet::write(&mut stdout, &answer(&request))?;
    }
    Ok(())
}

/// The first exchange: the parent tells the address space, the child which of its rights it could not give up. `lacking` are those so far,
/// where it is to have none.
fn begin(stdin: &mut impl io::Read, stdout: &mut impl io::Write, lacking: Option<Vec<String>>) -> io::Result<()> {
    // A parent that dies while the child is busy takes it along; else the child sees the end of stdin.
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let Some(bounds) = packet::read(stdin, 8)? else { return Ok(()) };
    let memory_bytes = u64::from_le_bytes(bounds.try_into().map_err(|_| io::ErrorKind::InvalidData)?);
    for (resource, bound) in [(Resource::As, memory_bytes), (Resource::Core, 0)] {
        if bound < u64::MAX {
            setrlimit(resource, Rlimit { current: Some(bound), maximum: Some(bound) })?;
        }
    }
    let lacking = lacking.map_or_else(Vec::new, |lacking| lacking.into_iter().chain(confine::for_good()).collect());
    packet::write(stdout, lacking.join(", ").as_bytes())
}
