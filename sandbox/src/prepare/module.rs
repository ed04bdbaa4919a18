//! One module through parser, semantic pass, our own passes, transformer and printer.

use std::collections::HashSet;

use oxc::allocator::Allocator;
use oxc::ast::ast::{Program, Statement};
use oxc::semantic::{Scoping, SemanticBuilder, SymbolFlags};
use oxc::span::Span;
use scriptmill_sdk::{Code, Severity};

use super::bundle::{Import, Resolver, WHAT_MAY_BE_IMPORTED, is_relative};
use super::checked::{EmittedModule, ModuleKind};
use super::inspect::Facts;
use super::link::Links;
use super::lower::{self, Merged};
use super::map::SourceMap;
use super::parse::{Language, parse};
use super::source::{Finding, Source};
use super::{emit, inspect, syntax, weigh};

/// Where indentation would take more than this many times the source, it is left out.
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
    if let Some(finding) = weigh::text(source.text, source_type.is_typescript()) {
        findings.push(finding);
        return None;
    }
    let allocator = Allocator::default();
    let parsed = parse(&allocator, source.text, source_type, main);
    findings.extend(parsed.diagnostics.into_vec().into_iter().map(|error| syntax::finding(error, source.text)));
    if parsed.panicked {
        return None;
    }
    let mut program = parsed.program;
    if let Some(finding) = weigh::program(&program) {
        findings.push(finding);
        return None;
    }
    let semantic = SemanticBuilder::new_compiler().build(&program);
    findings.extend(semantic.diagnostics.into_vec().into_iter().map(|error| syntax::finding(error, source.text)));
    let scoping = semantic.semantic.into_scoping();
    let merged = Merged::collect(&program, &scoping);
    let mut facts = inspect::inspect(&program, &scoping, &merged);
    findings.append(&mut facts.findings);
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        // In a broken program, further findings about missing names would mislead.
        return None;
    }

    let kind = if program.source_type.is_module() { ModuleKind::Module } else { ModuleKind::Script };
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
    if main && !has_entry(&program, kind, &facts, declared_main) {
        findings.push(missing_entry(&program, kind, declared_main));
    }
    let (code, map) = match changed {
        true => emit::print(&allocator, &mut program, facts.indentation <= INDENTATION_MAX * source.text.len()),
        false => (source.text.to_owned(), SourceMap::identity()),
    };
    let module = EmittedModule { name: source.name.to_owned(), kind, code, map };
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

/// What the imports that are left in the program mean.
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
                Some(hint) if is_relative(specifier) => hint,
                hint => hint.map_or_else(String::new, |hint| hint + " ") + WHAT_MAY_BE_IMPORTED,
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
        // What is missing rejects a promise, and only when it is asked for: libraries try `import('node:crypto')`.
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

/// Whether the main module may have an entry. It is true unless there is surely none.
fn has_entry(program: &Program<'_>, kind: ModuleKind, facts: &Facts, declared_main: Option<Span>) -> bool {
    let exports = program.body.iter().any(|statement| match statement {
        Statement::ExportDeclaration(_)
        | Statement::ExportDefaultDeclaration(_)
        | Statement::ExportAllDeclaration(_) => true,
        Statement::ExportNamedDeclaration(export) => !export.specifiers.is_empty(),
        Statement::ExportFromDeclaration(export) => !export.specifiers.is_empty(),
        _ => false,
    });
    exports || facts.mentions_main || (kind == ModuleKind::Script && declared_main.is_some())
}

fn missing_entry(program: &Program<'_>, kind: ModuleKind, declared_main: Option<Span>) -> Finding {
    let message = "The script has no entry: no function that a job can call.";
    if let (ModuleKind::Module, Some(span)) = (kind, declared_main) {
        let help =
            "'main' is declared, but only exported functions of a module can be called: write `export` before it.";
        return Finding::error(Code::MissingEntry, span, message).help(help);
    }
    let function = program.body.iter().find_map(|statement| match statement {
        Statement::FunctionDeclaration(function) => function.id.as_ref(),
        _ => None,
    });
    match function {
        Some(name) => {
            let help = format!(
                "If '{0}' is the entry, write `export default` before it: `export default function {0}(…)`.",
                name.name
            );
            Finding::error(Code::MissingEntry, name.span, message).help(help)
        }
        None => {
            let help = "Write `export default function (input, ctx) { … }`, or a plain `function main(input) { … }`.";
            Finding::error(Code::MissingEntry, Span::empty(0), message).help(help)
        }
    }
}
