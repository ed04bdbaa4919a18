//! Whose job it is.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose job it is: dotted domains of `a-z`, `0-9`, `-` and `_`, such as `acme.sales`, 200 bytes at most. The domain on
/// the left is the widest: what is set for `acme` holds for `acme.sales` too, see [`Tenants`](crate::Tenants).
///
/// ```
/// use scriptmill_sdk::Tenant;
///
/// let tenant: Tenant = "acme.sales.eu".parse()?;
/// let above: Vec<&str> = tenant.prefixes().collect();
/// assert_eq!(above, ["acme.sales.eu", "acme.sales", "acme"]);
/// assert!("Acme Sales".parse::<Tenant>().is_err());
/// # Ok::<(), scriptmill_sdk::InvalidTenant>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tenant(String);

/// The text is not a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be dotted domains of a-z, 0-9, - and _, such as acme.sales, 200 bytes at most")]
pub struct InvalidTenant;

impl Tenant {
    /// How long a tenant may be, in bytes.
    pub const BYTES_MAX: usize = 200;

    /// The text, such as `acme.sales`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tenant and all wider tenants that it is part of, the longest first.
    pub fn prefixes(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.as_str()), |prefix| prefix.rsplit_once('.').map(|(above, _)| above))
    }
}

impl TryFrom<String> for Tenant {
    type Error = InvalidTenant;

    fn try_from(text: String) -> Result<Self, InvalidTenant> {
        let letter = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        let domain = |domain: &str| !domain.is_empty() && domain.bytes().all(letter);
        match text.len() <= Self::BYTES_MAX && text.split('.').all(domain) {
            true => Ok(Self(text)),
            false => Err(InvalidTenant),
        }
    }
}

impl FromStr for Tenant {
    type Err = InvalidTenant;

    fn from_str(text: &str) -> Result<Self, InvalidTenant> {
        text.to_owned().try_into()
    }
}

impl From<Tenant> for String {
    fn from(tenant: Tenant) -> Self {
        tenant.0
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for Tenant {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// A map by tenant can be searched with a text.
impl Borrow<str> for Tenant {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl JsonSchema for Tenant {
    fn schema_name() -> Cow<'static, str> {
        "Tenant".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[a-z0-9_-]+(\\.[a-z0-9_-]+)*$",
            "maxLength": Self::BYTES_MAX,
        })
    }
}
