//! One live sandbox: an image's memory, the engine on top of it, and calls into it under limits.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use scriptmill_sdk::LimitKind;
use wasmtime::{
    Extern, InstancePre, Linker, Memory, Module, ModuleExport, Store, Trap, TypedFunc, WasmParams, WasmResults,
};

use crate::engine::Engine;
use crate::guest::{Guest, Stop};

/// Fuel after which a running script hands its thread back.
pub(crate) const SLICE: u64 = 1_000_000;

/// Fuel granted to say where a script stood once it was ended.
const LOCATE_FUEL: u64 = 10_000_000;

/// Why a call into the guest did not return.
#[derive(Debug)]
pub(crate) enum Ended {
    Limit(LimitKind),
    /// The native stack overflowed: the script's doing.
    NativeStack,
    /// The machine gave no memory.
    NoMemory(String),
    /// The engine itself failed.
    Fault(String),
}

impl From<wasmtime::Error> for Ended {
    fn from(error: wasmtime::Error) -> Self {
        match (error.downcast_ref::<Trap>(), error.downcast_ref::<Stop>()) {
            (Some(Trap::OutOfFuel), _) => Self::Limit(LimitKind::Fuel),
            (Some(Trap::StackOverflow), _) => Self::NativeStack,
            (_, Some(Stop::Limit(limit))) => Self::Limit(*limit),
            (_, Some(Stop::NoMemory(why))) => Self::NoMemory(why.clone()),
            _ => Self::Fault(format!("{error:#}")),
        }
    }
}

/// Why an instance could not be made. Its code and its content are our own: what it lacks is room.
fn unmade(error: wasmtime::Error) -> Ended {
    match Ended::from(error) {
        Ended::Fault(why) => Ended::NoMemory(why),
        ended => ended,
    }
}

/// What is looked up once for all instances: the guest's imports and exports.
pub(crate) struct Interface {
    pub(crate) linker: Linker<Guest>,
    pub(crate) code: Module,
    imports: Vec<(String, String)>,
    exports: Exports,
    metered: bool,
}

struct Exports {
    initialise: ModuleExport,
    load: ModuleExport,
    invoke: ModuleExport,
    resume: ModuleExport,
    locate: ModuleExport,
}

impl Interface {
    pub(crate) fn new(engine: &Engine, metered: bool) -> wasmtime::Result<Self> {
        let code = engine.code.clone();
        let export = |name: &str| {
            code.get_export_index(name)
                .ok_or_else(|| wasmtime::Error::msg(format!("engine.wasm does not export {name}")))
        };
        Ok(Self {
            linker: crate::guest::linker(&engine.wasmtime)?,
            imports: code.imports().map(|import| (import.module().to_owned(), import.name().to_owned())).collect(),
            exports: Exports {
                initialise: export("initialise")?,
                load: export("load")?,
                invoke: export("invoke")?,
                resume: export("resume")?,
                locate: export("locate")?,
            },
            code,
            metered,
        })
    }
}

/// A memory to start from: an instantiable module that holds nothing else.
pub(crate) struct Snapshot {
    pre: InstancePre<Guest>,
    memory: ModuleExport,
}

impl Snapshot {
    /// Makes a memory of this content instantiable.
    pub(crate) fn new(interface: &Interface, content: &[u8]) -> wasmtime::Result<Self> {
        let module = Module::new(interface.code.engine(), crate::image::memory_module(content))?;
        let memory =
            module.get_export_index("memory").ok_or_else(|| wasmtime::Error::msg("an image exports no memory"))?;
        Ok(Self { pre: interface.linker.instantiate_pre(&module)?, memory })
    }
}

/// A live sandbox.
pub(crate) struct Instance<'a> {
    interface: &'a Interface,
    store: Store<Guest>,
    instance: wasmtime::Instance,
    memory: Memory,
    /// Time on the thread so far, its making included.
    pub(crate) ran: Duration,
}

impl<'a> Instance<'a> {
    /// A fresh copy of `snapshot`, with `fuel` to spend.
    pub(crate) async fn new(
        interface: &'a Interface,
        snapshot: &Snapshot,
        guest: Guest,
        fuel: u64,
    ) -> Result<Self, Ended> {
        let began = guest.clock.monotonic();
        let mut store = Store::new(interface.code.engine(), guest);
        store.limiter(|guest| guest);
        if interface.metered {
            store.set_fuel(fuel)?;
            store.fuel_async_yield_interval(Some(SLICE))?;
        }
        let image = snapshot.pre.instantiate_async(&mut store).await.map_err(unmade)?;
        let Some(Extern::Memory(memory)) = image.get_module_export(&mut store, &snapshot.memory) else {
            return Err(Ended::Fault("an image exports no memory".into()));
        };
        store.data_mut().memory = Some(memory);
        let mut imports = Vec::with_capacity(interface.imports.len());
        for (module, name) in &interface.imports {
            imports.push(match name.as_str() {
                "memory" => memory.into(),
                _ => interface.linker.get(&mut store, module, name)?,
            });
        }
        let instance = wasmtime::Instance::new_async(&mut store, &interface.code, &imports).await.map_err(unmade)?;
        let ran = store.data().clock.monotonic().saturating_sub(began);
        Ok(Self { interface, store, instance, memory, ran })
    }

    pub(crate) fn guest(&self) -> &Guest {
        self.store.data()
    }

    pub(crate) fn guest_mut(&mut self) -> &mut Guest {
        self.store.data_mut()
    }

    pub(crate) fn memory(&self) -> &[u8] {
        self.memory.data(&self.store)
    }

    /// Fuel left.
    pub(crate) fn fuel(&self) -> u64 {
        self.store.get_fuel().unwrap_or(0)
    }

    /// Makes the JavaScript context: once, for the base of all images.
    pub(crate) async fn initialise(&mut self) -> Result<(), Ended> {
        let export = self.interface.exports.initialise;
        self.call(&export, (), Duration::MAX).await
    }

    /// Loads the bundle in the payload. True: it is loaded; false: the guest settled.
    pub(crate) async fn load(&mut self, evaluate: bool, deadline: Duration) -> Result<bool, Ended> {
        let export = self.interface.exports.load;
        let len = self.payload_len()?;
        let code: i32 = self.call(&export, (len, i32::from(evaluate)), deadline).await?;
        Ok(code == 0)
    }

    /// Calls the entry; the payload is its name and its input. True: the guest settled; false: it waits for the host.
    pub(crate) async fn invoke(&mut self, seed: i64, entry_len: usize, deadline: Duration) -> Result<bool, Ended> {
        let export = self.interface.exports.invoke;
        let input_len = self.payload_len()? - i32::try_from(entry_len).unwrap_or(0);
        let code: i32 = self.call(&export, (seed, i32::try_from(entry_len).unwrap_or(0), input_len), deadline).await?;
        Ok(code == 0)
    }

    /// Answers a host call with the payload. True: the guest settled; false: it waits for the host.
    pub(crate) async fn resume(&mut self, call: u32, deadline: Duration) -> Result<bool, Ended> {
        let export = self.interface.exports.resume;
        let len = self.payload_len()?;
        let code: i32 = self.call(&export, (call.cast_signed(), 0, len), deadline).await?;
        Ok(code == 0)
    }

    /// Where the script stands, after a call into it was ended: the engine's own lines, or nothing.
    pub(crate) async fn locate(&mut self) -> String {
        let export = self.interface.exports.locate;
        let fuelled = !self.interface.metered || self.store.set_fuel(LOCATE_FUEL).is_ok();
        if fuelled && self.call::<(), ()>(&export, (), Duration::MAX).await.is_ok() {
            String::from_utf8_lossy(&std::mem::take(&mut self.guest_mut().located)).into_owned()
        } else {
            String::new()
        }
    }

    fn payload_len(&self) -> Result<i32, Ended> {
        i32::try_from(self.guest().payload.len()).map_err(|_| Ended::Fault("a payload is over 2 GiB".into()))
    }

    /// Runs one call to its end, in slices: between two of them the thread is handed back and the deadline, by the
    /// host's monotonic clock, is looked at.
    async fn call<P, R>(&mut self, export: &ModuleExport, params: P, deadline: Duration) -> Result<R, Ended>
    where
        P: WasmParams + Sync,
        R: WasmResults + Sync,
    {
        let Some(Extern::Func(function)) = self.instance.get_module_export(&mut self.store, export) else {
            return Err(Ended::Fault("an export of engine.wasm is not a function".into()));
        };
        let function: TypedFunc<P, R> = function.typed(&self.store)?;
        let clock = self.store.data().clock.clone();
        let ran = &mut self.ran;
        let mut call = pin!(function.call_async(&mut self.store, params));
        let result = std::future::poll_fn(|context| {
            let started = clock.monotonic();
            if started >= deadline {
                return Poll::Ready(None);
            }
            let poll = call.as_mut().poll(context);
            *ran += clock.monotonic().saturating_sub(started);
            poll.map(Some)
        })
        .await;
        match result {
            Some(result) => Ok(result?),
            None => Err(Ended::Limit(LimitKind::WallTimeMs)),
        }
    }
}
