//! Namespaces and enums in several blocks: TypeScript merges them into one, and each block sees what the others export.

use std::collections::{HashMap, HashSet};

use oxc::ast::ast::*;
use oxc::ast_visit::{Visit, walk};
use oxc::semantic::{ScopeId, Scoping, SymbolFlags, SymbolId};
use oxc::span::Span;
use oxc::syntax::reference::ReferenceId;
use scriptmill_sdk::Code;

use super::super::source::Finding;

/// Levels of namespaces and enums within one another. Each name that is used inside is looked for on each level.
const NESTING_MAX: usize = 100;

/// The blocks of a program, and which names stand for members of them.
#[derive(Default)]
pub(in super::super) struct Merged<'a> {
    containers: Vec<Container<'a>>,
    by_symbol: HashMap<SymbolId, usize>,
    blocks: Vec<Block<'a>>,
    by_scope: HashMap<ScopeId, usize>,
    /// For each name that stands for a member, the block around it whose object has that member.
    members: HashMap<ReferenceId, usize>,
    too_deep: Option<Span>,
}

/// What the blocks of one namespace or enum are merged into.
#[derive(Default)]
struct Container<'a> {
    /// What its namespaces export.
    exports: HashMap<&'a str, Export>,
    /// The members of its enums.
    members: HashSet<&'a str>,
}

#[derive(Clone, Copy, Default)]
struct Export {
    container: Option<usize>,
    constant: bool,
}

pub(super) struct Block<'a> {
    pub(super) name: &'a str,
    pub(super) container: usize,
    scope: ScopeId,
    is_enum: bool,
    outer: Option<usize>,
}

/// Whether a member may be changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Member {
    Variable,
    Constant,
}

/// What a name or a path means.
#[derive(Clone, Copy)]
pub(super) enum Entity<'a> {
    Symbol(SymbolId),
    Member(usize, &'a str),
}

impl<'a> Merged<'a> {
    pub(in super::super) fn collect(program: &Program<'a>, scoping: &Scoping) -> Self {
        let mut collector = Collector::default();
        if !program.source_type.is_typescript_definition() {
            collector.visit_program(program);
        }
        collector.resolve(scoping)
    }

    pub(in super::super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The finding if blocks are nested too deeply.
    pub(in super::super) fn finding(&self) -> Option<Finding> {
        let message = format!("Namespaces are nested more than {NESTING_MAX} levels deep.");
        let help = "Nest them less deeply, or use modules.";
        self.too_deep.map(|span| Finding::error(Code::TooComplex, span, message).help(help))
    }

    /// Whether a name stands for a member of a block around it.
    pub(in super::super) fn member(&self, identifier: &IdentifierReference<'a>) -> Option<Member> {
        let block = &self.blocks[self.block_of(identifier)?];
        let export = self.containers[block.container].exports.get(identifier.name.as_str());
        let constant = block.is_enum || export.is_some_and(|export| export.constant);
        Some(if constant { Member::Constant } else { Member::Variable })
    }

    pub(super) fn block_of(&self, identifier: &IdentifierReference<'a>) -> Option<usize> {
        self.members.get(&identifier.reference_id.get()?).copied()
    }

    pub(super) fn block_at(&self, scope: ScopeId) -> Option<usize> {
        self.by_scope.get(&scope).copied()
    }

    pub(super) fn block(&self, block: usize) -> &Block<'a> {
        &self.blocks[block]
    }

    /// What a name means, where it is declared in the module.
    pub(super) fn entity(&self, scoping: &Scoping, identifier: &IdentifierReference<'a>) -> Option<Entity<'a>> {
        if let Some(block) = self.block_of(identifier) {
            return Some(Entity::Member(self.blocks[block].container, identifier.name.as_str()));
        }
        scoping.get_reference(identifier.reference_id.get()?).symbol_id().map(Entity::Symbol)
    }

    /// What the blocks of a namespace or enum are merged into.
    pub(super) fn container(&self, entity: Entity<'a>) -> Option<usize> {
        match entity {
            Entity::Symbol(symbol) => self.by_symbol.get(&symbol).copied(),
            Entity::Member(container, name) => self.containers[container].exports.get(name)?.container,
        }
    }

    fn has(&self, container: usize, name: &str) -> bool {
        let container = &self.containers[container];
        container.exports.contains_key(name) || container.members.contains(name)
    }

    /// Whether `import … = reference` means more than a type, as far as this module shows.
    pub(super) fn is_value(&self, scoping: &Scoping, reference: &TSModuleReference<'a>) -> bool {
        match reference {
            TSModuleReference::ExternalModuleReference(_) => true,
            TSModuleReference::IdentifierReference(identifier) => self.path(scoping, identifier, &[]),
            TSModuleReference::QualifiedName(qualified) => {
                let mut names = vec![qualified.right.name.as_str()];
                let mut left = &qualified.left;
                while let TSTypeName::QualifiedName(inner) = left {
                    names.push(inner.right.name.as_str());
                    left = &inner.left;
                }
                names.reverse();
                match left {
                    TSTypeName::IdentifierReference(identifier) => self.path(scoping, identifier, &names),
                    _ => true,
                }
            }
        }
    }

    fn path(&self, scoping: &Scoping, root: &IdentifierReference<'a>, names: &[&'a str]) -> bool {
        let Some(mut entity) = self.entity(scoping, root) else { return true };
        if let Entity::Symbol(symbol) = entity {
            let flags = scoping.symbol_flags(symbol);
            if !flags.intersects(SymbolFlags::Value | SymbolFlags::Import) {
                return false;
            }
        }
        for name in names {
            let Some(container) = self.container(entity) else { return true };
            if !self.has(container, name) {
                return false;
            }
            entity = Entity::Member(container, name);
        }
        true
    }
}

/// Whether a namespace is more than types.
pub(super) fn has_values(namespace: &TSNamespaceDeclaration<'_>) -> bool {
    let block = match &namespace.body {
        TSNamespaceDeclarationBody::TSNamespaceDeclaration(inner) => return has_values(inner),
        TSNamespaceDeclarationBody::TSModuleBlock(block) => block,
    };
    block.body.iter().any(|statement| match statement {
        Statement::TSTypeAliasDeclaration(_)
        | Statement::TSInterfaceDeclaration(_)
        | Statement::TSImportEqualsDeclaration(_) => false,
        Statement::TSNamespaceDeclaration(inner) => has_values(inner),
        Statement::ExportDeclaration(export) => match &export.declaration {
            Declaration::TSTypeAliasDeclaration(_) | Declaration::TSInterfaceDeclaration(_) => false,
            Declaration::TSNamespaceDeclaration(inner) => has_values(inner),
            _ => true,
        },
        _ => true,
    })
}

#[derive(Default)]
struct Collector<'a> {
    merged: Merged<'a>,
    current: Option<usize>,
    nesting: usize,
    /// Variables that a block exports as members alone: they have no name of their own inside the block.
    variables: HashSet<SymbolId>,
    uses: Vec<(ReferenceId, &'a str, usize)>,
}

impl<'a> Collector<'a> {
    /// The container of a namespace or enum; `exported` where it is a member of the block around it.
    fn container(&mut self, id: &BindingIdentifier<'a>, exported: bool) -> usize {
        let merged = &mut self.merged;
        let next = merged.containers.len();
        let outer = self.current.filter(|_| exported).map(|block| merged.blocks[block].container);
        let container = match outer {
            Some(outer) => {
                let export = merged.containers[outer].exports.entry(id.name.as_str()).or_default();
                *export.container.get_or_insert(next)
            }
            None => match id.symbol_id.get() {
                Some(symbol) => *merged.by_symbol.entry(symbol).or_insert(next),
                None => next,
            },
        };
        if container == next {
            merged.containers.push(Container::default());
        }
        merged.by_symbol.extend(id.symbol_id.get().map(|symbol| (symbol, container)));
        container
    }

    /// Goes into a block: `inside` visits what is in it.
    fn block(
        &mut self,
        id: &BindingIdentifier<'a>,
        scope: Option<ScopeId>,
        kind: Kind,
        inside: impl FnOnce(&mut Self),
    ) {
        let Some(scope) = scope else { return };
        if self.nesting == NESTING_MAX {
            self.merged.too_deep.get_or_insert(id.span);
            return;
        }
        let container = self.container(id, kind.exported);
        let outer = self.current;
        let number = self.merged.blocks.len();
        let name = id.name.as_str();
        self.merged.blocks.push(Block { name, container, scope, is_enum: kind.is_enum, outer });
        self.merged.by_scope.insert(scope, number);
        self.current = Some(number);
        self.nesting += 1;
        inside(self);
        self.nesting -= 1;
        self.current = outer;
    }

    fn namespace(&mut self, namespace: &TSNamespaceDeclaration<'a>, exported: bool) {
        if namespace.declare || !has_values(namespace) {
            return;
        }
        let kind = Kind { exported, is_enum: false };
        self.block(&namespace.id, namespace.scope_id.get(), kind, |this| match &namespace.body {
            TSNamespaceDeclarationBody::TSNamespaceDeclaration(inner) => this.namespace(inner, true),
            TSNamespaceDeclarationBody::TSModuleBlock(block) => {
                for statement in &block.body {
                    match statement {
                        Statement::ExportDeclaration(export) => this.exported(&export.declaration),
                        _ => this.visit_statement(statement),
                    }
                }
            }
        });
    }

    fn enumeration(&mut self, declaration: &TSEnumDeclaration<'a>, exported: bool) {
        if declaration.declare {
            return;
        }
        let kind = Kind { exported, is_enum: true };
        self.block(&declaration.id, declaration.body.scope_id.get(), kind, |this| {
            let container = this.current.map_or(0, |block| this.merged.blocks[block].container);
            for member in &declaration.body.members {
                this.merged.containers[container].members.insert(member.id.static_name().as_str());
                if let Some(initializer) = &member.initializer {
                    this.visit_expression(initializer);
                }
            }
        });
    }

    /// Collects what a block exports.
    fn exported(&mut self, declaration: &Declaration<'a>) {
        match declaration {
            Declaration::VariableDeclaration(variables) => {
                for declarator in &variables.declarations {
                    for name in declarator.id.get_binding_identifiers() {
                        self.variables.extend(name.symbol_id.get());
                        self.export(name.name.as_str(), variables.kind.is_const());
                    }
                }
            }
            Declaration::TSImportEqualsDeclaration(import) => {
                self.variables.extend(import.id.symbol_id.get());
                self.export(import.id.name.as_str(), true);
            }
            Declaration::FunctionDeclaration(function) => {
                if let Some(id) = &function.id {
                    self.export(id.name.as_str(), false);
                }
            }
            Declaration::ClassDeclaration(class) => {
                if let Some(id) = &class.id {
                    self.export(id.name.as_str(), false);
                }
            }
            Declaration::TSEnumDeclaration(declaration) => return self.enumeration(declaration, true),
            Declaration::TSNamespaceDeclaration(inner) => return self.namespace(inner, true),
            _ => return,
        }
        if !declaration.declare() {
            walk::walk_declaration(self, declaration);
        }
    }

    fn export(&mut self, name: &'a str, constant: bool) {
        if let Some(block) = self.current {
            let container = self.merged.blocks[block].container;
            let export = self.merged.containers[container].exports.entry(name).or_default();
            export.constant |= constant;
        }
    }

    /// Finds out which names stand for members, as TypeScript looks them up: from the inside out, first among what a
    /// block declares, then among what all blocks of its name export. A namespace does not see the members of an enum
    /// that it is merged with, nor the other way round.
    fn resolve(mut self, scoping: &Scoping) -> Merged<'a> {
        if self.merged.is_empty() {
            return self.merged;
        }
        let depths = depths(scoping);
        let depth = |scope: ScopeId| depths.get(&scope).copied().unwrap_or_default();
        for (reference, name, block) in self.uses {
            let symbol = scoping.get_reference(reference).symbol_id();
            // The block that uses a name and the scope that declares it lie on one path of scopes, so their depths can be compared.
            let declared = symbol.map(|symbol| depth(scoping.symbol_scope_id(symbol)));
            let mut next = Some(block);
            while let Some(number) = next {
                let block = &self.merged.blocks[number];
                let container = &self.merged.containers[block.container];
                let own = depth(block.scope);
                let stands_for_member = match (symbol, declared) {
                    (Some(symbol), Some(declared)) if declared >= own => {
                        let member = self.variables.contains(&symbol)
                            || scoping.symbol_flags(symbol).contains(SymbolFlags::EnumMember);
                        next = None;
                        member && declared == own
                    }
                    _ => {
                        next = block.outer;
                        if block.is_enum {
                            container.members.contains(name)
                        } else {
                            container.exports.contains_key(name)
                        }
                    }
                };
                if stands_for_member {
                    self.merged.members.insert(reference, number);
                    break;
                }
            }
        }
        self.merged
    }
}

struct Kind {
    exported: bool,
    is_enum: bool,
}

/// How many scopes are around each scope.
fn depths(scoping: &Scoping) -> HashMap<ScopeId, u32> {
    let mut depths: HashMap<ScopeId, u32> = HashMap::with_capacity(scoping.scopes_len());
    for scope in scoping.scope_descendants_from_root() {
        let around = scoping.scope_parent_id(scope).and_then(|parent| depths.get(&parent));
        depths.insert(scope, around.map_or(0, |depth| depth + 1));
    }
    depths
}

impl<'a> Visit<'a> for Collector<'a> {
    fn visit_identifier_reference(&mut self, identifier: &IdentifierReference<'a>) {
        if let (Some(block), Some(reference)) = (self.current, identifier.reference_id.get()) {
            self.uses.push((reference, identifier.name.as_str(), block));
        }
    }

    fn visit_export_declaration(&mut self, export: &ExportDeclaration<'a>) {
        if !export.declaration.declare() {
            walk::walk_export_declaration(self, export);
        }
    }

    fn visit_ts_namespace_declaration(&mut self, namespace: &TSNamespaceDeclaration<'a>) {
        self.namespace(namespace, false);
    }

    fn visit_ts_enum_declaration(&mut self, declaration: &TSEnumDeclaration<'a>) {
        self.enumeration(declaration, false);
    }

    fn visit_class(&mut self, class: &Class<'a>) {
        if !class.declare {
            walk::walk_class(self, class);
        }
    }

    fn visit_ts_type(&mut self, _: &TSType<'a>) {}

    fn visit_ts_interface_declaration(&mut self, _: &TSInterfaceDeclaration<'a>) {}

    fn visit_ts_global_declaration(&mut self, _: &TSGlobalDeclaration<'a>) {}

    fn visit_ts_external_module_declaration(&mut self, _: &TSExternalModuleDeclaration<'a>) {}
}
