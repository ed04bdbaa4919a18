//! The compiled engine, kept in a file, so that a process starts without compiling it again.

use std::fs::{self, DirBuilder};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use scriptmill_sdk::Code;
use tracing::warn;
use wasmtime::{Engine, Module};

use crate::compiled::{self, Compiled, Unusable};

/// The file of one engine, compiled for this processor.
pub(crate) struct CodeCache<'a> {
    dir: &'a Path,
    path: PathBuf,
    engine_hash: &'a str,
    engine: &'a Engine,
}

impl<'a> CodeCache<'a> {
    /// The file in `dir` for the guest module of this hash, compiled as `engine` would.
    pub(crate) fn new(dir: &'a Path, engine_hash: &'a str, engine: &'a Engine) -> Self {
        let name = format!("engine-{}-{}.bin", &engine_hash[..16], compiled::settings(engine));
        Self { dir, path: dir.join(name), engine_hash, engine }
    }

    /// The module, if the file is there and may be trusted. Any other file is logged and left as it is.
    pub(crate) fn load(&self) -> Option<Module> {
        match self.read() {
            Ok(module) => Some(module),
            Err(Unusable::Missing) => None,
            Err(why) => {
                let path = self.path.display();
                warn!(code = %Code::EngineCache, %path, "the compiled engine in the cache is ignored and made anew: {why}");
                None
            }
        }
    }

    fn read(&self) -> Result<Module, Unusable> {
        let compiled = Compiled::read(&self.path, [self.dir])?;
        compiled.cpu(self.engine_hash)?;
        compiled.load(self.engine)
    }

    /// Keeps the module for the next process, in a folder that nobody else may write. A failure is logged; it costs
    /// the next process a second.
    pub(crate) fn store(&self, module: &Module) {
        let write = || -> Result<u64, wasmtime::Error> {
            let code = module.serialize()?;
            DirBuilder::new().recursive(true).mode(0o700).create(self.dir)?;
            // `load` refuses a folder that others may write, so a file in such a folder would never be read.
            compiled::guarded(self.dir, &fs::metadata(self.dir)?)?;
            Ok(compiled::write(&self.path, &code, self.engine_hash, None, self.engine)?)
        };
        if let Err(error) = write() {
            warn!(code = %Code::EngineCache, path = %self.path.display(), "the compiled engine is not kept: {error:#}");
        }
    }
}

/// Loads a module that was compiled just now from a file in memory that nobody can change: wasmtime maps that file alone, and
/// keeps no copy of it.
///
/// # Errors
/// The system gives no such file, or wasmtime refuses the code.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "wasmtime takes native code on trust")]
pub(crate) fn load_from_memory_file(engine: &Engine, code: Vec<u8>) -> wasmtime::Result<Module> {
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
    let mut file = fs::File::from(memfd_create("scriptmill-image", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
    file.write_all(&code)?;
    drop(code);
    fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    // SAFETY: the bytes are what `Engine::precompile_module` made in this process, and the seals keep them as they are for as
    // long as the file is mapped.
    unsafe { Module::deserialize_open_file(engine, file) }
}

/// On other systems wasmtime keeps a copy of the code.
#[cfg(not(target_os = "linux"))]
#[allow(unsafe_code, reason = "wasmtime takes native code on trust")]
pub(crate) fn load_from_memory_file(engine: &Engine, code: Vec<u8>) -> wasmtime::Result<Module> {
    // SAFETY: the bytes are what `Engine::precompile_module` made in this process.
    unsafe { Module::deserialize(engine, &code) }
}
