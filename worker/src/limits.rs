//! The limits of a job as an operator sets them.

use std::ops::RangeInclusive;
use std::time::Duration;

use bytesize::ByteSize;
use schemars::JsonSchema;
use scriptmill_sdk::Limits;
use serde::{Deserialize, Serialize};

use crate::rules::{Rules, UNACKNOWLEDGED_MAX};

/// The least fuel: without fuel a script could not even begin.
const FUEL_MIN: u64 = 1;
/// The range of the memory limit. The engine's own memory and stack take about 5 MiB; WebAssembly can address 4 GiB with 32 bits.
const MEMORY: RangeInclusive<ByteSize> = ByteSize::mib(8)..=ByteSize::gib(4);
/// The range of the time of one run.
const WALL_TIME: RangeInclusive<Duration> = Duration::from_millis(1)..=UNACKNOWLEDGED_MAX;
/// The range of the nesting limit.
const NESTING: RangeInclusive<u64> = 1..=10_000;
/// The most lines logged: an empty line takes 32 bytes of the worker's memory, and none of `log_size`.
const LOG_LINES_MAX: u64 = 100_000;
/// The most host calls that are pending at one time.
const PENDING_CALLS_MAX: u64 = 100_000;

/// What one job may use at most. A job may ask for less, never for more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Fuel of the entry: about one unit for each WebAssembly instruction.
    #[schemars(range(min = FUEL_MIN))]
    pub fuel: u64,
    /// Fuel of a script's top level, which runs once for each script.
    #[schemars(range(min = FUEL_MIN))]
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
    #[schemars(range(max = LOG_LINES_MAX))]
    pub log_lines: u64,
    /// Bytes logged, all lines together.
    #[schemars(with = "String")]
    pub log_size: ByteSize,
    /// How deeply arrays and objects of the input and of the value may be nested.
    #[schemars(range(min = *NESTING.start(), max = *NESTING.end()))]
    pub nesting: u64,
    /// Host calls, timers among them, that may wait for their answer at one time.
    #[schemars(range(max = PENDING_CALLS_MAX))]
    pub pending_calls: u64,
    /// Whether a job that logs more than `log_lines` or `log_size` is ended. Otherwise it goes on, and its further lines are left out.
    pub strict_logs: bool,
}

impl Options {
    /// Checks the options against their ranges; `message_size` is the worker's own bound.
    pub(crate) fn check(&self, message_size: ByteSize, rules: &mut Rules<'_>) {
        rules.within("fuel", self.fuel, FUEL_MIN.., "");
        rules.within("prepare_fuel", self.prepare_fuel, FUEL_MIN.., "");
        rules.within("nesting", self.nesting, NESTING, "");
        rules.within("log_lines", self.log_lines, ..=LOG_LINES_MAX, "");
        rules.within("pending_calls", self.pending_calls, ..=PENDING_CALLS_MAX, "");
        rules.within("memory", self.memory, MEMORY, "the engine needs the one, and WebAssembly can address the other");
        rules.within("wall_time", self.wall_time, WALL_TIME, "that is half of RabbitMQ's consumer timeout");
        for (name, size) in [("output", self.output), ("log_size", self.log_size)] {
            fits_message(name, size, message_size, rules);
        }
    }
}

/// Checks that something that travels in one message is not larger than `message_size`. A default may be larger: the bound on messages
/// holds all the same.
pub(crate) fn fits_message(name: &str, size: ByteSize, message_size: ByteSize, rules: &mut Rules<'_>) {
    let holds = size <= message_size || !rules.is_said(name);
    rules.check(name, holds, "must be worker.message_size at most, since it travels in one message");
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
            strict_logs: limits.strict_logs,
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
            strict_logs: options.strict_logs,
        }
    }
}
