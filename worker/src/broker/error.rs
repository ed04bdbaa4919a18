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
    /// The broker does not say what became of the message, though it confirms others that were published after it.
    #[error("the broker confirms other messages and not this one: its queue may have no majority of its replicas")]
    Unconfirmed,
    /// The broker closed the connection while the message was on its way with others, or has closed one because of a message to
    /// the same place. [`publish_alone`](super::Broker::publish_alone) finds out whether it is this one.
    #[error("the broker closed the connection on which the message was on its way: {0}")]
    Suspect(connect::Error),
    /// The message was published alone, and the broker closed the connection.
    #[error("the broker closes the connection on which the message is published: {0}")]
    Closes(connect::Error),
}

impl Error {
    /// Whether the same may succeed after a pause: all but what exists with other properties. Credentials too can be
    /// corrected meanwhile, since their files are read anew.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Connection(connect::Error::Differs { .. }))
    }

    /// Why this one message is not taken, where others are: a word for the header of a dead letter. None where the connection
    /// is at fault.
    pub fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Connection(_) | Self::Suspect(_) => None,
            Self::Full => Some("full"),
            Self::Unconfirmed => Some("unconfirmed"),
            Self::Closes(_) => Some("closes-connection"),
        }
    }

    /// What is in the way, in a word for people: `permission` where the broker refuses the user or what was asked, else `broker`.
    pub fn obstacle(&self) -> &'static str {
        match self {
            Self::Connection(connect::Error::Unwelcome { .. } | connect::Error::Refused(_)) => "permission",
            _ => "broker",
        }
    }

    pub(crate) fn lost(why: &str) -> Self {
        Self::Connection(connect::Error::Lost(why.to_owned()))
    }
}
