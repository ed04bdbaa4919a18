//! The ending of a top level that left no image.

use scriptmill_sdk::{Bundle, Code, Diagnostic, Ending, Failure, Origin, Rejection};

use crate::ending;
use crate::guest::Completion;
use crate::places::Files;
use crate::prepare::engine_diagnostic;
use crate::stack::Report;

/// The ending of every job of the script, and the diagnostic for its author where there is one.
pub(super) fn top_level_ending(
    completion: Option<Completion>,
    bundle: &Bundle,
    files: &Files,
) -> (Ending, Option<Diagnostic>) {
    let failed = |code, message, thrown| {
        Ending::Failed(Failure { code, message, origin: Origin::Script, retryable: false, thrown })
    };
    match completion {
        Some(Completion::Thrown(report)) => {
            let report = Report::read(&report);
            let code = report.code().unwrap_or(Code::TopLevelThrew);
            let message = format!("the script's top level threw {}{}", report.sentence(), report.advice());
            (failed(code, message, Some(report.thrown(files))), None)
        }
        Some(Completion::Stalled) => {
            (failed(Code::NeverSettles, "the top level awaits something that never comes".into(), None), None)
        }
        Some(Completion::SyntaxRefused(report)) => {
            let report = Report::read(&report);
            let message = format!("the engine cannot parse the script: {}", report.message);
            let diagnostic = engine_diagnostic(bundle, report.position(files).as_ref(), &message);
            (Ending::Rejected(Rejection { code: Code::EngineRefusesSyntax, message, path: None }), Some(diagnostic))
        }
        Some(Completion::TooDeep) => {
            let message = "the script is nested too deeply for the engine".into();
            (Ending::Rejected(Rejection { code: Code::TooComplex, message, path: None }), None)
        }
        other => (ending::fault(format!("the engine settled a top level with {other:?}")), None),
    }
}
