//! A job on its way through the worker, from the delivery to the settlement.

mod answer;
mod claim;
mod isolated;
mod states;

pub use answer::{Answer, within};
pub use isolated::{Isolated, Ran};
pub(crate) use states::Held;
pub use states::{Admitted, Ended, Moving, Next, Received, Running, Settling, Slot, Why};
