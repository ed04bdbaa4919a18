//! A ledger's address. It may hold a password, so it is never shown whole.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use scriptmill_sdk::address_fault;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

/// `postgres://host:5432/database`, with `user:password@` before the host unless the credentials come from files, and optionally
/// `?sslmode=…` at the end. `Debug` and `Display` leave the credentials out; serialising keeps them.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    url: Url,
    ssl_mode: Option<SslMode>,
}

/// How a connection is secured, in the words of PostgreSQL's own clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    /// Without TLS.
    Disable,
    /// With TLS if the server has it, without verifying its certificate.
    Prefer,
    /// With TLS, without verifying the server's certificate.
    Require,
    /// With TLS, and a certificate of a trusted authority.
    VerifyCa,
    /// With TLS, and a certificate of a trusted authority for the host's name.
    VerifyFull,
}

/// The text is not the address of a ledger.
#[derive(Debug, thiserror::Error)]
#[error("must look like postgres://host:5432/database or postgres://host/database?sslmode=verify-full: {0}")]
pub struct InvalidAddress(String);

impl Address {
    /// The parsed form.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// How connections are secured. Returns `None` if the address does not say.
    pub fn ssl_mode(&self) -> Option<SslMode> {
        self.ssl_mode
    }

    /// The host's name or address. An IPv6 address is in brackets.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The port.
    pub fn port(&self) -> u16 {
        const PORT: u16 = 5432;
        self.url.port().unwrap_or(PORT)
    }

    /// The database's name as it is written; it may be percent-encoded.
    pub fn database(&self) -> &str {
        self.url.path().trim_start_matches('/')
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let invalid = |why: &str| InvalidAddress(why.to_owned());
        if let Some(fault) = address_fault(text, &["postgres", "postgresql"]) {
            return Err(InvalidAddress(fault));
        }
        // The parser's own messages repeat nothing of what it was given.
        let url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err(invalid("it names no host"));
        }
        let mut ssl_mode = None;
        for (name, value) in url.query_pairs() {
            match &*name {
                "sslmode" => {
                    let rule = "its sslmode must be one of disable, prefer, require, verify-ca, verify-full";
                    ssl_mode = Some(SslMode::named(&value).ok_or_else(|| invalid(rule))?);
                }
                _ => return Err(invalid("it has a parameter other than sslmode")),
            }
        }
        let address = Self { url, ssl_mode };
        if address.database().is_empty() {
            return Err(invalid("it names no database"));
        }
        Ok(address)
    }
}

impl SslMode {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }

    /// Whether the server's certificate is verified.
    pub fn verifies(self) -> bool {
        matches!(self, Self::VerifyCa | Self::VerifyFull)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}:{}/{}", self.host(), self.port(), self.database())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.url)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Address {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LedgerAddress".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^postgres(ql)?://",
            "description": "A ledger, such as postgres://host:5432/database"
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let address: Address = "postgres://shop:hunter2@db.example/ledger?sslmode=verify-full".parse().unwrap();
        for shown in [address.to_string(), format!("{address:?}")] {
            assert_eq!(shown, "postgres://db.example:5432/ledger");
        }
        assert_eq!(address.ssl_mode(), Some(SslMode::VerifyFull));
        assert_eq!(address, serde_json::from_str(&serde_json::to_string(&address).unwrap()).unwrap());
        for (wrong, why) in [
            ("postgres://shop:hunter2@db.example:notaport/ledger", "its port is no number from 1 to 65535"),
            (
                "mysql://shop:hunter2@db.example/ledger",
                "it begins with mysql://; it must begin with postgres:// or postgresql://",
            ),
            ("postgres:///ledger", "it names no host"),
            ("postgres://shop:hunter2@db.example", "it names no database"),
            (
                "postgres://shop:hunter2@db.example/ledger?sslmode=hunter2",
                "its sslmode must be one of disable, prefer, require, verify-ca, verify-full",
            ),
            ("postgres://shop@db.example/ledger?password=hunter2", "it has a parameter other than sslmode"),
            ("hunter2@", "it has no scheme: begin it with postgres://"),
        ] {
            let message = wrong.parse::<Address>().unwrap_err().to_string();
            assert!(message.ends_with(why), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
