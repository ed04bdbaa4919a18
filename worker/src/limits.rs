//! The limits of a job, as an operator sets them.

use std::time::Duration;

use bytesize::ByteSize;
use schemars::JsonSchema;
use scriptmill_sdk::Limits;
use serde::{Deserialize, Serialize};

/// What one job may use at most. A job may ask for less, never for more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Fuel of the entry: about one unit for each WebAssembly instruction.
    #[schemars(range(min = 1))]
    pub fuel: u64,
    /// Fuel of a script's top level, which runs once for each script.
    #[schemars(range(min = 1))]
    pub prepare_fuel: u64,
    /// Linear memory of one job, its engine included, such as `64MiB`.
    #[schemars(with = "String")]
    pub memory: ByteSize,
    /// Time from the start of a run to its end, waiting on the host included, such as `30s`.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub wall_time: Duration,
    /// Length of the value as JSON text.
    #[schemars(with = "String")]
    pub output: ByteSize,
    /// Lines logged.
    pub log_lines: u64,
    /// Bytes logged, all lines together.
    #[schemars(with = "String")]
    pub log_size: ByteSize,
    /// How deeply arrays and objects of the input and of the value may be nested.
    #[schemars(range(min = 1))]
    pub nesting: u64,
    /// Host calls, timers among them, that may wait for their answer at one time.
    pub pending_calls: u64,
}

impl Default for Options {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            fuel: limits.fuel,
            prepare_fuel: limits.prepare_fuel,
            memory: ByteSize(limits.memory_bytes),
            wall_time: limits.wall_time,
            output: ByteSize(limits.output_bytes),
            log_lines: limits.log_lines,
            log_size: ByteSize(limits.log_bytes),
            nesting: limits.nesting,
            pending_calls: limits.pending_calls,
        }
    }
}

impl From<&Options> for Limits {
    fn from(options: &Options) -> Self {
        Self {
            fuel: options.fuel,
            prepare_fuel: options.prepare_fuel,
            memory_bytes: options.memory.as_u64(),
            wall_time: options.wall_time,
            output_bytes: options.output.as_u64(),
            log_lines: options.log_lines,
            log_bytes: options.log_size.as_u64(),
            nesting: options.nesting,
            pending_calls: options.pending_calls,
        }
    }
}
