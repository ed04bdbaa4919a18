//! One job: an image and an input in, an ending and what it used out.

use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use scriptmill_sdk::{
    Code, Diagnostic, Ending, Failure, LimitKind, Limits, LogLine, Origin, Position, Rejection, Usage, Warning,
};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::guest::{Completion, Context, Guest};
use crate::image::Image;
use crate::instance::Instance;
use crate::pending::Answered;
use crate::prepare::names::nearest;
use crate::runtime::Runtime;
use crate::stack::{Report, located, shortened};
use crate::timers::ScriptClock;
use crate::trap::Trap;
use crate::turn::hand_back;
use crate::{ending, json};

/// What one job asks of its script.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// The function to call; without it `export default`, an export `main` or a global function `main`.
    pub entry: Option<&'a str>,
    /// JSON text.
    pub input: &'a str,
    /// The limits in force.
    pub limits: Limits,
    /// The job's id: with the tenant it seeds the script's random numbers.
    pub job_id: &'a str,
    /// The job's tenant.
    pub tenant: &'a str,
    /// How often the job has been begun, this time included.
    pub attempt: u32,
    /// When the job must have ended, in milliseconds since the Unix epoch: told to the script, not enforced here.
    pub deadline_ms: Option<u64>,
    /// Where the script's clock stands when the entry is called, in milliseconds since the Unix epoch. It then moves by
    /// waiting alone. Without it the script sees the host's own time.
    pub clock_ms: Option<u64>,
}

/// What became of one job.
#[derive(Clone, Debug)]
pub struct Execution {
    /// How it ended.
    pub ending: Ending,
    /// What the check of its script found.
    pub diagnostics: Vec<Diagnostic>,
    /// What it logged.
    pub logs: Vec<LogLine>,
    /// Warnings of what its author has most likely not meant.
    pub warnings: Vec<Warning>,
    /// What it used. The time in queues is for the caller to fill in.
    pub usage: Usage,
}

impl Execution {
    /// A job that ended before it could run.
    pub fn unrun(ending: Ending) -> Self {
        Self { ending, diagnostics: Vec::new(), logs: Vec::new(), warnings: Vec::new(), usage: Usage::default() }
    }
}

/// Runs one job on a fresh copy of its image.
pub(crate) async fn run(runtime: &Runtime, image: &Image, job: &Invocation<'_>) -> Execution {
    let mut usage = Usage { prepare_fuel: image.prepare_fuel, ..Usage::default() };
    let (ending, logs, warnings) = match unfit(image, job) {
        Some(ending) => (ending, Vec::new(), Vec::new()),
        None => run_fit(runtime, image, job, &mut usage).await,
    };
    // A missing default entry does not concern a job that names its entry.
    let concerns = |found: &&Diagnostic| job.entry.is_none() || found.code != Code::MissingEntry;
    let diagnostics = image.diagnostics.iter().filter(concerns).cloned().collect();
    Execution { ending, diagnostics, logs, warnings, usage }
}

/// The ending of a job that cannot even begin.
fn unfit(image: &Image, job: &Invocation<'_>) -> Option<Ending> {
    if json::deeper_than(job.input, job.limits.nesting) {
        let message = format!("the input is nested deeper than {} levels", job.limits.nesting);
        let path = Some("input".to_owned());
        return Some(Ending::Rejected(Rejection { code: Code::InputTooDeep, message, path }));
    }
    (image.memory_bytes > job.limits.memory_bytes)
        .then(|| ending::exhausted(LimitKind::MemoryBytes, &job.limits, Vec::new()))
}

/// How a job ended, what it logged, and its warnings.
type Ended = (Ending, Vec<LogLine>, Vec<Warning>);

async fn run_fit(runtime: &Runtime, image: &Image, job: &Invocation<'_>, usage: &mut Usage) -> Ended {
    let clock = &runtime.clock;
    let script_clock = job.clock_ms.map_or(ScriptClock::Live, |ms| ScriptClock::Fixed(Duration::from_millis(ms)));
    let mut guest = runtime.guest(job.limits, script_clock);
    let entry = job.entry.unwrap_or_default();
    guest.payload = [entry.as_bytes(), job.input.as_bytes()].concat();
    guest.context = Context {
        job_id: job.job_id.to_owned(),
        tenant: job.tenant.to_owned(),
        attempt: job.attempt,
        deadline_ms: job.deadline_ms,
    };
    let began = clock.monotonic();
    let deadline = began.saturating_add(job.limits.wall_time);
    let mut instance = match Instance::new(&runtime.interface, &image.snapshot, guest, job.limits.fuel).await {
        Ok(instance) => instance,
        Err(trap) => return (ending::trapped(trap, &job.limits, Vec::new()), Vec::new(), Vec::new()),
    };
    let mut waited = Duration::ZERO;
    let driven = drive(&mut instance, job, entry.len(), deadline, &mut waited).await;
    usage.fuel = job.limits.fuel - instance.fuel().min(job.limits.fuel);
    usage.peak_memory_bytes = instance.memory().len() as u64;
    usage.times.ran_us = microseconds(instance.ran);
    usage.times.host_us = microseconds(waited);
    let turns = clock.monotonic().saturating_sub(began + instance.ran + waited);
    usage.times.waited_us = microseconds(turns);
    let ending = match driven {
        Ok(()) => {
            let completion = instance.guest_mut().completion.take();
            let stalled_at = instance.guest().warnings.stalled_at(&image.files);
            completed(completion, image, job, stalled_at).await
        }
        Err(trap) => {
            let stack = located(&instance.locate().await, &image.files);
            ending::trapped(trap, &job.limits, stack)
        }
    };
    usage.host_calls = instance.guest().calls.count.into();
    let Guest { logs, warnings, .. } = instance.guest_mut();
    let ended = (ending, logs.take(), warnings.take(&image.files));
    instance.close();
    ended
}

/// Calls the entry and answers its host calls, whichever has an answer first, until the guest has settled or the deadline
/// has come, by the monotonic clock. The time that it waits is added to `waited`.
async fn drive(
    instance: &mut Instance<'_>,
    job: &Invocation<'_>,
    entry_len: usize,
    deadline: Duration,
    waited: &mut Duration,
) -> Result<(), Trap> {
    let mut settled = instance.invoke(seed(job.tenant, job.job_id), entry_len, deadline).await?;
    while !settled {
        let (call, answer) = next_answer(instance, deadline, waited).await?;
        settled = instance.resume(call, answer, deadline).await?;
    }
    Ok(())
}

/// Waits for the next answer, until the deadline at the longest.
async fn next_answer(instance: &mut Instance<'_>, deadline: Duration, waited: &mut Duration) -> Result<Answered, Trap> {
    let clock = instance.guest().clock.clone();
    let calls = &mut instance.guest_mut().calls;
    let answered = match calls.next().now_or_never() {
        Some(answered) => answered,
        None => {
            let began = clock.monotonic();
            let over = clock.sleep(deadline.saturating_sub(began));
            let answered = match select(pin!(calls.next()), over).await {
                Either::Left((answered, _)) => Ok(answered),
                Either::Right(_) => Err(Trap::Limit(LimitKind::WallTimeMs)),
            };
            *waited += clock.monotonic().saturating_sub(began);
            answered?
        }
    };
    answered.ok_or_else(|| Trap::Fault("it waits for no call".into()))
}

/// Texts of at most this many bytes are read in one go.
const SHORT_BYTES: usize = 64 << 10;

/// Lets others have the thread after a long text was looked at.
async fn between(text: &[u8]) {
    if text.len() > SHORT_BYTES {
        hand_back().await;
    }
}

async fn completed(
    completion: Option<Completion>,
    image: &Image,
    job: &Invocation<'_>,
    stalled_at: Option<Position>,
) -> Ending {
    let limits = &job.limits;
    let failed = |code, message, thrown| {
        Ending::Failed(Failure { code, message, origin: Origin::Script, retryable: false, thrown })
    };
    match completion {
        Some(Completion::Value(text)) => value(text, limits).await,
        Some(Completion::TooLarge) => ending::exhausted(LimitKind::OutputBytes, limits, Vec::new()),
        Some(Completion::TooDeep) => ending::exhausted(LimitKind::Nesting, limits, Vec::new()),
        Some(Completion::Thrown(bytes)) => {
            let report = Report::read(&bytes);
            between(&bytes).await;
            let code = report.code().unwrap_or(Code::Thrown);
            let message = format!("the script threw {}{}", report.sentence(), report.advice());
            failed(code, message, Some(report.thrown(&image.files)))
        }
        Some(Completion::ValueNotJson(report)) => {
            let report = Report::read(&report);
            let message = format!("the value cannot be written as JSON: {}", report.message);
            failed(Code::ValueNotJson, message, Some(report.thrown(&image.files)))
        }
        Some(Completion::Stalled) => {
            let place = stalled_at.map(|at| format!(", at {at}")).unwrap_or_default();
            let message = format!("the script awaits a promise that nothing can settle any more{place}");
            failed(Code::NeverSettles, message, None)
        }
        Some(Completion::UnknownEntry(names)) => {
            let message = no_such_entry(job.entry.unwrap_or_default(), &String::from_utf8_lossy(&names));
            Ending::Rejected(Rejection { code: Code::UnknownEntry, message, path: Some("entry".to_owned()) })
        }
        Some(Completion::SyntaxRefused(_)) | None => ending::fault("it returned without an outcome".into()),
    }
}

/// The message where there is no entry of this name, or no default one if the name is empty. `names` are the entries that there are.
fn no_such_entry(entry: &str, names: &str) -> String {
    let near = nearest(entry, names.split(", ").map(|name| (0, name)));
    let asked = shortened(entry.to_owned());
    match (entry, names, near) {
        ("", "", _) => "the script exports no function that a job can call".to_owned(),
        ("", ..) => {
            format!("the job names no entry, and the script has no default one; it has {}", shortened(names.to_owned()))
        }
        (_, "", _) => format!("the script exports no function '{asked}', nor any other"),
        (.., Some(near)) => format!("the script exports no function '{asked}'; did you mean '{near}'?"),
        _ => format!("the script exports no function '{asked}'; it has {}", shortened(names.to_owned())),
    }
}

async fn value(text: Vec<u8>, limits: &Limits) -> Ending {
    let not_json = || ending::fault("its value is not JSON".into());
    between(&text).await;
    let Ok(text) = String::from_utf8(text) else { return not_json() };
    between(text.as_bytes()).await;
    let Ok(value) = RawValue::from_string(text) else { return not_json() };
    between(value.get().as_bytes()).await;
    if json::deeper_than(value.get(), limits.nesting) {
        return ending::exhausted(LimitKind::Nesting, limits, Vec::new());
    }
    Ending::Succeeded(value)
}

/// The seed of a job's random numbers: the first eight bytes of SHA-256(tenant, NUL, job id).
fn seed(tenant: &str, job_id: &str) -> i64 {
    let digest = Sha256::new().chain_update(tenant).chain_update([0]).chain_update(job_id).finalize();
    digest.first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes))
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
