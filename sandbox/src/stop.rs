//! Why the host ends a run from within one of the guest's calls.

use scriptmill_sdk::LimitKind;

/// Why the host ended a run from within one of the guest's calls.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error("the limit {0:?} is met")]
    Limit(LimitKind),
    #[error("the machine gives no more memory: {0}")]
    NoMemory(String),
    #[error("the engine broke its contract: {0}")]
    Contract(&'static str),
}
