//! How a broker is reached: several addresses, credentials and certificates from files, a deadline on every wait.

mod error;
mod socket;
mod wide;

use std::path::{Path, PathBuf};
use std::time::Duration;

use lapin::tcp::OwnedTLSConfig;
use lapin::{Connection, ConnectionProperties};
use socket::Socket;

pub(crate) use error::{ACCESS_REFUSED, NOT_FOUND};
pub use error::{Answers, Error, answer};

use crate::Address;

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

    /// Makes one attempt to connect, to the address of this turn: turns go through the addresses again and again.
    /// `name` is shown in RabbitMQ's management pages.
    ///
    /// # Errors
    /// A file cannot be read, or the broker refuses, cannot be reached or is silent.
    pub async fn connect(&self, turn: usize, name: &str) -> Result<Connection, Error> {
        self.open(turn, name, Socket::plain()).await
    }

    /// Connects as [`Brokers::connect`] does, for a connection that only receives. Its frames may be somewhat larger
    /// than the broker announced. All that is received is copied once more on its way.
    ///
    /// # Errors
    /// As [`Brokers::connect`].
    pub async fn connect_wide(&self, turn: usize, name: &str) -> Result<Connection, Error> {
        self.open(turn, name, Socket::wide()).await
    }

    async fn open(&self, turn: usize, name: &str, socket: Socket) -> Result<Connection, Error> {
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
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let user = uri.authority.userinfo.username.clone();
        let unreachable = |why: String| Error::Unreachable { address: address.clone(), why };
        match socket.connect(uri, properties, tls, self.timeout).await {
            Err(Error::Lost(why)) => Err(unreachable(why)),
            Err(Error::Silent { waited, .. }) => Err(unreachable(format!("no answer within {waited:?}"))),
            Err(Error::Refused(said)) => Err(Self::unwelcome(address, user, &said)),
            answered => answered,
        }
    }

    /// Adds to a refusal the address of this turn and the user who was refused. Returns any other error as it is.
    pub async fn refused(&self, turn: usize, error: Error) -> Error {
        let Error::Refused(said) = &error else { return error };
        let Some(address) = self.addresses.get(turn % self.addresses.len().max(1)) else { return error };
        let user = match &self.username_file {
            Some(path) => read(path).await.unwrap_or_default(),
            None => address.uri().authority.userinfo.username.clone(),
        };
        Self::unwelcome(address, user, said)
    }

    fn unwelcome(address: &Address, user: String, said: &str) -> Error {
        Error::Unwelcome { address: address.clone(), user, why: error::refusal_words(said, &address.uri().vhost) }
    }
}

/// A file's text without the line break at its end.
async fn read(path: &Path) -> Result<String, Error> {
    let text = tokio::fs::read_to_string(path).await;
    text.map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
        .map_err(|error| Error::File { path: path.to_owned(), why: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refusal_names_the_user_of_the_file_and_the_virtual_host_of_the_address() {
        let folder = tempfile::tempdir().unwrap();
        let username_file = folder.path().join("username");
        std::fs::write(&username_file, "shop\n").unwrap();
        let address = "amqp://guest:secret@mq-1/prod".parse().unwrap();
        let brokers = Brokers { username_file: Some(username_file), ..Brokers::at([address]) };
        let said = "530 NOT_ALLOWED - access to vhost 'prod' refused for user 'shop'";
        let refused = brokers.refused(0, Error::Refused(said.to_owned())).await;
        assert_eq!(
            refused.to_string(),
            format!(
                "SM4103: amqp://mq-1:5672/prod refuses the user shop: the user has no permission on the virtual host prod \
                 (the broker says: {said})"
            )
        );
        let lost = brokers.refused(0, Error::Lost("gone".to_owned())).await;
        assert!(matches!(lost, Error::Lost(_)), "{lost}");
    }
}
