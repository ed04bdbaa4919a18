//! A job on its way through the worker, from the delivery to the settlement.

mod answer;
mod states;

pub use answer::Answer;
pub use states::{Admitted, Received, Requeue, Running, Settling, Slot};
