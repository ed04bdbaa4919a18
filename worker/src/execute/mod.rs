//! One job on an executor thread: from the message to the outcome. A batch runs its inputs one after the other, each as
//! a job of its own would run.

mod batch;
mod call;
mod job;
mod runner;

pub use call::{Environment, Waits, deadline_passed};
pub use runner::Runner;
