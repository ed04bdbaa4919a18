//! All that one run keeps on the host's side.

use std::sync::Arc;

use scriptmill_sdk::{LimitKind, Limits};
use wasmtime::{Memory, ResourceLimiter};

use super::completion::Completion;
use super::context::Context;
use super::logs::Logs;
use super::warnings::Warnings;
use crate::Clock;
use crate::calls::HostCalls;
use crate::pending::PendingCalls;
use crate::places::Places;
use crate::stop::Stop;
use crate::timers::{ScriptClock, Timers};

/// One run, as seen by the guest's import.
pub(crate) struct Guest {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: Limits,
    pub(crate) context: Context,
    /// What the guest takes next: the payload of the call under way.
    pub(crate) payload: Vec<u8>,
    pub(crate) memory: Option<Memory>,
    pub(crate) completion: Option<Completion>,
    /// Where the script stood when it was ended, as the guest wrote it.
    pub(crate) located: Vec<u8>,
    pub(crate) logs: Logs,
    /// The author's places of the modules that are loaded.
    pub(crate) places: Option<Places>,
    pub(crate) warnings: Warnings,
    pub(crate) timers: Timers,
    pub(crate) calls: PendingCalls,
}

impl Guest {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        calls: Arc<dyn HostCalls>,
        limits: Limits,
        script_clock: ScriptClock,
    ) -> Self {
        let timers = Timers::new(clock.clone(), script_clock);
        Self {
            calls: PendingCalls::new(timers.clone(), calls, limits.pending_calls),
            timers,
            clock,
            limits,
            context: Context::default(),
            payload: Vec::new(),
            memory: None,
            completion: None,
            located: Vec::new(),
            logs: Logs::kept(),
            places: None,
            warnings: Warnings::default(),
        }
    }
}

impl ResourceLimiter for Guest {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // If the script could catch a refusal, it would go on with half-built objects. So the job ends here instead.
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
