//! What is looked up once for all instances: the guest's imports and exports.

use wasmtime::{Linker, Module, ModuleExport};

use crate::engine::Engine;
use crate::guest::{Guest, linker};

/// What is looked up once for all instances: the guest's imports and exports.
pub(crate) struct Interface {
    pub(crate) linker: Linker<Guest>,
    pub(crate) code: Module,
    pub(crate) imports: Vec<(String, String)>,
    pub(crate) exports: Exports,
    pub(crate) metered: bool,
}

pub(crate) struct Exports {
    pub(crate) initialise: ModuleExport,
    pub(crate) load: ModuleExport,
    pub(crate) invoke: ModuleExport,
    pub(crate) resume: ModuleExport,
    pub(crate) locate: ModuleExport,
}

impl Interface {
    pub(crate) fn new(engine: &Engine, metered: bool) -> wasmtime::Result<Self> {
        let code = engine.code.clone();
        let export = |name: &str| {
            code.get_export_index(name)
                .ok_or_else(|| wasmtime::Error::msg(format!("engine.wasm does not export {name}")))
        };
        Ok(Self {
            linker: linker(&engine.wasmtime)?,
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
