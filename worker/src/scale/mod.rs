//! The scaling signal: what this process hears of the fleet, and the exporters that show the number that follows from it.

mod signal;

pub use signal::{Reading, Signal, Unavailable};
