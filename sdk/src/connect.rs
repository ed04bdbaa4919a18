//! How a broker is reached: several addresses, credentials and certificates from files, a deadline on every wait.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lapin::tcp::OwnedTLSConfig;
use lapin::{Connection, ConnectionProperties, ErrorKind};

use crate::{Address, Code};

/// AMQP's reply code for a permission that the user lacks.
pub(crate) const ACCESS_REFUSED: u16 = 403;
/// AMQP's reply code for an exchange or a queue that is not there.
pub(crate) const NOT_FOUND: u16 = 404;

/// The brokers of one cluster, and how one of them is reached.
#[derive(Clone, Debug)]
pub struct Brokers {
    /// Where they are.
    pub addresses: Vec<Address>,
    /// A file that holds the user name, in place of the addresses'. Read again at every connection, as are all files here.
    pub username_file: Option<PathBuf>,
    /// A file that holds the password, in place of the addresses'.
    pub password_file: Option<PathBuf>,
    /// A file of certificates (PEM) to trust for `amqps`, beside the system's own.
    pub ca_file: Option<PathBuf>,
    /// The longest wait for any single answer of the broker, such as a connection, a declaration or a confirm.
    pub timeout: Duration,
    /// How often both sides say that they are alive; a connection silent for twice as long is lost.
    pub heartbeat: Duration,
}

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

    /// Whether the broker refused with this reply code of AMQP, such as 404.
    pub(crate) fn is_refusal(&self, code: u16) -> bool {
        matches!(self, Self::Refused(said) if said.starts_with(&format!("{code} ")))
    }
}

impl Brokers {
    /// Brokers at these addresses, with credentials from the addresses and the system's certificates.
    pub fn at(addresses: impl IntoIterator<Item = Address>) -> Self {
        Self {
            addresses: addresses.into_iter().collect(),
            username_file: None,
            password_file: None,
            ca_file: None,
            timeout: Duration::from_secs(15),
            heartbeat: Duration::from_secs(15),
        }
    }

    /// Connects to the address whose turn it is: one attempt. `name` is shown in RabbitMQ's management pages.
    ///
    /// # Errors
    /// A file cannot be read, or the broker refuses, cannot be reached or is silent.
    pub async fn connect(&self, turn: usize, name: &str) -> Result<Connection, Error> {
        let count = self.addresses.len().max(1);
        let address = self.addresses.get(turn % count).ok_or(Error::NoAddress)?;
        let mut uri = address.uri().clone();
        if let Some(path) = &self.username_file {
            uri.authority.userinfo.username = read(path).await?;
        }
        if let Some(path) = &self.password_file {
            uri.authority.userinfo.password = read(path).await?;
        }
        uri.query.heartbeat = Some(u16::try_from(self.heartbeat.as_secs()).unwrap_or(u16::MAX));
        let cert_chain = match &self.ca_file {
            Some(path) => Some(read(path).await?),
            None => None,
        };
        let tls = OwnedTLSConfig { identity: None, cert_chain };
        let unreachable = |why: String| Error::Unreachable { address: address.clone(), why };
        let runtime = lapin::runtime::default_runtime().map_err(|error| unreachable(error.to_string()))?;
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let connecting = Connection::connect_uri_with_config(uri, properties, tls, runtime);
        match answer("connection.open", self.timeout, connecting).await {
            Err(Error::Lost(why)) => Err(unreachable(why)),
            Err(Error::Silent { waited, .. }) => Err(unreachable(format!("no answer within {waited:?}"))),
            answered => answered,
        }
    }
}

/// A file's text without the line break at its end.
async fn read(path: &Path) -> Result<String, Error> {
    let text = tokio::fs::read_to_string(path).await;
    text.map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
        .map_err(|error| Error::File { path: path.to_owned(), why: error.to_string() })
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
