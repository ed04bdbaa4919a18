//! The bounds and the result of the check of a bundle.

use scriptmill_sdk::Diagnostic;
use serde::{Deserialize, Serialize};

use super::map::SourceMap;

/// The bounds of a bundle and of what the check reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Source of all modules together, in bytes.
    pub source_bytes: usize,
    /// Modules of a bundle.
    pub modules: usize,
    /// Diagnostics that are reported; one more says how many there were.
    pub diagnostics: usize,
}

impl Bounds {
    /// Bytes that the emitted code of all modules together may have. It is more than the source may have, since the printer
    /// makes minified code larger.
    pub(super) fn emitted_bytes(&self) -> usize {
        self.source_bytes.saturating_mul(2)
    }
}

impl Default for Bounds {
    /// Room for real libraries, of which bundled ones reach 2.8 MB.
    fn default() -> Self {
        Self { source_bytes: 4 << 20, modules: 256, diagnostics: 100 }
    }
}

/// What the check of a bundle gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// All that was found, by module and place.
    pub diagnostics: Vec<Diagnostic>,
    /// What the engine is to load; `None` exactly when a diagnostic is an error.
    pub script: Option<Emit>,
    /// Whether it was refused because the check took too much time. It may pass on another machine.
    #[serde(skip)]
    pub is_of_time: bool,
}

impl Checked {
    /// A script that is refused for these diagnostics.
    pub fn refused(diagnostics: Vec<Diagnostic>) -> Self {
        Self { diagnostics, script: None, is_of_time: false }
    }
}

/// A script as the engine takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emit {
    /// The modules that the main module may reach by its imports; the main module is the first.
    pub modules: Vec<EmittedModule>,
    /// What each import of theirs means.
    pub resolutions: Vec<Resolution>,
}

/// One module as the engine takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmittedModule {
    /// Its name in the bundle.
    pub name: String,
    /// How the engine is to read it.
    pub kind: ModuleKind,
    /// JavaScript.
    pub code: String,
    /// From the code to the author's source.
    pub map: SourceMap,
    /// From that source to the files that a bundler made it of, if the bundler left its own map.
    pub bundled: Option<Bundled>,
}

/// What a module was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundled {
    /// From the module to its files.
    pub map: SourceMap,
    /// The files, in the map's order.
    pub files: Vec<BundledFile>,
}

/// A file that a module was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundledFile {
    /// Its path, as a name within the bundle.
    pub name: String,
    /// How many lines of it the map knows.
    pub lines: u32,
}

impl EmittedModule {
    /// The size that counts against the bound: of the code, or half of its map's where that is more, as where every second byte is
    /// a name. A bundler's map is part of the source, which has a bound of its own.
    pub(super) fn size_bytes(&self) -> usize {
        self.code.len().max(self.map.size_bytes() / 2)
    }
}

/// How the engine is to read a module's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModuleKind {
    /// An ECMAScript module.
    Module,
    /// A classic sloppy script; only ever the main module, when it has no import, export or top-level `await`.
    Script,
}

/// What an import means.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Resolution {
    /// Index of the importing module in [`Emit::modules`].
    pub importer: usize,
    /// The specifier as the import writes it.
    pub specifier: String,
    /// Index of the imported module in [`Emit::modules`].
    pub target: usize,
}
