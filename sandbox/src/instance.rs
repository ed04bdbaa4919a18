//! One live sandbox: an image's memory, the engine on top of it, and calls into it under limits.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use scriptmill_sdk::LimitKind;
use wasmtime::{Extern, Memory, ModuleExport, Store, TypedFunc, WasmParams, WasmResults};

use crate::abi::Status;
use crate::calls::Answer;
use crate::decommit;
use crate::guest::Guest;
use crate::interface::Interface;
use crate::snapshot::Snapshot;
use crate::trap::{Trap, unmade};

/// Fuel after which a running script hands its thread back: some tens of microseconds. Slices of 100,000 cost 3 % and slices of
/// 10,000 cost 22 %; a million cost nothing that could be measured.
pub(crate) const SLICE: u64 = 1_000_000;

/// Fuel granted to say where a script stood once it was ended.
const LOCATE_FUEL: u64 = 10_000_000;

/// A live sandbox.
pub(crate) struct Instance<'a> {
    interface: &'a Interface,
    store: Store<Guest>,
    instance: wasmtime::Instance,
    memory: Memory,
    /// Time on the thread so far, the making of the instance included.
    pub(crate) ran: Duration,
}

impl<'a> Instance<'a> {
    /// A fresh copy of `snapshot`, with `fuel` to spend.
    ///
    /// The guest is put into its store before the future is made, which would otherwise hold it twice.
    pub(crate) fn new(
        interface: &'a Interface,
        snapshot: &Snapshot,
        guest: Guest,
        fuel: u64,
    ) -> impl Future<Output = Result<Self, Trap>> {
        let began = guest.clock.monotonic();
        Self::in_store(interface, snapshot, Store::new(interface.code.engine(), guest), fuel, began)
    }

    async fn in_store(
        interface: &'a Interface,
        snapshot: &Snapshot,
        mut store: Store<Guest>,
        fuel: u64,
        began: Duration,
    ) -> Result<Self, Trap> {
        store.limiter(|guest| guest);
        if interface.metered {
            store.set_fuel(fuel)?;
            store.fuel_async_yield_interval(Some(SLICE))?;
        }
        let memory = snapshot.instantiate(&mut store).await?;
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
    pub(crate) async fn initialise(&mut self) -> Result<(), Trap> {
        let export = self.interface.exports.initialise;
        self.call(&export, (), Duration::MAX).await
    }

    /// Loads the bundle in the payload. Returns true if it is loaded, and false if the guest settled.
    pub(crate) async fn load(&mut self, evaluate: bool, deadline: Duration) -> Result<bool, Trap> {
        let export = self.interface.exports.load;
        let len = self.payload_len()?;
        let code: i32 = self.call(&export, (len, i32::from(evaluate)), deadline).await?;
        Ok(code == 0)
    }

    /// Calls the entry; the payload is its name and its input. Returns true if the guest settled, and false if it waits for the host.
    pub(crate) async fn invoke(&mut self, seed: i64, entry_len: usize, deadline: Duration) -> Result<bool, Trap> {
        let export = self.interface.exports.invoke;
        let input_len = self.payload_len()? - i32::try_from(entry_len).unwrap_or(0);
        let code: i32 = self.call(&export, (seed, i32::try_from(entry_len).unwrap_or(0), input_len), deadline).await?;
        Ok(code == 0)
    }

    /// Answers a host call. Returns true if the guest settled, and false if it waits for the host.
    pub(crate) async fn resume(&mut self, call: u32, answer: Answer, deadline: Duration) -> Result<bool, Trap> {
        let export = self.interface.exports.resume;
        let (status, payload) = match answer {
            Ok(bytes) => (Status::Fulfilled, bytes),
            // The guest relies on a report that is not empty; writing one to memory does not fail.
            Err(error) => {
                (Status::Rejected, serde_json::to_vec(&error).unwrap_or_else(|_| br#"{"message":""}"#.into()))
            }
        };
        self.guest_mut().payload = payload;
        let len = self.payload_len()?;
        let code: i32 = self.call(&export, (call.cast_signed(), status as i32, len), deadline).await?;
        Ok(code == 0)
    }

    /// Where the script stood when a call into it was ended, in the engine's own lines. Returns an empty string if that is not known.
    pub(crate) async fn locate(&mut self) -> String {
        let export = self.interface.exports.locate;
        let fuelled = !self.interface.metered || self.store.set_fuel(LOCATE_FUEL).is_ok();
        if fuelled && self.call::<(), ()>(&export, (), Duration::MAX).await.is_ok() {
            String::from_utf8_lossy(&std::mem::take(&mut self.guest_mut().located)).into_owned()
        } else {
            String::new()
        }
    }

    /// Ends the instance.
    pub(crate) fn close(mut self) {
        if decommit::is_due() {
            decommit::decommit(self.memory, &mut self.store);
        }
    }

    fn payload_len(&self) -> Result<i32, Trap> {
        i32::try_from(self.guest().payload.len()).map_err(|_| Trap::Fault("a payload is over 2 GiB".into()))
    }

    /// Runs one call to its end, in slices: between two of them the thread is handed back and the deadline, by the
    /// host's monotonic clock, is looked at.
    async fn call<P, R>(&mut self, export: &ModuleExport, params: P, deadline: Duration) -> Result<R, Trap>
    where
        P: WasmParams + Sync,
        R: WasmResults + Sync,
    {
        let Some(Extern::Func(function)) = self.instance.get_module_export(&mut self.store, export) else {
            return Err(Trap::Fault("an export of engine.wasm is not a function".into()));
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
            None => Err(Trap::Limit(LimitKind::WallTimeMs)),
        }
    }
}
