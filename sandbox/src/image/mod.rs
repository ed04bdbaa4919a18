//! Script images: the memory of an engine that has run a script's top level, ready to be copied for each job.

mod build;
mod ending;
mod payload;
mod script;

pub(crate) use build::{build, parse};
pub use script::{Image, Refusal};
