//! The host's side of the guest: what its import does, and all that one run keeps.

mod completion;
mod context;
mod import;
mod logs;
mod state;
mod warnings;

pub(crate) use completion::Completion;
pub(crate) use context::Context;
pub(crate) use import::linker;
pub(crate) use logs::Logs;
pub(crate) use state::Guest;
#[cfg(feature = "fuzzing")]
pub(crate) use warnings::Warnings;
