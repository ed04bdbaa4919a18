//! What the engine calls while a script runs: the host's side of the guest's imports, and all that one run keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use scriptmill_sdk::{LimitKind, Limits, LogLevel, LogLine};
use wasmtime::{Caller, Linker, Memory, ResourceLimiter};

use crate::Clock;

/// The instant at which the clock stands while a script's top level runs: 2000-01-01T00:00:00Z.
pub const TOP_LEVEL_INSTANT: Duration = Duration::from_secs(946_684_800);

/// Why the host ended a run from within one of the guest's calls.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error("the limit {0:?} is met")]
    Limit(LimitKind),
    #[error("the machine gives no more memory: {0}")]
    NoMemory(String),
    #[error("the engine broke its contract: {0}")]
    Contract(&'static str),
}

/// What the guest settled with.
#[derive(Debug)]
pub(crate) enum Settled {
    /// JSON text.
    Value(Vec<u8>),
    /// A report of what was thrown.
    Thrown(Vec<u8>),
    Stalled,
    /// The names of the entries there are.
    UnknownEntry(Vec<u8>),
    SyntaxRefused(Vec<u8>),
    ValueNotJson(Vec<u8>),
    TooDeep,
    TooLarge,
}

/// What the script is told of its job, on first use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    pub(crate) job_id: String,
    pub(crate) tenant: String,
    pub(crate) attempt: u32,
    pub(crate) deadline_ms: Option<u64>,
}

/// The time that a script sees.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ScriptClock {
    /// The host's own; should somebody set that meanwhile, it goes on as it was.
    Live,
    /// An instant that moves by waiting alone.
    Fixed(Duration),
}

/// One run, as seen by the guest's imports.
pub(crate) struct Guest {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: Limits,
    pub(crate) script_clock: ScriptClock,
    pub(crate) context: Context,
    /// What the guest takes next: the payload of the call under way.
    pub(crate) payload: Vec<u8>,
    pub(crate) memory: Option<Memory>,
    pub(crate) settled: Option<Settled>,
    pub(crate) located: Vec<u8>,
    pub(crate) logs: Vec<LogLine>,
    pub(crate) host_calls: u64,
    log_bytes: u64,
    /// What the host's clock showed when its monotonic time began.
    epoch: Duration,
    /// Pending timers, earliest first: when each is due by the script's clock, and which call it answers.
    timers: BTreeSet<(Duration, u32)>,
    /// When each pending call is due: where it stands in `timers`.
    due: BTreeMap<u32, Duration>,
    last_call: u32,
}

impl Guest {
    pub(crate) fn new(clock: Arc<dyn Clock>, limits: Limits, script_clock: ScriptClock) -> Self {
        Self {
            epoch: clock.now().saturating_sub(clock.monotonic()),
            clock,
            limits,
            script_clock,
            context: Context::default(),
            payload: Vec::new(),
            memory: None,
            settled: None,
            located: Vec::new(),
            logs: Vec::new(),
            host_calls: 0,
            log_bytes: 0,
            timers: BTreeSet::new(),
            due: BTreeMap::new(),
            last_call: 0,
        }
    }

    /// The time by the script's clock.
    pub(crate) fn now(&self) -> Duration {
        match self.script_clock {
            ScriptClock::Live => self.epoch.saturating_add(self.clock.monotonic()),
            ScriptClock::Fixed(instant) => instant,
        }
    }

    /// The timer to be answered next: its call, and when it is due by the script's clock.
    pub(crate) fn next_timer(&self) -> Option<(u32, Duration)> {
        self.timers.first().map(|(due, call)| (*call, *due))
    }

    /// Takes a timer off, and sets a fixed clock to when it was due.
    pub(crate) fn fire(&mut self, call: u32) {
        if let Some(due) = self.cancel(call)
            && let ScriptClock::Fixed(instant) = &mut self.script_clock
        {
            *instant = due.max(*instant);
        }
    }

    fn cancel(&mut self, call: u32) -> Option<Duration> {
        let due = self.due.remove(&call)?;
        self.timers.remove(&(due, call));
        Some(due)
    }

    fn timer(&mut self, milliseconds: f64) -> Result<u32, Stop> {
        if self.due.len() as u64 >= self.limits.pending_calls {
            return Err(Stop::Limit(LimitKind::PendingCalls));
        }
        let wait = Duration::try_from_secs_f64(milliseconds.max(0.0) / 1_000.0).unwrap_or(Duration::MAX / 4);
        let due = self.now().saturating_add(wait);
        self.last_call += 1;
        self.host_calls += 1;
        self.timers.insert((due, self.last_call));
        self.due.insert(self.last_call, due);
        Ok(self.last_call)
    }

    fn host_call(&mut self, kind: i32, payload: &[u8]) -> Result<u32, Stop> {
        match (kind, payload.try_into()) {
            (1, Ok(milliseconds)) => self.timer(f64::from_le_bytes(milliseconds)),
            _ => Err(Stop::Contract("it made an unknown host call")),
        }
    }

    fn log(&mut self, level: i32, text: &[u8]) -> Result<(), Stop> {
        let level = match level {
            0 => LogLevel::Debug,
            2 => LogLevel::Warn,
            3 => LogLevel::Error,
            _ => LogLevel::Info,
        };
        self.log_bytes += text.len() as u64;
        if self.logs.len() as u64 >= self.limits.log_lines {
            return Err(Stop::Limit(LimitKind::LogLines));
        }
        if self.log_bytes > self.limits.log_bytes {
            return Err(Stop::Limit(LimitKind::LogBytes));
        }
        self.logs.push(LogLine { level, text: String::from_utf8_lossy(text).into_owned() });
        Ok(())
    }

    fn context_field(&self, field: i32) -> Result<Vec<u8>, Stop> {
        let text = |text: &str| serde_json::to_vec(text).map_err(|_| Stop::Contract("a text is not JSON"));
        match field {
            0 => text(&self.context.job_id),
            1 => text(&self.context.tenant),
            2 => Ok(self.context.attempt.to_string().into_bytes()),
            3 => Ok(self.context.deadline_ms.map_or_else(|| "null".into(), |ms| ms.to_string()).into_bytes()),
            _ => Err(Stop::Contract("it asked for an unknown field of the context")),
        }
    }

    fn settle(&mut self, kind: i32, bytes: &[u8]) -> Result<(), Stop> {
        if self.settled.is_some() {
            return Err(Stop::Contract("it settled twice"));
        }
        self.settled = Some(match kind {
            0 if bytes.len() as u64 > self.limits.output_bytes => Settled::TooLarge,
            0 => Settled::Value(bytes.to_vec()),
            1 => Settled::Thrown(bytes.to_vec()),
            2 => Settled::Stalled,
            3 => Settled::UnknownEntry(bytes.to_vec()),
            4 => Settled::SyntaxRefused(bytes.to_vec()),
            5 => Settled::ValueNotJson(bytes.to_vec()),
            6 => Settled::TooDeep,
            _ => return Err(Stop::Contract("it settled in an unknown way")),
        });
        Ok(())
    }
}

impl ResourceLimiter for Guest {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // A refusal that the script could catch would let it go on half-built: it ends here instead.
        if desired as u64 > self.limits.memory_bytes {
            return Err(Stop::Limit(LimitKind::MemoryBytes).into());
        }
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(Stop::NoMemory(error.to_string()).into())
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

/// The guest's one import: `host(operation, number, bytes, len)`. One, because linking costs each job its time.
pub(crate) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    linker.func_wrap("scriptmill", "host", host)?;
    Ok(linker)
}

/// Does what the guest asks for. The operations, their arguments and results are listed in the engine's README.
#[allow(clippy::cast_precision_loss, reason = "JavaScript has no other number, and ids and lengths are below 2^53")]
fn host(mut caller: Caller<'_, Guest>, operation: i32, number: i32, ptr: u32, len: u32) -> wasmtime::Result<f64> {
    let memory = caller.data().memory.ok_or(Stop::Contract("it has no memory yet"))?;
    let fuel = caller.get_fuel();
    let (memory, guest) = memory.data_and_store_mut(&mut caller);
    let start = ptr as usize;
    let bytes = start.checked_add(len as usize).and_then(|end| memory.get_mut(start..end));
    let bytes = bytes.ok_or(Stop::Contract("it pointed outside its memory"))?;
    match operation {
        0 if bytes.len() == guest.payload.len() => bytes.copy_from_slice(&guest.payload),
        0 => return Err(Stop::Contract("it took another payload than it was given").into()),
        1 => guest.settle(number, bytes)?,
        2 => return Ok(f64::from(guest.host_call(number, bytes)?)),
        3 => drop(guest.cancel(number.cast_unsigned())),
        4 => guest.log(number, bytes)?,
        5 => {
            guest.payload = guest.context_field(number)?;
            return Ok(guest.payload.len() as f64);
        }
        6 => return Ok(fuel? as f64),
        7 => guest.located = bytes.to_vec(),
        8 => return Ok(guest.now().as_secs_f64() * 1e6),
        _ => return Err(Stop::Contract("it asked for an unknown operation").into()),
    }
    Ok(0.0)
}
