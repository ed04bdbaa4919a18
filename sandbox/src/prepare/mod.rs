//! Script in, checked and transpiled script out.
//!
//! [`check()`] is a pure function of a bundle: it parses every module, reports all it finds at once, strips types and
//! resolves imports. It recurses over the author's source in native code, so it runs in a child process; a
//! [`Checker`] is the handle on that child.

mod bundle;
mod check;
mod checked;
mod checker;
mod emit;
mod excerpt;
mod files;
mod imports;
mod inspect;
mod link;
mod lower;
mod map;
mod module;
mod names;
mod parse;
mod protocol;
mod serve;
mod source;
mod syntax;
mod unsupported;
mod weigh;

pub use check::check;
pub use checked::{Bounds, Checked, Emit, EmittedModule, ModuleKind, Resolution};
pub use checker::{CheckFailed, Checker};
pub use excerpt::{engine_diagnostic, excerpt};
pub use files::{ReadFailed, ScriptFiles};
pub use map::SourceMap;
pub use serve::{defer_to_jobs, serve};
