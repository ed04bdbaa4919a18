//! Why a ledger does not answer.

use std::path::PathBuf;
use std::time::Duration;

use scriptmill_sdk::Code;

use super::address::Address;

/// Why a ledger does not answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// No address was given.
    #[error("{code}: no ledger's address is given (ledger.addresses)", code = Code::InvalidSetting)]
    NoAddress,
    /// No server answers at the address, or the server there cannot be written to.
    #[error("{code}: {address} cannot be reached: {why}", code = Code::LedgerUnreachable)]
    Unreachable {
        /// The address.
        address: Address,
        /// Why not.
        why: String,
    },
    /// The connection ended, or the server cannot serve requests now.
    #[error("{code}: the connection to the ledger was lost: {0}", code = Code::LedgerUnreachable)]
    Lost(String),
    /// The server did not answer in time.
    #[error("{code}: the ledger did not answer {what} within {waited:?}", code = Code::LedgerUnreachable)]
    Silent {
        /// What was asked.
        what: &'static str,
        /// How long the worker waited.
        waited: Duration,
    },
    /// The server refuses the user, the database, or the request.
    #[error("{code}: the ledger refuses: {0}", code = Code::LedgerRefuses)]
    Refused(String),
    /// The tables have a newer version.
    #[error(
        "{code}: the ledger's tables have version {found}, and this scriptmill knows {known} at most: use a newer scriptmill",
        code = Code::LedgerNewer
    )]
    Newer {
        /// Their version.
        found: i32,
        /// The latest that this program knows.
        known: i32,
    },
    /// The tables are missing or have an older version, and were not brought up to date.
    #[error(
        "{code}: the ledger's tables have version {found}, and this scriptmill needs {needed}: {why}; \
         run `scriptmill ledger migrate` as their owner",
        code = Code::LedgerOlder
    )]
    Older {
        /// Their version; 0 where there are none.
        found: i32,
        /// The version that this program needs.
        needed: i32,
        /// Why they stayed as they are.
        why: String,
    },
    /// A file with credentials cannot be read.
    #[error("{code}: cannot read {path}: {why}", code = Code::UnreadableFile, path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
}

impl Error {
    /// Whether the same request may succeed after a pause, without a changed setting.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Lost(_) | Self::Silent { .. })
    }

    /// The error's code.
    pub fn code(&self) -> Code {
        match self {
            Self::NoAddress => Code::InvalidSetting,
            Self::Unreachable { .. } | Self::Lost(_) | Self::Silent { .. } => Code::LedgerUnreachable,
            Self::Refused(_) => Code::LedgerRefuses,
            Self::Newer { .. } => Code::LedgerNewer,
            Self::Older { .. } => Code::LedgerOlder,
            Self::File { .. } => Code::UnreadableFile,
        }
    }
}
