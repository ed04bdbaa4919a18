//! Parts of a job on their own, for benchmarks, and a way to run a future without a runtime.

use std::time::Duration;

use wasmtime::{InstancePre, Linker, Module, Store};

use crate::engine::EngineError;
use crate::guest::Completion;
use crate::image::Image;
use crate::instance::Instance;
use crate::run::Invocation;
use crate::sandbox::Sandbox;
use crate::timers::ScriptClock;

pub use crate::complete::complete;

/// An empty module on a sandbox's own engine: instantiating it is the floor that no sandbox gets below.
pub struct Floor {
    pre: InstancePre<()>,
}

impl Floor {
    /// The floor of this sandbox's configuration.
    ///
    /// # Errors
    /// wasmtime refuses the module.
    pub fn new(sandbox: &Sandbox) -> Result<Self, EngineError> {
        let engine = sandbox.runtime().interface.code.engine();
        let module = Module::new(engine, wasm_encoder::Module::new().finish())?;
        Ok(Self { pre: Linker::new(engine).instantiate_pre(&module)? })
    }

    /// Instantiates it in a store of its own.
    ///
    /// # Errors
    /// The pool has no room.
    pub fn instantiate(&self) -> Result<(), EngineError> {
        let mut store = Store::new(self.pre.module().engine(), ());
        self.pre.instantiate(&mut store)?;
        Ok(())
    }
}

/// One instance that serves job after job. A job in an instance of its own takes longer by what isolation costs.
pub struct Reused<'a> {
    instance: Instance<'a>,
}

impl<'a> Reused<'a> {
    /// A copy of the image, to be kept.
    ///
    /// # Errors
    /// The pool has no room.
    pub async fn new(sandbox: &'a Sandbox, image: &Image, job: &Invocation<'_>) -> Result<Self, EngineError> {
        let runtime = sandbox.runtime();
        let guest = runtime.guest(job.limits, ScriptClock::Live);
        let instance = Instance::new(&runtime.interface, &image.snapshot, guest, u64::MAX / 2).await;
        Ok(Self { instance: instance.map_err(|trap| EngineError::Module(format!("{trap:?}")))? })
    }

    /// Calls the entry again and takes its value, as JSON text.
    ///
    /// # Errors
    /// The script did not return a value at once.
    pub async fn run(&mut self, input: &str) -> Result<Vec<u8>, EngineError> {
        self.instance.guest_mut().payload = input.as_bytes().to_vec();
        let settled = self.instance.invoke(1, 0, Duration::MAX).await;
        match (settled, self.instance.guest_mut().completion.take()) {
            (Ok(true), Some(Completion::Value(value))) => Ok(value),
            (settled, completion) => Err(EngineError::Module(format!("{settled:?}, {completion:?}"))),
        }
    }
}

/// Instantiates an image and the engine on it, and throws them away.
///
/// # Errors
/// The pool has no room.
pub async fn instantiate(sandbox: &Sandbox, image: &Image, job: &Invocation<'_>) -> Result<(), EngineError> {
    Reused::new(sandbox, image, job).await.map(drop)
}
