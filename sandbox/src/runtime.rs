//! What every run starts from: the engine's imports and exports, the base of all images, and the world around it.

use std::sync::Arc;

use scriptmill_sdk::Limits;

use crate::Clock;
use crate::calls::HostCalls;
use crate::complete::complete;
use crate::engine::{Engine, EngineError};
use crate::guest::{Guest, Logs};
use crate::instance::Instance;
use crate::interface::Interface;
use crate::snapshot::Base;
use crate::timers::{ScriptClock, TOP_LEVEL_INSTANT};

/// What every run starts from.
pub(crate) struct Runtime {
    pub(crate) interface: Interface,
    /// The engine with its context made and no script loaded.
    pub(crate) base: Base,
    /// Below this address linear memory is the engine's stack, dead between two calls.
    stack_end: usize,
    pub(crate) clock: Arc<dyn Clock>,
    calls: Arc<dyn HostCalls>,
}

impl Runtime {
    /// Makes the base of all images, under these limits.
    pub(crate) fn new(
        engine: &Engine,
        metered: bool,
        limits: Limits,
        clock: Arc<dyn Clock>,
        calls: Arc<dyn HostCalls>,
    ) -> Result<Self, EngineError> {
        let interface = Interface::new(engine, metered)?;
        // Until there is a base, the raw memory stands in its place.
        let base = Base::new(&interface, engine.data.clone())?;
        let mut runtime = Self { interface, base, stack_end: engine.stack_end, clock, calls };
        let memory = complete(runtime.initialise(limits))?;
        runtime.base = Base::new(&runtime.interface, runtime.without_stack(&memory))?;
        Ok(runtime)
    }

    async fn initialise(&self, limits: Limits) -> Result<Vec<u8>, EngineError> {
        let failed = |trap| EngineError::Module(format!("it cannot be initialised: {trap:?}"));
        let guest = self.guest_of_top_level(limits);
        let mut instance =
            Instance::new(&self.interface, &self.base.snapshot, guest, u64::MAX / 2).await.map_err(failed)?;
        instance.initialise().await.map_err(failed)?;
        Ok(instance.memory().to_vec())
    }

    /// The host's side of a run.
    pub(crate) fn guest(&self, limits: Limits, script_clock: ScriptClock) -> Guest {
        Guest::new(self.clock.clone(), self.calls.clone(), limits, script_clock)
    }

    /// The host's side of a top level, whose clock stands still and whose log is shown to no one.
    pub(crate) fn guest_of_top_level(&self, limits: Limits) -> Guest {
        Guest { logs: Logs::Dropped, ..self.guest(limits, ScriptClock::Fixed(TOP_LEVEL_INSTANT)) }
    }

    /// A copy of a memory with a zeroed stack: between two calls the stack holds only what the last call left there.
    pub(crate) fn without_stack(&self, memory: &[u8]) -> Vec<u8> {
        let mut memory = memory.to_vec();
        memory[..self.stack_end].fill(0);
        memory
    }
}
