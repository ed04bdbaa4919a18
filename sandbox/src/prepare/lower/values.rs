//! The values with which TypeScript computes the members of enums.

use oxc::semantic::SymbolId;
use oxc::syntax::operator::BinaryOperator;

use super::merged::Entity;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Number(f64),
    Text(String),
    /// A text that is known only when the script runs.
    SomeText,
    /// A text that is longer than a script may be.
    TooLong,
}

/// What has a value: a declared name, or a member.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key<'a> {
    Symbol(SymbolId),
    /// A member, by the index of its container and its name.
    Member(usize, &'a str),
}

impl<'a> From<Entity<'a>> for Key<'a> {
    fn from(entity: Entity<'a>) -> Self {
        match entity {
            Entity::Symbol(symbol) => Self::Symbol(symbol),
            Entity::Member(container, name) => Self::Member(container, name),
        }
    }
}

pub(super) fn arithmetic(operator: BinaryOperator, left: f64, right: f64) -> Option<f64> {
    let shift = int32(right) & 31;
    Some(match operator {
        BinaryOperator::Addition => left + right,
        BinaryOperator::Subtraction => left - right,
        BinaryOperator::Multiplication => left * right,
        BinaryOperator::Division => left / right,
        BinaryOperator::Remainder => left % right,
        BinaryOperator::Exponential => power(left, right),
        BinaryOperator::BitwiseOR => f64::from(int32(left) | int32(right)),
        BinaryOperator::BitwiseAnd => f64::from(int32(left) & int32(right)),
        BinaryOperator::BitwiseXOR => f64::from(int32(left) ^ int32(right)),
        BinaryOperator::ShiftLeft => f64::from(int32(left) << shift),
        BinaryOperator::ShiftRight => f64::from(int32(left) >> shift),
        BinaryOperator::ShiftRightZeroFill => f64::from(int32(left).cast_unsigned() >> shift),
        _ => return None,
    })
}

/// ECMAScript's ToInt32.
pub(super) fn int32(number: f64) -> i32 {
    const RANGE: f64 = 4_294_967_296.0;
    let number = if number.is_finite() { number.trunc().rem_euclid(RANGE) } else { 0.0 };
    (number as u32).cast_signed()
}

/// ECMAScript's `**`, which differs from C where the base is 1 or -1.
fn power(base: f64, exponent: f64) -> f64 {
    if exponent.is_nan() || (base.abs() == 1.0 && exponent.is_infinite()) { f64::NAN } else { base.powf(exponent) }
}
