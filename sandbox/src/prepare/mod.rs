//! Script in, checked and transpiled script out.
//!
//! [`check()`] is a pure function of a bundle: it parses every module, reports all it finds at once, strips types and
//! resolves imports. It recurses over the author's source in native code, so it runs in a child process; a
//! [`Checker`] is the handle on that child.

mod bundle;
mod bundled;
mod check;
mod checked;
mod checker;
mod clock;
mod constants;
mod emit;
mod entry;
mod excerpt;
mod files;
pub(crate) mod foreign;
mod imports;
mod inspect;
mod invisible;
mod jumps;
mod library;
mod link;
mod lower;
mod map;
mod mistaken;
mod module;
pub(crate) mod names;
mod parse;
mod promises;
mod protocol;
mod sentences;
mod serve;
mod slips;
mod source;
mod suspect;
mod syntax;
mod undeclared;
mod unsupported;
mod weigh;

pub use check::check;
pub use checked::{Bounds, Bundled, BundledFile, Checked, Emit, EmittedModule, ModuleKind, Resolution};
pub use checker::{CheckFailed, Checker};
pub use excerpt::{engine_diagnostic, excerpt};
pub use files::{ReadFailed, ScriptFiles};
pub use map::SourceMap;
pub(crate) use map::Walk;
pub use serve::{defer_to_jobs, serve};
