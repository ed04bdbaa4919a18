//! From a checked script to its image: its top level is run under limits, and the memory that it leaves is kept.

use scriptmill_sdk::{Bundle, Diagnostic, Ending, LimitKind, Limits};

use super::ending::top_level_ending;
use super::payload::payload;
use super::script::{Image, Refusal};
use crate::ending;
use crate::instance::Instance;
use crate::memory_module::runs;
use crate::prepare::Emit;
use crate::runtime::Runtime;
use crate::snapshot::Snapshot;
use crate::stack::located;
use crate::trap::Trap;

/// Runs a checked script's top level under the limits and keeps the memory it leaves.
pub(crate) async fn build(
    runtime: &Runtime,
    bundle: &Bundle,
    script: Emit,
    diagnostics: Vec<Diagnostic>,
    limits: &Limits,
) -> Result<Image, Refusal> {
    // What a top level logs is shown to no one.
    let mut guest = runtime.guest_of_top_level(Limits { log_lines: u64::MAX, log_bytes: u64::MAX, ..*limits });
    guest.payload = payload(&script);
    let refused = |ending| Refusal { ending, diagnostics: diagnostics.clone(), prepare_fuel: 0 };
    let deadline = runtime.clock.monotonic().saturating_add(limits.wall_time);
    let mut instance = Instance::new(&runtime.interface, &runtime.base, guest, limits.prepare_fuel)
        .await
        .map_err(|trap| refused(ending::trapped(trap, limits, Vec::new())))?;
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
            let (ending, found) = top_level_ending(instance.guest_mut().completion.take(), bundle, &script.modules);
            return Err(refused(ending, found));
        }
        Err(trap) => {
            let stack = located(&instance.locate().await, &script.modules);
            return Err(refused(ending::trapped(of_top_level(trap), limits, stack), None));
        }
    }
    let memory = runtime.without_stack(instance.memory());
    let snapshot = Snapshot::new(&runtime.interface, &memory)
        .map_err(|error| refused(ending::trapped(Trap::from(error), limits, Vec::new()), None))?;
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
    runtime: &Runtime,
    bundle: &Bundle,
    script: &Emit,
    limits: &Limits,
) -> Result<Option<Diagnostic>, Ending> {
    let mut guest = runtime.guest_of_top_level(*limits);
    guest.payload = payload(script);
    let deadline = runtime.clock.monotonic().saturating_add(limits.wall_time);
    let trapped = |trap| ending::trapped(of_top_level(trap), limits, Vec::new());
    let mut instance =
        Instance::new(&runtime.interface, &runtime.base, guest, limits.prepare_fuel).await.map_err(trapped)?;
    if instance.load(false, deadline).await.map_err(trapped)? {
        return Ok(None);
    }
    match top_level_ending(instance.guest_mut().completion.take(), bundle, &script.modules) {
        (_, Some(diagnostic)) => Ok(Some(diagnostic)),
        (ending, None) => Err(ending),
    }
}

/// The fuel that ran out was the top level's.
fn of_top_level(trap: Trap) -> Trap {
    match trap {
        Trap::Limit(LimitKind::Fuel) => Trap::Limit(LimitKind::PrepareFuel),
        trap => trap,
    }
}
