//! What is set for tenants and for all that is part of them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{InvalidTenant, Tenant};

/// The key of what holds for all other tenants. No tenant is called so.
const OTHERS: &str = "*";

/// What is set for the longest dotted prefix of a tenant: for `acme.sales.eu` that of `acme.sales.eu`, else of
/// `acme.sales`, else of `acme`, else what holds for all others, if there is such a thing. Exactly one applies; what is
/// set for wider prefixes is not merged into it.
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
    /// Nothing is set for anybody.
    pub fn new() -> Self {
        Self { set: BTreeMap::new(), others: None }
    }

    /// Sets what holds for a tenant and all that is part of it, and returns what did.
    pub fn insert(&mut self, tenant: Tenant, value: T) -> Option<T> {
        self.set.insert(tenant, value)
    }

    /// Sets what holds for all tenants for which nothing else is set, and returns what did.
    pub fn insert_others(&mut self, value: T) -> Option<T> {
        self.others.replace(value)
    }

    /// What holds for a tenant.
    pub fn get(&self, tenant: &Tenant) -> Option<&T> {
        tenant.prefixes().find_map(|prefix| self.set.get(prefix)).or(self.others.as_ref())
    }

    /// What holds for all tenants for which nothing else is set.
    pub fn others(&self) -> Option<&T> {
        self.others.as_ref()
    }

    /// What is set for tenants by name, in the order of their names; without what holds for all others.
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
