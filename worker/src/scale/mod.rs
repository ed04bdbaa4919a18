//! The scaling signal: what this process hears of the fleet, and the exporters that show the number that follows from it.
//!
//! [`Fleet`] sends what [`signals`](crate::signals) counts, hears other processes, and computes every beat how many workers there
//! should be; exporters read that from a [`Signal`] and know nothing else. An
//! [`Explainer`] says why it is that number, and how it came to that.

mod explain;
mod fleet;
mod heartbeat;
mod options;
mod others;
mod past;
mod prometheus;
mod signal;
mod view;

pub use explain::{Explainer, Explanation, Number, Quantiles};
pub use fleet::{Fleet, Parts, Pod};
pub use options::Options;
pub use others::Others;
pub use past::{Known, Point};
pub use signal::{METRIC, Reading, Signal, Unavailable};
