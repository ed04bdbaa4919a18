//! Where checks run: in a supervised child process, or, for tests, on a thread of this one.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use scriptmill_sdk::{Bundle, Code};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::source::diagnose_bundle;
use super::{Bounds, Checked, bundle, check};
use crate::child::{self, Child, Failed, Program};

/// The stack for one check. Pages that are not touched cost nothing.
const STACK_BYTES: usize = 256 << 20;

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

#[derive(Serialize)]
struct Request<'b> {
    bounds: &'b Bounds,
    bundle: &'b Bundle,
}

#[derive(Deserialize)]
struct OwnedRequest {
    bounds: Bounds,
    bundle: Bundle,
}

/// What the child answers: the result, or the words of a panic.
type Answer = Result<Checked, String>;

impl Checker {
    /// Bounds of a child that checks scripts: 1 GiB of address space, of which a quarter is stack, and ten seconds.
    pub const CHILD_BOUNDS: child::Bounds =
        child::Bounds { memory_bytes: 1 << 30, time: Duration::from_secs(10), queue: 64, answer_bytes: 256 << 20 };

    /// Checks on threads of this process, which a script nested deeply enough takes down: for tests.
    pub fn in_process(bounds: Bounds) -> Self {
        Self { place: Place::Thread, bounds }
    }

    /// Checks in a child process: `program` is to call [`serve`].
    ///
    /// # Errors
    /// The operating system has no thread for the child's supervisor.
    pub fn child(program: Program, child_bounds: child::Bounds, bounds: Bounds) -> io::Result<Self> {
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
        let answer = match &self.place {
            Place::Thread => check_on_thread(bundle.clone(), self.bounds).await?,
            Place::Child(child) => {
                let request = Request { bounds: &self.bounds, bundle };
                let request = serde_json::to_vec(&request).map_err(|error| CheckFailed(error.to_string()))?;
                match child.call(request).await {
                    Ok(answer) => {
                        serde_json::from_slice::<Answer>(&answer).map_err(|error| CheckFailed(error.to_string()))?
                    }
                    Err(Failed::Unavailable(why)) => return Err(CheckFailed(why)),
                    Err(Failed::TookTooLong(time)) => {
                        return Ok(too_complex(bundle, &format!("Checking it took longer than {time:?}.")));
                    }
                    Err(Failed::Died(how)) => {
                        tracing::info!(how, "a script took the process down that checked it");
                        return Ok(too_complex(bundle, "Checking it took more memory or stack than there is."));
                    }
                }
            }
        };
        Ok(answer.unwrap_or_else(|panic| {
            tracing::error!(panic, "the check of a script panicked");
            too_complex(bundle, "The check gave up on it.")
        }))
    }
}

fn too_complex(bundle: &Bundle, why: &str) -> Checked {
    let file = bundle.modules.first().map_or("", |module| module.name.as_str());
    let message = format!("The script is too large or too deeply nested to check. {why}");
    Checked { diagnostics: vec![diagnose_bundle(Code::TooComplex, file, message, HELP)], script: None }
}

async fn check_on_thread(bundle: Bundle, bounds: Bounds) -> Result<Answer, CheckFailed> {
    let (answer, answered) = oneshot::channel();
    let bundle = Arc::new(bundle);
    thread::Builder::new()
        .name("check".into())
        .stack_size(STACK_BYTES)
        .spawn(move || answer.send(check_unwinding(&bundle, &bounds)))
        .map_err(|error| CheckFailed(format!("no thread: {error}")))?;
    answered.await.map_err(|_| CheckFailed("the checking thread ended".to_owned()))
}

fn check_unwinding(bundle: &Bundle, bounds: &Bounds) -> Answer {
    // The parser's own faults are the failure of one script.
    catch_unwind(AssertUnwindSafe(|| check(bundle, bounds))).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
    })
}

/// The child's whole work: checks bundles that its parent sends until the parent is gone.
pub fn serve() -> ExitCode {
    child::serve(STACK_BYTES, |request| {
        let answer: Answer = serde_json::from_slice::<OwnedRequest>(request)
            .map_err(|error| format!("unreadable request: {error}"))
            .and_then(|request| check_unwinding(&request.bundle, &request.bounds));
        serde_json::to_vec(&answer).unwrap_or_default()
    })
}
