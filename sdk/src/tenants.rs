//! Values that are set for tenants and for all tenants that are part of them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{InvalidTenant, Tenant};

/// The key of the value for all other tenants. No tenant can have this name.
const OTHERS: &str = "*";

/// Finds the value that is set for the longest dotted prefix of a tenant. For `acme.sales.eu` that is the value of
/// `acme.sales.eu`, else of `acme.sales`, else of `acme`, else the one for all others, if it is set. Exactly one value
/// applies; values of wider prefixes are not merged into it.
///
/// Grants, quotas, secrets and the groups of workers are each kept in one of these.
///
/// In configuration it is a table by tenant, in which `*` stands for all others. In TOML the keys need quotes: without
/// them a dot begins a table within a table.
///
/// ```
/// use scriptmill_sdk::{Tenant, Tenants};
///
/// let slots: Tenants<u32> = serde_json::from_str(r#"{ "acme": 8, "acme.sales": 2, "*": 1 }"#)?;
/// let of = |tenant: &str| slots.get(&tenant.parse::<Tenant>().unwrap()).copied();
/// assert_eq!(of("acme.sales.eu"), Some(2));
/// assert_eq!(of("acme.hr"), Some(8));
/// assert_eq!(of("acme-labs"), Some(1));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenants<T> {
    set: BTreeMap<Tenant, T>,
    others: Option<T>,
}

impl<T> Tenants<T> {
    /// A map in which nothing is set.
    pub fn new() -> Self {
        Self { set: BTreeMap::new(), others: None }
    }

    /// Sets the value for a tenant and all tenants that are part of it. Returns the value that was set before.
    pub fn insert(&mut self, tenant: Tenant, value: T) -> Option<T> {
        self.set.insert(tenant, value)
    }

    /// Sets the value for all tenants for which nothing else is set. Returns the value that was set before.
    pub fn insert_others(&mut self, value: T) -> Option<T> {
        self.others.replace(value)
    }

    /// The value that applies to a tenant.
    pub fn get(&self, tenant: &Tenant) -> Option<&T> {
        tenant.prefixes().find_map(|prefix| self.set.get(prefix)).or(self.others.as_ref())
    }

    /// The value for all tenants for which nothing else is set.
    pub fn others(&self) -> Option<&T> {
        self.others.as_ref()
    }

    /// The values that are set for tenants, in the order of their names, without the one for all others.
    pub fn iter(&self) -> impl Iterator<Item = (&Tenant, &T)> {
        self.set.iter()
    }
}

impl<T> Default for Tenants<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Serialize> Serialize for Tenants<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let set = self.set.iter().map(|(tenant, value)| (tenant.as_str(), value));
        serializer.collect_map(set.chain(self.others.iter().map(|value| (OTHERS, value))))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Tenants<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Table(PhantomData))
    }
}

struct Table<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Table<T> {
    type Value = Tenants<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table by tenant")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tenants<T>, A::Error> {
        let mut tenants = Tenants::new();
        while let Some(key) = map.next_key::<String>()? {
            let earlier = if key == OTHERS {
                tenants.insert_others(map.next_value()?)
            } else {
                let tenant: Tenant = key.parse().map_err(|wrong: InvalidTenant| {
                    A::Error::custom(format!("the key {key:?} {wrong}, or {OTHERS}"))
                })?;
                tenants.insert(tenant, map.next_value()?)
            };
            if earlier.is_some() {
                return Err(A::Error::custom(format!("the key {key:?} is there twice")));
            }
        }
        Ok(tenants)
    }
}

impl<T: JsonSchema> JsonSchema for Tenants<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Tenants_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let tenant = generator.subschema_for::<Tenant>();
        let value = generator.subschema_for::<T>();
        schemars::json_schema!({
            "type": "object",
            "description": "By tenant, or * for all others; the longest dotted prefix decides.",
            "propertyNames": { "anyOf": [tenant, { "const": OTHERS }] },
            "additionalProperties": value,
        })
    }
}
