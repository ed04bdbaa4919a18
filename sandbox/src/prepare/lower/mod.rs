//! What TypeScript has beyond types, written as JavaScript: namespaces, enums, and `accessor` fields, which the engine
//! does not know either.
//!
//! It works on the text: each construct is replaced where it stands, the code inside it stays, and the result is parsed anew.
//! Then [`Lowered::trace`] gives every node the place where the author wrote it.

mod accessors;
mod constants;
mod edits;
mod enums;
mod merged;
mod namespaces;
mod uids;
mod values;

use std::collections::{HashMap, HashSet};

use oxc::allocator::ArenaVec;
use oxc::ast::ast::*;
use oxc::ast_visit::{Visit, VisitMut, walk, walk_mut};
use oxc::semantic::{Scoping, SymbolId};
use oxc::span::{GetSpan, Span};

use scriptmill_sdk::Code;

use super::source::Finding;
use edits::{Edited, Edits};
pub(super) use merged::{Member, Merged};
use uids::Uids;
use values::{Key, Value};

/// A module's text without namespaces, enums and accessors.
pub(super) struct Lowered(Edited);

impl Lowered {
    pub(super) fn text(&self) -> &str {
        self.0.text()
    }

    /// The author's place for a place in this text.
    pub(super) fn original(&self, span: Span) -> Span {
        self.0.original(span)
    }

    /// Gives every node of the program that was parsed from this text its place in the author's text.
    pub(super) fn trace(&self, program: &mut Program<'_>) {
        Tracer(&self.0).visit_program(program);
    }
}

struct Tracer<'e>(&'e Edited);

impl<'a> VisitMut<'a> for Tracer<'_> {
    fn visit_statements(&mut self, statements: &mut ArenaVec<'a, Statement<'a>>) {
        // Lowering writes semicolons wherever a statement could otherwise go on. The empty statements that they make are removed.
        statements.retain(|statement| !matches!(statement, Statement::EmptyStatement(_)));
        walk_mut::walk_statements(self, statements);
    }

    fn visit_span(&mut self, span: &mut Span) {
        *span = self.0.original(*span);
    }
}

/// Lowers a program that was parsed from `text` and has no errors. The result may have at most `bytes_max` bytes. Returns `None`
/// if there is nothing to lower.
pub(super) fn lower<'a>(
    program: &Program<'a>,
    scoping: &Scoping,
    merged: &Merged<'a>,
    accessors: bool,
    bytes_max: usize,
) -> Option<Result<Lowered, Finding>> {
    if merged.is_empty() && !accessors {
        return None;
    }
    let mut lowering = Lowering {
        text: program.source_text,
        scoping,
        merged,
        edits: Edits::new(bytes_max.saturating_sub(program.source_text.len())),
        uids: Uids::new(program, scoping),
        params: HashMap::new(),
        inside: 0,
        declared: HashSet::new(),
        values: HashMap::new(),
        joined: 0,
        bytes_max,
        classes: Vec::new(),
        keys: Vec::new(),
        refusal: None,
    };
    lowering.visit_program(program);
    lowering.declare_keys();
    let refusal = lowering.refusal.or_else(|| Some(too_large(lowering.edits.too_large()?, bytes_max)));
    if let Some(refusal) = refusal {
        return Some(Err(refusal));
    }
    Some(Ok(Lowered(lowering.edits.apply(program.source_text))))
}

pub(super) fn too_large(span: Span, bytes_max: usize) -> Finding {
    let message =
        format!("From here on, the script without its types would have more than {bytes_max} bytes of JavaScript.");
    let help = "Compute large texts when the script runs, or give them to it as input.";
    Finding::error(Code::SourceTooLarge, span, message).help(help)
}

struct Lowering<'a, 's> {
    text: &'a str,
    scoping: &'s Scoping,
    merged: &'s Merged<'a>,
    edits: Edits,
    uids: Uids<'s>,
    /// For each block, the name by which its function calls its object.
    params: HashMap<usize, String>,
    /// Namespaces around the place.
    inside: usize,
    /// Namespaces and enums that have been declared by now.
    declared: HashSet<SymbolId>,
    values: HashMap<Key<'a>, Value>,
    /// Bytes of text that constants were joined to so far.
    joined: usize,
    bytes_max: usize,
    /// The names of the classes around the place.
    classes: Vec<Option<&'a str>>,
    /// Variables for the computed keys of accessors.
    keys: Vec<String>,
    refusal: Option<Finding>,
}

impl<'a> Lowering<'a, '_> {
    fn refuse(&mut self, finding: impl FnOnce(usize) -> Finding) {
        let bytes_max = self.bytes_max;
        self.refusal.get_or_insert_with(|| finding(bytes_max));
    }

    /// The object whose member a name stands for. Returns `None` if the name stands for no member.
    fn object_of(&mut self, identifier: &IdentifierReference<'a>) -> Option<String> {
        let block = self.merged.block_of(identifier)?;
        Some(self.param(block))
    }

    fn param(&mut self, block: usize) -> String {
        let uids = &mut self.uids;
        self.params.entry(block).or_insert_with(|| uids.next(self.merged.block(block).name, "_")).clone()
    }

    fn slice(&self, span: Span) -> &'a str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }
}

impl<'a> Visit<'a> for Lowering<'a, '_> {
    fn visit_identifier_reference(&mut self, identifier: &IdentifierReference<'a>) {
        if let Some(object) = self.object_of(identifier) {
            self.edits.insert(identifier.span.start, format!("{object}."));
        }
    }

    fn visit_object_property(&mut self, property: &ObjectProperty<'a>) {
        if let (true, Expression::Identifier(identifier)) = (property.shorthand, &property.value) {
            if let Some(object) = self.object_of(identifier) {
                self.edits.insert(property.span.start, format!("{}: {object}.", identifier.name));
            }
            return;
        }
        walk::walk_object_property(self, property);
    }

    fn visit_assignment_target_property_identifier(&mut self, property: &AssignmentTargetPropertyIdentifier<'a>) {
        if let Some(object) = self.object_of(&property.binding) {
            self.edits.insert(property.span.start, format!("{}: {object}.", property.binding.name));
        }
        if let Some(init) = &property.init {
            self.visit_expression(init);
        }
    }

    fn visit_variable_declaration(&mut self, declaration: &VariableDeclaration<'a>) {
        if declaration.declare {
            return;
        }
        walk::walk_variable_declaration(self, declaration);
        self.constants(declaration, None);
    }

    fn visit_export_declaration(&mut self, export: &ExportDeclaration<'a>) {
        match &export.declaration {
            declaration if declaration.declare() => {}
            Declaration::TSNamespaceDeclaration(namespace) => {
                self.namespace(namespace, export.span.start, &Place::Exported);
            }
            Declaration::TSEnumDeclaration(declaration) => {
                self.enumeration(declaration, export.span.start, &Place::Exported);
            }
            _ => walk::walk_export_declaration(self, export),
        }
    }

    fn visit_ts_namespace_declaration(&mut self, namespace: &TSNamespaceDeclaration<'a>) {
        if !namespace.declare {
            self.namespace(namespace, namespace.span.start, &Place::Here);
        }
    }

    fn visit_ts_enum_declaration(&mut self, declaration: &TSEnumDeclaration<'a>) {
        if !declaration.declare {
            self.enumeration(declaration, declaration.span.start, &Place::Here);
        }
    }

    fn visit_class(&mut self, class: &Class<'a>) {
        if class.declare {
            return;
        }
        self.classes.push(class.id.as_ref().map(|id| id.name.as_str()));
        walk::walk_class(self, class);
        self.classes.pop();
    }

    fn visit_accessor_property(&mut self, property: &AccessorProperty<'a>) {
        self.accessor(property);
    }

    fn visit_ts_type(&mut self, _: &TSType<'a>) {}

    fn visit_ts_global_declaration(&mut self, _: &TSGlobalDeclaration<'a>) {}

    fn visit_ts_external_module_declaration(&mut self, _: &TSExternalModuleDeclaration<'a>) {}
}

/// Where a namespace or enum is declared.
enum Place {
    Here,
    /// The module exports it.
    Exported,
    /// It is exported by the namespace whose object has this name.
    Member(String),
}

/// The span from `from` to where `to` begins.
fn between(from: u32, to: &impl GetSpan) -> Span {
    Span::new(from, to.span().start)
}
