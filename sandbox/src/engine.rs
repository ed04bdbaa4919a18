//! The JavaScript engine: its WebAssembly module, compiled, and the memory it starts from.
//!
//! `engine.wasm` imports its memory. Its code is compiled once; its data is written into a memory of its own, where
//! `initialise` makes the JavaScript context. What that memory holds then is the base of every script image.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use scriptmill_sdk::Code;
use sha2::{Digest, Sha256};
use wasmparser::{DataKind, FunctionBody, Operator, Parser, Payload, TypeRef};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, Module, PoolingAllocationConfig};

use crate::cache::CodeCache;
use crate::compiled::{self, Compiled, Unusable, hex};
use crate::cpu::Cpu;

/// Bytes of a page of linear memory.
pub(crate) const PAGE: usize = 64 << 10;

/// Native stack that wasm may use. The engine's own limit, in linear memory, is met well before.
const WASM_STACK: usize = 8 << 20;
/// Native stack of host functions on top of it.
const HOST_STACK: usize = 256 << 10;
/// Resident memory that a slot of the pool keeps between two jobs.
const KEEP_RESIDENT: usize = 8 << 20;

/// The engine as it is checked in.
pub const ENGINE_WASM: &[u8] = include_bytes!("../engine/engine.wasm");

/// How the engine is compiled and where its sandboxes live.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// The guest module: [`ENGINE_WASM`], except where a rebuilt one is tested.
    pub wasm: std::borrow::Cow<'static, [u8]>,
    /// Sandboxes alive at one time.
    pub instances: u32,
    /// Linear memory that one may have, in bytes.
    pub memory_bytes: u64,
    /// Whether code counts fuel. Without it nothing bounds a script: for measuring alone.
    pub metered: bool,
    /// Whether a slot's dirty pages are found with the PAGEMAP_SCAN ioctl (Linux 6.7), where it is there.
    pub pagemap_scan: bool,
    /// The file that [`precompile`] wrote. A file that does not fit is logged, and the engine is made as if there were no such file.
    pub precompiled: Option<PathBuf>,
    /// The folder that keeps the engine which was compiled here. If absent, it is not kept.
    pub cache_dir: Option<PathBuf>,
}

impl Default for EngineOptions {
    /// One metered sandbox with the least memory: enough to compile for any other.
    fn default() -> Self {
        Self {
            wasm: ENGINE_WASM.into(),
            instances: 1,
            memory_bytes: PAGE as u64,
            metered: true,
            pagemap_scan: true,
            precompiled: None,
            cache_dir: None,
        }
    }
}

/// The engine cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The module is not of the shape that the host needs.
    #[error("engine.wasm is unusable: {0}")]
    Module(String),
    /// wasmtime refused the configuration or the code.
    #[error("the engine cannot be compiled or started: {0:#}")]
    Wasmtime(#[from] wasmtime::Error),
    /// The file of the compiled engine cannot be written.
    #[error("{path} cannot be written: {why}")]
    Unwritable {
        /// Where it should be.
        path: PathBuf,
        /// Why it is not there.
        why: io::Error,
    },
}

/// The compiled engine.
pub(crate) struct Engine {
    pub(crate) wasmtime: wasmtime::Engine,
    pub(crate) code: Module,
    /// SHA-256 of `engine.wasm`, in hexadecimal.
    pub(crate) hash: String,
    /// The linear memory before `initialise`.
    pub(crate) data: Vec<u8>,
    /// Below this address linear memory is the stack, dead between two calls.
    pub(crate) stack_end: usize,
}

impl Engine {
    pub(crate) fn new(options: &EngineOptions) -> Result<Self, EngineError> {
        let hash = hex(&Sha256::digest(&options.wasm));
        let Split { code, data, stack_end } = split(&options.wasm)?;
        let shipped = options.precompiled.as_deref().and_then(|path| precompiled(path, options, &hash));
        let (wasmtime, code) = match shipped {
            Some(loaded) => loaded,
            None => compiled_here(options, &hash, &code)?,
        };
        Ok(Self { wasmtime, code, hash, data, stack_end })
    }
}

/// Compiles the engine for these processors into a file, replaces a file that is there, and returns its size in bytes. Makes the
/// folder if need be. Only the options that say what is compiled count.
///
/// # Errors
/// The processors are of another architecture than this machine, or the file cannot be written.
pub fn precompile(options: &EngineOptions, cpu: Cpu, path: &Path) -> Result<u64, EngineError> {
    let unwritable = |why| EngineError::Unwritable { path: path.to_owned(), why };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o755).create(folder).map_err(unwritable)?;
    }
    let engine = wasmtime::Engine::new(&config(options, Some(cpu))?)?;
    let code = engine.precompile_module(&split(&options.wasm)?.code)?;
    compiled::write(path, &code, &hex(&Sha256::digest(&options.wasm)), Some(cpu), &engine).map_err(unwritable)
}

/// The engine out of a file that was made beforehand, if it fits.
fn precompiled(path: &Path, options: &EngineOptions, hash: &str) -> Option<(wasmtime::Engine, Module)> {
    let load = || -> Result<_, Unusable> {
        // Links are resolved, so that the folders that are checked are those of the file itself.
        let file = fs::canonicalize(path)?;
        let compiled = Compiled::read(&file, file.ancestors().skip(1))?;
        let wasmtime = wasmtime::Engine::new(&config(options, compiled.cpu(hash)?)?)?;
        let module = compiled.load(&wasmtime)?;
        Ok((wasmtime, module))
    };
    load()
        .inspect_err(|why| {
            tracing::warn!(
                code = %Code::Precompiled,
                path = %path.display(),
                "the precompiled engine is not used: {why}; a start without it compiles for a second or two"
            );
        })
        .ok()
}

/// The engine, compiled for this processor now, or by a process before this one.
fn compiled_here(options: &EngineOptions, hash: &str, wasm: &[u8]) -> Result<(wasmtime::Engine, Module), EngineError> {
    let wasmtime = wasmtime::Engine::new(&config(options, None)?)?;
    let cache = options.cache_dir.as_ref().map(|dir| CodeCache::new(dir, hash, &wasmtime));
    let kept = cache.as_ref().and_then(CodeCache::load);
    let module = match kept {
        Some(module) => module,
        None => {
            let module = Module::new(&wasmtime, wasm)?;
            if let Some(cache) = &cache {
                cache.store(&module);
            }
            module
        }
    };
    Ok((wasmtime, module))
}

/// How code is compiled and run: for `cpu`, or for the processor of this machine.
fn config(options: &EngineOptions, cpu: Option<Cpu>) -> wasmtime::Result<Config> {
    let memory_bytes = usize::try_from(options.memory_bytes).unwrap_or(usize::MAX).next_multiple_of(PAGE);
    let mut pool = PoolingAllocationConfig::default();
    // An image and the engine are an instance each; only the image has a memory, only the engine has a table.
    pool.total_core_instances(options.instances * 2)
        .total_memories(options.instances)
        .total_tables(options.instances)
        .total_stacks(options.instances)
        .max_memory_size(memory_bytes)
        .table_elements(20_000)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(1 << 20)
        .async_stack_keep_resident(64 << 10)
        .max_unused_warm_slots(options.instances.saturating_mul(2))
        .pagemap_scan(if options.pagemap_scan { Enabled::Auto } else { Enabled::No });
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .memory_reservation(4 << 30)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(WASM_STACK + HOST_STACK)
        .consume_fuel(options.metered)
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false);
    if let Some(cpu) = cpu {
        cpu.compile_for(&mut config)?;
    }
    Ok(config)
}

struct Split {
    /// The module without its data.
    code: Vec<u8>,
    /// The memory that its data makes.
    data: Vec<u8>,
    /// Where its data begins: the linker puts the stack below.
    stack_end: usize,
}

/// Takes the data out of a module that imports its memory, so that each instance can start from another image.
fn split(wasm: &[u8]) -> Result<Split, EngineError> {
    let malformed = |error: wasmparser::BinaryReaderError| EngineError::Module(error.to_string());
    let mut code = wasm_encoder::Module::new();
    let mut data = Vec::new();
    let mut stack_end = usize::MAX;
    // The number of functions seen so far, imported ones first, and the index of the module's start function.
    let mut functions = 0_u32;
    let mut start: Option<u32> = None;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(malformed)?;
        match &payload {
            Payload::ImportSection(imports) => {
                for import in imports.clone().into_imports() {
                    match import.map_err(malformed)?.ty {
                        TypeRef::Memory(memory) => data.resize(memory.initial as usize * PAGE, 0),
                        TypeRef::Func(_) => functions += 1,
                        _ => {}
                    }
                }
            }
            // The linker's start function is left out: it zeroes memory that the host has zeroed already.
            Payload::StartSection { func, .. } => {
                start = Some(*func);
                continue;
            }
            Payload::CodeSectionEntry(body) => {
                if start == Some(functions) && !only_fills(body).map_err(malformed)? {
                    return Err(EngineError::Module("its start function does more than zero memory".into()));
                }
                functions += 1;
            }
            Payload::DataSection(segments) => {
                for segment in segments.clone() {
                    let segment = segment.map_err(malformed)?;
                    let DataKind::Active { memory_index: 0, offset_expr } = segment.kind else {
                        return Err(EngineError::Module("it has passive data".into()));
                    };
                    let mut offset = offset_expr.get_operators_reader();
                    let Operator::I32Const { value } = offset.read().map_err(malformed)? else {
                        return Err(EngineError::Module("its data has a computed offset".into()));
                    };
                    let start = value.cast_unsigned() as usize;
                    stack_end = stack_end.min(start);
                    let target = data.get_mut(start..start + segment.data.len());
                    let target =
                        target.ok_or_else(|| EngineError::Module("its data lies outside its memory".into()))?;
                    target.copy_from_slice(segment.data);
                }
                continue;
            }
            Payload::DataCountSection { .. } => continue,
            _ => {}
        }
        if let Some((id, range)) = payload.as_section() {
            code.section(&wasm_encoder::RawSection { id, data: &wasm[range] });
        }
    }
    let stack_end = stack_end.min(data.len());
    Ok(Split { code: code.finish(), data, stack_end })
}

/// Whether a function does nothing but write zeros to fixed ranges of memory.
fn only_fills(body: &FunctionBody<'_>) -> Result<bool, wasmparser::BinaryReaderError> {
    let mut values = Vec::new();
    for operator in body.get_operators_reader()? {
        match operator? {
            Operator::I32Const { value } => values.push(value),
            Operator::MemoryFill { .. } if matches!(values.as_slice(), [_, 0, _]) => values.clear(),
            Operator::End => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_functions_fits_into_a_page() {
        let tables =
            Parser::new(0).parse_all(ENGINE_WASM).find_map(|payload| match payload.expect("valid WebAssembly") {
                Payload::TableSection(tables) => Some(tables),
                _ => None,
            });
        let table = tables.into_iter().flatten().next().expect("a table").expect("valid WebAssembly").ty;
        // wasmtime resets a table of one page without asking the kernel which pages were written to: 3 to 5 % of a short job.
        let bytes = table.initial * size_of::<usize>() as u64;
        assert!(bytes <= 4096, "{} entries: see sandbox/engine/patches/0031-one-page-table.patch", table.initial);
    }
}
