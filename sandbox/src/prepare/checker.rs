//! Where checks run: in a supervised child process, or, for tests, on a thread of this one.

use std::borrow::Cow;
use std::io;
use std::thread;
use std::time::Duration;

use scriptmill_child::{self as child, Child, Failed, Program};
use scriptmill_sdk::{Bundle, Code, Diagnostic, Module};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use super::bundle;
use super::checked::{Bounds, Checked};
use super::protocol::{Answer, Request, STACK_BYTES, answer};
use super::source::diagnose_bundle;

const HELP: &str = "Split the script into smaller functions and modules, and nest less deeply. Give large data to the script as input \
     instead of writing it into the source.";

/// No check took place: the script is not at fault, and the same one may be checked later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the process that checks scripts failed: {0}")]
pub struct CheckFailed(pub String);

/// A handle on where checks run. Clones share it.
#[derive(Clone, Debug)]
pub struct Checker {
    place: Place,
    bounds: Bounds,
}

#[derive(Clone, Debug)]
enum Place {
    Thread,
    Child(Child, usize),
}

/// Why there is no answer, where the script is to blame.
enum Fault {
    TookTooLong(Duration),
    Died,
    Panicked,
}

impl Checker {
    /// Bounds of the children that check scripts: two of them, each with 512 MiB of address space, of which half is stack,
    /// and ten seconds of a processor.
    pub const CHILD_BOUNDS: child::Bounds = child::Bounds {
        children: 2,
        memory_bytes: 512 << 20,
        time: Duration::from_secs(10),
        wall_time: Duration::from_secs(200),
        queue: 64,
        answer_bytes: Self::answer_bytes(4 << 20),
    };

    /// Bytes of the longest answer of a check of sources with this many bytes. It holds their emitted code, which has at most
    /// twice as many bytes, and their maps. A map takes up to three times as much as its code where every second byte is a name,
    /// and JSON escapes some of both.
    pub const fn answer_bytes(source_bytes: u64) -> u32 {
        let bytes = source_bytes.saturating_mul(8).saturating_add(4 << 20);
        if bytes > u32::MAX as u64 { u32::MAX } else { bytes as u32 }
    }

    /// How much longer than its processor time a check may take by the clock: where jobs want a whole processor, a child gets a
    /// tenth of it, and shares that with another child.
    pub const WALL_FACTOR: u32 = 20;

    /// For tests: checks on threads of this process. A script that is nested deeply enough takes the process down.
    pub fn in_process(bounds: Bounds) -> Self {
        Self { place: Place::Thread, bounds }
    }

    /// Checks in child processes: `program` is to call [`serve`](super::serve()).
    ///
    /// # Errors
    /// The operating system has no thread for a supervisor.
    pub fn child(program: Program, child_bounds: child::Bounds, bounds: Bounds) -> io::Result<Self> {
        let children = child_bounds.children;
        Ok(Self { place: Place::Child(Child::new(program, child_bounds)?, children), bounds })
    }

    /// Checks a bundle. A script that takes the child down, or too much time, is refused as too complex.
    ///
    /// # Errors
    /// No check took place, for reasons that lie outside the script.
    pub async fn check(&self, bundle: &Bundle) -> Result<Checked, CheckFailed> {
        let diagnostics = bundle::check_form(bundle, &self.bounds);
        if !diagnostics.is_empty() {
            return Ok(Checked::refused(diagnostics));
        }
        let request = Request::Check { bounds: self.bounds, bundle: Cow::Borrowed(bundle) };
        Ok(self.ask(request).await?.unwrap_or_else(|fault| {
            let why = match fault {
                Fault::TookTooLong(time) => format!("Checking it took more than {time:?} of a processor."),
                Fault::Died => "Checking it took more memory or stack than there is.".to_owned(),
                Fault::Panicked => "The check gave up on it.".to_owned(),
            };
            let diagnostics = vec![too_complex(bundle, &why)];
            // How far a check comes in its time depends on the machine's processor.
            Checked { is_of_time: matches!(fault, Fault::TookTooLong(_)), ..Checked::refused(diagnostics) }
        }))
    }

    /// Checks that can be under way at one time.
    pub(crate) fn places(&self) -> usize {
        match self.place {
            Place::Thread => 2,
            Place::Child(_, children) => children,
        }
    }

    /// The specifiers that a module imports. There are none if it cannot be parsed; its check says why.
    pub(super) async fn imports(&self, module: &Module) -> Result<Vec<String>, CheckFailed> {
        Ok(self.ask(Request::Imports(Cow::Borrowed(module))).await?.unwrap_or_default())
    }

    pub(super) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    async fn ask<T: DeserializeOwned>(&self, request: Request<'_>) -> Result<Result<T, Fault>, CheckFailed> {
        let request = serde_json::to_vec(&request).map_err(|error| CheckFailed(error.to_string()))?;
        let answer = match &self.place {
            Place::Thread => answer_on_thread(request).await?,
            Place::Child(child, _) => match child.call(request).await {
                Ok(answer) => answer,
                Err(Failed::Unavailable(why) | Failed::Stopped(why)) => return Err(CheckFailed(why)),
                Err(Failed::TookTooLong(time)) => return Ok(Err(Fault::TookTooLong(time))),
                Err(Failed::Died(how)) => {
                    tracing::info!(how, "a script took the process down that checked it");
                    return Ok(Err(Fault::Died));
                }
            },
        };
        let answer: Answer<T> = serde_json::from_slice(&answer).map_err(|error| {
            tracing::error!(%error, "what the process that checks scripts answered cannot be read");
            CheckFailed("the process that checks scripts gave an answer that cannot be read".to_owned())
        })?;
        Ok(answer.map_err(|panic| {
            tracing::error!(panic, "the check of a script panicked");
            Fault::Panicked
        }))
    }
}

fn too_complex(bundle: &Bundle, why: &str) -> Diagnostic {
    let file = bundle.modules.first().map_or("", |module| module.name.as_str());
    let message = format!("The script is too large or too deeply nested to check. {why}");
    diagnose_bundle(Code::TooComplex, file, message, HELP)
}

async fn answer_on_thread(request: Vec<u8>) -> Result<Vec<u8>, CheckFailed> {
    let (sender, answered) = oneshot::channel();
    thread::Builder::new()
        .name("check".into())
        .stack_size(STACK_BYTES)
        .spawn(move || sender.send(answer(&request)))
        .map_err(|error| CheckFailed(format!("no thread: {error}")))?;
    answered.await.map_err(|_| CheckFailed("the checking thread ended".to_owned()))
}
