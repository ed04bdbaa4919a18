//! Where checks run: in a supervised child process, or, for tests, on a thread of this one.

use std::borrow::Cow;
use std::io;
use std::thread;
use std::time::Duration;

use scriptmill_child::{self as child, Child, Failed, Program};
use scriptmill_sdk::{Bundle, Code, Module};
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
    Child(Child),
}

/// Why there is no answer, where the script is to blame.
enum Fault {
    TookTooLong(Duration),
    Died,
    Panicked,
}

impl Checker {
    /// Bounds of a child that checks scripts: 1 GiB of address space, of which a quarter is stack, and ten seconds.
    pub const CHILD_BOUNDS: child::Bounds =
        child::Bounds { memory_bytes: 1 << 30, time: Duration::from_secs(10), queue: 64, answer_bytes: 256 << 20 };

    /// Checks on threads of this process, which a script nested deeply enough takes down: for tests.
    pub fn in_process(bounds: Bounds) -> Self {
        Self { place: Place::Thread, bounds }
    }

    /// Checks in a child process: `program` is to call [`serve`](super::serve()).
    ///
    /// # Errors
    /// The operating system has no thread for the child's supervisor.
    pub fn child(program: Program, mut child_bounds: child::Bounds, bounds: Bounds) -> io::Result<Self> {
        child_bounds.answer_bytes = child_bounds.answer_bytes.min(bounds.answer_bytes());
        Ok(Self { place: Place::Child(Child::new(program, child_bounds)?), bounds })
    }

    /// Checks a bundle. A script that takes the child down, or too much time, is refused as too complex.
    ///
    /// # Errors
    /// No check took place, for reasons that lie outside the script.
    pub async fn check(&self, bundle: &Bundle) -> Result<Checked, CheckFailed> {
        let diagnostics = bundle::check_form(bundle, &self.bounds);
        if !diagnostics.is_empty() {
            return Ok(Checked { diagnostics, script: None });
        }
        let request = Request::Check { bounds: self.bounds, bundle: Cow::Borrowed(bundle) };
        Ok(self.ask(request).await?.unwrap_or_else(|fault| {
            let why = match fault {
                Fault::TookTooLong(time) => format!("Checking it took longer than {time:?}."),
                Fault::Died => "Checking it took more memory or stack than there is.".to_owned(),
                Fault::Panicked => "The check gave up on it.".to_owned(),
            };
            too_complex(bundle, &why)
        }))
    }

    /// What a module imports. Of one that cannot be parsed: nothing; its check says why.
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
            Place::Child(child) => match child.call(request).await {
                Ok(answer) => answer,
                Err(Failed::Unavailable(why)) => return Err(CheckFailed(why)),
                Err(Failed::TookTooLong(time)) => return Ok(Err(Fault::TookTooLong(time))),
                Err(Failed::Died(how)) => {
                    tracing::info!(how, "a script took the process down that checked it");
                    return Ok(Err(Fault::Died));
                }
            },
        };
        let answer: Answer<T> = serde_json::from_slice(&answer).map_err(|error| CheckFailed(error.to_string()))?;
        Ok(answer.map_err(|panic| {
            tracing::error!(panic, "the check of a script panicked");
            Fault::Panicked
        }))
    }
}

fn too_complex(bundle: &Bundle, why: &str) -> Checked {
    let file = bundle.modules.first().map_or("", |module| module.name.as_str());
    let message = format!("The script is too large or too deeply nested to check. {why}");
    Checked { diagnostics: vec![diagnose_bundle(Code::TooComplex, file, message, HELP)], script: None }
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
