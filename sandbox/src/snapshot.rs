//! A linear memory that can be instantiated again and again.
//!
//! It is a module of its own that holds data and no code, which wasmtime maps copy-on-write. Making one takes less than a
//! millisecond, since there is nothing to compile.

use wasmtime::{InstancePre, Module, ModuleExport};

use crate::guest::Guest;
use crate::interface::Interface;
use crate::memory_module::memory_module;

/// A memory to start from: an instantiable module that holds nothing else.
pub(crate) struct Snapshot {
    pub(crate) pre: InstancePre<Guest>,
    pub(crate) memory: ModuleExport,
}

impl Snapshot {
    /// Makes a memory of this content instantiable.
    pub(crate) fn new(interface: &Interface, content: &[u8]) -> wasmtime::Result<Self> {
        let module = Module::new(interface.code.engine(), memory_module(content))?;
        let memory =
            module.get_export_index("memory").ok_or_else(|| wasmtime::Error::msg("an image exports no memory"))?;
        Ok(Self { pre: interface.linker.instantiate_pre(&module)?, memory })
    }
}
