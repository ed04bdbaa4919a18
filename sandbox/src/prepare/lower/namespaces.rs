//! Namespaces: each block is a function that fills an object.

use oxc::ast::ast::*;
use oxc::ast_visit::Visit;
use oxc::semantic::SymbolFlags;
use oxc::span::{GetSpan, Span};

use super::merged::has_values;
use super::{Lowering, Place, between};

/// The end of a block: the object, which the first block makes.
pub(super) fn tail(name: &BindingIdentifier<'_>, place: &Place) -> String {
    let name = name.name;
    match place {
        Place::Member(outer) => format!("}})({name} = {outer}.{name} || ({outer}.{name} = {{}}));"),
        Place::Here | Place::Exported => format!("}})({name} || ({name} = {{}}));"),
    }
}

impl<'a> Lowering<'a, '_> {
    /// Writes a block of a namespace. `start` is where its statement begins, with `export`.
    pub(super) fn namespace(&mut self, namespace: &TSNamespaceDeclaration<'a>, start: u32, place: &Place) {
        let end = namespace.span.end;
        let block = namespace.scope_id.get().and_then(|scope| self.merged.block_at(scope));
        let Some(block) = block.filter(|_| has_values(namespace)) else {
            // The transformer removes types later. Inside a function they would not be allowed, so they are removed here.
            if self.inside > 0 {
                self.edits.replace(Span::new(start, end), ";");
            }
            return;
        };
        let param = self.param(block);
        let head = self.head(&namespace.id, &param, place);
        let tail = tail(&namespace.id, place);
        self.inside += 1;
        match &namespace.body {
            TSNamespaceDeclarationBody::TSNamespaceDeclaration(inner) => {
                self.edits.replace(between(start, &inner.span), head);
                self.namespace(inner, inner.span.start, &Place::Member(param));
                self.edits.insert(end, tail);
            }
            TSNamespaceDeclarationBody::TSModuleBlock(body) => {
                self.edits.replace(Span::new(start, body.span.start + 1), head);
                for statement in &body.body {
                    match statement {
                        Statement::ExportDeclaration(export) => self.exported(export, block, &param),
                        Statement::TSImportEqualsDeclaration(import) => self.alias(import, import.span, None),
                        _ => self.visit_statement(statement),
                    }
                }
                self.edits.replace(Span::new(end - 1, end), tail);
            }
        }
        self.inside -= 1;
    }

    /// The beginning of a block of a namespace or enum: its variable, and a function whose parameter is the object.
    pub(super) fn head(&mut self, name: &BindingIdentifier<'a>, param: &str, place: &Place) -> String {
        let declares = self.declares(name, place);
        let declaration = declares.map_or(";".to_owned(), |keyword| format!(";{keyword} {};", name.name));
        format!("{declaration}(function({param}) {{")
    }

    /// The keyword that declares a name. Returns `None` if the name is declared already.
    fn declares(&mut self, name: &BindingIdentifier<'a>, place: &Place) -> Option<&'static str> {
        let symbol = name.symbol_id.get()?;
        let there = self.scoping.symbol_flags(symbol).intersects(SymbolFlags::Class | SymbolFlags::Function);
        if !self.declared.insert(symbol) || there {
            return None;
        }
        let top = self.scoping.symbol_scope_id(symbol) == self.scoping.root_scope_id();
        Some(match place {
            Place::Exported => "export var",
            Place::Here if top => "var",
            Place::Here | Place::Member(_) => "let",
        })
    }

    /// Writes what a namespace exports: it becomes a member of the object `param`.
    fn exported(&mut self, export: &ExportDeclaration<'a>, block: usize, param: &str) {
        let span = export.span;
        let (name, declared) = match &export.declaration {
            declaration if declaration.declare() => return self.edits.replace(span, ";"),
            Declaration::VariableDeclaration(variables) => {
                self.exported_variables(variables, span, param);
                return self.constants(variables, Some(self.merged.block(block).container));
            }
            Declaration::TSEnumDeclaration(declaration) => {
                return self.enumeration(declaration, span.start, &Place::Member(param.to_owned()));
            }
            Declaration::TSNamespaceDeclaration(inner) => {
                return self.namespace(inner, span.start, &Place::Member(param.to_owned()));
            }
            Declaration::TSImportEqualsDeclaration(import) => return self.alias(import, span, Some(param)),
            Declaration::FunctionDeclaration(function) if function.body.is_some() => (&function.id, function.span),
            Declaration::ClassDeclaration(class) => (&class.id, class.span),
            _ => return self.edits.replace(span, ";"),
        };
        self.edits.replace(between(span.start, &declared), "");
        self.visit_declaration(&export.declaration);
        if let Some(name) = name {
            self.edits.insert(span.end, format!(" {param}.{0} = {0};", name.name));
        }
    }

    fn exported_variables(&mut self, variables: &VariableDeclaration<'a>, span: Span, param: &str) {
        let (mut done, mut before) = (span.start, ";");
        for declarator in &variables.declarations {
            let Some(init) = &declarator.init else { continue };
            let pattern = !declarator.id.is_binding_identifier();
            let open = if pattern { "(" } else { "" };
            self.edits.replace(between(done, &declarator.id), format!("{before}{open}"));
            self.pattern(&declarator.id, param);
            self.edits.replace(between(declarator.id.span().end, init), " = ");
            self.visit_expression(init);
            done = init.span().end;
            before = if pattern { "), " } else { ", " };
        }
        let end = if before == "), " { ");" } else { ";" };
        self.edits.replace(Span::new(done, span.end), end);
    }

    /// Writes a pattern whose names are members of the object `param`.
    fn pattern(&mut self, pattern: &BindingPattern<'a>, param: &str) {
        match pattern {
            BindingPattern::BindingIdentifier(name) => self.edits.insert(name.span.start, format!("{param}.")),
            BindingPattern::AssignmentPattern(assigned) => {
                self.pattern(&assigned.left, param);
                self.visit_expression(&assigned.right);
            }
            BindingPattern::ObjectPattern(object) => {
                for property in &object.properties {
                    if property.shorthand {
                        let name = self.slice(property.key.span());
                        self.edits.insert(property.span.start, format!("{name}: "));
                    } else if property.computed {
                        self.visit_property_key(&property.key);
                    }
                    self.pattern(&property.value, param);
                }
                if let Some(rest) = &object.rest {
                    self.pattern(&rest.argument, param);
                }
            }
            BindingPattern::ArrayPattern(array) => {
                for element in array.elements.iter().flatten() {
                    self.pattern(element, param);
                }
                if let Some(rest) = &array.rest {
                    self.pattern(&rest.argument, param);
                }
            }
        }
    }

    /// Writes `import a = B.c`, unless it means a type.
    fn alias(&mut self, import: &TSImportEqualsDeclaration<'a>, span: Span, param: Option<&str>) {
        let used = || {
            let symbol = import.id.symbol_id.get();
            symbol.is_some_and(|symbol| {
                self.scoping.get_resolved_references(symbol).any(|reference| reference.flags().is_value())
            })
        };
        let exists = match param {
            Some(_) => self.merged.is_value(self.scoping, &import.module_reference),
            None => used(),
        };
        if !exists || import.import_kind.is_type() {
            return self.edits.replace(span, ";");
        }
        let name = import.id.name.as_str();
        let target = import.module_reference.span();
        let head = param.map_or_else(|| format!(";var {name} = "), |param| format!(";{param}.{name} = "));
        self.edits.replace(Span::new(span.start, target.start), head);
        self.visit_ts_module_reference(&import.module_reference);
        self.edits.replace(Span::new(target.end, span.end), ";");
    }
}
