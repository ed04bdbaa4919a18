//! A compiled engine in a file: one line of JSON that describes it, then the code that wasmtime made.
//!
//! The file holds native code that is run as it stands. So a file is loaded only if nobody but root and the user of this process
//! can have written it, if it was compiled for this engine and this processor, and if it is whole.

use std::fs::{self, Metadata, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wasmtime::{Engine, Module};

use crate::cpu::{Cpu, UnknownCpu};

/// The version that made a file.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The `cpu` of a file that was compiled for the processor that compiled it.
const NATIVE: &str = "native";
/// The longest first line.
const HEADER_BYTES_MAX: usize = 4 << 10;
/// The bits of a mode that let others write, and the one that keeps them from replacing what lies in a folder.
const OTHERS_WRITE: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// What a compiled engine is, in the first line of its file.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    /// The version of Scriptmill that made it.
    scriptmill: String,
    /// SHA-256 of `engine.wasm`.
    engine: String,
    /// The processors that it was compiled for.
    cpu: String,
    /// A hash of everything else that the code depends on: wasmtime's version, its settings, the instructions it may use.
    settings: String,
    /// SHA-256 of the code, which follows.
    digest: String,
}

/// A file that nobody else can have written.
pub(crate) struct Compiled {
    header: Header,
    bytes: Vec<u8>,
    /// Where the code begins in `bytes`.
    code: usize,
}

/// Why a file is not loaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("there is none")]
    Missing,
    #[error("it cannot be read: {0}")]
    Unreadable(io::Error),
    #[error("{path} belongs to user {owner}: it must belong to root, or to the user that runs this")]
    Foreign { path: PathBuf, owner: u32 },
    #[error("others than its owner may write {path} (mode {mode:04o})")]
    Writable { path: PathBuf, mode: u32 },
    #[error("it is no compiled engine")]
    Unknown,
    #[error("scriptmill {0} made it, and this is scriptmill {VERSION}")]
    Version(String),
    #[error("it was compiled from another engine.wasm")]
    Engine,
    #[error("it was compiled for {cpu}, and {why}")]
    Processor { cpu: String, why: String },
    #[error("it was compiled by another version of wasmtime, or with other settings")]
    Settings,
    #[error("it is damaged: its code is not what its first line says")]
    Damaged,
    #[error("wasmtime refuses it: {0:#}")]
    Refused(#[from] wasmtime::Error),
}

impl Compiled {
    /// Reads a file, if only root and the user of this process may write it and these folders.
    pub(crate) fn read<'a>(path: &Path, folders: impl IntoIterator<Item = &'a Path>) -> Result<Self, Unusable> {
        for folder in folders {
            guarded(folder, &fs::metadata(folder)?)?;
        }
        let nofollow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let mut file = OpenOptions::new().read(true).custom_flags(nofollow).open(path)?;
        guarded(path, &file.metadata()?)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let line = bytes.iter().take(HEADER_BYTES_MAX).position(|byte| *byte == b'\n').ok_or(Unusable::Unknown)?;
        let header = serde_json::from_slice(&bytes[..line]).map_err(|_| Unusable::Unknown)?;
        Ok(Self { header, bytes, code: line + 1 })
    }

    /// Checks that the file is of this version, of the engine with this hash and for this processor. Returns the processors that
    /// it was compiled for, or `None` if it was compiled for the processor that compiled it.
    pub(crate) fn cpu(&self, engine_hash: &str) -> Result<Option<Cpu>, Unusable> {
        let Header { scriptmill, engine, cpu, .. } = &self.header;
        if scriptmill != VERSION {
            return Err(Unusable::Version(scriptmill.clone()));
        }
        if engine != engine_hash {
            return Err(Unusable::Engine);
        }
        if cpu == NATIVE {
            return Ok(None);
        }
        let misfit = |why: String| Unusable::Processor { cpu: cpu.clone(), why };
        let known: Cpu = cpu.parse().map_err(|error: UnknownCpu| misfit(error.to_string()))?;
        known.misfit().map_or(Ok(Some(known)), |why| Err(misfit(why)))
    }

    /// The module, if it is whole and as this engine would compile it.
    pub(crate) fn load(&self, engine: &Engine) -> Result<Module, Unusable> {
        if self.header.settings != settings(engine) {
            return Err(Unusable::Settings);
        }
        let code = &self.bytes[self.code..];
        if hex(&Sha256::digest(code)) != self.header.digest {
            return Err(Unusable::Damaged);
        }
        Ok(load_native_code(engine, code)?)
    }
}

/// Writes the code that an engine compiled for `cpu`, or for the processor that compiled it. Returns the size of the file in bytes.
pub(crate) fn write(path: &Path, code: &[u8], engine_hash: &str, cpu: Option<Cpu>, engine: &Engine) -> io::Result<u64> {
    let header = Header {
        scriptmill: VERSION.to_owned(),
        engine: engine_hash.to_owned(),
        cpu: cpu.map_or(NATIVE, Cpu::name).to_owned(),
        settings: settings(engine),
        digest: hex(&Sha256::digest(code)),
    };
    let bytes = [&serde_json::to_vec(&header)?, &b"\n"[..], code].concat();
    // Written aside and renamed: another process sees the whole file or none.
    let aside = path.with_extension(format!("{}.part", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&aside)?;
    let written = file.write_all(&bytes).and_then(|()| fs::rename(&aside, path));
    if written.is_err() {
        // The first error is the one that is reported.
        let _ = fs::remove_file(&aside);
    }
    written.map(|()| bytes.len() as u64)
}

/// A hash of what code depends on beside its source. Of its own version wasmtime's check compares the major number alone, and it
/// accepts code whose NaNs are not canonical.
pub(crate) fn settings(engine: &Engine) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound { Self::Missing } else { Self::Unreadable(error) }
    }
}

/// Refuses a file or a folder that anybody but root and the user of this process may change.
pub(crate) fn guarded(path: &Path, metadata: &Metadata) -> Result<(), Unusable> {
    let (path, owner, mode) = (path.to_owned(), metadata.uid(), metadata.mode() & 0o7777);
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        return Err(Unusable::Foreign { path, owner });
    }
    let is_shared = metadata.is_dir() && mode & STICKY != 0;
    if mode & OTHERS_WRITE != 0 && !is_shared {
        return Err(Unusable::Writable { path, mode });
    }
    Ok(())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[allow(unsafe_code, reason = "wasmtime takes native code on trust")]
fn load_native_code(engine: &Engine, code: &[u8]) -> wasmtime::Result<Module> {
    // SAFETY: `Compiled::read` has checked that nobody but root and this user can write the file and its folder. `Compiled::load`
    // has checked that the bytes have the digest that `write` took of the code that wasmtime made. wasmtime refuses code of
    // another major version, with other settings or for another processor.
    unsafe { Module::deserialize(engine, code) }
}
