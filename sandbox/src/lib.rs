//! The sandbox of Scriptmill: a script in, an image out; an image and an input in, an outcome out.
//!
//! A script is checked and transpiled ([`prepare`]). Its top level runs once under limits, and the linear memory after that is kept as
//! an image. A job starts from a fresh copy of the image: nothing is parsed or compiled, and no two jobs share a heap. For one build
//! of the engine, value, logs and fuel of a job are a function of bundle, entry, input, seed, clock and the answers of the host.
//!
//! The library knows nothing of queues, of HTTP or of whose jobs it runs. Its futures run on any executor: they hand the
//! thread back every million units of fuel, and are best polled on threads of their own.

#[path = "../engine/src/abi.rs"]
mod abi;
mod cache;
mod calls;
mod clock;
mod compiled;
mod complete;
mod cpu;
mod decommit;
mod ending;
mod engine;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod guest;
mod image;
mod instance;
mod interface;
mod json;
pub mod measure;
mod memory_module;
mod pending;
mod places;
pub mod prepare;
mod run;
mod runtime;
mod sandbox;
mod snapshot;
mod stack;
mod stop;
mod timers;
mod trap;
mod turn;
mod turns;

pub use calls::{ANSWER_BYTES_MAX, Answer, CallError, HostCall, HostCalls, NoHostCalls};
pub use clock::{Clock, TokioClock};
pub use cpu::Cpu;
pub use engine::{ENGINE_WASM, EngineError, EngineOptions, precompile};
pub use image::{Image, Refusal};
pub use json::deeper_than;
pub use run::{Execution, Invocation};
pub use sandbox::{BUILD_COPIES, BUILDS, Options, Prepared, Sandbox};
pub use scriptmill_child as child;
pub use timers::TOP_LEVEL_INSTANT;
