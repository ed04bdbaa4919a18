//! Where the admin server listens.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Health, metrics and the explanation of the number of workers over HTTP.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The address for `/livez`, `/readyz`, `/health`, `/metrics` and `/scaling/explain`, or `off`. In a container, `0.0.0.0:8080`.
    pub address: ListenAddress,
}

/// An address to listen on, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// There is no server.
    Off,
    /// The address; with port 0 any free port.
    At(SocketAddr),
}

/// Why a text is no address to listen on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must look like 127.0.0.1:8080 or [::]:8080, or be off: {0}")]
pub struct InvalidListenAddress(String);

impl Default for ListenAddress {
    /// Only this machine can reach it: to open it to others is the operator's decision.
    fn default() -> Self {
        Self::At(SocketAddr::from(([127, 0, 0, 1], 8080)))
    }
}

impl FromStr for ListenAddress {
    type Err = InvalidListenAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse().map(Self::At).map_err(|_| {
            let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
            InvalidListenAddress(match port {
                _ if text.contains("://") => "it has a scheme".to_owned(),
                _ if host.is_empty() => format!("it names no address: for all of this machine's write 0.0.0.0:{port}"),
                "" => "it names no port".to_owned(),
                port if port.parse::<u16>().is_err() => "its port is no number from 0 to 65535".to_owned(),
                _ => "it has a name where an IP address is needed".to_owned(),
            })
        })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::At(address) => address.fmt(f),
        }
    }
}

impl Serialize for ListenAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ListenAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for ListenAddress {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ListenAddress".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "examples": ["0.0.0.0:8080", "off"] })
    }
}
