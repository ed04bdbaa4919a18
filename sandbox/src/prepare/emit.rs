//! TypeScript to the JavaScript that the engine takes: types go, the rest stays as it was written.

use std::collections::HashSet;
use std::path::Path;

use oxc::allocator::Allocator;
use oxc::ast::ast::{IdentifierReference, Program};
use oxc::ast_visit::Visit;
use oxc::codegen::{Codegen, CodegenOptions, CommentOptions};
use oxc::diagnostics::Diagnostics;
use oxc::parser::Parser;
use oxc::semantic::{Scoping, SemanticBuilder};
use oxc::span::{SourceType, Span};
use oxc::syntax::reference::ReferenceId;
use oxc::transformer::{TransformOptions, Transformer};
use scriptmill_sdk::Code;

use super::checked::ModuleKind;
use super::map::SourceMap;
use super::source::{Finding, Source};
use super::syntax;

/// Removes the types from the program, in place. Imports of types are gone afterwards.
pub(super) fn transform<'a>(allocator: &'a Allocator, program: &mut Program<'a>, scoping: Scoping) -> Diagnostics {
    // The engine takes all that ECMAScript has today, so nothing is lowered but TypeScript itself. Fields keep the
    // define semantics of TypeScript's ES2022 target.
    let options = TransformOptions::default();
    Transformer::new(allocator, Path::new("module.ts"), &options).build_with_scoping(scoping, program).diagnostics
}

/// Prints a program, with a map to its source.
pub(super) fn print(program: &Program<'_>) -> (String, SourceMap) {
    let options = CodegenOptions {
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
pub(super) fn verify(
    code: &str,
    map: &SourceMap,
    kind: ModuleKind,
    unbound: &HashSet<String>,
    source: &Source<'_>,
) -> Vec<Finding> {
    let allocator = Allocator::default();
    let source_type = match kind {
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
    let mut found: Vec<Finding> = errors
        .map(|error| {
            let mut finding = syntax::finding(error, code);
            finding.span = back(finding.span.start);
            for (span, _) in &mut finding.related {
                *span = back(span.start);
            }
            // TypeScript leaves some mistakes in exports to its type checker.
            if finding.code == Code::Syntax && !finding.message.contains("xport") {
                finding.code = Code::UnsupportedSyntax;
                finding.message = format!("What is left of this without types is not valid: {}", finding.message);
                finding.help = Some(HELP.to_owned());
            }
            finding
        })
        .collect();
    let scoping = semantic.semantic.scoping();
    for (name, references) in scoping.root_unresolved_references() {
        let Some(reference) = references.first().filter(|_| !unbound.contains(name.as_str())) else { continue };
        let mut offset = 0;
        let mut finder = FindReference { wanted: *reference, offset: &mut offset };
        finder.visit_program(&parsed.program);
        let message = format!("'{name}' loses its declaration when types are removed.");
        found.push(Finding::error(Code::UnsupportedSyntax, back(offset), message).help(HELP));
    }
    found
}

const HELP: &str =
    "Write it the way plain JavaScript would, without namespaces, aliases and functions that have no body.";

struct FindReference<'o> {
    wanted: ReferenceId,
    offset: &'o mut u32,
}

impl<'a> Visit<'a> for FindReference<'_> {
    fn visit_identifier_reference(&mut self, identifier: &IdentifierReference<'a>) {
        if identifier.reference_id.get() == Some(self.wanted) {
            *self.offset = identifier.span.start;
        }
    }
}
