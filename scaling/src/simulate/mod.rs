//! The simulator: hours of load in seconds, under the production demand code and under what people would pick instead.

mod baselines;
pub mod compare;
pub mod hpa;
mod omniscient;
mod ours;
mod pod;
mod score;
mod trace;
mod traces;
mod world;

pub use baselines::{Baseline, KINDS, Kind, Running, settings};
pub use omniscient::minimum;
pub use ours::{Actuator, Ours};
pub use score::{Point, STEP_SECONDS, Score};
pub use trace::{Episode, Fault, Job, Malformed, Trace};
pub use traces::{NAMES, named};
pub use world::{Scaler, Setting, World};
