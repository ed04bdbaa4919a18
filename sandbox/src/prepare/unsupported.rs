//! Syntax that is valid TypeScript, but that the engine cannot run, or not with the same meaning.

use oxc::ast::AstKind;
use oxc::ast::ast::*;
use oxc::span::{GetSpan, Span};
use scriptmill_sdk::Code;

use super::source::Finding;

/// The finding for a node of such syntax.
pub(super) fn find(kind: &AstKind<'_>) -> Option<Finding> {
    let (span, message, help) = match kind {
        AstKind::Decorator(decorator) => (
            decorator.span,
            "Decorators are not supported.",
            "Call a function on the class or method instead: `Order = logged(Order)`.",
        ),
        AstKind::ImportDeclaration(import) if import.with_clause.is_some() => attributes(import.with_clause.as_deref()),
        AstKind::ExportFromDeclaration(export) if export.with_clause.is_some() => {
            attributes(export.with_clause.as_deref())
        }
        AstKind::ExportAllDeclaration(export) if export.with_clause.is_some() => {
            attributes(export.with_clause.as_deref())
        }
        AstKind::ImportDeclaration(import) if import.phase.is_some() => phase(import.span),
        AstKind::ImportExpression(import) if import.phase.is_some() => phase(import.span),
        AstKind::ImportExpression(import) => {
            let options = import.options.as_ref().filter(|options| has_attributes(options))?;
            (options.span(), "Import attributes are not supported.", ATTRIBUTES_HELP)
        }
        AstKind::TSImportEqualsDeclaration(import)
            if import.import_kind.is_value()
                && matches!(import.module_reference, TSModuleReference::ExternalModuleReference(_)) =>
        {
            (
                import.span,
                "`import … = require(…)` is not supported.",
                "Write `import * as name from './module.ts'` or `import name from './module.ts'`.",
            )
        }
        AstKind::TSExportAssignment(export) => {
            (export.span, "`export =` is not supported.", "Write `export default` instead.")
        }
        AstKind::V8IntrinsicExpression(call) => (call.span, "Intrinsics of V8 are not supported.", "Leave them out."),
        _ => return None,
    };
    Some(Finding::error(Code::UnsupportedSyntax, span, message).help(help))
}

const ATTRIBUTES_HELP: &str =
    "Leave `with {…}` out. Data goes into a TypeScript module that exports it, or into the script's input.";

fn attributes(clause: Option<&WithClause<'_>>) -> (Span, &'static str, &'static str) {
    (clause.map_or(Span::empty(0), |clause| clause.span), "Import attributes are not supported.", ATTRIBUTES_HELP)
}

/// Whether the second argument of `import()` certainly has import attributes.
fn has_attributes(options: &Expression<'_>) -> bool {
    let Expression::ObjectExpression(options) = options.without_parentheses() else { return false };
    options.properties.iter().any(|property| {
        let ObjectPropertyKind::ObjectProperty(property) = property else { return false };
        let attributes = property.key.static_name().is_some_and(|name| name == "with" || name == "assert");
        attributes && matches!(&property.value, Expression::ObjectExpression(asked) if !asked.properties.is_empty())
    })
}

fn phase(span: Span) -> (Span, &'static str, &'static str) {
    (span, "`import defer` and `import source` are not supported.", "Write a plain `import`.")
}
