//! The parent's side: a handle, and the thread that supervises the child.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::{mpsc, oneshot};

use crate::process::{Running, Waited};
use crate::program::{Bounds, Program};
use crate::start::Starter;

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    /// The child died over it.
    #[error("the child process died: {0}")]
    Died(String),
    /// It took more processor time than it may, and the child was killed.
    #[error("the child process took longer than {0:?} and was killed")]
    TookTooLong(Duration),
    /// Somebody else killed the child, twice where it may be asked again, or it got no processor. The request is not at fault.
    #[error("the child process was stopped: {0}")]
    Stopped(String),
    /// No child could be started. The request is not at fault.
    #[error("the child process cannot be started: {0}")]
    Unavailable(String),
}

/// A handle on child processes. Clones share them; they are killed when the last one is gone.
#[derive(Clone, Debug)]
pub struct Child {
    requests: mpsc::Sender<Request>,
}

#[derive(Debug)]
struct Request {
    body: Arc<[u8]>,
    /// It is asked once more where somebody else killed the child.
    is_forgiving: bool,
    answer: oneshot::Sender<Result<Vec<u8>, Failed>>,
}

impl Child {
    /// Children of one program. The first is started at once.
    ///
    /// # Errors
    /// The operating system has no thread for a supervisor.
    pub fn new(program: Program, bounds: Bounds) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel(bounds.queue.max(1));
        let requests = Arc::new(Mutex::new(receiver));
        for number in 0..bounds.children.max(1) {
            let (program, requests) = (program.clone(), Arc::clone(&requests));
            let supervise = move || supervise(&program, &bounds, &requests, number == 0);
            thread::Builder::new().name(format!("child-{number}")).spawn(supervise)?;
        }
        Ok(Self { requests: sender })
    }

    /// Sends a request and waits for its answer. It needs no runtime. Each child works on one request at a time.
    ///
    /// # Errors
    /// The child died, took too long, was stopped or could not be started.
    pub async fn call(&self, body: Vec<u8>) -> Result<Vec<u8>, Failed> {
        self.ask(body, true).await
    }

    /// As [`Child::call`], but no second child is asked, however the first one died: the system's own kill, for want of memory, looks
    /// like anybody's. A child whose answer nobody waits for any more is killed.
    ///
    /// # Errors
    /// As [`Child::call`].
    pub async fn call_once(&self, body: Vec<u8>) -> Result<Vec<u8>, Failed> {
        self.ask(body, false).await
    }

    async fn ask(&self, body: Vec<u8>, is_forgiving: bool) -> Result<Vec<u8>, Failed> {
        let (answer, answered) = oneshot::channel();
        let gone = || Failed::Unavailable("its supervisor has ended".to_owned());
        self.requests.send(Request { body: body.into(), is_forgiving, answer }).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

fn supervise(program: &Program, bounds: &Bounds, requests: &Mutex<mpsc::Receiver<Request>>, at_once: bool) {
    let mut starter = Starter::new(program, bounds);
    let mut running = if at_once { starter.start().ok() } else { None };
    // Whichever supervisor is free holds the lock while it waits.
    let next = || requests.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
    while let Some(Request { body, is_forgiving, answer }) = next() {
        if answer.is_closed() {
            continue;
        }
        // What may be asked again is worth its end, since the next one may ask the same; what is asked once is not.
        let is_wanted = || is_forgiving || !answer.is_closed();
        let mut result = ask(&mut starter, &mut running, &body, &is_wanted);
        if is_forgiving && matches!(result, Err(Failed::Stopped(_))) {
            // Somebody else's kill says nothing about this request.
            result = ask(&mut starter, &mut running, &body, &is_wanted);
        }
        // The caller may be gone.
        let _ = answer.send(result);
    }
}

fn ask(
    starter: &mut Starter<'_>,
    running: &mut Option<Running>,
    body: &Arc<[u8]>,
    is_wanted: &dyn Fn() -> bool,
) -> Result<Vec<u8>, Failed> {
    let mut child = match running.take() {
        Some(child) => child,
        None => starter.start().map_err(Failed::Unavailable)?,
    };
    let bounds = starter.bounds;
    if child.requests.send(Arc::clone(body)).is_ok() {
        match child.wait(bounds, is_wanted) {
            Waited::Answer(answer) => {
                *running = Some(child);
                return Ok(answer);
            }
            Waited::TookTooLong => return Err(Failed::TookTooLong(bounds.time)),
            Waited::GotNoProcessor => {
                let why =
                    format!("it had no answer after {:?}, most of which it waited for a processor", bounds.wall_time);
                return Err(Failed::Stopped(why));
            }
            Waited::Unwanted => return Err(Failed::Stopped("nobody waits for its answer".to_owned())),
            Waited::Gone => {}
        }
    }
    let (how, status) = child.end();
    tracing::debug!(how, "a child process died over a request");
    // Memory and stack that ran out end in other signals; a time that ran out is known already.
    let from_outside = [Signal::KILL, Signal::TERM, Signal::INT, Signal::HUP].map(Signal::as_raw);
    match status.and_then(|status| status.signal()) {
        Some(signal) if from_outside.contains(&signal) => Err(Failed::Stopped(how)),
        _ => Err(Failed::Died(how)),
    }
}
