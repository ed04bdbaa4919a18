//! The last room: the outcome of a job is published and confirmed, and only then is the job acknowledged.
//!
//! In the other order a worker that dies in between would lose an outcome; in this one the job runs again.

mod settler;
mod undelivered;

pub use settler::Settler;
pub use undelivered::{Options, Undelivered};
