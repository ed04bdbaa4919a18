//! How many workers there should be, and why.
//!
//! ```text
//! worker ──Beat──▶ Fleet ──Interval──▶ History ──▶ Demand ──▶ exporters
//! ```
//!
//! Every [`BEAT`] each worker says what it has counted ([`Beat`]). `Fleet` adds up what all workers did since the last
//! beat. [`Controller`] derives a number of replicas from that, with every term that led to the number ([`Demand`]). Between two
//! beats a look at the queue may raise it.
//!
//! All of it is pure: time is handed in as the duration since any fixed instant of the caller's monotonic clock, and no
//! wall clock is compared with another. The simulator runs the same code.

mod beat;
mod conditions;
mod controller;
mod demand;
mod explain;
mod fleet;
mod history;
mod holding;
mod load;
mod policy;
mod queueing;
mod recent;
pub mod simulate;
mod sums;

pub use beat::{BEAT, BEAT_BYTES_MAX, Beat, Depth, Level, Unreadable, VERSION};
pub use controller::Controller;
pub use demand::{Demand, Observed, Slots, State, Term};
pub use explain::{Asked, Outlook, rounded_up};
pub use policy::{Broken, Policy, Promise};
pub use recent::{Minute, Recent};
pub use sums::{BOUNDS, Distribution, Sums};
