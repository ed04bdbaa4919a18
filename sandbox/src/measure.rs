//! Parts of a job on their own, for benchmarks, and a way to run a future without a runtime.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use wasmtime::{InstancePre, Linker, Module, Store};

use crate::engine::EngineError;
use crate::guest::{Guest, ScriptClock, Settled};
use crate::instance::Instance;
use crate::{Image, Invocation, Sandbox};

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
        let engine = sandbox.interface().code.engine();
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

/// One instance that serves job after job: what isolation costs is the distance to it.
pub struct Reused<'a> {
    instance: Instance<'a>,
}

impl<'a> Reused<'a> {
    /// A copy of the image, to be kept.
    ///
    /// # Errors
    /// The pool has no room.
    pub async fn new(sandbox: &'a Sandbox, image: &Image, job: &Invocation<'_>) -> Result<Self, EngineError> {
        let guest = Guest::new(sandbox.clock(), job.limits, ScriptClock::Live);
        let instance = Instance::new(sandbox.interface(), &image.snapshot, guest, u64::MAX / 2).await;
        Ok(Self { instance: instance.map_err(|ended| EngineError::Module(format!("{ended:?}")))? })
    }

    /// Calls the entry again and takes its value, as JSON text.
    ///
    /// # Errors
    /// The script did not return a value at once.
    pub async fn run(&mut self, input: &str) -> Result<Vec<u8>, EngineError> {
        self.instance.guest_mut().payload = input.as_bytes().to_vec();
        let settled = self.instance.invoke(1, 0, Duration::MAX).await;
        match (settled, self.instance.guest_mut().settled.take()) {
            (Ok(true), Some(Settled::Value(value))) => Ok(value),
            (ended, settled) => Err(EngineError::Module(format!("{ended:?}, {settled:?}"))),
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

/// Polls a future that waits for nothing but its own slices to its end, on this thread.
pub fn complete<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
