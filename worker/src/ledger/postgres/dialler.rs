//! Opens connections. Tries the addresses in turn, with a deadline for each wait, until a server can be written to and its tables
//! have the version of this program.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Row as _};
use tokio::time::timeout;

use super::failure::Fault;
use super::schema;
use crate::ledger::{Address, Error, Options, SslMode};

const READ_ONLY: &str = "select current_setting('transaction_read_only')::boolean";

/// Opens connections.
pub(super) struct Dialler {
    options: Options,
    /// The index of the address to try first: the last one that would do.
    turn: AtomicUsize,
}

impl Dialler {
    pub(super) fn new(options: Options) -> Self {
        Self { options, turn: AtomicUsize::new(0) }
    }

    /// The longest wait for an answer.
    pub(super) fn timeout(&self) -> Duration {
        self.options.timeout
    }

    /// Connects to the first address that will do, beginning with the last one that did.
    pub(super) async fn dial(&self) -> Result<PgConnection, Error> {
        let (connection, _) = self.dial_for(self.options.migrate).await?;
        Ok(connection)
    }

    /// Connects, and brings the tables up to date if `may_migrate`. Returns the version that they had before.
    pub(super) async fn dial_for(&self, may_migrate: bool) -> Result<(PgConnection, i32), Error> {
        let count = self.options.addresses.len();
        let first = self.turn.load(Ordering::Relaxed);
        let mut failed = Error::NoAddress;
        for turn in first..first.saturating_add(count) {
            let address = &self.options.addresses[turn % count];
            match self.dial_at(address, may_migrate).await {
                Ok(dialled) => {
                    self.turn.store(turn % count, Ordering::Relaxed);
                    return Ok(dialled);
                }
                // An error that a person must fix says more than that another address does not answer.
                Err(error) if failed.is_transient() || matches!(failed, Error::NoAddress) => failed = error,
                Err(_) => {}
            }
        }
        Err(failed)
    }

    async fn dial_at(&self, address: &Address, may_migrate: bool) -> Result<(PgConnection, i32), Error> {
        let options = self.connect_options(address).await?;
        let unreachable = |why: String| Error::Unreachable { address: address.clone(), why };
        let dialled = async {
            let mut connection = PgConnection::connect_with(&options).await?;
            // A statement that nobody waits for any more must not keep its locks.
            let limit = format!("set statement_timeout to {}", self.timeout().as_millis());
            sqlx::raw_sql(sqlx::AssertSqlSafe(limit)).execute(&mut connection).await?;
            let read_only = sqlx::query(READ_ONLY).fetch_one(&mut connection).await?;
            if read_only.try_get(0)? {
                return Err(unreachable("it cannot be written to, as a standby cannot".to_owned()).into());
            }
            let found = schema::check(&mut connection, may_migrate).await?;
            Ok::<_, Fault>((connection, found))
        };
        let waited = self.timeout();
        match timeout(waited, dialled).await.map(|dialled| dialled.map_err(Error::from)) {
            Ok(Err(Error::Lost(why))) => Err(unreachable(why)),
            Ok(dialled) => dialled,
            Err(_) => Err(unreachable(format!("no answer within {waited:?}"))),
        }
    }

    async fn connect_options(&self, address: &Address) -> Result<PgConnectOptions, Error> {
        let Options { username_file, password_file, ca_file, .. } = &self.options;
        let url = address.url();
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let username = match username_file {
            Some(path) => read(path).await?,
            None => decoded(url.username()),
        };
        let password = match password_file {
            Some(path) => Some(read(path).await?),
            None => url.password().map(decoded),
        };
        let default = if ca_file.is_some() { SslMode::VerifyFull } else { SslMode::Prefer };
        let mut options = PgConnectOptions::new_without_pgpass()
            .host(address.host().trim_matches(['[', ']']))
            .port(address.port())
            .database(&decoded(address.database()))
            .ssl_mode(match address.ssl_mode().unwrap_or(default) {
                SslMode::Disable => PgSslMode::Disable,
                SslMode::Prefer => PgSslMode::Prefer,
                SslMode::Require => PgSslMode::Require,
                SslMode::VerifyCa => PgSslMode::VerifyCa,
                SslMode::VerifyFull => PgSslMode::VerifyFull,
            })
            .application_name("scriptmill")
            .disable_statement_logging();
        if !username.is_empty() {
            options = options.username(&username);
        }
        if let Some(password) = password {
            options = options.password(&password);
        }
        if let Some(path) = ca_file {
            options = options.ssl_root_cert(path);
        }
        Ok(options)
    }
}

/// A file's text without the line break at its end.
async fn read(path: &Path) -> Result<String, Error> {
    let text = tokio::fs::read_to_string(path).await;
    text.map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
        .map_err(|error| Error::File { path: path.to_owned(), why: error.to_string() })
}
