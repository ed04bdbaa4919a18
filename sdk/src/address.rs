//! A broker's address, which may hold a password and so is never shown whole.

use std::fmt;
use std::str::FromStr;

use lapin::uri::{AMQPScheme, AMQPUri};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `amqp://host:5672/vhost` or `amqps://host:5671/vhost`, with `user:password@` before the host where credentials
/// don't come from files. `Debug` and `Display` leave the password out; serialising keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Box<AMQPUri>);

/// A text is no broker address.
#[derive(Debug, thiserror::Error)]
#[error("must look like amqp://host:5672/vhost or amqps://host:5671/vhost: {0}")]
pub struct InvalidAddress(String);

impl Address {
    /// The parsed form.
    pub fn uri(&self) -> &AMQPUri {
        &self.0
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        // The parser's message may repeat what it was given, password and all.
        let secret = text.split_once('@').map_or("", |(credentials, _)| credentials);
        match text.parse::<AMQPUri>() {
            Ok(uri) => Ok(Self(Box::new(uri))),
            Err(message) if secret.is_empty() => Err(InvalidAddress(message)),
            Err(_) => Err(InvalidAddress("it cannot be read".to_owned())),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.0.scheme {
            AMQPScheme::AMQP => "amqp",
            AMQPScheme::AMQPS => "amqps",
        };
        let authority = &self.0.authority;
        write!(f, "{scheme}://{}:{}/{}", authority.host, authority.port, self.0.vhost)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Address {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^amqps?://", "description": "A broker, such as amqp://host:5672/vhost" })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let address: Address = "amqps://shop:hunter2@mq.example:5671/prod".parse().unwrap();
        for shown in [address.to_string(), format!("{address:?}")] {
            assert_eq!(shown, "amqps://mq.example:5671/prod");
        }
        assert_eq!(address, serde_json::from_str(&serde_json::to_string(&address).unwrap()).unwrap());

        for wrong in
            ["amqp://shop:hunter2@mq.example:notaport", "http://shop:hunter2@x", "amqp://a:hunter2@", "hunter2@"]
        {
            let message = wrong.parse::<Address>().unwrap_err().to_string();
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
