//! How scripts are checked and kept.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rules::Rules;
use crate::service::MESSAGE_SIZE;

/// Modules of one script.
const MODULES: RangeInclusive<usize> = 1..=10_000;
/// The most processes that check scripts: more help no machine.
const CHECK_PROCESSES_MAX: usize = 64;
/// How long one check may take.
const CHECK_TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(600);
/// The least memory with which the child process can start.
const CHECK_MEMORY_MIN: ByteSize = ByteSize::mib(128);

/// How scripts are checked and kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The source of a script's modules together.
    #[schemars(with = "String")]
    pub source_size: ByteSize,
    /// Modules of one script.
    #[schemars(range(min = *MODULES.start(), max = *MODULES.end()))]
    pub modules: usize,
    /// Processes that check scripts. One of several is kept for scripts of 64 KiB at most, so that large ones do not hold them up.
    #[schemars(range(max = CHECK_PROCESSES_MAX))]
    pub check_processes: NonZeroUsize,
    /// Time of a processor that the check of one script may take. By the clock it may be twenty times as much, on a busy machine.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub check_timeout: Duration,
    /// Memory of each process that checks scripts.
    #[schemars(with = "String")]
    pub check_memory: ByteSize,
    /// Memory for the images of scripts that ran before, so that they need not be prepared again. Those of running jobs, and
    /// the next one, take up to one `worker.limits.memory` beside.
    #[schemars(with = "String")]
    pub image_cache: ByteSize,
    /// A file with the compiled engine, made beforehand by `scriptmill precompile`, so that no start compiles it. Nobody but root and the
    /// worker's user may be able to write it. Absent: `lib/scriptmill/engine.bin` beside the folder of the program, if there is one.
    pub precompiled: Option<PathBuf>,
    /// A folder that keeps the engine between starts where it was compiled at one of them. Absent: `scriptmill` in the user's cache
    /// folder, else none, and every start without a precompiled engine takes about a second longer.
    pub cache_dir: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            source_size: ByteSize::mib(4),
            modules: 256,
            check_processes: NonZeroUsize::MIN.saturating_add(1),
            check_timeout: Duration::from_secs(10),
            check_memory: ByteSize::mib(512),
            image_cache: ByteSize::mib(256),
            precompiled: None,
            cache_dir: None,
        }
    }
}

impl Options {
    /// Checks the options against their ranges.
    pub(crate) fn check(&self, rules: &mut Rules<'_>) {
        rules.within("source_size", self.source_size, ..=*MESSAGE_SIZE.end(), "it travels in one message");
        rules.within("modules", self.modules, MODULES, "");
        rules.within("check_processes", self.check_processes.get(), ..=CHECK_PROCESSES_MAX, "");
        rules.within("check_timeout", self.check_timeout, CHECK_TIMEOUT, "");
        rules.within("check_memory", self.check_memory, CHECK_MEMORY_MIN.., "");
    }

    /// The file with the precompiled engine: the configured one, else the one that came with the program, if one did.
    pub fn precompiled_file(&self) -> Option<PathBuf> {
        self.precompiled.clone().or_else(|| precompiled_beside_program().filter(|file| file.exists()))
    }

    /// The folder for the compiled engine: the configured one, else the user's cache folder as the XDG base directory
    /// specification places it.
    pub fn cache_folder(&self) -> Option<PathBuf> {
        let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        self.cache_dir.clone().or_else(|| {
            let base = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))?;
            Some(base.join("scriptmill"))
        })
    }
}

/// Where the engine that was compiled for this program lies: in `/usr/local/lib/scriptmill` for a program in
/// `/usr/local/bin`.
pub fn precompiled_beside_program() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    Some(program.parent()?.parent()?.join("lib/scriptmill/engine.bin"))
}
