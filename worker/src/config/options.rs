//! The configuration as one typed struct.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{broker, service};

/// Everything that can be set. Durations are written as `30s`, sizes as `64MiB`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Configuration of scriptmill")]
pub struct Config {
    /// How RabbitMQ is reached.
    pub broker: broker::amqp::Options,
    /// How much the worker takes on, and what a job may use.
    pub worker: service::Options,
    /// How scripts are checked and kept.
    pub sandbox: Sandbox,
    /// Health and metrics over HTTP.
    pub http: Http,
    /// What the process says about itself, on standard error.
    pub log: Log,
}

/// How scripts are checked and kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sandbox {
    /// The source of a script's modules together.
    #[schemars(with = "String")]
    pub source_size: ByteSize,
    /// Modules of one script.
    #[schemars(range(min = 1, max = 10_000))]
    pub modules: usize,
    /// Time that the check of one script may take.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub check_timeout: Duration,
    /// Memory of the process that checks scripts.
    #[schemars(with = "String")]
    pub check_memory: ByteSize,
    /// Memory for the images of scripts that ran before, so that they need not be prepared again.
    #[schemars(with = "String")]
    pub image_cache: ByteSize,
    /// A folder that keeps the compiled engine between starts. Absent: `scriptmill` in the user's cache folder, else
    /// none, and every start compiles for about a second.
    pub cache_dir: Option<PathBuf>,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self {
            source_size: ByteSize::mib(4),
            modules: 256,
            check_timeout: Duration::from_secs(10),
            check_memory: ByteSize::gib(1),
            image_cache: ByteSize::mib(256),
            cache_dir: None,
        }
    }
}

impl Sandbox {
    /// The folder for the compiled engine: the configured one, else the user's cache folder as the XDG base directory
    /// specification places it.
    pub fn cache_folder(&self) -> Option<PathBuf> {
        let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        self.cache_dir.clone().or_else(|| {
            let base = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))?;
            Some(base.join("scriptmill"))
        })
    }
}

/// Health and metrics over HTTP.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// The address for `/livez`, `/readyz`, `/health` and `/metrics`, or `off`. In a container, `0.0.0.0:8080`.
    pub address: Door,
}

/// An address to listen on, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Nothing is listened on.
    Off,
    /// The address; with port 0 any free port.
    At(SocketAddr),
}

impl Default for Door {
    /// This machine alone: whoever wants the doors seen says so.
    fn default() -> Self {
        Self::At(SocketAddr::from(([127, 0, 0, 1], 8080)))
    }
}

impl FromStr for Door {
    type Err = std::net::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" { Ok(Self::Off) } else { text.parse().map(Self::At) }
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::At(address) => address.fmt(f),
        }
    }
}

impl Serialize for Door {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Door {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Door {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Door".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "examples": ["0.0.0.0:8080", "off"] })
    }
}

/// What the process says about itself, on standard error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// How lines are written.
    pub format: LogFormat,
    /// Which lines are written: a level, or directives such as `info,scriptmill::settle=debug`.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Auto, filter: "info".to_owned() }
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LogFormat {
    /// For people on a terminal, else as JSON.
    #[default]
    Auto,
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}
