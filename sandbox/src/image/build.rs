//! From a checked script to its image: its top level is run under limits, and the memory that it leaves is kept.

use std::time::Duration;

use scriptmill_sdk::{Bundle, Code, Diagnostic, Ending, Failure, LimitKind, Limits, Origin};

use super::ending::top_level_ending;
use super::payload::payload;
use super::script::{Image, Refusal, size_of_words};
use crate::ending;
use crate::instance::Instance;
use crate::places::{Files, Places};
use crate::prepare::Emit;
use crate::runtime::Runtime;
use crate::stack::located;
use crate::trap::Trap;

/// The longest time, by the clock, that a top level runs. Its usual bound is fuel, which is the same on every machine; this bound
/// is for a machine that makes no progress.
const TIME_MAX: Duration = Duration::from_secs(4 * 60);

/// Runs a checked script's top level under the limits and keeps the memory it leaves.
pub(crate) async fn build(
    runtime: &Runtime,
    bundle: &Bundle,
    script: Emit,
    diagnostics: Vec<Diagnostic>,
    limits: &Limits,
) -> Result<Image, Refusal> {
    let mut guest = runtime.guest_of_top_level(*limits);
    guest.payload = payload(&script);
    let files = Files::new(&script.modules);
    guest.places = Some(Places::new(script.modules));
    let refused = |ending| Refusal { ending, diagnostics: diagnostics.clone(), prepare_fuel: 0, is_of_time: false };
    let deadline = runtime.clock.monotonic().saturating_add(TIME_MAX);
    let mut instance = Instance::new(&runtime.interface, &runtime.base.snapshot, guest, limits.prepare_fuel)
        .await
        .map_err(|trap| refused(ending::trapped(trap, limits, Vec::new())))?;
    let loaded = instance.load(true, deadline).await;
    let prepare_fuel = limits.prepare_fuel.saturating_sub(instance.fuel());
    let refused = |ending, found: Option<Diagnostic>| Refusal {
        ending,
        diagnostics: diagnostics.iter().cloned().chain(found).collect(),
        prepare_fuel,
        is_of_time: false,
    };
    match loaded {
        Ok(true) => {}
        Ok(false) => {
            let (ending, found) = top_level_ending(instance.guest_mut().completion.take(), bundle, &files);
            return Err(refused(ending, found));
        }
        Err(Trap::Limit(LimitKind::WallTimeMs)) => return Err(refused(unfinished(), None)),
        Err(trap) => {
            let stack = located(&instance.locate().await, &files);
            return Err(refused(ending::trapped(of_top_level(trap), limits, stack), None));
        }
    }
    let memory = runtime.without_stack(instance.memory());
    let snapshot = runtime
        .base
        .changed_to(&runtime.interface, &memory)
        .map_err(|error| refused(ending::trapped(Trap::from(error), limits, Vec::new()), None))?;
    Ok(Image {
        size: snapshot.size + files.size_bytes() + size_of_words(None, &diagnostics),
        _share: None,
        snapshot,
        files,
        diagnostics,
        prepare_fuel,
        memory_bytes: memory.len() as u64,
    })
}

/// Has the engine parse a checked script without running it. Returns what the engine refuses, if anything.
pub(crate) async fn parse(
    runtime: &Runtime,
    bundle: &Bundle,
    script: Emit,
    limits: &Limits,
) -> Result<Option<Diagnostic>, Ending> {
    let mut guest = runtime.guest_of_top_level(*limits);
    guest.payload = payload(&script);
    let files = Files::new(&script.modules);
    guest.places = Some(Places::new(script.modules));
    let deadline = runtime.clock.monotonic().saturating_add(TIME_MAX);
    let trapped = |trap| match trap {
        Trap::Limit(LimitKind::WallTimeMs) => unfinished(),
        trap => ending::trapped(of_top_level(trap), limits, Vec::new()),
    };
    let mut instance =
        Instance::new(&runtime.interface, &runtime.base.snapshot, guest, limits.prepare_fuel).await.map_err(trapped)?;
    if instance.load(false, deadline).await.map_err(trapped)? {
        return Ok(None);
    }
    match top_level_ending(instance.guest_mut().completion.take(), bundle, &files) {
        (_, Some(diagnostic)) => Ok(Some(diagnostic)),
        (ending, None) => Err(ending),
    }
}

/// The ending of a job when the machine had no time for the top level.
pub(super) fn unfinished() -> Ending {
    Ending::Failed(Failure {
        code: Code::PrepareFailed,
        message: format!(
            "the script's top level has not ended in {TIME_MAX:?}: the machine has too little time for it"
        ),
        origin: Origin::Platform,
        retryable: true,
        thrown: None,
    })
}

/// Turns the limit of fuel into the limit of the top level's fuel.
fn of_top_level(trap: Trap) -> Trap {
    match trap {
        Trap::Limit(LimitKind::Fuel) => Trap::Limit(LimitKind::PrepareFuel),
        trap => trap,
    }
}
