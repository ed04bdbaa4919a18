//! What a module imports.

use std::collections::HashSet;

use oxc::allocator::Allocator;
use oxc::ast::ast::*;
use oxc::ast_visit::{Visit, walk};
use scriptmill_sdk::Module;

use super::bundle::text_of;
use super::parse::{literal, parse_any};

/// What a module imports, values alone, each once. Of a module that cannot be parsed: nothing.
pub(super) fn imports(module: &Module) -> Vec<String> {
    let allocator = Allocator::default();
    let Some(parsed) = parse_any(&allocator, &module.name, text_of(&module.source)) else { return Vec::new() };
    let mut finder = Imports::default();
    finder.visit_program(&parsed.program);
    finder.found
}

#[derive(Default)]
struct Imports {
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
        if import.import_kind.is_value() {
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
