//! The parent's side of a child that works on several requests at one time.
//!
//! Packets carry the number of their request both ways, so that answers come in any order. An empty request says that nobody waits for
//! the answer any more.

use std::collections::HashMap;
use std::process::{ChildStdin, ChildStdout};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::packet;
use crate::process::{Process, say_once};
use crate::program::Program;

/// Packets that wait to be written. The callers of further ones wait.
const UNWRITTEN_MAX: usize = 64;

type Answer = oneshot::Sender<Result<Vec<u8>, Gone>>;

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Gone {
    /// The child died over this request: it worked on no other.
    #[error("the child process died: {0}")]
    Alone(String),
    /// The child died over this request or over another one.
    #[error("the child process died: {0}")]
    Beside(String),
    /// No child could be started. The request is not at fault.
    #[error("the child process cannot be started: {0}")]
    Unavailable(String),
}

/// A child process that works on several requests at one time. It is started when there is a request, and lives on between requests until
/// [`Shared::rest`]. Its requests have no bounds of their own: whoever asks bounds what is asked.
#[derive(Debug)]
pub struct Shared {
    program: Program,
    answer_bytes: u32,
    live: Mutex<Option<Live>>,
}

/// A child that is being started or runs. It ends when this is dropped, since its stdin is closed then.
#[derive(Clone, Debug)]
struct Live {
    packets: mpsc::Sender<(u32, Vec<u8>)>,
    calls: Arc<Mutex<Calls>>,
}

/// Requests without an answer.
#[derive(Debug, Default)]
struct Calls {
    /// The number of the last one.
    last: u32,
    /// By number. `None` is a request for whose answer nobody waits any more.
    open: HashMap<u32, Option<Answer>>,
    /// The child is gone.
    is_over: bool,
}

impl Shared {
    /// A child of this program, whose answers have at most `answer_bytes` bytes.
    pub fn new(program: Program, answer_bytes: u32) -> Self {
        Self { program, answer_bytes, live: Mutex::default() }
    }

    /// Sends a request, which must not be empty, and waits for its answer. A child that works on nothing but requests whose callers have
    /// left is ended.
    ///
    /// # Errors
    /// The child died or could not be started.
    pub async fn call(&self, body: Vec<u8>) -> Result<Vec<u8>, Gone> {
        let (answer, answered) = oneshot::channel();
        let (live, number) = self.open(answer)?;
        let open = Open { shared: self, live, number };
        // Where the child is gone meanwhile, that is the answer.
        let _ = open.live.packets.send((number, body)).await;
        answered.await.unwrap_or_else(|_| Err(Gone::Unavailable("its supervisor has ended".to_owned())))
    }

    /// Ends the child, where it works on nothing.
    pub fn rest(&self) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if live.as_ref().is_some_and(|live| live.calls().open.is_empty()) {
            *live = None;
        }
    }

    /// Notes down a request for the child, which is started where there is none.
    fn open(&self, answer: Answer) -> Result<(Live, u32), Gone> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = &*live {
            let mut calls = live.calls();
            if !calls.is_over {
                let number = calls.open(answer);
                drop(calls);
                return Ok((live.clone(), number));
            }
        }
        let unavailable = |error: std::io::Error| Gone::Unavailable(error.to_string());
        let started = live.insert(Live::start(self.program.clone(), self.answer_bytes).map_err(unavailable)?);
        let number = started.calls().open(answer);
        Ok((started.clone(), number))
    }
}

impl Live {
    fn start(program: Program, answer_bytes: u32) -> std::io::Result<Self> {
        let (packets, unwritten) = mpsc::channel(UNWRITTEN_MAX);
        let calls = Arc::<Mutex<Calls>>::default();
        let of_thread = Arc::clone(&calls);
        let supervise = move || {
            let how = supervise(&program, answer_bytes, unwritten, &of_thread);
            of_thread.lock().unwrap_or_else(PoisonError::into_inner).end(&how);
        };
        // The thread that starts a child must outlive it: where the system knows that signal, the child is killed when the thread ends.
        thread::Builder::new().name("child-shared".into()).spawn(supervise)?;
        Ok(Self { packets, calls })
    }

    fn calls(&self) -> std::sync::MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Calls {
    fn open(&mut self, answer: Answer) -> u32 {
        self.last = self.last.wrapping_add(1);
        self.open.insert(self.last, Some(answer));
        self.last
    }

    /// The child is gone, or was never there. The callers may have left.
    fn end(&mut self, how: &Result<String, String>) {
        self.is_over = true;
        let is_alone = self.open.len() == 1;
        for answer in self.open.drain().filter_map(|(_, answer)| answer) {
            let gone = match how {
                Err(why) => Gone::Unavailable(why.clone()),
                Ok(how) if is_alone => Gone::Alone(how.clone()),
                Ok(how) => Gone::Beside(how.clone()),
            };
            let _ = answer.send(Err(gone));
        }
    }
}

/// A request whose caller waits. When it is dropped the caller has its answer or has left.
struct Open<'a> {
    shared: &'a Shared,
    live: Live,
    number: u32,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let mut live = self.shared.live.lock().unwrap_or_else(PoisonError::into_inner);
        let mut calls = self.live.calls();
        let Some(answer) = calls.open.get_mut(&self.number) else { return };
        *answer = None;
        if calls.open.values().all(Option::is_none) {
            // Nobody is hurt, and no request can be as stuck as to survive that.
            live.take_if(|live| Arc::ptr_eq(&live.calls, &self.live.calls));
        } else {
            // Where there is no room the child works on, up to the request's own bounds.
            let _ = self.live.packets.try_send((self.number, Vec::new()));
        }
    }
}

/// Starts the child and sees it through. Returns how it died; an error says why there was none.
fn supervise(
    program: &Program,
    answer_bytes: u32,
    mut unwritten: mpsc::Receiver<(u32, Vec<u8>)>,
    calls: &Mutex<Calls>,
) -> Result<String, String> {
    let (mut process, mut stdin, mut stdout) = Process::start(program)?;
    match begin(&mut stdin, &mut stdout) {
        Some(lacking) => say_once(&lacking),
        None => return Err(process.end().0),
    }
    let write = move || {
        while let Some((number, body)) = unwritten.blocking_recv() {
            if packet::write_numbered(&mut stdin, number, &body).is_err() {
                // The thread that reads finds out why.
                break;
            }
        }
    };
    thread::Builder::new().name("child-writer".into()).spawn(write).map_err(|error| format!("no thread: {error}"))?;
    while let Ok(Some((number, answer))) = packet::read_numbered(&mut stdout, answer_bytes.saturating_add(4)) {
        let open = calls.lock().unwrap_or_else(PoisonError::into_inner).open.remove(&number);
        if let Some(Some(waiting)) = open {
            let _ = waiting.send(Ok(answer));
        }
    }
    Ok(process.end().0)
}

/// The first exchange: the child is told that its address space has no bound, and says which rights it kept. `None` if it is gone.
fn begin(stdin: &mut ChildStdin, stdout: &mut ChildStdout) -> Option<Vec<u8>> {
    packet::write(stdin, &u64::MAX.to_le_bytes()).ok()?;
    packet::read(stdout, 1 << 10).ok()?
}
