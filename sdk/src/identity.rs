//! The id and tenant of a message, as far as they can be read. They are read from a message that is refused too, so that the
//! refusal reaches its requester.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::{Job, Tenant};

/// The id and tenant of the job in a message. Each is `None` if it cannot be read, or is not one that a job can have.
///
/// ```
/// use scriptmill_sdk::Identity;
///
/// let Identity { id, tenant } = Identity::read(br#"{ "id": "order-1", "tenant": "acme", "limits": { "fuel": "#);
/// assert_eq!((id.as_deref(), tenant.as_ref().map(|tenant| tenant.as_str())), (Some("order-1"), Some("acme")));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The job's id.
    pub id: Option<String>,
    /// Its tenant.
    pub tenant: Option<Tenant>,
}

impl Identity {
    /// Reads them from a message's body, as far as the body is JSON.
    pub fn read(body: &[u8]) -> Self {
        let mut identity = Self::default();
        // Fields before a mistake are kept; those after it are not looked at.
        _ = serde_json::Deserializer::from_slice(body).deserialize_map(Fields(&mut identity));
        identity
    }
}

struct Fields<'a>(&'a mut Identity);

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let text = |value: &RawValue| serde_json::from_str::<String>(value.get()).ok();
        while let Some(name) = fields.next_key::<Cow<'de, str>>()? {
            match &*name {
                "id" if self.0.id.is_none() => {
                    self.0.id = text(fields.next_value::<&RawValue>()?).filter(|id| Job::is_id(id));
                }
                "tenant" if self.0.tenant.is_none() => {
                    self.0.tenant = text(fields.next_value::<&RawValue>()?).and_then(|tenant| tenant.try_into().ok());
                }
                _ => _ = fields.next_value::<IgnoredAny>()?,
            }
        }
        Ok(())
    }
}
