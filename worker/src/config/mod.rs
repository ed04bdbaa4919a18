//! The one configuration: defaults, then a TOML file, then the environment, then flags.
//!
//! Parts define their own options; this module only puts them together, lays the layers over each other and says
//! what is wrong: every mistake at once, each with its key and where it was said, before any port is bound or any
//! queue touched.

mod budget;
mod load;
pub mod log;
mod memory;
mod mistakes;
mod options;
mod ranges;
pub mod sandbox;
mod settings;
#[cfg(test)]
mod tests;
mod typed;

pub use budget::Budget;
pub use load::Sources;
pub use memory::{Available, available};
pub use mistakes::{Mistake, Mistakes};
pub use options::Config;
pub use settings::{Origin, Setting, Settings, flag};
