//! The message that cancels a job.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Job, Tenant, json};

/// The version of cancels that this crate knows.
const VERSION: u32 = 1;
/// How large a cancel may be, as JSON text in bytes.
const BYTES_MAX: usize = 4 << 10;

/// A job that is not wanted any more. Every worker hears of it and remembers it for 24 hours: until then the job ends as
/// `cancelled` wherever it is met, queued, delayed, waiting or running, and so does another one of the same tenant and id.
///
/// ```
/// use scriptmill_sdk::Cancel;
///
/// let cancel = Cancel::new("acme.sales".parse()?, "order-4711");
/// let read = Cancel::from_slice(&cancel.to_vec()?)?;
/// assert_eq!((read.tenant.as_str(), read.id.as_str()), ("acme.sales", "order-4711"));
/// // Fields that are not known change nothing.
/// Cancel::from_slice(br#"{ "tenant": "acme", "id": "a", "color": "blue" }"#)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cancel {
    /// The version of this format: 1. Fields that are added or left out without a new version change nothing of the others.
    #[serde(default = "version")]
    pub version: u32,
    /// Whose job it is.
    pub tenant: Tenant,
    /// The job's id.
    pub id: String,
    /// When it was asked for. Absent: when it is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Who asked for it, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The text is not a cancel.
#[derive(Debug, thiserror::Error)]
pub enum InvalidCancel {
    /// It is not a JSON object with the fields of a cancel.
    #[error("it cannot be read: {0}")]
    NotJson(String),
    /// It is too large.
    #[error("it has {bytes} bytes, more than {BYTES_MAX}")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// Its id is not one that a job can have.
    #[error("the id must have 1 to {} bytes and no control characters", Job::ID_BYTES_MAX)]
    Id,
    /// Its version is newer than this crate knows.
    #[error("it is of version {0}; this program knows {VERSION}")]
    Newer(u32),
}

impl Cancel {
    /// A cancel, asked for now.
    pub fn new(tenant: Tenant, id: impl Into<String>) -> Self {
        Self { version: VERSION, tenant, id: id.into(), at: Some(Timestamp::now()), by: None, reason: None }
    }

    /// Its JSON text.
    ///
    /// # Errors
    /// It is too large, its id is not one that a job can have, or its version is newer than this crate knows.
    pub fn to_vec(&self) -> Result<Vec<u8>, InvalidCancel> {
        self.check()?;
        let body = serde_json::to_vec(self).map_err(|error| InvalidCancel::NotJson(json::fault(&error)))?;
        match body.len() {
            ..=BYTES_MAX => Ok(body),
            bytes => Err(InvalidCancel::TooLarge { bytes }),
        }
    }

    /// Reads its JSON text.
    ///
    /// # Errors
    /// The text is not a cancel, is too large, or is of a newer version.
    pub fn from_slice(body: &[u8]) -> Result<Self, InvalidCancel> {
        if body.len() > BYTES_MAX {
            return Err(InvalidCancel::TooLarge { bytes: body.len() });
        }
        let cancel: Self =
            serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(body)).map_err(|error| {
                let path = error.path().to_string();
                let (inner, place) = (error.into_inner(), if path == "." { "it" } else { &path });
                let field = json::named(&inner.to_string()).map(str::to_owned);
                InvalidCancel::NotJson(format!("{} {}", field.as_deref().unwrap_or(place), json::fault(&inner)))
            })?;
        cancel.check()?;
        Ok(cancel)
    }

    fn check(&self) -> Result<(), InvalidCancel> {
        if self.version > VERSION {
            return Err(InvalidCancel::Newer(self.version));
        }
        match Job::is_id(&self.id) {
            true => Ok(()),
            false => Err(InvalidCancel::Id),
        }
    }
}

fn version() -> u32 {
    VERSION
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_is_no_cancel_is_told() {
        let told = |text: &str| Cancel::from_slice(text.as_bytes()).unwrap_err().to_string();
        let long = "x".repeat(BYTES_MAX);
        let cases = [
            ("{", "cannot be read"),
            (r#"{ "tenant": "Acme", "id": "a" }"#, "dotted domains"),
            (r#"{ "tenant": "acme", "id": "" }"#, "1 to 200 bytes"),
            (r#"{ "tenant": "acme", "id": "a", "version": 2 }"#, "version 2"),
            (&format!(r#"{{ "tenant": "acme", "id": "a", "reason": "{long}" }}"#), "more than 4096"),
        ];
        for (text, expected) in cases {
            assert!(told(text).contains(expected), "{text}: {}", told(text));
        }
        let wordy = Cancel { reason: Some(long), ..Cancel::new("acme".parse().unwrap(), "a") };
        assert!(matches!(wordy.to_vec(), Err(InvalidCancel::TooLarge { .. })));
    }
}
