//! Why there is no connection, and the one way to wait for a broker's answer.

use std::path::PathBuf;
use std::time::Duration;

use lapin::ErrorKind;

use crate::{Address, Code};

/// AMQP's reply code for a permission that the user lacks.
pub(crate) const ACCESS_REFUSED: u16 = 403;
/// AMQP's reply code for a frame that one side does not take.
const FRAME_ERROR: u16 = 501;
/// AMQP's reply code for an exchange or a queue that is not there.
pub(crate) const NOT_FOUND: u16 = 404;

/// Why there is no connection, or not any more.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// No address was given.
    #[error("{code}: no broker's address is given", code = Code::InvalidSetting)]
    NoAddress,
    /// No broker answers there.
    #[error("{code}: {address} cannot be reached: {why}", code = Code::BrokerUnreachable)]
    Unreachable {
        /// Where.
        address: Address,
        /// Why not.
        why: String,
    },
    /// A broker answers, and refuses: the user, the virtual host, or what was asked.
    #[error("{code}: the broker refuses: {0}", code = Code::BrokerRefuses)]
    Refused(String),
    /// A queue or an exchange exists with other properties than the contract's, which can't be changed.
    #[error(
        "{code}: {name} exists with other properties than Scriptmill declares. The broker said: {said}. Nothing was \
         changed. Use another prefix, or drain and delete {name} yourself",
        code = Code::QueueDiffers
    )]
    Differs {
        /// Which queue or exchange.
        name: String,
        /// The broker's own words.
        said: String,
    },
    /// A file with credentials or certificates cannot be read.
    #[error("{code}: cannot read {path}: {why}", code = Code::UnreadableFile, path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The connection ended.
    #[error("{code}: the connection to the broker was lost: {0}", code = Code::BrokerUnreachable)]
    Lost(String),
    /// The broker did not answer in time.
    #[error("{code}: the broker did not answer {what} within {waited:?}", code = Code::BrokerUnreachable)]
    Silent {
        /// What was asked.
        what: &'static str,
        /// How long was waited.
        waited: Duration,
    },
}

impl Error {
    /// Whether the same may succeed after a pause, without anybody changing a setting.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Lost(_) | Self::Silent { .. })
    }

    /// Whether one side closed the connection or the channel because of something that was sent on it.
    pub fn is_closed_by_broker(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// Whether the connection was closed because a frame was too large, such as the headers of a message that fill it to the
    /// last byte and to which RabbitMQ adds one of its own. [`Brokers::connect_wide`](super::Brokers::connect_wide) takes it.
    pub fn is_frame_too_large(&self) -> bool {
        self.is_refusal(FRAME_ERROR)
    }

    /// Whether the broker refused with this reply code of AMQP, such as 404.
    pub(crate) fn is_refusal(&self, code: u16) -> bool {
        matches!(self, Self::Refused(said) if said.starts_with(&format!("{code} ")))
    }
}

/// Waits for a broker's answer, but not longer than `timeout`.
///
/// # Errors
/// The broker refuses what was asked, the connection is lost, or no answer came.
pub async fn answer<T>(
    what: &'static str,
    timeout: Duration,
    asked: impl Future<Output = lapin::Result<T>>,
) -> Result<T, Error> {
    match tokio::time::timeout(timeout, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Error::from(error)),
        Err(_) => Err(Error::Silent { what, waited: timeout }),
    }
}

impl From<lapin::Error> for Error {
    /// A protocol error is a refusal in the broker's own words; anything else is a lost connection.
    fn from(error: lapin::Error) -> Self {
        match error.kind() {
            ErrorKind::ProtocolError(said) => Self::Refused(format!("{} {}", said.get_id(), said.get_message())),
            _ => Self::Lost(error.to_string()),
        }
    }
}
