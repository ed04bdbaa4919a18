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

pub use checker::{CheckFailed, Checker, defer_to_jobs, serve};
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
    let mut faults = bundle::check_form(bundle, bounds);
    if !faults.is_empty() {
        faults.truncate(bounds.diagnostics);
        return Checked { diagnostics: faults, script: None };
    }
    let resolver = bundle::Resolver::new(bundle);
    let sources: Vec<_> =
        bundle.modules.iter().map(|module| Source::new(&module.name, text_of(&module.source))).collect();
    let mut reports: Vec<_> =
        sources.iter().enumerate().map(|(index, source)| module::check(source, index == 0, &resolver)).collect();
    for (index, finding) in link(&sources, &reports) {
        reports[index].findings.push(finding);
    }
    let mut findings = Vec::new();
    let mut modules = Some(Vec::with_capacity(reports.len()));
    for (index, report) in reports.into_iter().enumerate() {
        findings.extend(report.findings.into_iter().map(|finding| (index, finding)));
        modules = modules.zip(report.emitted).map(|(mut modules, emitted)| {
            modules.push(emitted);
            modules
        });
    }
    let refused = findings.iter().any(|(_, finding)| finding.severity == Severity::Error);
    findings.sort_by_key(|(index, finding)| (*index, finding.span.start, finding.code));
    limit(&mut findings, bounds.diagnostics);
    let diagnostics = findings.into_iter().map(|(index, finding)| sources[index].diagnose(finding)).collect();
    Checked { diagnostics, script: modules.filter(|_| !refused).map(reachable) }
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

/// Cuts the list at `most` and one more, which tells how many are missing. Warnings go before errors do.
fn limit(findings: &mut Vec<(usize, Finding)>, most: usize) {
    let Some(excess) = findings.len().checked_sub(most).filter(|excess| *excess > 0) else { return };
    let is_error = |finding: &Finding| finding.severity == Severity::Error;
    let mut errors = findings.iter().filter(|(_, finding)| is_error(finding)).count().min(most);
    let mut warnings = most - errors;
    let mut first_missing: Option<(usize, Finding)> = None;
    let kept = std::mem::take(findings).into_iter().filter_map(|found| {
        let room = if is_error(&found.1) { &mut errors } else { &mut warnings };
        if *room > 0 {
            *room -= 1;
            return Some(found);
        }
        if first_missing.as_ref().is_none_or(|(_, first)| !is_error(first) && is_error(&found.1)) {
            first_missing = Some(found);
        }
        None
    });
    *findings = kept.collect();
    findings.extend(first_missing.map(|(index, mut first)| {
        first.message = format!("{excess} more problems were found; this is the first of them: {}", first.message);
        (index, first)
    }));
}
