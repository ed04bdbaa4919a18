//! The author's own line under a finding that comes from the engine or from a run.

use scriptmill_sdk::{Bundle, Code, Diagnostic, Position};

use super::bundled;
use super::source::{self, Finding, Source};

/// The author's line of a place, with a caret under it, and the line before it, as plain text. Returns `None` if the bundle does
/// not hold the file's text. The file may be one that a bundler made a module of.
pub fn excerpt(bundle: &Bundle, at: &Position) -> Option<String> {
    match bundle.modules.iter().find(|module| module.name == at.file) {
        Some(module) => Some(Source::of(module).excerpt_at(at.line, at.column)),
        None => bundle.modules.iter().find_map(|module| bundled::excerpt(module, at)),
    }
}

/// The diagnostic for code that the check let pass and the engine refuses to parse, at the author's place if that is known.
pub fn engine_diagnostic(bundle: &Bundle, at: Option<&Position>, message: &str) -> Diagnostic {
    let module = at.and_then(|at| bundle.modules.iter().find(|module| module.name == at.file));
    match (at, module) {
        (Some(at), Some(module)) => {
            let source = Source::of(module);
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
