//! Why a call into the guest did not return.

use scriptmill_sdk::LimitKind;

use crate::stop::Stop;

/// Why a call into the guest did not return.
#[derive(Debug)]
pub(crate) enum Trap {
    Limit(LimitKind),
    /// The native stack overflowed: the script's doing.
    NativeStack,
    /// The machine gave no memory.
    NoMemory(String),
    /// The engine itself failed.
    Fault(String),
}

impl From<wasmtime::Error> for Trap {
    fn from(error: wasmtime::Error) -> Self {
        match (error.downcast_ref::<wasmtime::Trap>(), error.downcast_ref::<Stop>()) {
            (Some(wasmtime::Trap::OutOfFuel), _) => Self::Limit(LimitKind::Fuel),
            (Some(wasmtime::Trap::StackOverflow), _) => Self::NativeStack,
            (_, Some(Stop::Limit(limit))) => Self::Limit(*limit),
            (_, Some(Stop::NoMemory(why))) => Self::NoMemory(why.clone()),
            _ => Self::Fault(format!("{error:#}")),
        }
    }
}

/// Why an instance could not be made. Its code and its content are our own, so a fault means that it lacks room.
pub(crate) fn unmade(error: wasmtime::Error) -> Trap {
    match Trap::from(error) {
        Trap::Fault(why) => Trap::NoMemory(why),
        trap => trap,
    }
}
