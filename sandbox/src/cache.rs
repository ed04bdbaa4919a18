//! The compiled engine, kept in a file, so that a process starts without compiling it again.
//!
//! The file holds native code that is run as it stands: it is loaded only if it and its folder belong to the user that
//! runs this process, nobody else may write them, and the file is whole.

use std::fs::{self, DirBuilder, Metadata, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use scriptmill_sdk::Code;
use sha2::{Digest, Sha256};
use tracing::warn;
use wasmtime::{Engine, Module};

const CHECKSUM: usize = 32;

/// The file of one engine under one configuration.
pub(crate) struct CodeCache {
    dir: PathBuf,
    path: PathBuf,
}

impl CodeCache {
    /// The file in `dir` for the guest module of this hash, compiled as `engine` would.
    pub(crate) fn new(dir: &Path, engine_hash: &str, engine: &Engine) -> Self {
        let mut configuration = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut configuration);
        let name = format!("engine-{}-{:016x}.bin", &engine_hash[..16], configuration.finish());
        Self { dir: dir.to_owned(), path: dir.join(name) }
    }

    /// The module, if the file is there and may be trusted. Any other file is logged and left as it is.
    pub(crate) fn load(&self, engine: &Engine) -> Option<Module> {
        match self.read() {
            Ok(code) => load_native_code(engine, &code)
                .inspect_err(|error| self.ignored(&format!("wasmtime refuses it: {error:#}")))
                .ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                self.ignored(&error.to_string());
                None
            }
        }
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        private(&fs::metadata(&self.dir)?)?;
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(&self.path)?;
        private(&file.metadata()?)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let code = bytes.split_off(CHECKSUM.min(bytes.len()));
        if Sha256::digest(&code)[..] != bytes[..] {
            return Err(io::Error::other("it is damaged"));
        }
        Ok(code)
    }

    /// Keeps the module for the next process. A failure is logged; it costs the next process a second.
    pub(crate) fn store(&self, module: &Module) {
        let write = || -> Result<(), wasmtime::Error> {
            let code = module.serialize()?;
            DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
            // Written aside and renamed: another process sees the whole file or none.
            let aside = self.path.with_extension(format!("{}.part", std::process::id()));
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
            file.write_all(&Sha256::digest(&code))?;
            file.write_all(&code)?;
            fs::rename(&aside, &self.path)?;
            Ok(())
        };
        if let Err(error) = write() {
            warn!(code = %Code::EngineCache, path = %self.path.display(), "the compiled engine is not kept: {error:#}");
        }
    }

    fn ignored(&self, why: &str) {
        warn!(code = %Code::EngineCache, path = %self.path.display(), "the compiled engine in the cache is ignored and made anew: {why}");
    }
}

fn private(metadata: &Metadata) -> io::Result<()> {
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it, or its folder, belongs to another user"));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(io::Error::other("others may write it or its folder"));
    }
    Ok(())
}

#[allow(unsafe_code, reason = "wasmtime takes native code on trust")]
fn load_native_code(engine: &Engine, code: &[u8]) -> wasmtime::Result<Module> {
    // SAFETY: `read` has checked that the file and its folder belong to this user, that nobody else can write them, and
    // that the bytes are those that `store` wrote: what `Module::serialize` made. wasmtime itself refuses code of
    // another version or configuration.
    unsafe { Module::deserialize(engine, code) }
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

/// Elsewhere wasmtime keeps what it is given.
#[cfg(not(target_os = "linux"))]
#[allow(unsafe_code, reason = "wasmtime takes native code on trust")]
pub(crate) fn load_from_memory_file(engine: &Engine, code: Vec<u8>) -> wasmtime::Result<Module> {
    // SAFETY: the bytes are what `Engine::precompile_module` made in this process.
    unsafe { Module::deserialize(engine, &code) }
}
