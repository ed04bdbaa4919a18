//! Code that runs and does something else than it seems to: a value turns out to be a statement, a comparison can only have one
//! answer, or a locale is asked for that scripts do not have.

use oxc::ast::AstKind;
use oxc::ast::ast::*;
use oxc::span::{GetSpan, Span};
use oxc::syntax::operator::{AssignmentOperator, BinaryOperator, UnaryOperator};
use scriptmill_sdk::Code;

use super::mistaken::{self, method};
use super::source::Finding;

/// The finding for a node by itself. `unused` is the span of a call whose value nobody takes.
pub(super) fn find(kind: &AstKind<'_>, text: &str, unused: Span) -> Option<Finding> {
    match kind {
        AstKind::ArrowFunctionExpression(arrow) => {
            labelled_object(arrow).or_else(|| mistaken::nothing_given(arrow.body.as_expression()?, true))
        }
        AstKind::ReturnStatement(returned) => mistaken::nothing_given(returned.argument.as_ref()?, true),
        AstKind::VariableDeclarator(declared) => mistaken::nothing_given(declared.init.as_ref()?, false),
        AstKind::NumericLiteral(number) => mistaken::inexact(number),
        AstKind::FunctionBody(body) => bare_return(&body.statements, text),
        AstKind::BlockStatement(block) => bare_return(&block.body, text),
        AstKind::SwitchCase(case) => bare_return(&case.consequent, text),
        AstKind::ExpressionStatement(statement) => without_effect(statement),
        AstKind::IfStatement(statement) => {
            assigned_condition(&statement.test, text).or_else(|| empty_branch(statement, text))
        }
        AstKind::WhileStatement(statement) => assigned_condition(&statement.test, text),
        AstKind::ConditionalExpression(choice) => assigned_condition(&choice.test, text),
        AstKind::BinaryExpression(binary) => mistaken::unequal(binary, text)
            .or_else(|| comparison(binary))
            .or_else(|| joined_by_and(binary))
            .or_else(|| mistaken::date(binary, text)),
        AstKind::CallExpression(call) => {
            locale(call).or_else(|| silent_callback(call, unused)).or_else(|| mistaken::sorted_by_answer(call, text))
        }
        _ => None,
    }
}

fn misleading(span: Span, message: impl Into<String>) -> Finding {
    Finding::warning(Code::Misleading, span, message)
}

/// `=> { name: line.name }`: a block with a label.
fn labelled_object(arrow: &ArrowFunctionExpression<'_>) -> Option<Finding> {
    let ArrowFunctionBody::FunctionBody(body) = &arrow.body else { return None };
    let [Statement::LabeledStatement(labelled)] = &body.statements[..] else { return None };
    matches!(labelled.body, Statement::ExpressionStatement(_)).then(|| {
        let name = labelled.label.name.as_str();
        let message =
            format!("This function returns nothing: `{name}:` is a label in a block, not a field of an object.");
        misleading(labelled.label.span, message).help(format!("Put the object in parentheses: `=> ({{ {name}: … }})`."))
    })
}

/// `return` at the end of a line, and what it should return after it.
fn bare_return(statements: &[Statement<'_>], text: &str) -> Option<Finding> {
    statements.windows(2).find_map(|pair| {
        let [Statement::ReturnStatement(returned), next] = pair else { return None };
        let value = matches!(
            next,
            Statement::ExpressionStatement(_) | Statement::BlockStatement(_) | Statement::LabeledStatement(_)
        );
        let written = text.get(returned.span.start as usize..returned.span.end as usize)?;
        let between = text.get(returned.span.end as usize..next.span().start as usize)?;
        let plain = returned.argument.is_none() && written == "return" && between.chars().all(char::is_whitespace);
        (value && plain && between.matches('\n').count() == 1).then(|| {
            misleading(returned.span, "This `return` returns nothing: what follows on the next line is never reached.")
                .help("Begin the value on the line of the `return`, with `{`, `(` or `[` as its last sign.")
                .related(Span::sized(next.span().start, 1), "never reached")
        })
    })
}

/// A value that is computed and thrown away.
fn without_effect(statement: &ExpressionStatement<'_>) -> Option<Finding> {
    let expression = statement.expression.without_parentheses();
    let message = match expression {
        Expression::BinaryExpression(binary) if binary.operator.is_equality() => {
            return Some(
                misleading(binary.span, "This compares two values, and nothing takes the answer.")
                    .help("To assign write `=`; to return it write `return` before it."),
            );
        }
        Expression::BinaryExpression(binary)
            if binary.operator.is_compare()
                || matches!(
                    binary.operator,
                    BinaryOperator::Addition
                        | BinaryOperator::Subtraction
                        | BinaryOperator::Multiplication
                        | BinaryOperator::Division
                        | BinaryOperator::Remainder
                        | BinaryOperator::Exponential
                ) =>
        {
            "This computes a value, and nothing takes it."
        }
        Expression::TemplateLiteral(_) => "This makes a text, and nothing takes it.",
        Expression::ArrowFunctionExpression(_) => "This makes a function, and nothing calls it.",
        _ => return None,
    };
    Some(
        misleading(expression.span(), message)
            .help("Is `return` missing before it, or the name that it should have: `const name = …`?"),
    )
}

/// `if (status = "open")`.
fn assigned_condition(test: &Expression<'_>, text: &str) -> Option<Finding> {
    let Expression::AssignmentExpression(assignment) = test.without_parentheses() else { return None };
    if let Some(turned) = mistaken::turned(assignment, text) {
        return Some(turned);
    }
    let fixed = assignment.right.without_parentheses();
    let fixed = fixed.is_literal() || matches!(fixed, Expression::TemplateLiteral(text) if text.expressions.is_empty());
    (assignment.operator == AssignmentOperator::Assign && fixed).then(|| {
        misleading(assignment.span, "This condition assigns a value, so that it always has the same answer.")
            .help("To compare two values write `===`.")
    })
}

/// `if (…);`
fn empty_branch(statement: &IfStatement<'_>, text: &str) -> Option<Finding> {
    let Statement::EmptyStatement(empty) = &statement.consequent else { return None };
    let same_line =
        text.get(statement.test.span().end as usize..empty.span.start as usize).is_some_and(|gap| !gap.contains('\n'));
    (same_line && statement.alternate.is_none()).then(|| {
        misleading(empty.span, "This `;` ends the `if`: what comes after it happens in any case.")
            .help("Leave the `;` out.")
    })
}

/// Comparisons that have one answer whatever is compared.
fn comparison(binary: &BinaryExpression<'_>) -> Option<Finding> {
    let (left, right) = (binary.left.without_parentheses(), binary.right.without_parentheses());
    let sides = [left, right];
    if binary.operator.is_equality() {
        let always = match binary.operator {
            BinaryOperator::Equality | BinaryOperator::StrictEquality => "false",
            _ => "true",
        };
        if sides.iter().any(|side| matches!(side, Expression::Identifier(name) if name.name == "NaN")) {
            let message = format!("This is always {always}: NaN equals nothing, not even itself.");
            return Some(misleading(binary.span, message).help("Write `Number.isNaN(value)`."));
        }
        let fresh = sides.iter().find_map(|side| match side {
            Expression::ArrayExpression(_) => Some(("list", "`list.length === 0`")),
            Expression::ObjectExpression(_) => Some(("object", "`Object.keys(value).length === 0`")),
            _ => None,
        });
        // A text is equal to a list by `==`, if its elements are that text.
        let strict = matches!(binary.operator, BinaryOperator::StrictEquality | BinaryOperator::StrictInequality);
        if let Some((what, instead)) = fresh.filter(|(what, _)| strict || *what == "object") {
            let message = format!("This is always {always}: each {what} is equal to itself alone.");
            return Some(
                misleading(binary.span, message)
                    .help(format!("Compare what is in it; whether it is empty tells {instead}.")),
            );
        }
        return type_name(binary, sides);
    }
    let chained = binary.operator.is_compare()
        && matches!(left, Expression::BinaryExpression(inner) if inner.operator.is_compare());
    let negated = matches!(binary.operator, BinaryOperator::In | BinaryOperator::Instanceof)
        && matches!(&binary.left, Expression::UnaryExpression(unary) if unary.operator == UnaryOperator::LogicalNot);
    if chained {
        let message = "This compares the answer of the first comparison, true or false, with a value.";
        return Some(misleading(binary.span, message).help("Write both comparisons: `low < value && value < high`."));
    }
    negated.then(|| {
        let operator = binary.operator.as_str();
        misleading(binary.span, format!("`!` holds for what stands before `{operator}` alone."))
            .help(format!("Put the whole in parentheses: `!(… {operator} …)`."))
    })
}

/// `typeof x === "array"`.
fn type_name(binary: &BinaryExpression<'_>, sides: [&Expression<'_>; 2]) -> Option<Finding> {
    const NAMES: &[&str] = &["undefined", "object", "boolean", "number", "string", "function", "symbol", "bigint"];
    let asked = sides
        .iter()
        .any(|side| matches!(side, Expression::UnaryExpression(unary) if unary.operator == UnaryOperator::Typeof));
    let name = sides.iter().find_map(|side| match side {
        Expression::StringLiteral(text) => Some(text.value.as_str()),
        _ => None,
    })?;
    // Old hosts gave "unknown".
    (asked && !NAMES.contains(&name) && name != "unknown").then(|| {
        let help = match name {
            "array" | "Array" => "Write `Array.isArray(value)`.".to_owned(),
            "null" => "Write `value === null`.".to_owned(),
            "date" | "Date" => "Write `value instanceof Date`.".to_owned(),
            "NaN" | "nan" => "Write `Number.isNaN(value)`.".to_owned(),
            _ => match super::names::nearest(name, NAMES.iter().map(|name| (0, *name))) {
                Some(near) => format!("Did you mean '{near}'?"),
                None => format!("It gives {}.", NAMES.join(", ")),
            },
        };
        let shown: String = name.chars().take(40).collect();
        misleading(binary.span, format!("`typeof` never gives '{shown}'.")).help(help)
    })
}

/// Texts that are joined by `&`, as in spreadsheets and VB.
fn joined_by_and(binary: &BinaryExpression<'_>) -> Option<Finding> {
    let text = |side: &Expression<'_>| {
        matches!(side.without_parentheses(), Expression::StringLiteral(_) | Expression::TemplateLiteral(_))
    };
    (binary.operator == BinaryOperator::BitwiseAnd && (text(&binary.left) || text(&binary.right))).then(|| {
        misleading(binary.span, "`&` joins no texts: it takes both sides as numbers.")
            .help("Write `+`, or put the value into a text between backquotes: `…${name}…`.")
    })
}

/// The finding for a call that asks for a locale, a time zone or a format without data.
fn locale(call: &CallExpression<'_>) -> Option<Finding> {
    let (name, span) = method(call)?;
    let first = match name {
        "toLocaleString" | "toLocaleDateString" | "toLocaleTimeString" | "toLocaleUpperCase" | "toLocaleLowerCase" => 0,
        "localeCompare" => 1,
        _ => return None,
    };
    let arguments = call.arguments.iter().skip(first).enumerate();
    let given = arguments.filter(|(at, given)| !is_honoured(name, *at, given)).map(|(_, given)| given).next()?;
    let message =
        format!("`{name}` has no data for this locale or format: there is no Intl in scripts, only en-US and UTC.");
    let help = match name {
        "localeCompare" => "Compare what is equal for you, such as `a.toLowerCase()`, or numbers by `a - b`.",
        "toLocaleUpperCase" | "toLocaleLowerCase" => "Write `toUpperCase()` or `toLowerCase()`.",
        _ => {
            "Write numbers with `toFixed`, dates with `getUTCDate()`, `getUTCMonth() + 1` and the like, or bundle a library that brings its own tables."
        }
    };
    let place = if given.span().start > span.end { Span::new(span.start, given.span().end) } else { span };
    Some(Finding::warning(Code::LocaleIgnored, place, message).help(help))
}

/// Whether there is data for the locale (at 0) or the options (at 1) of a method. It is true as well if the argument cannot be
/// seen here. There is data for `en-US` and UTC; texts are compared in some languages of Latin letters.
fn is_honoured(method: &str, at: usize, argument: &Argument<'_>) -> bool {
    let language = |locale: &str| locale.split('-').next().unwrap_or_default().to_ascii_lowercase();
    match (at, argument) {
        _ if is_default(argument) => true,
        (0, Argument::StringLiteral(locale)) => match method {
            "localeCompare" => matches!(language(&locale.value).as_str(), "en" | "de" | "fr" | "it" | "nl" | "pt"),
            "toLocaleUpperCase" | "toLocaleLowerCase" => {
                !matches!(language(&locale.value).as_str(), "tr" | "az" | "lt" | "el")
            }
            _ => matches!(locale.value.as_str(), "en" | "en-US"),
        },
        (1, Argument::ObjectExpression(options)) => options.properties.iter().all(|property| {
            let ObjectPropertyKind::ObjectProperty(property) = property else { return true };
            let Some(name) = property.key.static_name() else { return true };
            let value = match &property.value {
                Expression::StringLiteral(text) => Some(text.value.as_str()),
                _ => None,
            };
            match (method, name.as_ref()) {
                ("localeCompare", name) => matches!(name, "numeric" | "sensitivity"),
                (_, "timeZone") => value.is_none_or(|zone| zone.eq_ignore_ascii_case("UTC")),
                ("toLocaleString", "minimumFractionDigits" | "maximumFractionDigits" | "useGrouping") => true,
                ("toLocaleString", "style") => value.is_none_or(|style| matches!(style, "percent" | "decimal")),
                _ => false,
            }
        }),
        _ => true,
    }
}

fn is_default(argument: &Argument<'_>) -> bool {
    match argument {
        Argument::Identifier(name) => name.name == "undefined",
        Argument::ArrayExpression(list) => list.elements.is_empty(),
        Argument::ObjectExpression(object) => object.properties.is_empty(),
        Argument::UnaryExpression(unary) => unary.operator == UnaryOperator::Void,
        _ => false,
    }
}

/// `filter((line) => { line.paid })`: a function that should return something, and never does.
fn silent_callback(call: &CallExpression<'_>, unused: Span) -> Option<Finding> {
    const TAKE: &[&str] = &[
        "map",
        "filter",
        "find",
        "findIndex",
        "findLast",
        "findLastIndex",
        "flatMap",
        "reduce",
        "reduceRight",
        "some",
        "every",
        "sort",
        "toSorted",
    ];
    let (name, span) = method(call).filter(|(name, _)| TAKE.contains(name))?;
    let body = match call.arguments.first()? {
        Argument::ArrowFunctionExpression(arrow) if !arrow.r#async => match &arrow.body {
            ArrowFunctionBody::FunctionBody(body) => body,
            _ => return None,
        },
        Argument::FunctionExpression(function) if !function.generator && !function.r#async => function.body.as_ref()?,
        _ => return None,
    };
    let last = body.statements.last()?;
    let counts = matches!(name, "sort" | "toSorted" | "filter" | "reduce" | "reduceRight") || call.span != unused;
    let plain = body
        .statements
        .iter()
        .all(|statement| matches!(statement, Statement::ExpressionStatement(_) | Statement::VariableDeclaration(_)));
    let Statement::ExpressionStatement(value) = last else { return None };
    // An expression with an effect may be all that is wanted of a list; one that only reads is a forgotten value.
    let reads = matches!(
        value.expression.without_parentheses(),
        Expression::StaticMemberExpression(_)
            | Expression::ComputedMemberExpression(_)
            | Expression::Identifier(_)
            | Expression::BinaryExpression(_)
            | Expression::LogicalExpression(_)
            | Expression::ConditionalExpression(_)
            | Expression::TemplateLiteral(_)
            | Expression::ChainExpression(_)
    );
    let counts = counts && (reads || !matches!(name, "map" | "flatMap"));
    (counts && plain).then(|| {
        let message = format!("This function returns nothing, and `{name}` goes by what it returns.");
        let help = "Write `return` before the value, or leave the braces out: `(line) => line.total`.";
        Finding::warning(Code::Misleading, value.span, message).help(help).related(span, "called here")
    })
}
