//! Why there is no connection, and the one way to wait for a broker's answer.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use lapin::ErrorKind;

use crate::amqp::SHORT_STRING_BYTES_MAX;
use crate::{Address, Code};

/// AMQP's reply code for a permission that the user lacks.
pub(crate) const ACCESS_REFUSED: u16 = 403;
/// AMQP's reply code for a frame that one side does not take.
const FRAME_ERROR: u16 = 501;
/// AMQP's reply code for an exchange or a queue that is not there.
pub(crate) const NOT_FOUND: u16 = 404;

/// Why there is no connection, or why it ended.
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
    /// A broker answers, and refuses the user, the virtual host, or the request.
    #[error("{code}: the broker refuses: {0}", code = Code::BrokerRefuses)]
    Refused(String),
    /// The broker at this address does not let this user in, or does not let the user do what was asked.
    #[error("{code}: {address} refuses the user {user}: {why}", code = Code::BrokerRefuses)]
    Unwelcome {
        /// Where.
        address: Address,
        /// Who asked.
        user: String,
        /// Why not.
        why: String,
    },
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
    /// Several addresses were tried, and none of them could be used.
    #[error("{code}: no broker can be used: {0}", code = Code::BrokerUnreachable)]
    NoneUsable(Answers),
    /// A name is longer than AMQP's short strings.
    #[error("{code}: the name {name} has more than {SHORT_STRING_BYTES_MAX} bytes", code = Code::InvalidSetting)]
    NameTooLong {
        /// The name, with its prefix.
        name: String,
    },
    /// The broker has said that it is short of memory or disk, and takes no publications until that is over.
    #[error(
        "{code}: the broker holds publishing back, since it is short of memory or disk; it was waited for {waited:?}",
        code = Code::HeldBack
    )]
    HeldBack {
        /// How long was waited.
        waited: Duration,
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

/// What each of several addresses answered, in the order in which they were tried.
#[derive(Clone, Debug)]
pub struct Answers(pub Vec<(Address, Error)>);

/// At most this many answers are shown: a list of addresses may be long.
const ANSWERS_SHOWN: usize = 8;

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (address, error)) in self.0.iter().take(ANSWERS_SHOWN).enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            match error {
                // These errors name their address.
                Error::Unreachable { .. } | Error::Unwelcome { .. } => write!(f, "{separator}{error}")?,
                _ => write!(f, "{separator}{address}: {error}")?,
            }
        }
        match self.0.len().saturating_sub(ANSWERS_SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl Error {
    /// The error for several addresses of which none could be used.
    pub(crate) fn of_all(mut answers: Vec<(Address, Error)>) -> Self {
        match answers.len() {
            0 => Self::NoAddress,
            1 => answers.remove(0).1,
            _ => Self::NoneUsable(Answers(answers)),
        }
    }

    /// Whether the same request may succeed after a pause, without anybody changing a setting.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Lost(_) | Self::Silent { .. } | Self::HeldBack { .. } => true,
            Self::NoneUsable(Answers(answers)) => answers.iter().any(|(_, error)| error.is_transient()),
            _ => false,
        }
    }

    /// Whether the error is the same at every address, so that there is no use in trying another one.
    pub(crate) fn is_of_every_address(&self) -> bool {
        matches!(self, Self::NoAddress | Self::File { .. } | Self::NameTooLong { .. })
    }

    /// Whether one side closed the connection or the channel because of something that was sent on it.
    pub fn is_closed_by_broker(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// Whether the connection was closed because a frame was too large. Headers that fill a frame to the last byte become too
    /// large when RabbitMQ adds one of its own. [`Brokers::connect_wide`](super::Brokers::connect_wide) takes such a message.
    pub fn is_frame_too_large(&self) -> bool {
        self.is_refusal(FRAME_ERROR)
    }

    /// Whether the broker refused with this reply code of AMQP, such as 404.
    pub(crate) fn is_refusal(&self, code: u16) -> bool {
        match self {
            Self::Refused(said) => said.starts_with(&format!("{code} ")),
            Self::Unwelcome { why, .. } => why.contains(&format!("(the broker says: {code} ")),
            _ => false,
        }
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
            _ => Self::Lost(in_words(&error)),
        }
    }
}

/// Says why there is no connection, in words of the field.
fn in_words(error: &lapin::Error) -> String {
    use std::io::ErrorKind as Io;
    match error.kind() {
        ErrorKind::IOError(io) => {
            let told = io.to_string();
            match io.kind() {
                Io::ConnectionRefused => "nothing listens there (connection refused)".to_owned(),
                Io::TimedOut => "no answer came in time".to_owned(),
                Io::HostUnreachable | Io::NetworkUnreachable => format!("there is no way to it ({told})"),
                Io::ConnectionAborted | Io::ConnectionReset | Io::UnexpectedEof | Io::BrokenPipe => {
                    format!("it closed the connection ({told})")
                }
                _ if told.contains("lookup address") || told.contains("resolve") => {
                    format!("its name is not known to the DNS ({told})")
                }
                _ => tls_words(&told).unwrap_or(told),
            }
        }
        ErrorKind::ParsingError(_) | ErrorKind::InvalidProtocolVersion(_) => {
            format!("what answers there does not speak AMQP 0-9-1 ({error})")
        }
        ErrorKind::MissingHeartbeatError => "it has said nothing for too long".to_owned(),
        _ => error.to_string(),
    }
}

/// Explains an error of the TLS library. Returns `None` if the text is not such an error.
fn tls_words(told: &str) -> Option<String> {
    let known = [
        ("UnknownIssuer", "its certificate is of an authority that is not trusted here: name that one in ca_file"),
        ("certificate not valid for name", "its certificate is for another host's name"),
        ("certificate expired", "its certificate has expired"),
        ("certificate not valid yet", "its certificate is not valid yet"),
        ("InvalidContentType", "it does not speak TLS there: is it the port for amqp://?"),
        ("InvalidCertificate", "its certificate cannot be trusted"),
        ("invalid peer certificate", "its certificate cannot be trusted"),
    ];
    let (_, plain) = known.iter().find(|(word, _)| told.contains(word))?;
    Some(format!("TLS: {plain} ({told})"))
}

/// Explains why a broker refuses a user, and adds the broker's own words.
pub(super) fn refusal_words(said: &str, vhost: &str) -> String {
    let why = if said.contains("refused using authentication mechanism") {
        "the user name or the password is not right".to_owned()
    } else if said.contains("vhost") && said.contains("not found") {
        format!("there is no virtual host {vhost}")
    } else if said.contains("access to vhost") {
        format!("the user has no permission on the virtual host {vhost}")
    } else if let Some((what, _)) = said.split_once(" refused for user").filter(|_| said.contains(" access to ")) {
        let what = what.rsplit(" - ").next().unwrap_or(what);
        format!("a permission is missing: {what}")
    } else {
        return said.to_owned();
    };
    format!("{why} (the broker says: {said})")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::{self, ErrorKind as Io};

    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn a_connection_that_fails_is_told_in_words_of_the_field() {
        let (refused, reset) = ("Connection refused (os error 111)", "Connection reset by peer (os error 104)");
        let (no_route, no_name) = ("No route to host (os error 113)", "failed to lookup address information");
        let untrusted = "invalid peer certificate: BadSignature";
        for (kind, told, words) in [
            (Io::ConnectionRefused, refused, "nothing listens there (connection refused)".to_owned()),
            (Io::TimedOut, "deadline has elapsed", "no answer came in time".to_owned()),
            (Io::HostUnreachable, no_route, format!("there is no way to it ({no_route})")),
            (Io::ConnectionReset, reset, format!("it closed the connection ({reset})")),
            (Io::UnexpectedEof, "early eof", "it closed the connection (early eof)".to_owned()),
            (Io::Other, no_name, format!("its name is not known to the DNS ({no_name})")),
            (Io::InvalidData, untrusted, format!("TLS: its certificate cannot be trusted ({untrusted})")),
            (Io::Other, "something else", "something else".to_owned()),
        ] {
            let error = Error::from(lapin::Error::from(io::Error::new(kind, told)));
            assert!(matches!(&error, Error::Lost(found) if *found == words), "{error}, not {words}");
            assert!(error.is_transient(), "{error}");
        }
        let silent = Error::from(lapin::Error::from(ErrorKind::MissingHeartbeatError));
        assert!(silent.to_string().ends_with(": it has said nothing for too long"), "{silent}");
    }

    #[test]
    fn a_refusal_says_what_the_user_lacks_in_the_virtual_host_of_the_address() {
        let login = "403 ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile.";
        let nowhere = "530 NOT_ALLOWED - vhost prod not found";
        let stranger = "530 NOT_ALLOWED - access to vhost 'prod' refused for user 'shop'";
        let queue =
            "403 ACCESS_REFUSED - configure access to queue 'scriptmill.jobs' in vhost 'prod' refused for user 'shop'";
        for (said, why) in [
            (login, "the user name or the password is not right"),
            (nowhere, "there is no virtual host prod"),
            (stranger, "the user has no permission on the virtual host prod"),
            (queue, "a permission is missing: configure access to queue 'scriptmill.jobs' in vhost 'prod'"),
        ] {
            assert_eq!(refusal_words(said, "prod"), format!("{why} (the broker says: {said})"));
        }
        let unknown = "530 NOT_ALLOWED - connection limit is reached";
        assert_eq!(refusal_words(unknown, "prod"), unknown);
    }

    #[test]
    fn what_each_of_several_addresses_answered_is_told() {
        let answer = |number: usize| {
            let address = address(&format!("amqp://shop:secret@mq-{number}/prod"));
            let error = match number {
                1 => Error::Unreachable { address: address.clone(), why: "no answer came in time".to_owned() },
                2 => Error::Unwelcome { address: address.clone(), user: "shop".to_owned(), why: "no".to_owned() },
                _ => Error::Lost("gone".to_owned()),
            };
            (address, error)
        };
        let all = |count: usize| Error::of_all((1..=count).map(answer).collect());
        assert!(matches!(all(0), Error::NoAddress));
        assert!(matches!(all(1), Error::Unreachable { .. }), "the only one speaks for itself");
        let three = "SM4101: no broker can be used: SM4101: amqp://mq-1:5672/prod cannot be reached: no answer came in time; \
                     SM4103: amqp://mq-2:5672/prod refuses the user shop: no; \
                     amqp://mq-3:5672/prod: SM4101: the connection to the broker was lost: gone";
        assert_eq!(all(3).to_string(), three);
        let ten = all(10).to_string();
        assert!(ten.contains("mq-8:5672") && !ten.contains("mq-9:5672") && ten.ends_with("; and 2 more"), "{ten}");
        assert!(!ten.contains("secret"), "{ten}");
        // One of them may answer after a pause.
        assert!(all(2).is_transient() && !all(2).is_of_every_address());
    }
}
