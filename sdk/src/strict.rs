//! Reads JSON by its own rules where serde's differ: an array does not count as an object, `null` counts as absent, and
//! a whole number counts as one however it is written.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

/// An object of JSON. Serde also accepts an array that has a struct's fields in their order; this type refuses it.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(AsMap(deserializer)).map(Self)
    }
}

struct AsMap<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for AsMap<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Reads an object.
pub(crate) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Object::deserialize(deserializer).map(|Object(read)| read)
}

/// Reads objects.
pub(crate) fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Vec::deserialize(deserializer)?.into_iter().map(|Object(read)| read).collect())
}

/// Reads an object. Returns `None` for `null`.
pub(crate) fn optional_object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.map(|Object(read)| read))
}

/// Reads an object. Returns the default for `null`.
pub(crate) fn object_or_default<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    optional_object(deserializer).map(Option::unwrap_or_default)
}

/// Reads a whole number. Returns `None` for `null`. `5e7` and `50000000.0` are whole numbers too: clients whose numbers
/// are all doubles write them like that.
pub(crate) fn optional_whole<'de, D: Deserializer<'de>, N: TryFrom<u64>>(
    deserializer: D,
) -> Result<Option<N>, D::Error> {
    deserializer.deserialize_option(Whole(PhantomData))
}

struct Whole<N>(PhantomData<N>);

impl<'de, N: TryFrom<u64>> Visitor<'de> for Whole<N> {
    type Value = Option<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_none<E: Error>(self) -> Result<Option<N>, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<N>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<N>, D::Error> {
        deserializer.deserialize_u64(self)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Option<N>, E> {
        let too_large = |_| E::invalid_value(Unexpected::Unsigned(number), &"a smaller whole number");
        N::try_from(number).map(Some).map_err(too_large)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Option<N>, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &"a whole number of at least 0")),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Option<N>, E> {
        /// 2^64, the first number that is too large for a `u64`. A double holds it exactly.
        const END: f64 = 18_446_744_073_709_551_616.0;
        if number.fract() == 0.0 && (0.0..END).contains(&number) {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and within, as was seen")]
            let number = number as u64;
            return self.visit_u64(number);
        }
        let expected = match number {
            ..0.0 => "a whole number of at least 0",
            END.. => "a smaller whole number",
            _ => "a whole number",
        };
        Err(E::invalid_value(Unexpected::Float(number), &expected))
    }
}
