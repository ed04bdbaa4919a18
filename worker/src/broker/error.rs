//! What a broker can answer but success.

use scriptmill_sdk::connect;

/// What a broker can answer but success.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// There is no connection, or the broker refused what was asked.
    #[error(transparent)]
    Connection(#[from] connect::Error),
    /// The broker has no room for the message now.
    #[error("the broker does not take the message now: the queue is full")]
    Full,
}

impl Error {
    /// Whether the same may succeed after a pause: all but what exists with other properties. Credentials too can be
    /// corrected meanwhile, since their files are read anew.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Connection(connect::Error::Differs { .. }))
    }

    pub(crate) fn lost(why: &str) -> Self {
        Self::Connection(connect::Error::Lost(why.to_owned()))
    }
}
