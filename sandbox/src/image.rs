//! Script images: the memory of an engine that has run a script's top level, ready to be copied for each job.

use scriptmill_sdk::{Bundle, Code, Diagnostic, Ending, Failure, LimitKind, Limits, Origin, Rejection};

use crate::engine::PAGE;
use crate::guest::{Guest, ScriptClock, Settled, TOP_LEVEL_INSTANT};
use crate::instance::{Ended, Instance, Snapshot};
use crate::prepare::{Emit, EmittedModule, ModuleKind};
use crate::stack::{Report, located};
use crate::{Sandbox, ending};

/// Bytes of a page of the machine: what is zero for as long is left out of an image.
const MACHINE_PAGE: usize = 4 << 10;
const ZEROS: [u8; MACHINE_PAGE] = [0; MACHINE_PAGE];

/// A script, ready to run.
pub struct Image {
    pub(crate) snapshot: Snapshot,
    pub(crate) modules: Vec<EmittedModule>,
    /// Warnings of the check.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Fuel that the top level took.
    pub(crate) prepare_fuel: u64,
    /// Linear memory that a job begins with, in bytes.
    pub(crate) memory_bytes: u64,
    /// What the image holds, in bytes.
    pub(crate) size: usize,
}

/// A script that cannot run, and why: the ending of every job of it.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// How such a job ends.
    pub ending: Ending,
    /// What the check found.
    pub diagnostics: Vec<Diagnostic>,
    /// Fuel that the top level took.
    pub prepare_fuel: u64,
}

impl Refusal {
    /// Whether it is the script's own, and the same next time.
    pub(crate) fn is_final(&self) -> bool {
        match &self.ending {
            Ending::Failed(failure) => failure.origin != Origin::Platform,
            // How far a top level comes in its time is the machine's.
            Ending::Exhausted(exhausted) => exhausted.limit != LimitKind::WallTimeMs,
            _ => true,
        }
    }
}

/// Runs a checked script's top level under the limits and keeps the memory it leaves.
pub(crate) async fn build(
    sandbox: &Sandbox,
    bundle: &Bundle,
    script: Emit,
    diagnostics: Vec<Diagnostic>,
    limits: &Limits,
) -> Result<Image, Refusal> {
    let mut guest = Guest::new(
        sandbox.clock(),
        Limits { log_lines: u64::MAX, log_bytes: u64::MAX, ..*limits },
        ScriptClock::Fixed(TOP_LEVEL_INSTANT),
    );
    guest.payload = payload(&script);
    let refused = |ending| Refusal { ending, diagnostics: diagnostics.clone(), prepare_fuel: 0 };
    let deadline = sandbox.clock().monotonic().saturating_add(limits.wall_time);
    let mut instance = Instance::new(sandbox.interface(), sandbox.base(), guest, limits.prepare_fuel)
        .await
        .map_err(|ended| refused(ending::ended(ended, limits, Vec::new())))?;
    let loaded = instance.load(true, deadline).await;
    let prepare_fuel = limits.prepare_fuel.saturating_sub(instance.fuel());
    let refused = |ending, found: Option<Diagnostic>| Refusal {
        ending,
        diagnostics: diagnostics.iter().cloned().chain(found).collect(),
        prepare_fuel,
    };
    match loaded {
        Ok(true) => {}
        Ok(false) => {
            let (ending, found) = top_level_ending(instance.guest_mut().settled.take(), bundle, &script.modules);
            return Err(refused(ending, found));
        }
        Err(ended) => {
            let ended = match ended {
                Ended::Limit(LimitKind::Fuel) => Ended::Limit(LimitKind::PrepareFuel),
                ended => ended,
            };
            let stack = located(&instance.locate().await, &script.modules);
            return Err(refused(ending::ended(ended, limits, stack), None));
        }
    }
    let memory = sandbox.without_stack(instance.memory());
    let snapshot = Snapshot::new(sandbox.interface(), &memory)
        .map_err(|error| refused(ending::ended(Ended::from(error), limits, Vec::new()), None))?;
    let content: usize = runs(&memory).map(|run| run.len()).sum();
    let text: usize = script.modules.iter().map(|module| module.code.len() + module.map.size_bytes()).sum();
    Ok(Image {
        snapshot,
        modules: script.modules,
        diagnostics,
        prepare_fuel,
        memory_bytes: memory.len() as u64,
        size: content + text,
    })
}

/// Has the engine parse a checked script without running it: what it refuses, if it does.
pub(crate) async fn parse(
    sandbox: &Sandbox,
    bundle: &Bundle,
    script: &Emit,
    limits: &Limits,
) -> Result<Option<Diagnostic>, Ending> {
    let mut guest = Guest::new(sandbox.clock(), *limits, ScriptClock::Fixed(TOP_LEVEL_INSTANT));
    guest.payload = payload(script);
    let deadline = sandbox.clock().monotonic().saturating_add(limits.wall_time);
    let ended = |ended| match ended {
        Ended::Limit(LimitKind::Fuel) => ending::ended(Ended::Limit(LimitKind::PrepareFuel), limits, Vec::new()),
        ended => ending::ended(ended, limits, Vec::new()),
    };
    let mut instance =
        Instance::new(sandbox.interface(), sandbox.base(), guest, limits.prepare_fuel).await.map_err(ended)?;
    if instance.load(false, deadline).await.map_err(ended)? {
        return Ok(None);
    }
    match top_level_ending(instance.guest_mut().settled.take(), bundle, &script.modules) {
        (_, Some(diagnostic)) => Ok(Some(diagnostic)),
        (ending, None) => Err(ending),
    }
}

fn top_level_ending(
    settled: Option<Settled>,
    bundle: &Bundle,
    modules: &[EmittedModule],
) -> (Ending, Option<Diagnostic>) {
    let failed = |code, message, thrown| {
        Ending::Failed(Failure { code, message, origin: Origin::Script, retryable: false, thrown })
    };
    match settled {
        Some(Settled::Thrown(report)) => {
            let report = Report::read(&report);
            let code = report.code().unwrap_or(Code::TopLevelThrew);
            let message = format!("the script's top level threw {}", report.sentence());
            (failed(code, message, Some(report.thrown(modules))), None)
        }
        Some(Settled::Stalled) => {
            (failed(Code::NeverSettles, "the top level awaits something that never comes".into(), None), None)
        }
        Some(Settled::SyntaxRefused(report)) => {
            let report = Report::read(&report);
            let message = format!("the engine cannot parse the script: {}", report.message);
            let diagnostic = crate::prepare::engine_diagnostic(bundle, report.position(modules).as_ref(), &message);
            (Ending::Rejected(Rejection { code: Code::EngineRefusesSyntax, message, path: None }), Some(diagnostic))
        }
        Some(Settled::TooDeep) => {
            let message = "the script is nested too deeply for the engine".into();
            (Ending::Rejected(Rejection { code: Code::TooComplex, message, path: None }), None)
        }
        other => (ending::fault(format!("the engine settled a top level with {other:?}")), None),
    }
}

/// The bundle as `load` reads it.
fn payload(script: &Emit) -> Vec<u8> {
    let mut bytes = Vec::new();
    let number =
        |bytes: &mut Vec<u8>, number: usize| bytes.extend(u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
    let text = |bytes: &mut Vec<u8>, text: &str| {
        number(bytes, text.len());
        bytes.extend(text.as_bytes());
    };
    number(&mut bytes, script.modules.len());
    for module in &script.modules {
        text(&mut bytes, &module.name);
        number(&mut bytes, usize::from(module.kind == ModuleKind::Script));
        text(&mut bytes, &module.code);
    }
    number(&mut bytes, script.resolutions.len());
    for resolution in &script.resolutions {
        number(&mut bytes, resolution.importer);
        text(&mut bytes, &resolution.specifier);
        number(&mut bytes, resolution.target);
    }
    bytes
}

/// A module that defines and exports one memory of this content, and holds no code.
pub(crate) fn memory_module(content: &[u8]) -> Vec<u8> {
    use wasm_encoder::{ConstExpr, DataSection, ExportKind, ExportSection, MemorySection, MemoryType, Module};
    let mut memories = MemorySection::new();
    let minimum = content.len().div_ceil(PAGE) as u64;
    memories.memory(MemoryType { minimum, maximum: None, memory64: false, shared: false, page_size_log2: None });
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    let mut data = DataSection::new();
    for run in runs(content) {
        let offset = u32::try_from(run.start).unwrap_or(u32::MAX).cast_signed();
        data.active(0, &ConstExpr::i32_const(offset), content[run].iter().copied());
    }
    let mut module = Module::new();
    module.section(&memories).section(&exports).section(&data);
    module.finish()
}

/// The ranges of machine pages that are not all zero.
fn runs(content: &[u8]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let is_zero = |at: usize| {
        let page = &content[at..content.len().min(at + MACHINE_PAGE)];
        page == &ZEROS[..page.len()]
    };
    let skip =
        move |from: usize, zero: bool| (from..content.len()).step_by(MACHINE_PAGE).find(|at| is_zero(*at) != zero);
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = skip(at, true)?;
        let end = skip(start, false).unwrap_or(content.len());
        at = end;
        Some(start..end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_that_the_machine_may_be_behind_is_not_kept() {
        let limits = Limits::default();
        let ended = |ended| ending::ended(ended, &limits, Vec::new());
        for (ending, is_final) in [
            (ended(Ended::Limit(LimitKind::PrepareFuel)), true),
            (ended(Ended::Limit(LimitKind::MemoryBytes)), true),
            (ended(Ended::NativeStack), true),
            (ended(Ended::Limit(LimitKind::WallTimeMs)), false),
            (ended(Ended::NoMemory(String::new())), false),
            (ended(Ended::Fault(String::new())), false),
        ] {
            let refusal = Refusal { ending, diagnostics: Vec::new(), prepare_fuel: 0 };
            assert_eq!(refusal.is_final(), is_final, "{:?}", refusal.ending);
        }
    }

    #[test]
    fn pages_of_zeros_are_left_out() {
        let mut content = vec![0; 5 * MACHINE_PAGE];
        assert_eq!(runs(&content).count(), 0);
        content[MACHINE_PAGE] = 1;
        content[2 * MACHINE_PAGE + 5] = 1;
        content[5 * MACHINE_PAGE - 1] = 1;
        let ranges: Vec<_> = runs(&content).collect();
        assert_eq!(ranges, [MACHINE_PAGE..3 * MACHINE_PAGE, 4 * MACHINE_PAGE..5 * MACHINE_PAGE]);
    }
}
