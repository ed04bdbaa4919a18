//! Namespaces and enums in several blocks. In TypeScript each block sees what the others export; in the code that is
//! emitted it does not, so such a use is refused.

use std::collections::HashMap;
use std::rc::Rc;

use oxc::ast::ast::*;
use oxc::semantic::{ScopeId, Scoping, SymbolId};
use oxc::span::Span;
use scriptmill_sdk::Code;

use super::source::Finding;

#[derive(Default)]
pub(super) struct Namespaces {
    /// The blocks around the place, each with those around it.
    around: Option<Rc<Block>>,
    /// Which blocks export a name, by the namespace's full name and the name.
    exports: HashMap<String, HashMap<String, Vec<usize>>>,
    uses: Vec<(String, Span, Option<SymbolId>, Rc<Block>)>,
    blocks: usize,
}

struct Block {
    number: usize,
    /// The full name; blocks of the same name are merged.
    name: String,
    scope: Option<ScopeId>,
    outer: Option<Rc<Block>>,
}

impl Namespaces {
    pub(super) fn enter(&mut self, namespace: &TSNamespaceDeclaration<'_>) {
        self.push(&namespace.id.name, namespace.scope_id.get());
        let mut exported = Vec::new();
        match &namespace.body {
            TSNamespaceDeclarationBody::TSNamespaceDeclaration(inner) => exported.push(inner.id.name.to_string()),
            TSNamespaceDeclarationBody::TSModuleBlock(block) => {
                for statement in &block.body {
                    if let Statement::ExportDeclaration(export) = statement {
                        names(&export.declaration, &mut exported);
                    }
                }
            }
        }
        self.export(exported);
    }

    pub(super) fn enter_enum(&mut self, declaration: &TSEnumDeclaration<'_>) {
        self.push(&declaration.id.name, declaration.body.scope_id.get());
        self.export(declaration.body.members.iter().map(|member| member.id.static_name().to_string()).collect());
    }

    pub(super) fn leave(&mut self) {
        self.around = self.around.take().and_then(|block| block.outer.clone());
    }

    /// A value of this name is used here.
    pub(super) fn used(&mut self, name: &str, span: Span, symbol: Option<SymbolId>) {
        if let Some(block) = &self.around {
            self.uses.push((name.to_owned(), span, symbol, Rc::clone(block)));
        }
    }

    /// The uses that mean another block's export.
    pub(super) fn findings(&self, scoping: &Scoping) -> Vec<Finding> {
        let meant = |(name, span, symbol, block): &(String, Span, Option<SymbolId>, Rc<Block>)| {
            let declared_in = symbol.map(|symbol| scoping.symbol_scope_id(symbol));
            let mut block = Some(block);
            while let Some(here) = block {
                let inside = |scope: ScopeId| scoping.scope_ancestors(scope).any(|around| Some(around) == here.scope);
                if declared_in.is_some_and(inside) {
                    return None;
                }
                let exporting = self.exports.get(&here.name).and_then(|exports| exports.get(name));
                if exporting.is_some_and(|blocks| blocks.iter().any(|number| *number != here.number)) {
                    return Some(elsewhere(name, &here.name, *span));
                }
                block = here.outer.as_ref();
            }
            None
        };
        self.uses.iter().filter_map(meant).collect()
    }

    fn push(&mut self, name: &str, scope: Option<ScopeId>) {
        self.blocks += 1;
        let outer = self.around.take();
        let name = outer.as_ref().map_or_else(|| name.to_owned(), |outer| format!("{}.{name}", outer.name));
        self.around = Some(Rc::new(Block { number: self.blocks, name, scope, outer }));
    }

    fn export(&mut self, names: Vec<String>) {
        if let Some(block) = &self.around {
            let exports = self.exports.entry(block.name.clone()).or_default();
            for name in names {
                exports.entry(name).or_default().push(block.number);
            }
        }
    }
}

fn elsewhere(name: &str, namespace: &str, span: Span) -> Finding {
    let message = format!("'{name}' is declared in another block of '{namespace}', which this block cannot see.");
    let help = format!("Write '{namespace}.{name}', or put both blocks into one.");
    Finding::error(Code::UnsupportedSyntax, span, message).help(help)
}

/// The names that an exported declaration declares.
fn names(declaration: &Declaration<'_>, found: &mut Vec<String>) {
    let one = match declaration {
        Declaration::VariableDeclaration(variables) => {
            for declarator in &variables.declarations {
                found.extend(declarator.id.get_binding_identifiers().iter().map(|name| name.name.to_string()));
            }
            None
        }
        Declaration::FunctionDeclaration(function) => function.id.as_ref(),
        Declaration::ClassDeclaration(class) => class.id.as_ref(),
        Declaration::TSEnumDeclaration(declaration) => Some(&declaration.id),
        Declaration::TSNamespaceDeclaration(namespace) => Some(&namespace.id),
        Declaration::TSImportEqualsDeclaration(import) => Some(&import.id),
        _ => None,
    };
    found.extend(one.map(|name| name.name.to_string()));
}
