//! Endings of jobs that did not return: their codes and sentences.

use scriptmill_sdk::{Code, Ending, Exhausted, Failure, LimitKind, Limits, Origin, StackFrame};

use crate::trap::Trap;

/// The ending of a job whose call into the guest did not return.
pub(crate) fn trapped(trap: Trap, limits: &Limits, stack: Vec<StackFrame>) -> Ending {
    match trap {
        Trap::Limit(limit) => exhausted(limit, limits, stack),
        Trap::NativeStack => Ending::Failed(Failure {
            code: Code::NativeStack,
            message: "the script made the engine call itself until its stack was full".into(),
            origin: Origin::Script,
            retryable: false,
            thrown: None,
        }),
        Trap::NoMemory(why) => Ending::Failed(Failure {
            code: Code::NoMemory,
            message: format!("the machine has no memory left for the sandbox: {why}"),
            origin: Origin::Platform,
            retryable: true,
            thrown: None,
        }),
        Trap::Fault(why) => fault(why),
    }
}

/// The ending of a job that met a limit.
pub(crate) fn exhausted(limit: LimitKind, limits: &Limits, stack: Vec<StackFrame>) -> Ending {
    let (allowed, what) = match limit {
        LimitKind::Fuel => (limits.fuel, "units of fuel are used up"),
        LimitKind::PrepareFuel => (limits.prepare_fuel, "units of fuel for the top level are used up"),
        LimitKind::MemoryBytes => (limits.memory_bytes, "bytes of memory are used up"),
        LimitKind::WallTimeMs => {
            (u64::try_from(limits.wall_time.as_millis()).unwrap_or(u64::MAX), "milliseconds of wall time are over")
        }
        LimitKind::OutputBytes => (limits.output_bytes, "bytes of output are too few for the value"),
        LimitKind::LogLines => (limits.log_lines, "lines of log are used up"),
        LimitKind::LogBytes => (limits.log_bytes, "bytes of log are used up"),
        LimitKind::Nesting => (limits.nesting, "levels of nesting are too few for the value"),
        LimitKind::PendingCalls => (limits.pending_calls, "host calls are pending already"),
    };
    let place = match stack.iter().find_map(|frame| frame.at.as_ref()) {
        Some(at) => format!(", at {at}"),
        None => String::new(),
    };
    let message = format!("{allowed} {what}{place}");
    Ending::Exhausted(Exhausted { code: limit.code(), message, limit, allowed, stack })
}

/// The ending of a job that the engine itself failed.
pub(crate) fn fault(why: String) -> Ending {
    Ending::Failed(Failure {
        code: Code::EngineFault,
        message: format!("the engine failed: {why}"),
        origin: Origin::Platform,
        retryable: true,
        thrown: None,
    })
}
