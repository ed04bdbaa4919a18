//! Reading the clock or a random number at top level, which runs once for many jobs.

use oxc::ast::ast::*;
use oxc::span::Span;
use scriptmill_sdk::Code;

use super::source::Finding;

const CLOCK_HELP: &str =
    "The top level runs once, for many jobs. Read the time inside the function that handles a job.";
const RANDOM_HELP: &str = "The top level runs once, for many jobs. Call it inside the function that handles a job.";

/// What is wrong with a call at top level, or with a `new`.
pub(super) fn find(
    callee: &Expression<'_>,
    plain: bool,
    new: bool,
    span: Span,
    is_global: impl Fn(&Expression<'_>, &str) -> bool,
) -> Option<Finding> {
    let member = |object: &str, property: &str| match callee {
        Expression::StaticMemberExpression(member) => {
            member.property.name == property && is_global(&member.object, object)
        }
        _ => false,
    };
    let what = if new {
        (plain && is_global(callee, "Date")).then_some("new Date()")
    } else if is_global(callee, "Date") {
        Some("Date()")
    } else if member("Date", "now") {
        Some("Date.now()")
    } else if member("performance", "now") {
        Some("performance.now()")
    } else {
        member("Math", "random").then_some("Math.random()")
    }?;
    let (message, help) = match what {
        "Math.random()" => ("Math.random() at top level gives the same number in every job.".to_owned(), RANDOM_HELP),
        _ => (format!("The clock stands still at top level: {what} gives the same instant in every job."), CLOCK_HELP),
    };
    Some(Finding::warning(Code::TopLevelClock, span, message).help(help))
}
