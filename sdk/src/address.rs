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

/// The text is not the address of a broker.
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
        if let Some(fault) = fault(text, &["amqp", "amqps"]).or_else(|| vhost_fault(text)) {
            return Err(InvalidAddress(fault));
        }
        // The parser's message may repeat what it was given, password and all.
        let uri = text.parse::<AMQPUri>().map_err(|_| InvalidAddress("it cannot be read".to_owned()))?;
        Ok(Self(Box::new(uri)))
    }
}

/// Says in a sentence what is wrong with the address of a server that must have one of these schemes. Returns `None` if nothing
/// is wrong. The sentence shows nothing that may be a password.
///
/// ```
/// use scriptmill_sdk::address_fault;
///
/// let fault = |text| address_fault(text, &["amqp", "amqps"]).unwrap();
/// assert_eq!(fault("mq.example:5672"), "it has no scheme: begin it with amqp://");
/// assert_eq!(fault("amqp://mq.example:567200"), "its port is no number from 1 to 65535");
/// assert!(fault("amqp://shop:p@ss@mq.example").contains("%40"));
/// ```
pub fn fault(text: &str, schemes: &[&str]) -> Option<String> {
    let first = schemes[0];
    if text.is_empty() {
        return Some("it is empty".to_owned());
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Some("it holds a space or a line break; in a password a space is %20".to_owned());
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Some(format!("it has no scheme: begin it with {first}://"));
    };
    if !schemes.contains(&scheme) {
        let known: String = scheme.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
        let why = if scheme.starts_with("http") { ", which is not this server's protocol" } else { "" };
        return Some(format!("it begins with {known}://{why}; it must begin with {}://", schemes.join(":// or ")));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at(end);
    let encoded = "in the user name and in the password write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25, or put \
                   them into files";
    // A slash in a password ends the authority there, so that the @ comes too late.
    if behind.contains('@') || authority.matches('@').count() > 1 {
        return Some(format!("its user name or password holds a character that has a meaning in addresses: {encoded}"));
    }
    let (credentials, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    if credentials.matches(':').count() > 1 || !is_encoded(credentials) {
        return Some(format!("its user name or password holds a character that has a meaning in addresses: {encoded}"));
    }
    if place.starts_with('[') {
        return (first == "amqp")
            .then(|| "it has an IPv6 address in place of a host's name, which is not supported".to_owned());
    }
    let (host, port) = place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port)));
    if host.is_empty() {
        return Some("it names no host".to_owned());
    }
    let is_port =
        |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    if port.is_some_and(|port| !is_port(port)) {
        return Some("its port is no number from 1 to 65535".to_owned());
    }
    if behind.contains('#') {
        return Some("it holds a #; in a name or a password write %23".to_owned());
    }
    None
}

/// Whether each percent sign begins an encoded byte.
fn is_encoded(text: &str) -> bool {
    let mut parts = text.split('%');
    parts.next();
    parts.all(|part| part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

fn vhost_fault(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("://")?;
    let (_, path) = rest.split('?').next()?.split_once('/')?;
    if path.is_empty() {
        return Some("it ends with a slash, behind which the virtual host stands: leave the slash out, or write /%2F for the one named /".to_owned());
    }
    if path.contains('/') {
        return Some("its virtual host holds a slash, which is written as %2F".to_owned());
    }
    (!is_encoded(path)).then(|| "its virtual host holds a %, which is written as %25".to_owned())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.0.scheme {
            AMQPScheme::AMQP => "amqp",
            AMQPScheme::AMQPS => "amqps",
        };
        let authority = &self.0.authority;
        // As it is written in an address: the virtual host named / is %2F.
        let vhost = self.0.vhost.replace('%', "%25").replace('/', "%2F");
        write!(f, "{scheme}://{}:{}/{vhost}", authority.host, authority.port)
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

    #[test]
    fn what_is_wrong_with_an_address_is_told() {
        let cases = [
            ("", "it is empty"),
            ("mq.example", "no scheme"),
            ("mq.example:5672/prod", "no scheme"),
            ("amqp:mq.example", "no scheme"),
            ("http://mq.example:15672", "begins with http://"),
            ("AMQP://mq.example", "begins with AMQP://"),
            ("amqp://", "names no host"),
            ("amqp://:5672", "names no host"),
            ("amqp://mq.example:amqp", "port is no number"),
            ("amqp://mq.example:70000", "port is no number"),
            ("amqp://mq.example:", "port is no number"),
            ("amqp://mq.example:+5672", "port is no number"),
            (" amqp://mq.example", "holds a space"),
            ("amqp://shop:two words@mq.example", "%20"),
            ("amqp://shop:hunter/2@mq.example", "%2F"),
            ("amqp://shop:hunter#2@mq.example", "%23"),
            ("amqp://shop:hunter?2@mq.example", "%3F"),
            ("amqp://shop:hunter@2@mq.example", "%40"),
            ("amqp://shop:hunter:2@mq.example", "%3A"),
            ("amqp://shop:100%@mq.example", "%25"),
            ("amqp://[::1]:5672", "IPv6"),
            ("amqp://mq.example/", "slash"),
            ("amqp://mq.example//", "slash"),
            ("amqp://mq.example/prod/eu", "%2F"),
            ("amqp://mq.example/100%", "%25"),
        ];
        for (text, expected) in cases {
            let message = text.parse::<Address>().unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
            assert!(!message.contains("hunter"), "{text}: {message}");
        }
        for text in
            ["amqp://mq.example", "amqps://a:b%40c@mq.example:5671/%2F?heartbeat=5", "amqp://127.0.0.1:5672/a%2Fb"]
        {
            text.parse::<Address>().unwrap();
        }
        assert_eq!("amqp://mq.example/%2F".parse::<Address>().unwrap().to_string(), "amqp://mq.example:5672/%2F");
        assert_eq!("amqp://mq.example/a%2Fb".parse::<Address>().unwrap().to_string(), "amqp://mq.example:5672/a%2Fb");
    }
}
