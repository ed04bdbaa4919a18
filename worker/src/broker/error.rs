//! How an operation of a broker can fail.

use scriptmill_sdk::connect;

/// How an operation of a broker can fail.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// There is no connection, or the broker refused the operation.
    #[error(transparent)]
    Connection(#[from] connect::Error),
    /// The broker has no room for the message now.
    #[error("the broker does not take the message now: the queue is full")]
    Full,
    /// The broker does not confirm the message, though it confirms others that were published after it.
    #[error("the broker confirms other messages and not this one: its queue may have no majority of its replicas")]
    Unconfirmed,
    /// The broker closed the connection while this and other messages were on their way, or has closed one before because of a message
    /// to the same place. [`publish_alone`](super::Broker::publish_alone) finds out whether this message is the cause.
    #[error("the broker closed the connection on which the message was on its way: {0}")]
    Suspect(connect::Error),
    /// The message was published alone, and the broker closed the connection.
    #[error("the broker closes the connection on which the message is published: {0}")]
    Closes(connect::Error),
}

impl Error {
    /// Whether the same operation may succeed after a pause. Every error is transient except that a queue or exchange exists with other
    /// properties. Even wrong credentials may be corrected meanwhile, since their files are read at every attempt.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Connection(connect::Error::Differs { .. }))
    }

    /// Why the broker does not take this message though it takes others, as a word for the header of a dead letter. Returns `None` when
    /// the connection is at fault.
    pub fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Connection(_) | Self::Suspect(_) => None,
            Self::Full => Some("full"),
            Self::Unconfirmed => Some("unconfirmed"),
            Self::Closes(_) => Some("closes-connection"),
        }
    }

    /// The obstacle as a word for people: `permission` when the broker refuses the user or the operation, else `broker`.
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
