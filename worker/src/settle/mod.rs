//! The last room: what became of a job reaches whoever waits for it, and only then is the job acknowledged.

mod settler;

pub use settler::Settler;
