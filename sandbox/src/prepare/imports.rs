//! What a module imports.

use std::collections::HashSet;

use oxc::allocator::Allocator;
use oxc::ast::ast::*;
use oxc::ast_visit::{Visit, walk};
use oxc::semantic::{Scoping, SemanticBuilder};
use scriptmill_sdk::Module;

use super::parse::{literal, parse_any};
use super::source::text_of;
use super::weigh;

/// The specifiers of the values that a module imports, each once. There are none if it cannot be parsed.
pub(super) fn imports(module: &Module) -> Vec<String> {
    let allocator = Allocator::default();
    let parsed = parse_any(&allocator, &module.name, text_of(&module.source));
    let Some(parsed) = parsed.filter(|parsed| weigh::program(&parsed.program).is_none()) else { return Vec::new() };
    let semantic = SemanticBuilder::new().build(&parsed.program);
    let typescript = parsed.program.source_type.is_typescript();
    let scoping = typescript.then(|| semantic.semantic.into_scoping());
    let mut finder = Imports { scoping, found: Vec::new(), known: HashSet::new() };
    finder.visit_program(&parsed.program);
    finder.found
}

/// Whether TypeScript leaves an import out: all that it names is a type, or is used as one alone, or not at all.
pub(super) fn is_left_out(import: &ImportDeclaration<'_>, scoping: &Scoping) -> bool {
    let Some(specifiers) = &import.specifiers else { return false };
    import.import_kind.is_type()
        || specifiers.iter().all(|specifier| match specifier {
            ImportDeclarationSpecifier::ImportSpecifier(named) if named.import_kind.is_type() => true,
            _ => !is_used(specifier.local(), scoping),
        })
}

/// Whether what is imported by a name is used as more than a type.
pub(super) fn is_used(local: &BindingIdentifier<'_>, scoping: &Scoping) -> bool {
    let symbol = local.symbol_id.get();
    symbol.is_none_or(|symbol| scoping.get_resolved_references(symbol).any(|used| !used.is_type()))
}

struct Imports {
    /// Present if the module is TypeScript.
    scoping: Option<Scoping>,
    found: Vec<String>,
    known: HashSet<String>,
}

impl Imports {
    fn add(&mut self, specifier: &str) {
        if self.known.insert(specifier.to_owned()) {
            self.found.push(specifier.to_owned());
        }
    }
}

impl<'a> Visit<'a> for Imports {
    fn visit_import_declaration(&mut self, import: &ImportDeclaration<'a>) {
        let left_out = self.scoping.as_ref().is_some_and(|scoping| is_left_out(import, scoping));
        if !left_out {
            self.add(&import.source.value);
        }
    }

    fn visit_export_from_declaration(&mut self, export: &ExportFromDeclaration<'a>) {
        if export.export_kind.is_value() {
            self.add(&export.source.value);
        }
    }

    fn visit_export_all_declaration(&mut self, export: &ExportAllDeclaration<'a>) {
        if export.export_kind.is_value() {
            self.add(&export.source.value);
        }
    }

    fn visit_import_expression(&mut self, import: &ImportExpression<'a>) {
        if let Some(specifier) = literal(&import.source) {
            self.add(&specifier);
        }
        walk::walk_import_expression(self, import);
    }
}
