//! Whether a job can call anything of the main module, and in which form a bundler or compiler left it.

use std::collections::{HashMap, HashSet};

use oxc::ast::ast::*;
use oxc::span::{GetSpan, Span};
use scriptmill_sdk::Code;

use super::checked::ModuleKind;
use super::inspect::Facts;
use super::source::Finding;

const NO_ENTRY: &str = "The script has no entry: no function that a job can call.";
/// How many of the functions that can be called a message names.
const NAMED_MAX: usize = 5;
const AS_MODULES: &str = "Make it again as ES modules: `--format=esm` for esbuild, `--module esnext` for tsc, the format `es` for Rollup and Vite.";

/// What a job would meet under a name.
#[derive(Clone, Copy)]
enum Value {
    Callable,
    Unknown,
    /// It cannot be called, or not as an entry: what it is instead.
    Not(&'static str),
}

/// A name that the module exports.
struct Export {
    name: String,
    span: Span,
    value: Value,
}

/// What is wrong with the entry of the main module, once its types are gone. Returns `None` unless the fault is certain.
pub(super) fn check(
    program: &Program<'_>,
    kind: ModuleKind,
    facts: &Facts,
    declared_main: Option<Span>,
) -> Option<Finding> {
    let known = declared(program);
    if kind == ModuleKind::Script {
        let main = known.get("main").copied();
        return match (main, declared_main) {
            (Some(Value::Not(what)), Some(span)) => Some(no_function(span, what, "main")),
            (_, Some(_)) => None,
            _ if facts.mentions_main => exported_within(program, facts),
            _ => Some(missing(program, kind, facts, declared_main)),
        };
    }
    let (exports, is_open) = exports(program, &known);
    let find = |name: &str| exports.iter().find(|export| export.name == name);
    let callable = |export: &&Export| !matches!(export.value, Value::Not(_));
    let is_callable = |name: &str| find(name).is_some_and(|export| callable(&export));
    if let Some(Export { span, value: Value::Not(what), .. }) = find("default") {
        let called = matches!(*what, CLASS | GENERATOR | ASYNC_GENERATOR);
        let others = exports.iter().any(|export| export.name != "default" && callable(&export))
            || is_open
            || facts.mentions_main;
        return match (called, others, is_callable("main")) {
            (false, _, true) => None,
            (_, true, _) => {
                Some(Finding { severity: scriptmill_sdk::Severity::Warning, ..no_function(*span, what, "default") })
            }
            _ => Some(no_function(*span, what, "default")),
        };
    }
    if find("default").is_some() || is_callable("main") || is_open || facts.mentions_main {
        return None;
    }
    let named: Vec<&Export> = exports.iter().filter(callable).collect();
    match (named.first(), exports.first()) {
        (Some(first), _) => Some(to_be_named(first.span, &named)),
        (None, Some(Export { span, value: Value::Not(what), name })) => Some(no_function(*span, what, name)),
        _ => Some(missing(program, kind, facts, declared_main)),
    }
}

fn no_function(span: Span, what: &'static str, name: &str) -> Finding {
    let message = format!("The entry must be a function that a job can call; this is {what}.");
    let help = match (what, name) {
        (CLASS, _) => {
            "Export a function that makes an object of it: `export default function (input) { return new Order(input).total(); }`."
        }
        (GENERATOR | ASYNC_GENERATOR, _) => "Leave the `*` out, and return the values as a list.",
        (_, "main") => "Write `function main(input) { … }`.",
        _ => "Write `export default function (input, ctx) { … }`.",
    };
    Finding::error(Code::MissingEntry, span, message).help(help)
}

fn to_be_named(span: Span, named: &[&Export]) -> Finding {
    let known: Vec<&str> = named
        .iter()
        .filter(|export| matches!(export.value, Value::Callable))
        .map(|export| export.name.as_str())
        .collect();
    let all: Vec<&str> =
        if known.is_empty() { named.iter().map(|export| export.name.as_str()).collect() } else { known };
    let listed: Vec<String> = all.iter().take(NAMED_MAX).map(|name| format!("'{name}'")).collect();
    let more = if all.len() > NAMED_MAX { " or another one" } else { "" };
    let message = format!("The script has no default entry: a job must name {}{more}.", listed.join(" or "));
    let help = format!(
        "Name it in the job (`entry`) or with `--entry {}`; or write `export default` before the function.",
        all.first().copied().unwrap_or_default()
    );
    Finding::warning(Code::MissingEntry, span, message).help(help)
}

const CLASS: &str = "a class";
const GENERATOR: &str = "a generator";
const ASYNC_GENERATOR: &str = "an async generator";

fn of_function(function: &Function<'_>) -> Value {
    match (function.generator, function.r#async) {
        (true, true) => Value::Not(ASYNC_GENERATOR),
        (true, false) => Value::Not(GENERATOR),
        _ => Value::Callable,
    }
}

fn of_expression(expression: &Expression<'_>, known: &HashMap<String, Value>) -> Value {
    match expression.get_inner_expression() {
        Expression::ArrowFunctionExpression(_) => Value::Callable,
        Expression::FunctionExpression(function) => of_function(function),
        Expression::ClassExpression(_) => Value::Not(CLASS),
        Expression::ObjectExpression(_) => Value::Not("an object"),
        Expression::ArrayExpression(_) => Value::Not("a list"),
        Expression::StringLiteral(_) | Expression::TemplateLiteral(_) => Value::Not("a text"),
        Expression::NumericLiteral(_) | Expression::BigIntLiteral(_) => Value::Not("a number"),
        Expression::BooleanLiteral(_) => Value::Not("a boolean"),
        Expression::NullLiteral(_) => Value::Not("null"),
        Expression::RegExpLiteral(_) => Value::Not("a pattern"),
        Expression::Identifier(name) => known.get(name.name.as_str()).copied().unwrap_or(Value::Unknown),
        _ => Value::Unknown,
    }
}

/// The names that are declared at top level, each with its value; `Unknown` for variables that may change.
fn declared(program: &Program<'_>) -> HashMap<String, Value> {
    let mut known = HashMap::new();
    let variables = |declaration: &VariableDeclaration<'_>, known: &mut HashMap<String, Value>| {
        for declarator in &declaration.declarations {
            let Some(name) = declarator.id.get_binding_identifier() else { continue };
            let value = match &declarator.init {
                Some(init) if declaration.kind == VariableDeclarationKind::Const => of_expression(init, known),
                _ => Value::Unknown,
            };
            known.insert(name.name.to_string(), value);
        }
    };
    for statement in &program.body {
        let (function, class) = match statement {
            Statement::FunctionDeclaration(function) => (Some(function), None),
            Statement::ClassDeclaration(class) => (None, Some(class)),
            Statement::VariableDeclaration(declaration) => {
                variables(declaration, &mut known);
                continue;
            }
            Statement::ExportDeclaration(export) => match &export.declaration {
                Declaration::FunctionDeclaration(function) => (Some(function), None),
                Declaration::ClassDeclaration(class) => (None, Some(class)),
                Declaration::VariableDeclaration(declaration) => {
                    variables(declaration, &mut known);
                    continue;
                }
                _ => continue,
            },
            _ => continue,
        };
        if let Some(name) = function.and_then(|function| function.id.as_ref()) {
            known.insert(name.name.to_string(), function.map_or(Value::Unknown, |function| of_function(function)));
        }
        if let Some(name) = class.and_then(|class| class.id.as_ref()) {
            known.insert(name.name.to_string(), Value::Not(CLASS));
        }
    }
    known
}

/// What the module exports, and whether it may export more than can be seen.
fn exports(program: &Program<'_>, known: &HashMap<String, Value>) -> (Vec<Export>, bool) {
    let (mut exports, mut is_open) = (Vec::new(), false);
    for statement in &program.body {
        match statement {
            Statement::ExportDefaultDeclaration(export) => {
                let (value, span) = match &export.declaration {
                    ExportDefaultDeclarationKind::FunctionDeclaration(function) => {
                        (of_function(function), Span::new(export.span.start, function.params.span.start))
                    }
                    ExportDefaultDeclarationKind::ClassDeclaration(class) => {
                        (Value::Not(CLASS), Span::new(export.span.start, class.body.span.start))
                    }
                    declaration => match declaration.as_expression() {
                        Some(expression) => (of_expression(expression, known), expression.span()),
                        None => (Value::Unknown, export.span),
                    },
                };
                exports.push(Export { name: "default".to_owned(), span, value });
            }
            Statement::ExportDeclaration(export) => {
                let mut add = |name: &BindingIdentifier<'_>| {
                    let value = known.get(name.name.as_str()).copied().unwrap_or(Value::Unknown);
                    exports.push(Export { name: name.name.to_string(), span: name.span, value });
                };
                match &export.declaration {
                    Declaration::FunctionDeclaration(function) => function.id.iter().for_each(add),
                    Declaration::ClassDeclaration(class) => class.id.iter().for_each(add),
                    Declaration::VariableDeclaration(declaration) => {
                        for declarator in &declaration.declarations {
                            declarator.id.get_binding_identifiers().into_iter().for_each(&mut add);
                        }
                    }
                    _ => {}
                }
            }
            Statement::ExportNamedDeclaration(export) => {
                for specifier in &export.specifiers {
                    let value = known.get(specifier.local.name().as_str()).copied().unwrap_or(Value::Unknown);
                    exports.push(Export { name: specifier.exported.name().to_string(), span: specifier.span, value });
                }
            }
            Statement::ExportFromDeclaration(export) => {
                for specifier in &export.specifiers {
                    let name = specifier.exported.name().to_string();
                    exports.push(Export { name, span: specifier.span, value: Value::Unknown });
                }
            }
            Statement::ExportAllDeclaration(_) => is_open = true,
            _ => {}
        }
    }
    (exports, is_open)
}

/// The finding for a script that has nothing to call at all.
fn missing(program: &Program<'_>, kind: ModuleKind, facts: &Facts, declared_main: Option<Span>) -> Finding {
    if let (ModuleKind::Module, Some(span)) = (kind, declared_main) {
        let help =
            "'main' is declared, but only exported functions of a module can be called: write `export` before it.";
        return Finding::error(Code::MissingEntry, span, NO_ENTRY).help(help);
    }
    let function = program.body.iter().find_map(|statement| match statement {
        Statement::FunctionDeclaration(function) => function.id.as_ref(),
        _ => None,
    });
    if let Some(span) = called_at_once(program) {
        let format = if facts.asks_for_loader { "UMD" } else { "IIFE" };
        let message =
            format!("The script has no entry: this is a bundle in the format {format}, whose exports are gone.");
        return Finding::error(Code::MissingEntry, span, message).help(AS_MODULES);
    }
    match function {
        Some(name) => {
            let help = format!(
                "If '{0}' is the entry, write `export default` before it: `export default function {0}(…)`.",
                name.name
            );
            Finding::error(Code::MissingEntry, name.span, NO_ENTRY).help(help)
        }
        None => {
            let help = "Write `export default function (input, ctx) { … }`, or a plain `function main(input) { … }`.";
            Finding::error(Code::MissingEntry, Span::empty(0), NO_ENTRY).help(help)
        }
    }
}

/// The finding for a bundle whose `main` is, as far as can be seen, a field of the object that it exports, which no job reaches.
fn exported_within(program: &Program<'_>, facts: &Facts) -> Option<Finding> {
    let [statement] = program.body.as_slice() else { return None };
    let text = program.source_text;
    let format = match statement {
        _ if facts.asks_for_loader => "UMD",
        Statement::VariableDeclaration(_)
            if !["globalThis", "window", "self"].iter().any(|name| text.contains(name)) =>
        {
            "IIFE"
        }
        _ => return None,
    };
    let span = called_at_once(program)?;
    text.match_indices(".main").all(|(at, _)| text[..at].ends_with("exports")).then(|| {
        let message = format!("This is a bundle in the format {format}; a job cannot call what it exports.");
        Finding::warning(Code::MissingEntry, span, message).help(AS_MODULES)
    })
}

/// The place of a function that is called as soon as it is made. Bundlers write one around all modules.
fn called_at_once(program: &Program<'_>) -> Option<Span> {
    program.body.iter().find_map(|statement| {
        let expression = match statement {
            Statement::ExpressionStatement(statement) => &statement.expression,
            Statement::VariableDeclaration(declaration) => declaration.declarations.last()?.init.as_ref()?,
            _ => return None,
        };
        let mut expression = expression.without_parentheses();
        loop {
            expression = match expression {
                Expression::UnaryExpression(unary) => unary.argument.without_parentheses(),
                Expression::AssignmentExpression(assignment) => assignment.right.without_parentheses(),
                Expression::CallExpression(call) => {
                    let callee = match call.callee.without_parentheses() {
                        // `(function () { … }).call(this)`
                        Expression::StaticMemberExpression(member) => member.object.without_parentheses(),
                        callee => callee,
                    };
                    let function =
                        matches!(callee, Expression::FunctionExpression(_) | Expression::ArrowFunctionExpression(_));
                    return function.then(|| Span::new(statement.span().start, callee.span().start + 1));
                }
                _ => return None,
            };
        }
    })
}

/// The finding for a module that is written for another loader, at the first statement that certainly fails because a name of
/// that loader is missing.
pub(super) fn other_loader(
    program: &Program<'_>,
    kind: ModuleKind,
    main: bool,
    foreign: &HashSet<String>,
) -> Option<Finding> {
    if main && kind == ModuleKind::Module
        || !["module", "exports", "require", "define", "System"].iter().any(|name| foreign.contains(*name))
    {
        return None;
    }
    let (span, format) = program.body.iter().find_map(|statement| match statement {
        Statement::ExpressionStatement(statement) => loader_of(&statement.expression, foreign),
        Statement::VariableDeclaration(declaration) => declaration
            .declarations
            .iter()
            .filter_map(|declarator| declarator.init.as_ref())
            .find_map(|init| loader_of(init, foreign)),
        _ => None,
    })?;
    let message = format!("This is a module in the format {format}; a job can call only what an ES module exports.");
    let help =
        format!("{AS_MODULES} In a source write `import` for `require`, and `export default` for `module.exports =`.");
    let code = if main { Code::MissingEntry } else { Code::UnsupportedSyntax };
    Some(Finding::error(code, span, message).help(help))
}

fn loader_of(expression: &Expression<'_>, foreign: &HashSet<String>) -> Option<(Span, &'static str)> {
    let name = |expression: &Expression<'_>| match expression.without_parentheses() {
        Expression::Identifier(identifier) => Some((identifier.name.to_string(), identifier.span)),
        _ => None,
    };
    let is = |expression: &Expression<'_>, names: &[&str]| {
        name(expression)
            .filter(|(name, _)| names.contains(&name.as_str()) && foreign.contains(name))
            .map(|(_, span)| span)
    };
    match expression.without_parentheses() {
        Expression::AssignmentExpression(assignment) => {
            let mut object = match &assignment.left {
                AssignmentTarget::StaticMemberExpression(member) => member.object.without_parentheses(),
                AssignmentTarget::ComputedMemberExpression(member) => member.object.without_parentheses(),
                _ => return loader_of(&assignment.right, foreign),
            };
            while let Expression::StaticMemberExpression(member) = object {
                object = member.object.without_parentheses();
            }
            match is(object, &["module", "exports"]) {
                Some(span) => Some((span, "CommonJS")),
                None => loader_of(&assignment.right, foreign),
            }
        }
        Expression::StaticMemberExpression(member) => loader_of(&member.object, foreign),
        Expression::CallExpression(call) => {
            if let Some(span) = is(&call.callee, &["require"]) {
                return Some((span, "CommonJS"));
            }
            if let Some(span) = is(&call.callee, &["define"]) {
                return Some((span, "AMD"));
            }
            if let Expression::StaticMemberExpression(member) = call.callee.without_parentheses()
                && let Some(span) = is(&member.object, &["System"])
            {
                return Some((span, "SystemJS"));
            }
            let arguments = call.arguments.iter().filter_map(Argument::as_expression);
            arguments
                .filter(|argument| {
                    !matches!(argument, Expression::FunctionExpression(_) | Expression::ArrowFunctionExpression(_))
                })
                .find_map(|argument| match is(argument, &["exports", "module"]) {
                    Some(span) => Some((span, "CommonJS")),
                    None => loader_of(argument, foreign),
                })
        }
        _ => None,
    }
}
