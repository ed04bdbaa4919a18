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

    /// Sends a request and waits for its answer. It needs no runtime. Each child works on one request at a time. Where somebody else
    /// killed the child, another one is asked once more.
    ///
    /// # Errors
    /// The child died, took too long, was stopped or could not be started.
    pub async fn call(&self, body: Vec<u8>) -> Result<Vec<u8>, Failed> {
        let (answer, answered) = oneshot::channel();
        let gone = || Failed::Unavailable("its supervisor has ended".to_owned());
        self.requests.send(Request { body: body.into(), answer }).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

fn supervise(program: &Program, bounds: &Bounds, requests: &Mutex<mpsc::Receiver<Request>>, at_once: bool) {
    let mut starter = Starter::new(program, bounds);
    let mut running = if at_once { starter.start().ok() } else { None };
    // Whichever supervisor is free holds the lock while it waits.
    let next = || requests.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
    while let Some(Request { body, answer }) = next() {
        if answer.is_closed() {
            continue;
        }
        let mut result = ask(&mut starter, &mut running, &body);
        if matches!(result, Err(Failed::Stopped(_))) {
            // Somebody else's kill says nothing about this request.
            result = ask(&mut starter, &mut running, &body);
        }
        // The caller may be gone.
        let _ = answer.send(result);
    }
}

fn ask(starter: &mut Starter<'_>, running: &mut Option<Running>, body: &Arc<[u8]>) -> Result<Vec<u8>, Failed> {
    let mut child = match running.take() {
        Some(child) => child,
        None => starter.start().map_err(Failed::Unavailable)?,
    };
    let bounds = starter.bounds;
    if child.requests.send(Arc::clone(body)).is_ok() {
        match child.wait(bounds) {
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
