//! Values that are not what they seem: a number that changes when it is read, a date that is computed, signs that are torn apart, and what
//! a method gives or wants.

use oxc::ast::ast::*;
use oxc::span::{GetSpan, Span};
use oxc::syntax::operator::{BinaryOperator, UnaryOperator};
use scriptmill_sdk::Code;

use super::source::Finding;

/// The integers below this one are numbers of their own.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
/// The help where `!==` was meant.
const UNEQUAL: &str = "Write `!==` for \"is not equal\".";
/// Digits of a number that are read exactly here.
const DIGITS_MAX: usize = 38;

fn misleading(span: Span, message: impl Into<String>) -> Finding {
    Finding::warning(Code::Misleading, span, message)
}

/// The method that is called, and where its name stands.
pub(super) fn method<'a>(call: &'a CallExpression<'_>) -> Option<(&'a str, Span)> {
    match call.callee.without_parentheses() {
        Expression::StaticMemberExpression(member) => Some((member.property.name.as_str(), member.property.span)),
        _ => None,
    }
}

/// `12345678901234567890`, of which the last digits are lost.
pub(super) fn inexact(number: &NumericLiteral<'_>) -> Option<Finding> {
    if number.value < EXACT_MAX {
        return None;
    }
    let digits: String = number.raw?.chars().filter(|sign| *sign != '_').collect();
    let plain = digits.bytes().all(|digit| digit.is_ascii_digit()) && !digits.starts_with('0');
    if !plain || digits.len() > DIGITS_MAX {
        return None;
    }
    // As it is written again, which has no more digits than tell it from its neighbours.
    let kept = format!("{}", number.value);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "38 digits fit")]
    let exact = number.value as u128;
    (digits != kept && digits != exact.to_string()).then(|| {
        misleading(number.span, format!("This number becomes {kept}: a number keeps about 16 digits.")).help(format!(
            "Write it as text, `'{digits}'`; to compute with all its digits write `{digits}n`, a BigInt."
        ))
    })
}

/// `2024-12-25` or `12/25/2024`, which computes a number.
pub(super) fn date(binary: &BinaryExpression<'_>, text: &str) -> Option<Finding> {
    let (Expression::BinaryExpression(first), Expression::NumericLiteral(_)) = (&binary.left, &binary.right) else {
        return None;
    };
    let (sign, what) = match binary.operator {
        BinaryOperator::Subtraction => ('-', "a subtraction"),
        BinaryOperator::Division => ('/', "a division"),
        _ => return None,
    };
    // With anything but three numbers, a long chain would be read again for each of its signs.
    if first.operator != binary.operator || !matches!(first.left, Expression::NumericLiteral(_)) {
        return None;
    }
    let written = text.get(binary.span.start as usize..binary.span.end as usize)?;
    let parts: Vec<&str> = written.split(sign).collect();
    let within = |part: &str, range: std::ops::RangeInclusive<u32>| {
        part.bytes().all(|digit| digit.is_ascii_digit()) && part.parse().is_ok_and(|number| range.contains(&number))
    };
    let is_date = match parts[..] {
        [year, month, day] if year.len() == 4 => {
            within(year, 1900..=2100) && within(month, 1..=12) && within(day, 1..=31)
        }
        [day, month, year] => within(day, 1..=31) && within(month, 1..=31) && within(year, 1900..=2100),
        _ => false,
    };
    is_date.then(|| {
        misleading(binary.span, format!("`{written}` is {what} of numbers, and no date."))
            .help("Write a date as text, with the year first: `'2024-12-25'`.")
    })
}

/// `! ==` or `! =`, in which TypeScript takes the `!` as a part of what stands before it. `sign` is the place of the `!`.
fn apart(sign: u32, text: &str) -> Option<(Span, &str)> {
    let at = sign as usize;
    let before = text.get(..at)?.ends_with([' ', '\t']);
    let rest = text.get(at..)?.strip_prefix('!')?;
    let equals = rest.trim_start_matches([' ', '\t']);
    let gap = rest.len() - equals.len();
    let count = equals.len() - equals.trim_start_matches('=').len();
    let length = 1 + gap + count;
    let written = text.get(at..at + length)?;
    let is_apart = before && (1..=4).contains(&gap) && (1..=3).contains(&count);
    is_apart.then(|| (Span::sized(sign, u32::try_from(length).unwrap_or(1)), written))
}

/// `a ! == b`, which compares for being equal.
pub(super) fn unequal(binary: &BinaryExpression<'_>, text: &str) -> Option<Finding> {
    let Expression::TSNonNullExpression(left) = &binary.left else { return None };
    let (span, written) = apart(left.span.end - 1, text)?;
    let message =
        format!("`{written}` are two signs, since a space stands between them: this is true where both are equal.");
    Some(misleading(span, message).help(UNEQUAL))
}

/// The same in JavaScript, which has no such `!`.
pub(super) fn unequal_in_javascript(sign: Span, text: &str) -> Option<Finding> {
    let (span, written) = apart(sign.start, text)?;
    let message = format!("`{written}` are two signs, since a space stands between them.");
    Some(Finding::error(Code::Syntax, span, message).help(UNEQUAL))
}

/// `=!` or `! =` in a condition, which is `!=` turned around or torn apart.
pub(super) fn turned(assignment: &AssignmentExpression<'_>, text: &str) -> Option<Finding> {
    if let AssignmentTarget::TSNonNullExpression(left) = &assignment.left {
        let (span, written) = apart(left.span.end - 1, text)?;
        return Some(misleading(span, format!("This condition assigns: `{written}` compares nothing.")).help(UNEQUAL));
    }
    let Expression::UnaryExpression(negated) = &assignment.right else { return None };
    let at = negated.span.start as usize;
    let written = text.get(..at)?.ends_with('=') && text.get(at + 1..)?.starts_with([' ', '\t']);
    (negated.operator == UnaryOperator::LogicalNot && written).then(|| {
        let sign = Span::new(negated.span.start - 1, negated.span.start + 1);
        misleading(sign, "This condition assigns: `=!` compares nothing.").help(UNEQUAL)
    })
}

/// `list.sort((a, b) => a > b)`
pub(super) fn sorted_by_answer(call: &CallExpression<'_>, text: &str) -> Option<Finding> {
    method(call).filter(|(name, _)| matches!(*name, "sort" | "toSorted"))?;
    let Expression::BinaryExpression(compared) = given(call.arguments.first()?)?.without_parentheses() else {
        return None;
    };
    let (less, more) = match compared.operator {
        BinaryOperator::GreaterThan | BinaryOperator::GreaterEqualThan => ("-1", "1"),
        BinaryOperator::LessThan | BinaryOperator::LessEqualThan => ("1", "-1"),
        _ => return None,
    };
    let side = |side: &Expression<'_>, other| {
        let written = text.get(side.span().start as usize..side.span().end as usize);
        written.filter(|written| written.len() <= 30 && !written.contains('\n')).unwrap_or(other)
    };
    let (left, right) = (side(&compared.left, "a"), side(&compared.right, "b"));
    let numbers = if less == "-1" { format!("{left} - {right}") } else { format!("{right} - {left}") };
    let message = "`sort` goes by a number, and this gives true or false.";
    Some(misleading(compared.span, message).help(format!(
        "For numbers write `{numbers}`; for texts `{left} < {right} ? {less} : {left} > {right} ? {more} : 0`."
    )))
}

/// `return list.forEach((line) => line.total)`, `const totals = list.forEach(…)`. Where it is only returned, which also leaves a
/// function, the function for each element must give a value.
pub(super) fn nothing_given(value: &Expression<'_>, only_returned: bool) -> Option<Finding> {
    let call = match value.without_parentheses() {
        Expression::CallExpression(call) => call,
        Expression::ChainExpression(chain) => match &chain.expression {
            ChainElement::CallExpression(call) => call,
            _ => return None,
        },
        _ => return None,
    };
    let (_, span) = method(call).filter(|(name, _)| *name == "forEach")?;
    let callback = call.arguments.first()?;
    let function = matches!(callback, Argument::ArrowFunctionExpression(_) | Argument::FunctionExpression(_));
    let gives = given(callback).is_some_and(is_read);
    (function && (gives || !only_returned)).then(|| {
        misleading(span, "`forEach` gives nothing back.")
            .help("Write `map` for a list of what the function returns, `filter` for some of the elements.")
    })
}

/// What a function returns in its last statement, or by being an expression.
fn given<'a, 's>(function: &'s Argument<'a>) -> Option<&'s Expression<'a>> {
    let body = match function {
        Argument::ArrowFunctionExpression(arrow) => match &arrow.body {
            ArrowFunctionBody::FunctionBody(body) => body,
            body => return body.as_expression(),
        },
        Argument::FunctionExpression(function) => function.body.as_ref()?,
        _ => return None,
    };
    match body.statements.last()? {
        Statement::ReturnStatement(returned) => returned.argument.as_ref(),
        _ => None,
    }
}

/// Whether an expression only reads: it is there for its value.
pub(super) fn is_read(value: &Expression<'_>) -> bool {
    matches!(
        value.without_parentheses(),
        Expression::StaticMemberExpression(_)
            | Expression::ComputedMemberExpression(_)
            | Expression::Identifier(_)
            | Expression::BinaryExpression(_)
            | Expression::TemplateLiteral(_)
            | Expression::ObjectExpression(_)
            | Expression::ArrayExpression(_)
    )
}
