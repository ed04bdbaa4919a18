//! One module through parser, semantic pass, our own passes, transformer and printer.

use std::collections::HashSet;

use oxc::allocator::Allocator;
use oxc::ast::ast::{Program, Statement};
use oxc::semantic::{Scoping, SemanticBuilder, SymbolFlags};
use oxc::span::Span;
use scriptmill_sdk::{Code, Severity};

use super::bundle::{Import, Resolver, WHAT_MAY_BE_IMPORTED};
use super::checked::{EmittedModule, ModuleKind};
use super::link::Links;
use super::lower::{self, Merged};
use super::map::SourceMap;
use super::parse::{Language, holds_types, parse};
use super::source::{Finding, Source};
use super::{bundled, emit, entry, foreign, inspect, invisible, mistaken, syntax, weigh};

/// Indentation is left out if it would take more than this many times the bytes of the source.
const INDENTATION_MAX: usize = 4;

/// What one module gave.
pub(super) struct Report {
    pub(super) findings: Vec<Finding>,
    /// `None` where it has an error.
    pub(super) emitted: Option<Emitted>,
}

/// A module for the engine, and what its imports mean: specifier and index in the bundle, each once.
pub(super) struct Emitted {
    pub(super) module: EmittedModule,
    pub(super) imports: Vec<(String, usize)>,
    pub(super) links: Links,
}

/// Checks and transpiles one module of a bundle, to at most `bytes_max` bytes.
pub(super) fn check(source: &Source<'_>, main: bool, resolver: &Resolver<'_>, bytes_max: usize) -> Report {
    let mut findings = Vec::new();
    let emitted = pass(source, main, resolver, bytes_max, &mut findings);
    let errors: HashSet<u32> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| finding.span.start)
        .collect();
    // At the place of an error, warnings are left out.
    findings.retain(|finding| finding.severity == Severity::Error || !errors.contains(&finding.span.start));
    Report { emitted: emitted.filter(|_| errors.is_empty()), findings }
}

fn pass(
    source: &Source<'_>,
    main: bool,
    resolver: &Resolver<'_>,
    bytes_max: usize,
    findings: &mut Vec<Finding>,
) -> Option<Emitted> {
    let language = Language::of(source.name);
    let Some(source_type) = language.source_type() else {
        findings.push(unsupported_file(language));
        return None;
    };
    let refused = weigh::text(source.text, source_type.is_typescript());
    if let Some(finding) = refused.or_else(|| syntax::in_document(source.text)) {
        findings.push(finding);
        return None;
    }
    let allocator = Allocator::default();
    let parsed = parse(&allocator, source.text, source_type, main);
    if !parsed.diagnostics.is_empty() && language == Language::JavaScript && holds_types(&allocator, source.text, main)
    {
        let first = parsed.diagnostics.into_vec().into_iter().next().map(|error| syntax::finding(error, source.text));
        findings.push(types_in_javascript(source, first.map_or(Span::empty(0), |found| found.span)));
        return None;
    }
    findings.extend(syntax::findings(parsed.diagnostics.into_vec(), source.text));
    if parsed.panicked {
        return None;
    }
    let mut program = parsed.program;
    if let Some(finding) = weigh::program(&program) {
        findings.push(finding);
        return None;
    }
    let semantic = SemanticBuilder::new_compiler().build(&program);
    findings.extend(syntax::findings(semantic.diagnostics.into_vec(), source.text));
    let scoping = semantic.semantic.into_scoping();
    let merged = Merged::collect(&program, &scoping);
    let mut facts = inspect::inspect(&program, source.name, &scoping, &merged);
    findings.append(&mut facts.findings);
    let kind = if program.source_type.is_module() { ModuleKind::Module } else { ModuleKind::Script };
    findings.extend(entry::other_loader(&program, kind, main, &facts.foreign));
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        // In a broken program, further findings about missing names would mislead.
        return None;
    }

    let declared_main = declared_main(&program, &scoping);
    let mut links = Links::of_types(&program);
    let changed = match emit::transform(&allocator, &mut program, scoping, &merged, facts.accessors, bytes_max) {
        Ok(changed) => changed,
        Err(refusals) => {
            findings.extend(refusals);
            return None;
        }
    };
    links.add_values(&program);
    let imports = imports(&program, &facts.dynamic_imports, source.name, resolver, findings);
    if main {
        findings.extend(entry::check(&program, kind, &facts, declared_main));
    }
    let unseen = (!changed).then(|| invisible::find(&program, source.text));
    findings.extend(unseen.into_iter().flatten());
    let (written, bundled) = bundled::split(source, findings);
    let (code, map) = match changed {
        true => emit::print(&allocator, &mut program, facts.indentation <= INDENTATION_MAX * source.text.len()),
        false => (written.to_owned(), SourceMap::identity()),
    };
    let module = EmittedModule { name: source.name.to_owned(), kind, code, map, bundled };
    if module.size_bytes() > bytes_max {
        findings.push(lower::too_large(Span::empty(0), bytes_max));
        return None;
    }
    if changed {
        findings.extend(emit::verify(&module, &facts.unbound, source));
    }
    Some(Emitted { module, imports, links })
}

fn unsupported_file(language: Language) -> Finding {
    let (message, help) = match language {
        Language::Json => (
            "A JSON file cannot be a module.",
            "Write `export default` before the data and name the file '.ts', or give the data to the script as input.",
        ),
        _ => ("JSX is not supported.", "Write the module without JSX and name it '.ts' or '.js'."),
    };
    Finding::error(Code::UnsupportedSyntax, Span::empty(0), message).help(help)
}

/// A JavaScript file that would be right as TypeScript.
fn types_in_javascript(source: &Source<'_>, place: Span) -> Finding {
    if let Some(unequal) = mistaken::unequal_in_javascript(place, source.text) {
        return unequal;
    }
    let file = source.name.rsplit_once('/').map_or(source.name, |(_, file)| file);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let message = format!("Types can be used only in TypeScript: name the file {stem}.ts.");
    Finding::error(Code::Syntax, place, message).help("Or leave the types out.")
}

/// Resolves the imports that are left in the program.
fn imports(
    program: &Program<'_>,
    dynamic: &[(String, Span)],
    importer: &str,
    resolver: &Resolver<'_>,
    findings: &mut Vec<Finding>,
) -> Vec<(String, usize)> {
    let mut found: Vec<(String, usize)> = Vec::new();
    let mut seen = HashSet::new();
    let mut add = |specifier: &str, span: Span, severity: Severity| match resolver.resolve(importer, specifier) {
        Import::Module(index) => {
            if seen.insert(specifier.to_owned()) {
                found.push((specifier.to_owned(), index));
            }
        }
        Import::Nothing(reason, hint) => {
            let help = match hint {
                Some(hint) => hint,
                None => foreign::module_advice(specifier).unwrap_or(WHAT_MAY_BE_IMPORTED).to_owned(),
            };
            findings.push(Finding { severity, ..Finding::error(Code::ImportNotFound, span, reason).help(help) });
        }
    };
    for statement in &program.body {
        let source = match statement {
            Statement::ImportDeclaration(import) => &import.source,
            Statement::ExportFromDeclaration(export) => &export.source,
            Statement::ExportAllDeclaration(export) => &export.source,
            _ => continue,
        };
        add(&source.value, source.span, Severity::Error);
    }
    for (specifier, span) in dynamic {
        // A missing module only rejects a promise, and only when `import()` is called: libraries try `import('node:crypto')`.
        add(specifier, *span, Severity::Warning);
    }
    found
}

/// Where a name `main` is declared at top level, as something that exists at run time.
fn declared_main(program: &Program<'_>, scoping: &Scoping) -> Option<Span> {
    let symbol = scoping.get_root_binding("main".into())?;
    let flags = scoping.symbol_flags(symbol);
    let exists = flags.is_value() && !flags.contains(SymbolFlags::Ambient);
    (exists && !program.source_type.is_typescript_definition()).then(|| scoping.symbol_span(symbol))
}
