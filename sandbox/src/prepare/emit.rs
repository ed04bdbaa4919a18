//! TypeScript to the JavaScript that the engine takes: types go, the rest stays as it was written.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use oxc::allocator::Allocator;
use oxc::ast::AstKind;
use oxc::ast::ast::*;
use oxc::ast::builder::AstBuilder;
use oxc::ast_visit::{Visit, VisitMut, walk_mut};
use oxc::codegen::{Codegen, CodegenOptions, CommentOptions};
use oxc::diagnostics::OxcDiagnostic;
use oxc::parser::Parser;
use oxc::semantic::{Scoping, SemanticBuilder};
use oxc::span::{SourceType, Span};
use oxc::syntax::number::NumberBase;
use oxc::syntax::reference::ReferenceId;
use oxc::transformer::{TransformOptions, Transformer};
use scriptmill_sdk::Code;

use super::checked::{EmittedModule, ModuleKind};
use super::lower::{self, Merged};
use super::map::SourceMap;
use super::source::{Finding, Source};
use super::syntax;

/// How many mistakes in emitted code are led back to their places in the source.
const PLACES_MAX: usize = 100;

/// Makes JavaScript of the program, in place, without the imports of types. Returns false if the program is as it was written.
pub(super) fn transform<'a>(
    allocator: &'a Allocator,
    program: &mut Program<'a>,
    mut scoping: Scoping,
    merged: &Merged<'a>,
    accessors: bool,
    bytes_max: usize,
) -> Result<bool, Vec<Finding>> {
    let author = program.source_text;
    if program.source_type.is_typescript_definition() {
        // A file of declarations only describes what exists elsewhere.
        program.body.clear();
    }
    let lowered =
        lower::lower(program, &scoping, merged, accessors, bytes_max).transpose().map_err(|found| vec![found])?;
    if let Some(lowered) = &lowered {
        let parsed = Parser::new(allocator, allocator.alloc_str(lowered.text()), program.source_type).parse();
        *program = parsed.program;
        let semantic = SemanticBuilder::new_compiler().build(program);
        let errors = parsed.diagnostics.into_vec().into_iter().chain(semantic.diagnostics.into_vec());
        let errors: Vec<_> =
            errors.map(|error| left_invalid(error, program.source_text, |span| lowered.original(span))).collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        scoping = semantic.semantic.into_scoping();
    }
    let typescript = program.source_type.is_typescript();
    let mut errors = Vec::new();
    if typescript {
        // The engine takes all that ECMAScript has today, so nothing is lowered but TypeScript itself. Fields keep the
        // define semantics of TypeScript's ES2022 target.
        let options = TransformOptions::default();
        let transformer = Transformer::new(allocator, Path::new("module.ts"), &options);
        let found = transformer.build_with_scoping(scoping, program).diagnostics.into_vec();
        errors.extend(found.into_iter().map(|error| syntax::unsupported(error, program.source_text)));
    }
    if let Some(lowered) = &lowered {
        lowered.trace(program);
        program.source_text = author;
        for error in &mut errors {
            error.span = lowered.original(error.span);
        }
    }
    if errors.is_empty() { Ok(typescript || lowered.is_some()) } else { Err(errors) }
}

/// Prints a program, with a map to its source.
pub(super) fn print<'a>(allocator: &'a Allocator, program: &mut Program<'a>, indented: bool) -> (String, SourceMap) {
    SpellInfinity(&AstBuilder::new(allocator)).visit_program(program);
    let options = CodegenOptions {
        indent_width: usize::from(indented),
        comments: CommentOptions::disabled(),
        source_map_path: Some("module.ts".into()),
        ..CodegenOptions::default()
    };
    let printed = Codegen::new().with_options(options).build(program);
    let mappings = printed.map.map(|map| map.to_json().mappings).unwrap_or_default();
    (printed.code, SourceMap::from_mappings(mappings))
}

/// Compares the emitted code with the source: it must parse as JavaScript, and no name may have lost its declaration.
/// A script that fails here shows a fault of the transformer; it is refused, since it would run with another meaning.
pub(super) fn verify(module: &EmittedModule, unbound: &HashSet<String>, source: &Source<'_>) -> Vec<Finding> {
    let (code, map) = (module.code.as_str(), &module.map);
    let allocator = Allocator::default();
    let source_type = match module.kind {
        ModuleKind::Module => SourceType::mjs(),
        ModuleKind::Script => SourceType::script(),
    };
    let parsed = Parser::new(&allocator, code, source_type).parse();
    let semantic = SemanticBuilder::new_compiler().build(&parsed.program);
    let emitted = Source::new("", code);
    let back = |offset: u32| {
        let (line, column) = emitted.locate(offset);
        map.original(line, column).map_or(Span::empty(0), |(line, column)| source.span_at(line, column))
    };
    let errors = parsed.diagnostics.into_vec().into_iter().chain(semantic.diagnostics.into_vec());
    let mut found: Vec<Finding> =
        errors.take(PLACES_MAX).map(|error| left_invalid(error, code, |span| back(span.start))).collect();
    let scoping = semantic.semantic.scoping();
    let unresolved = scoping.root_unresolved_references().iter();
    let wanted = unresolved
        .filter(|(name, _)| !unbound.contains(name.as_str()))
        .filter_map(|(name, references)| references.first().map(|reference| (*reference, name.as_str())));
    let mut finder = FindReferences { wanted: wanted.collect(), found: Vec::new() };
    if !finder.wanted.is_empty() {
        finder.visit_program(&parsed.program);
    }
    found.extend(finder.found.into_iter().take(PLACES_MAX).map(|(name, offset)| {
        let message = format!("'{name}' loses its declaration when types are removed.");
        Finding::error(Code::UnsupportedSyntax, back(offset), message).help(HELP)
    }));
    found
}

/// The finding for a mistake that remains when TypeScript loses its types. `back` leads from places in the code to the author's.
fn left_invalid(error: OxcDiagnostic, code: &str, back: impl Fn(Span) -> Span) -> Finding {
    let mut finding = syntax::finding(error, code);
    finding.span = back(finding.span);
    for (span, _) in &mut finding.related {
        *span = back(*span);
    }
    // TypeScript leaves some mistakes in exports to its type checker.
    if finding.code == Code::Syntax && !finding.message.contains("xport") {
        finding.code = Code::UnsupportedSyntax;
        finding.message = format!("What is left of this without types is not valid: {}", finding.message);
        finding.help = Some(HELP.to_owned());
    }
    finding
}

const HELP: &str =
    "Write it the way plain JavaScript would, without namespaces, aliases and functions that have no body.";

struct FindReferences<'n> {
    wanted: HashMap<ReferenceId, &'n str>,
    found: Vec<(&'n str, u32)>,
}

impl<'a> Visit<'a> for FindReferences<'_> {
    fn visit_identifier_reference(&mut self, identifier: &IdentifierReference<'a>) {
        let name = identifier.reference_id.get().and_then(|reference| self.wanted.get(&reference));
        self.found.extend(name.map(|name| (*name, identifier.span.start)));
    }
}

/// The printer writes numbers beyond the largest one as the name `Infinity`, which may mean something else in a script. This
/// spells them in another way.
struct SpellInfinity<'b, 'a>(&'b AstBuilder<'a>);

impl<'a> VisitMut<'a> for SpellInfinity<'_, 'a> {
    fn visit_expression(&mut self, expression: &mut Expression<'a>) {
        match expression {
            Expression::NumericLiteral(number) if number.value.is_infinite() => {
                let (span, builder) = (number.span, self.0);
                let of = |value| Expression::new_numeric_literal(span, value, None, NumberBase::Decimal, builder);
                let division = BinaryOperator::Division;
                *expression = Expression::new_binary_expression(span, of(1.0), division, of(0.0), builder);
            }
            _ => walk_mut::walk_expression(self, expression),
        }
    }

    fn visit_property_key(&mut self, key: &mut PropertyKey<'a>) {
        match key {
            PropertyKey::NumericLiteral(number) if number.value.is_infinite() => {
                *key = PropertyKey::new_string_literal(number.span, "Infinity", None, self.0);
            }
            _ => walk_mut::walk_property_key(self, key),
        }
    }
}

/// How many lines a printer makes of what is inside a node, if it indents them.
pub(super) fn lines_inside(kind: &AstKind<'_>) -> Option<usize> {
    Some(match kind {
        AstKind::BlockStatement(block) => block.body.len(),
        AstKind::FunctionBody(body) => body.statements.len(),
        AstKind::StaticBlock(block) => block.body.len(),
        AstKind::TSModuleBlock(block) => block.body.len(),
        AstKind::TSNamespaceDeclaration(namespace)
            if matches!(namespace.body, TSNamespaceDeclarationBody::TSNamespaceDeclaration(_)) =>
        {
            3
        }
        AstKind::TSEnumBody(body) => body.members.len(),
        AstKind::ClassBody(body) => body.body.len(),
        AstKind::SwitchStatement(switch) => switch.cases.len(),
        AstKind::SwitchCase(case) => case.consequent.len(),
        AstKind::ObjectExpression(object) => object.properties.len(),
        AstKind::ArrayExpression(array) => array.elements.len(),
        _ => return None,
    })
}
