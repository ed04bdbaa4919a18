//! Our own pass over a parsed module: what would fail or mean something else once it runs.

use std::collections::{BTreeMap, HashSet};

use oxc::ast::AstKind;
use oxc::ast::ast::*;
use oxc::ast_visit::{Visit, walk};
use oxc::semantic::{ScopeId, Scoping, SymbolFlags};
use oxc::span::{GetSpan, Span};
use oxc::syntax::scope::ScopeFlags;
use scriptmill_sdk::Code;

use super::constants::{constant_assigned, constant_member_assigned};
use super::emit::lines_inside;
use super::imports::{is_left_out, is_used};
use super::jumps::Jumps;
use super::library::Library;
use super::lower::{Member, Merged};
use super::parse::literal;
use super::promises::{self, Promises};
use super::source::Finding;
use super::{clock, foreign, names, suspect, undeclared, unsupported};

/// Findings kept for one module. More would only fill memory.
const FINDINGS_MAX: usize = 10_000;

/// Undeclared names for which a similar name is looked for. Each search goes through all visible names.
const GUESSES_MAX: usize = 100;

const UNDECLARED_HELP: &str =
    "Declare it with `const` or `let`, or import it. If it may be missing, ask with `typeof` first.";

/// What the pass found out.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) findings: Vec<Finding>,
    /// Specifiers of `import()`, where they are written out.
    pub(super) dynamic_imports: Vec<(String, Span)>,
    /// Whether the name `main` appears, so that it may become a global function.
    pub(super) mentions_main: bool,
    /// Names that are used and that nothing declares.
    pub(super) unbound: HashSet<String>,
    /// The unbound names that scripts do not have, and that the module neither tests for nor assigns.
    pub(super) foreign: HashSet<String>,
    /// Whether the module asks by `typeof` which loader it is loaded by.
    pub(super) asks_for_loader: bool,
    /// Whether a class has an `accessor` field.
    pub(super) accessors: bool,
    /// About how many characters its lines are indented by, all together.
    pub(super) indentation: usize,
}

/// Inspects a program before it is transformed.
pub(super) fn inspect<'a>(program: &Program<'a>, name: &str, scoping: &Scoping, merged: &Merged<'a>) -> Facts {
    let mut inspector = Inspector {
        scoping,
        merged,
        text: program.source_text,
        library: Library::new(name, program.source_text),
        promises: Promises::default(),
        jumps: Jumps::default(),
        unused: Span::empty(0),
        tries: 0,
        facts: Facts { findings: merged.finding().into_iter().collect(), ..Facts::default() },
        typescript: program.source_type.is_typescript(),
        functions: 0,
        awaits: true,
        ambient: 0,
        with: 0,
        indent: 0,
        sloppy: !program.source_type.is_module(),
        guarded: HashSet::new(),
        assigned: HashSet::new(),
        undeclared: BTreeMap::new(),
    };
    inspector.visit_program(program);
    inspector.finish()
}

struct Inspector<'a, 's> {
    scoping: &'s Scoping,
    merged: &'s Merged<'a>,
    facts: Facts,
    text: &'a str,
    library: Library<'s>,
    promises: Promises,
    jumps: Jumps<'a>,
    /// The last call that is a statement of its own.
    unused: Span,
    /// How many `try` blocks enclose the current node.
    tries: usize,
    typescript: bool,
    /// How many functions enclose the current node.
    functions: usize,
    /// Whether the innermost function around the current node is async, or there is none.
    awaits: bool,
    /// How many `declare` declarations enclose the current node.
    ambient: usize,
    /// How many `with` statements enclose the current node.
    with: usize,
    /// How far the lines are indented here.
    indent: usize,
    sloppy: bool,
    /// Names that `typeof` asks for.
    guarded: HashSet<String>,
    /// Names that come into being by assignment.
    assigned: HashSet<String>,
    /// The first use of each name that nothing declares, with its scope.
    undeclared: BTreeMap<String, Use>,
}

struct Use {
    span: Span,
    scope: ScopeId,
    why: Why,
    /// Another host has the name.
    is_elsewhere: bool,
    /// Its absence is expected: it is used in a library, or it is another host's and used within `try`.
    is_tried: bool,
}

/// Why a name has no value when the script runs.
enum Why {
    Undeclared,
    /// Only a type of that name is.
    Type,
    /// It is only described, by `declare`.
    Described,
}

impl<'a> Inspector<'a, '_> {
    fn finish(mut self) -> Facts {
        self.facts.unbound = self.undeclared.keys().cloned().collect();
        self.facts.asks_for_loader = ["exports", "module", "define"].iter().any(|name| self.guarded.contains(*name));
        for (name, used) in &self.undeclared {
            if names::is_known(name) || self.guarded.contains(name) || self.assigned.contains(name) {
                continue;
            }
            self.facts.foreign.insert(name.clone());
            if !used.is_tried {
                let guess = self.facts.findings.len() < GUESSES_MAX;
                self.facts.findings.push(self.undeclared_finding(name, used, guess));
            }
        }
        let dropped = std::mem::take(&mut self.promises).finish(self.scoping);
        self.facts.findings.extend(dropped.filter(|finding| !self.library.contains(finding.span.start)));
        self.facts
    }

    /// The finding for an undeclared name. With `guess` it proposes a similar name.
    fn undeclared_finding(&self, name: &str, used: &Use, guess: bool) -> Finding {
        let (message, help) = match used.why {
            Why::Undeclared => {
                let help = self.instead(name, used, guess);
                let message = match used.is_elsewhere {
                    true => format!("'{name}' belongs to another host: scripts have nothing of that name."),
                    false => format!("'{name}' is not declared anywhere."),
                };
                (message, help.unwrap_or_else(|| UNDECLARED_HELP.to_owned()))
            }
            Why::Type => (
                format!("'{name}' is declared as a type only; nothing of that name exists when the script runs."),
                "Import it without `type`, or declare a value of that name.".to_owned(),
            ),
            Why::Described => (
                format!("'{name}' is described by `declare`, but nothing of that name exists when the script runs."),
                match foreign::advice(name) {
                    Some(advice) => format!("`declare` makes nothing. {advice}"),
                    None => "`declare` makes nothing. Declare the value itself, import it, or take it from the input."
                        .to_owned(),
                },
            ),
        };
        Finding::warning(Code::UndeclaredName, used.span, message).help(help)
    }

    /// What to write in place of an undeclared name.
    fn instead(&self, name: &str, used: &Use, guess: bool) -> Option<String> {
        let (before, after) = undeclared::around(self.text, used.span);
        if let Some(help) = undeclared::written_wrong(name, before) {
            return Some(help);
        }
        let advice = foreign::advice_at(name, undeclared::is_alone(before, after), after);
        let in_other_case = |(_, other): &(usize, &str)| other.eq_ignore_ascii_case(name);
        // What there is in any script is rarely meant by a name that other hosts have.
        let likely = |near: &(usize, &str)| advice.is_none() || near.0 != usize::MAX || in_other_case(near);
        let near = match used.is_elsewhere {
            true => self.visible(used.scope).find(in_other_case).map(|(_, near)| near),
            false => guess.then(|| names::nearest(name, self.visible(used.scope).filter(likely))).flatten(),
        };
        near.map(|near| format!("Did you mean '{near}'?")).or_else(|| advice.map(str::to_owned))
    }

    /// The names of values that can be used in a scope, each with a rank: the further in a name is declared, the lower its rank.
    fn visible(&self, scope: ScopeId) -> impl Iterator<Item = (usize, &str)> {
        let exists = |flags: SymbolFlags| flags.is_value() && !flags.contains(SymbolFlags::Ambient);
        let declared = self.scoping.scope_ancestors(scope).enumerate().flat_map(move |(rank, scope)| {
            let bindings = self.scoping.get_bindings(scope).iter();
            bindings
                .filter(move |(_, symbol)| exists(self.scoping.symbol_flags(**symbol)))
                .map(move |(name, _)| (rank, name.as_str()))
        });
        let global = names::WORLD.iter().copied().chain(self.assigned.iter().map(String::as_str));
        global.map(|name| (usize::MAX, name)).chain(declared)
    }

    fn report(&mut self, finding: Finding) {
        if self.ambient == 0 && self.facts.findings.len() < FINDINGS_MAX {
            self.facts.findings.push(finding);
        }
    }

    fn reference(&mut self, identifier: &IdentifierReference<'a>) {
        let Some(reference) = identifier.reference_id.get().map(|id| self.scoping.get_reference(id)) else { return };
        if !reference.flags().is_value() || self.ambient > 0 {
            return;
        }
        let name = identifier.name.as_str();
        let symbol = reference.symbol_id();
        if let Some(member) = self.merged.member(identifier) {
            if reference.is_write() && member == Member::Constant {
                self.report(constant_member_assigned(name, identifier.span));
            }
            return;
        }
        let flags = symbol.map(|symbol| self.scoping.symbol_flags(symbol));
        match (symbol, flags) {
            (Some(symbol), Some(flags)) => {
                if reference.is_write() && flags.intersects(SymbolFlags::ConstVariable | SymbolFlags::Import) {
                    let declared = self.scoping.symbol_span(symbol);
                    self.report(constant_assigned(name, identifier.span, declared, flags));
                }
                let exists = flags.intersects(SymbolFlags::Value | SymbolFlags::Import);
                let alias = reference.flags().is_namespace();
                if alias {
                    // `import a = B.c` may mean a type; what is left of it is checked in the emitted code.
                } else if flags.contains(SymbolFlags::Ambient) || !exists {
                    let why = if flags.contains(SymbolFlags::Ambient) { Why::Described } else { Why::Type };
                    self.unbound(name, identifier.span, reference.scope_id(), why);
                }
            }
            _ => {
                if reference.is_write() && self.sloppy {
                    self.assigned.insert(name.to_owned());
                    self.facts.mentions_main |= name == "main";
                }
                // `eval` and `Function` make code that cannot be seen here.
                self.facts.mentions_main |= matches!(name, "eval" | "Function");
                let scope = reference.scope_id();
                let bound = self.scoping.find_binding(scope, identifier.name).is_some();
                if bound && reference.flags().is_namespace() {
                    return;
                }
                self.unbound(name, identifier.span, scope, if bound { Why::Type } else { Why::Undeclared });
            }
        }
    }

    /// Whether an import or export is one of types, which is gone when the script runs.
    fn goes_with_types(&self, kind: &AstKind<'_>) -> bool {
        match kind {
            AstKind::ImportDeclaration(import) => self.typescript && is_left_out(import, self.scoping),
            AstKind::TSImportEqualsDeclaration(import) => !is_used(&import.id, self.scoping),
            AstKind::ExportFromDeclaration(export) => export.export_kind.is_type(),
            AstKind::ExportAllDeclaration(export) => export.export_kind.is_type(),
            _ => false,
        }
    }

    fn unbound(&mut self, name: &str, span: Span, scope: ScopeId, why: Why) {
        if self.with > 0 {
            return;
        }
        let known = self.undeclared.get(name);
        if known.is_some_and(|known| !known.is_tried) {
            return;
        }
        let is_elsewhere = known.map_or_else(|| names::is_elsewhere(name), |known| known.is_elsewhere);
        let is_tried = is_elsewhere && self.tries > 0 || !names::is_known(name) && self.library.contains(span.start);
        if known.is_none() || !is_tried {
            self.undeclared.insert(name.to_owned(), Use { span, scope, why, is_elsewhere, is_tried });
        }
    }

    /// Reports a finding that is only likely, unless it is in a library that a bundler brought.
    fn suspect(&mut self, finding: Option<Finding>) {
        let Some(finding) = finding else { return };
        let again = |last: &Finding| last.code == finding.code && last.span.start == finding.span.start;
        if !self.library.contains(finding.span.start) && !self.facts.findings.last().is_some_and(again) {
            self.report(finding);
        }
    }

    /// Notes that an assignment may make `main` without a declaration: it sets a field of some object, which may be the global one.
    fn main_made(&mut self, target: &AssignmentTarget<'_>) {
        self.facts.mentions_main |= match target {
            AssignmentTarget::StaticMemberExpression(member) => member.property.name == "main",
            AssignmentTarget::ComputedMemberExpression(member) => {
                literal(&member.expression).is_some_and(|name| name == "main")
            }
            _ => false,
        };
    }

    /// Whether the expression is the global of this name.
    fn is_global(&self, expression: &Expression<'_>, name: &str) -> bool {
        let Expression::Identifier(identifier) = expression else { return false };
        let reference = identifier.reference_id.get().map(|id| self.scoping.get_reference(id));
        identifier.name == name && reference.is_some_and(|reference| reference.symbol_id().is_none())
    }

    fn clock(&mut self, callee: &Expression<'_>, arguments: &[Argument<'_>], new: bool, span: Span) {
        if self.functions == 0 {
            let finding = clock::find(callee, arguments.is_empty(), new, span, |expression, name| {
                self.is_global(expression, name)
            });
            if let Some(finding) = finding {
                self.report(finding);
            }
        }
    }

    /// Assigning to a property of the global object declares a name.
    fn global_assigned(&mut self, target: &AssignmentTarget<'_>) {
        let AssignmentTarget::StaticMemberExpression(member) = target else { return };
        if ["globalThis", "self", "window", "global"].iter().any(|name| self.is_global(&member.object, name)) {
            self.assigned.insert(member.property.name.to_string());
        }
    }
}

impl<'a> Visit<'a> for Inspector<'a, '_> {
    fn enter_node(&mut self, kind: AstKind<'a>) {
        if let Some(lines) = lines_inside(&kind) {
            self.indent += 1;
            self.facts.indentation += self.indent * lines;
        }
        if let Some(finding) = unsupported::find(&kind).filter(|_| !self.goes_with_types(&kind)) {
            self.report(finding);
        }
        if let Some(finding) = self.jumps.enter(&kind, self.text) {
            self.report(finding);
        }
        let finding = suspect::find(&kind, self.text, self.unused);
        self.suspect(finding);
        match kind {
            AstKind::StaticMemberExpression(member)
                if ["globalThis", "window", "self", "global"]
                    .iter()
                    .any(|name| self.is_global(&member.object, name)) =>
            {
                self.guarded.insert(member.property.name.to_string());
            }
            AstKind::ObjectProperty(property) if !property.value.is_literal() => {
                self.facts.mentions_main |= property.key.static_name().is_some_and(|name| name == "main");
            }
            AstKind::BinaryExpression(binary) if binary.operator == BinaryOperator::In => {
                self.guarded.extend(literal(&binary.left));
            }
            AstKind::Function(function) => self.promises.function(function),
            AstKind::VariableDeclarator(declarator) => self.promises.variable(declarator),
            AstKind::ExpressionStatement(statement) => {
                if let Expression::CallExpression(call) = statement.expression.without_parentheses() {
                    self.unused = call.span;
                    if self.functions > 0 {
                        let finding = self.promises.statement(call, self.scoping);
                        self.suspect(finding);
                    }
                }
            }
            AstKind::UnaryExpression(unary) if unary.operator == UnaryOperator::Typeof => {
                if let Expression::Identifier(identifier) = unary.argument.without_parentheses() {
                    self.guarded.insert(identifier.name.to_string());
                }
            }
            AstKind::ImportExpression(import) => {
                let specifier = literal(&import.source);
                self.facts.dynamic_imports.extend(specifier.map(|specifier| (specifier, import.source.span())));
            }
            AstKind::AccessorProperty(_) => self.facts.accessors |= self.ambient == 0,
            AstKind::CallExpression(call) => {
                self.clock(&call.callee, &call.arguments, false, call.span);
                // `Object.defineProperty(globalThis, "main", …)`
                let named =
                    |argument: &Argument<'_>| matches!(argument, Argument::StringLiteral(text) if text.value == "main");
                self.facts.mentions_main |= call.arguments.iter().any(named);
                self.suspect(promises::always_true(call));
            }
            AstKind::NewExpression(new) => {
                self.clock(&new.callee, &new.arguments, true, new.span);
                let finding = promises::never_settles(new, self.scoping);
                self.suspect(finding);
            }
            AstKind::AssignmentExpression(assignment) => {
                self.global_assigned(&assignment.left);
                self.main_made(&assignment.left);
            }
            _ => {}
        }
    }

    fn leave_node(&mut self, kind: AstKind<'a>) {
        self.indent -= usize::from(lines_inside(&kind).is_some());
        self.jumps.leave(&kind);
    }

    fn visit_identifier_reference(&mut self, identifier: &IdentifierReference<'a>) {
        self.reference(identifier);
        walk::walk_identifier_reference(self, identifier);
    }

    fn visit_function(&mut self, function: &Function<'a>, flags: ScopeFlags) {
        let outer = std::mem::replace(&mut self.awaits, function.r#async);
        self.functions += 1;
        self.ambient += usize::from(function.declare);
        walk::walk_function(self, function, flags);
        self.ambient -= usize::from(function.declare);
        self.functions -= 1;
        self.awaits = outer;
    }

    fn visit_arrow_function_expression(&mut self, function: &ArrowFunctionExpression<'a>) {
        let outer = std::mem::replace(&mut self.awaits, function.r#async);
        self.functions += 1;
        walk::walk_arrow_function_expression(self, function);
        self.functions -= 1;
        self.awaits = outer;
    }

    fn visit_class(&mut self, class: &Class<'a>) {
        self.ambient += usize::from(class.declare);
        walk::walk_class(self, class);
        self.ambient -= usize::from(class.declare);
    }

    fn visit_property_definition(&mut self, property: &PropertyDefinition<'a>) {
        // A field's value is computed when an object is made, a static one's at once.
        let later = usize::from(!property.r#static);
        self.ambient += usize::from(property.declare);
        self.functions += later;
        walk::walk_property_definition(self, property);
        self.functions -= later;
        self.ambient -= usize::from(property.declare);
    }

    fn visit_variable_declaration(&mut self, declaration: &VariableDeclaration<'a>) {
        if declaration.kind == VariableDeclarationKind::AwaitUsing && !self.awaits {
            let message = "`await using` stands only in async functions and at the top level of modules.";
            let help = "Write `async` before the function, or declare it with `using`.";
            self.report(Finding::error(Code::Syntax, declaration.span, message).help(help));
        }
        self.ambient += usize::from(declaration.declare);
        walk::walk_variable_declaration(self, declaration);
        self.ambient -= usize::from(declaration.declare);
    }

    fn visit_try_statement(&mut self, statement: &TryStatement<'a>) {
        let caught = usize::from(statement.handler.is_some());
        self.tries += caught;
        self.visit_block_statement(&statement.block);
        self.tries -= caught;
        if let Some(handler) = &statement.handler {
            self.visit_catch_clause(handler);
        }
        if let Some(finalizer) = &statement.finalizer {
            self.visit_block_statement(finalizer);
        }
    }

    fn visit_with_statement(&mut self, with: &WithStatement<'a>) {
        self.visit_expression(&with.object);
        self.with += 1;
        self.visit_statement(&with.body);
        self.with -= 1;
    }

    fn visit_ts_namespace_declaration(&mut self, namespace: &TSNamespaceDeclaration<'a>) {
        self.ambient += usize::from(namespace.declare);
        walk::walk_ts_namespace_declaration(self, namespace);
        self.ambient -= usize::from(namespace.declare);
    }

    fn visit_ts_enum_declaration(&mut self, declaration: &TSEnumDeclaration<'a>) {
        self.ambient += usize::from(declaration.declare);
        walk::walk_ts_enum_declaration(self, declaration);
        self.ambient -= usize::from(declaration.declare);
    }

    fn visit_ts_external_module_declaration(&mut self, module: &TSExternalModuleDeclaration<'a>) {
        self.ambient += 1;
        walk::walk_ts_external_module_declaration(self, module);
        self.ambient -= 1;
    }

    fn visit_ts_global_declaration(&mut self, global: &TSGlobalDeclaration<'a>) {
        self.ambient += 1;
        walk::walk_ts_global_declaration(self, global);
        self.ambient -= 1;
    }
}
