//! The parent's side: a handle, and the thread that supervises the child.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::{mpsc, oneshot};

use crate::process::Running;
use crate::program::{Bounds, Program};
use crate::start::Starter;

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
    let mut starter = Starter::new(program, bounds);
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
        // The caller may be gone.
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
