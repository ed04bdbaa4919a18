//! Whose job a message is, as far as that can be read: of one that is refused too, so that the refusal finds who asked.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::{Job, Tenant};

/// Whose job a message is. What cannot be read, or is no id or tenant that a job can have, is absent.
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
    /// Reads it from a message's body: up to where that is no JSON any more.
    pub fn read(body: &[u8]) -> Self {
        let mut identity = Self::default();
        // What comes after a mistake is not looked at; what came before it is kept.
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
