//! Script in, checked and transpiled script out.
//!
//! [`check`] is a pure function of a bundle: it parses every module, reports all it finds at once, strips types and
//! resolves imports. It recurses over the author's source in native code, so it runs in a child process; a
//! [`Checker`] is the handle on that child.

mod bundle;
mod checker;
mod emit;
mod files;
mod inspect;
mod link;
mod map;
mod module;
mod names;
mod namespace;
mod source;
mod syntax;
mod unsupported;

use serde::{Deserialize, Serialize};

use scriptmill_sdk::{Bundle, Code, Diagnostic, Module, Position, Severity};

use bundle::text_of;
use source::{Finding, Source};

pub use checker::{CheckFailed, Checker, serve};
pub use files::{ReadFailed, ScriptFiles};
pub use map::SourceMap;

/// How much of a bundle is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Source of all modules together, in bytes.
    pub source_bytes: usize,
    /// Modules of a bundle.
    pub modules: usize,
    /// Diagnostics that are reported; one more tells how many there were.
    pub diagnostics: usize,
}

impl Default for Bounds {
    /// Room for real libraries, of which bundled ones reach 2.8 MB.
    fn default() -> Self {
        Self { source_bytes: 4 << 20, modules: 256, diagnostics: 100 }
    }
}

/// What the check of a bundle gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// All that was found, by module and place.
    pub diagnostics: Vec<Diagnostic>,
    /// What the engine is to load; `None` exactly when a diagnostic is an error.
    pub script: Option<Emit>,
}

/// A script as the engine takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emit {
    /// The modules that the main module may reach by its imports; the main module is the first.
    pub modules: Vec<EmittedModule>,
    /// What each import of theirs means.
    pub resolutions: Vec<Resolution>,
}

/// One module as the engine takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmittedModule {
    /// Its name in the bundle.
    pub name: String,
    /// How the engine is to read it.
    pub kind: ModuleKind,
    /// JavaScript.
    pub code: String,
    /// From the code to the author's source.
    pub map: SourceMap,
}

/// How the engine is to read a module's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModuleKind {
    /// An ECMAScript module.
    Module,
    /// A classic sloppy script; only ever the main module, when it has no import, export or top-level `await`.
    Script,
}

/// What an import means.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Resolution {
    /// Index of the importing module in [`Emit::modules`].
    pub importer: usize,
    /// As the import has it.
    pub specifier: String,
    /// Index of the imported module in [`Emit::modules`].
    pub target: usize,
}

/// Checks a bundle and transpiles it. Pure and deterministic, but it recurses as deep as the source is nested: give it
/// a large stack, and a process that may die.
pub fn check(bundle: &Bundle, bounds: &Bounds) -> Checked {
    let mut diagnostics = bundle::check_form(bundle, bounds);
    if !diagnostics.is_empty() {
        return Checked { diagnostics: limit(diagnostics, bounds), script: None };
    }
    let resolver = bundle::Resolver::new(bundle);
    let sources: Vec<_> =
        bundle.modules.iter().map(|module| Source::new(&module.name, text_of(&module.source))).collect();
    let mut reports: Vec<_> =
        sources.iter().enumerate().map(|(index, source)| module::check(source, index == 0, &resolver)).collect();
    for (index, finding) in link(&sources, &reports) {
        reports[index].findings.push(finding);
    }
    let mut modules = Some(Vec::with_capacity(reports.len()));
    for (mut report, source) in reports.into_iter().zip(&sources) {
        report.findings.sort_by_key(|finding| (finding.span.start, finding.code));
        diagnostics.extend(report.findings.into_iter().map(|finding| source.diagnose(finding)));
        modules = modules.zip(report.emitted).map(|(mut modules, emitted)| {
            modules.push(emitted);
            modules
        });
    }
    let refused = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    let script = modules.filter(|_| !refused).map(reachable);
    Checked { diagnostics: limit(diagnostics, bounds), script }
}

fn link(sources: &[Source<'_>], reports: &[module::Report]) -> Vec<(usize, Finding)> {
    let linked: Vec<_> = sources
        .iter()
        .zip(reports)
        .map(|(source, report)| link::Linked {
            name: source.name,
            links: report.emitted.as_ref().map(|emitted| &emitted.links),
            targets: report
                .emitted
                .iter()
                .flat_map(|emitted| &emitted.imports)
                .map(|(specifier, target)| (specifier.as_str(), *target))
                .collect(),
        })
        .collect();
    link::check(&linked)
}

/// The author's line of a place, with a caret under it, and the line before it, as plain text.
pub fn frame(module: &Module, at: &Position) -> String {
    Source::new(&module.name, text_of(&module.source)).frame_at(at.line, at.column)
}

/// The engine's refusal to parse what the check let through, at its place in the author's source where that is known.
pub fn engine_diagnostic(bundle: &Bundle, at: Option<&Position>, message: &str) -> Diagnostic {
    let module = at.and_then(|at| bundle.modules.iter().find(|module| module.name == at.file));
    match (at, module) {
        (Some(at), Some(module)) => {
            let source = Source::new(&module.name, text_of(&module.source));
            let span = source.span_at(at.line, at.column);
            source.diagnose(Finding::error(Code::EngineRefusesSyntax, span, message).help(ENGINE_HELP))
        }
        _ => {
            let file = bundle.modules.first().map_or("", |module| module.name.as_str());
            source::diagnose_bundle(Code::EngineRefusesSyntax, file, message.to_owned(), ENGINE_HELP)
        }
    }
}

const ENGINE_HELP: &str = "The check let this pass, but the engine cannot read it. Write it in a simpler way.";

/// Keeps the modules that the main one may reach: the engine compiles all it is given.
fn reachable(modules: Vec<module::Emitted>) -> Emit {
    let mut order = vec![0];
    let mut place = vec![None; modules.len()];
    place[0] = Some(0);
    let mut resolutions = Vec::new();
    let mut next = 0;
    while let Some(&index) = order.get(next) {
        for (specifier, target) in &modules[index].imports {
            let target = *place[*target].get_or_insert_with(|| {
                order.push(*target);
                order.len() - 1
            });
            resolutions.push(Resolution { importer: next, specifier: specifier.clone(), target });
        }
        next += 1;
    }
    let mut modules: Vec<_> = modules.into_iter().map(|module| Some(module.module)).collect();
    Emit { modules: order.into_iter().filter_map(|index| modules[index].take()).collect(), resolutions }
}

/// Cuts the list at its bound. Errors go before warnings, and the last one tells how many are missing.
fn limit(mut diagnostics: Vec<Diagnostic>, bounds: &Bounds) -> Vec<Diagnostic> {
    let Some(excess) = diagnostics.len().checked_sub(bounds.diagnostics).filter(|excess| *excess > 0) else {
        return diagnostics;
    };
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    let (mut room, mut room_for_warnings) = (bounds.diagnostics, bounds.diagnostics.saturating_sub(errors));
    let mut first_missing = None;
    diagnostics.retain(|diagnostic| {
        let kept = match diagnostic.severity {
            Severity::Error => room > 0,
            Severity::Warning => room_for_warnings > 0,
        };
        if kept {
            room = room.saturating_sub(1);
            if diagnostic.severity == Severity::Warning {
                room_for_warnings -= 1;
            }
        } else if first_missing.as_ref().is_none_or(|first: &Diagnostic| diagnostic.severity < first.severity) {
            first_missing = Some(diagnostic.clone());
        }
        kept
    });
    diagnostics.extend(first_missing.map(|first| Diagnostic {
        message: format!("{excess} more problems were found; this is the first of them: {}", first.message),
        ..first
    }));
    diagnostics
}
