//! Promises that nobody waits for, and promises that never settle.

use std::collections::HashSet;

use oxc::ast::ast::*;
use oxc::ast_visit::{Visit, walk};
use oxc::semantic::{Scoping, SymbolId};
use oxc::span::Span;
use oxc::syntax::scope::ScopeFlags;
use scriptmill_sdk::Code;

use super::source::Finding;

/// Calls of a module's own async functions, as far as they were seen.
#[derive(Default)]
pub(super) struct Promises {
    is_async: HashSet<SymbolId>,
    /// Calls whose value nobody takes, with the function's name.
    dropped: Vec<(SymbolId, String, Span)>,
}

impl Promises {
    pub(super) fn function(&mut self, function: &Function<'_>) {
        if function.r#async && !function.generator {
            self.is_async.extend(function.id.as_ref().and_then(|id| id.symbol_id.get()));
        }
    }

    pub(super) fn variable(&mut self, declarator: &VariableDeclarator<'_>) {
        let is_async = match declarator.init.as_ref().map(Expression::get_inner_expression) {
            Some(Expression::ArrowFunctionExpression(arrow)) => arrow.r#async,
            Some(Expression::FunctionExpression(function)) => function.r#async && !function.generator,
            _ => false,
        };
        if is_async {
            self.is_async.extend(declarator.id.get_binding_identifier().and_then(|id| id.symbol_id.get()));
        }
    }

    /// A call that is a statement of its own.
    pub(super) fn statement(&mut self, call: &CallExpression<'_>, scoping: &Scoping) -> Option<Finding> {
        match call.callee.without_parentheses() {
            Expression::Identifier(identifier) => {
                let symbol = scoping.get_reference(identifier.reference_id.get()?).symbol_id();
                match symbol {
                    Some(symbol) => self.dropped.push((symbol, identifier.name.to_string(), call.span)),
                    None if identifier.name == "sleep" => {
                        let message = "Nobody waits for this `sleep`: the script goes on at once.";
                        return Some(dropped(call.span, message).help("Write `await` before it."));
                    }
                    None => {}
                }
                None
            }
            Expression::StaticMemberExpression(member) if member.property.name == "forEach" => {
                let span = async_callback(call)?;
                let message = "`forEach` waits for no async function: the script goes on while they run.";
                Some(dropped(span, message).help("Write `for (const line of lines) { await …; }`, or `await Promise.all(lines.map(async (line) => …))`."))
            }
            _ => None,
        }
    }

    /// The findings for dropped calls of async functions whose names are never given another value.
    pub(super) fn finish(self, scoping: &Scoping) -> impl Iterator<Item = Finding> {
        let Self { is_async, dropped: calls } = self;
        let known: Vec<_> = calls
            .into_iter()
            .filter(|(symbol, ..)| is_async.contains(symbol) && !scoping.symbol_is_mutated(*symbol))
            .collect();
        known.into_iter().map(|(_, name, span)| {
            let message = format!("Nobody waits for '{name}', which is async: where the entry ends before it, the rest of it is dropped, with its errors.");
            dropped(span, message).help(format!("Write `await {name}(…)`; or `void {name}(…)` where that is meant."))
        })
    }
}

fn dropped(span: Span, message: impl Into<String>) -> Finding {
    Finding::warning(Code::PromiseDropped, span, message)
}

fn async_callback(call: &CallExpression<'_>) -> Option<Span> {
    match call.arguments.first()? {
        Argument::ArrowFunctionExpression(arrow) if arrow.r#async => Some(Span::sized(arrow.span.start, 5)),
        Argument::FunctionExpression(function) if function.r#async => Some(Span::sized(function.span.start, 5)),
        _ => None,
    }
}

/// `lines.filter(async (line) => …)`: a promise is always true.
pub(super) fn always_true(call: &CallExpression<'_>) -> Option<Finding> {
    let Expression::StaticMemberExpression(member) = call.callee.without_parentheses() else { return None };
    let name = member.property.name.as_str();
    if !matches!(name, "filter" | "some" | "every" | "find" | "findIndex" | "findLast" | "sort") {
        return None;
    }
    let span = async_callback(call)?;
    let message = format!("`{name}` waits for no async function: it takes the promise itself, which counts as true.");
    Some(
        dropped(span, message)
            .help("Compute the answers first: `const answers = await Promise.all(lines.map(async (line) => …))`."),
    )
}

/// The finding for a `new Promise(…)` that certainly never settles, or not on all paths through its function.
pub(super) fn never_settles(new: &NewExpression<'_>, scoping: &Scoping) -> Option<Finding> {
    let Expression::Identifier(callee) = &new.callee else { return None };
    let is_global = scoping.get_reference(callee.reference_id.get()?).symbol_id().is_none();
    let [executor] = &new.arguments[..] else { return None };
    let (parameters, body) = match executor {
        Argument::ArrowFunctionExpression(arrow) => match &arrow.body {
            ArrowFunctionBody::FunctionBody(body) => (&arrow.params, body),
            _ => return None,
        },
        Argument::FunctionExpression(function) => (&function.params, function.body.as_ref()?),
        _ => return None,
    };
    let none = body.statements.is_empty() && parameters.items.is_empty();
    // The author of `new Promise(() => {})` means it to wait for ever.
    if callee.name != "Promise" || !is_global || none || parameters.rest.is_some() {
        return None;
    }
    let mut settlers = Vec::new();
    for parameter in &parameters.items {
        settlers.push(parameter.pattern.get_binding_identifier()?.symbol_id.get()?);
    }
    let mut uses = Uses { scoping, settlers: &settlers, calls: 0 };
    uses.visit_function_body(body);
    let all: usize = settlers.iter().map(|symbol| scoping.get_resolved_references(*symbol).count()).sum();
    // A function that is handed on, or called later, may settle the promise at another time.
    if uses.calls < all || settles(&body.statements, scoping, &settlers) {
        return None;
    }
    let (message, help) = match all {
        0 => (
            "This promise never settles: its function calls neither `resolve` nor `reject`.",
            "Call `resolve(value)`, or make the function `async` and return the value.",
        ),
        _ => (
            "This promise settles on some ways only: on the others neither `resolve` nor `reject` is called, and who waits for it waits for ever.",
            "Call `resolve(value)` on every way, or make the function `async` and return the value.",
        ),
    };
    Some(Finding::warning(Code::PromiseDropped, Span::new(new.span.start, callee.span.end), message).help(help))
}

/// Counts the calls of the functions that settle a promise, outside of other functions.
struct Uses<'s> {
    scoping: &'s Scoping,
    settlers: &'s [SymbolId],
    calls: usize,
}

fn is_call(call: &CallExpression<'_>, scoping: &Scoping, settlers: &[SymbolId]) -> bool {
    let Expression::Identifier(callee) = call.callee.without_parentheses() else { return false };
    let symbol = callee.reference_id.get().and_then(|id| scoping.get_reference(id).symbol_id());
    symbol.is_some_and(|symbol| settlers.contains(&symbol))
}

impl<'a> Visit<'a> for Uses<'_> {
    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        self.calls += usize::from(is_call(call, self.scoping, self.settlers));
        walk::walk_call_expression(self, call);
    }

    fn visit_function(&mut self, _: &Function<'a>, _: ScopeFlags) {}

    fn visit_arrow_function_expression(&mut self, _: &ArrowFunctionExpression<'a>) {}
}

/// Whether the statements surely settle the promise, or may in a way that is not looked into.
fn settles(statements: &[Statement<'_>], scoping: &Scoping, settlers: &[SymbolId]) -> bool {
    statements.iter().any(|statement| match statement {
        Statement::ExpressionStatement(statement) => match statement.expression.without_parentheses() {
            Expression::CallExpression(call) => is_call(call, scoping, settlers),
            Expression::AwaitExpression(_)
            | Expression::LogicalExpression(_)
            | Expression::ConditionalExpression(_)
            | Expression::SequenceExpression(_) => true,
            _ => false,
        },
        Statement::ReturnStatement(returned) => match returned.argument.as_ref().map(Expression::without_parentheses) {
            Some(Expression::CallExpression(call)) => is_call(call, scoping, settlers),
            Some(Expression::ConditionalExpression(_) | Expression::LogicalExpression(_)) => true,
            _ => false,
        },
        Statement::IfStatement(choice) => {
            let branch = |statement: &Statement<'_>| match statement {
                Statement::BlockStatement(block) => settles(&block.body, scoping, settlers),
                statement => settles(std::slice::from_ref(statement), scoping, settlers),
            };
            branch(&choice.consequent) && choice.alternate.as_ref().is_some_and(branch)
        }
        Statement::BlockStatement(block) => settles(&block.body, scoping, settlers),
        Statement::ThrowStatement(_) => true,
        // Loops, `switch` and `try` are not looked into.
        Statement::VariableDeclaration(_) | Statement::FunctionDeclaration(_) | Statement::EmptyStatement(_) => false,
        _ => true,
    })
}
