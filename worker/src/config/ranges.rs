//! What the types cannot say: ranges, and settings that must fit each other.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use bytesize::ByteSize;
use scriptmill_sandbox::BUILDS;
use scriptmill_sdk::Code;
use tracing_subscriber::EnvFilter;

use super::{Available, Config, Mistake, Settings};
use crate::service;

/// RabbitMQ closes the channel of a consumer that leaves a delivery unacknowledged for 30 minutes, unless it is told
/// otherwise (`consumer_timeout`). Nothing of ours may come near.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(15 * 60);
/// RabbitMQ 4 refuses messages above 16 MiB by default; headers need room too.
const MESSAGE_MAX: ByteSize = ByteSize::mib(15);
/// Less could not hold the outcome of a job that says why it failed.
const MESSAGE_MIN: ByteSize = ByteSize::kib(64);
/// The engine's own memory and stack take about 5 MiB.
const MEMORY_MIN: ByteSize = ByteSize::mib(8);
/// What WebAssembly can address with 32 bits.
const MEMORY_MAX: ByteSize = ByteSize::gib(4);
/// An instance takes about six mappings, and Linux gives a process 65,530 by default (`vm.max_map_count`).
const SLOTS_MAX: usize = 10_000;
/// What a worker needs beside its sandboxes: code, the compiled engine, messages in flight, the child that checks.
const OWN_MEMORY: ByteSize = ByteSize::mib(128);

/// All settings that are out of their range or don't fit each other.
pub(super) fn check(config: &Config, said: &Settings) -> Vec<Mistake> {
    let Config { broker, worker, sandbox, log, .. } = config;
    let limits = &worker.limits;
    let mut findings = Findings { said, mistakes: Vec::new() };

    findings.check("broker.addresses", !broker.addresses.is_empty(), "must name at least one broker");
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    findings.check(
        "broker.prefix",
        (1..=64).contains(&broker.prefix.len()) && broker.prefix.chars().all(name),
        "must be 1 to 64 letters, digits, dots, dashes or underscores",
    );
    let moments = Duration::from_millis(100)..=Duration::from_secs(600);
    for (key, value) in [
        ("broker.timeout", broker.timeout),
        ("broker.retry_pause_max", broker.retry_pause_max),
        ("sandbox.check_timeout", sandbox.check_timeout),
    ] {
        findings.check(key, moments.contains(&value), "must be between 100ms and 10m");
    }
    let beats = Duration::from_secs(1)..=Duration::from_secs(300);
    findings.check("broker.heartbeat", beats.contains(&broker.heartbeat), "must be between 1s and 5m");
    for (key, path) in [
        ("broker.username_file", &broker.username_file),
        ("broker.password_file", &broker.password_file),
        ("broker.ca_file", &broker.ca_file),
    ] {
        findings.readable(key, path.as_deref());
    }
    findings.check(
        "broker.password_file",
        broker.password_file.is_none() || broker.username_file.is_some(),
        "needs broker.username_file beside it",
    );
    findings.check(
        "broker.username_file",
        broker.username_file.is_none() || broker.password_file.is_some(),
        "needs broker.password_file beside it",
    );

    findings.check("worker.slots", worker.slots.get() <= SLOTS_MAX, &format!("must be {SLOTS_MAX} at most"));
    findings.check(
        "worker.threads",
        worker.threads.is_none_or(|threads| threads.get() <= 1_024),
        "must be 1024 at most",
    );
    findings.check(
        "worker.grace",
        worker.grace <= UNACKNOWLEDGED_MAX,
        "must be 15m at most, half of RabbitMQ's consumer timeout",
    );
    findings.check(
        "worker.message_size",
        (MESSAGE_MIN..=MESSAGE_MAX).contains(&worker.message_size),
        "must be between 64KiB and 15MiB: RabbitMQ 4 refuses messages above 16 MiB",
    );

    findings.check("worker.batch_inputs", worker.batch_inputs.get() <= 100_000, "must be 100000 at most");

    findings.check("worker.limits.fuel", limits.fuel > 0, "must be at least 1");
    findings.check("worker.limits.prepare_fuel", limits.prepare_fuel > 0, "must be at least 1");
    findings.check("worker.limits.nesting", (1..=10_000).contains(&limits.nesting), "must be between 1 and 10000");
    findings.check("worker.limits.pending_calls", limits.pending_calls <= 100_000, "must be 100000 at most");
    findings.check(
        "worker.limits.memory",
        (MEMORY_MIN..=MEMORY_MAX).contains(&limits.memory),
        "must be between 8MiB, which the engine needs, and 4GiB, which WebAssembly can address",
    );
    findings.check(
        "worker.limits.wall_time",
        (Duration::from_millis(1)..=UNACKNOWLEDGED_MAX).contains(&limits.wall_time),
        "must be between 1ms and 15m, half of RabbitMQ's consumer timeout",
    );
    for (key, size) in [
        ("worker.input_size", worker.input_size),
        ("worker.limits.output", limits.output),
        ("worker.limits.log_size", limits.log_size),
    ] {
        findings.check(
            key,
            // Defaults may stay above: the bound on messages holds all the same.
            size <= worker.message_size || !said.contains_key(key),
            "must be worker.message_size at most, since it travels in one message",
        );
    }

    findings.check("sandbox.source_size", sandbox.source_size <= MESSAGE_MAX, "must be 15MiB at most");
    findings.check("sandbox.modules", (1..=10_000).contains(&sandbox.modules), "must be between 1 and 10000");
    findings.check("sandbox.check_memory", sandbox.check_memory >= ByteSize::mib(128), "must be at least 128MiB");
    findings.check(
        "log.filter",
        EnvFilter::builder().parse(&log.filter).is_ok(),
        "must be a level such as info, or directives such as info,scriptmill=debug",
    );
    findings.mistakes
}

struct Findings<'a> {
    said: &'a Settings,
    mistakes: Vec<Mistake>,
}

impl Findings<'_> {
    fn check(&mut self, key: &str, holds: bool, rule: &str) {
        if !holds {
            let message = format!("{key} {rule}{}", self.but_is(key));
            self.mistakes.push(Mistake { code: Code::InvalidSetting, message });
        }
    }

    fn readable(&mut self, key: &str, path: Option<&Path>) {
        let Some(path) = path else { return };
        if let Err(error) = File::open(path) {
            let origin = self.said.get(key).map_or_else(String::new, |setting| format!(" ({})", setting.origin));
            let message = format!("{key}: {} cannot be read: {error}{origin}", path.display());
            self.mistakes.push(Mistake { code: Code::UnreadableFile, message });
        }
    }

    /// Only files and addresses hold secrets, and rules about those show no value.
    fn but_is(&self, key: &str) -> String {
        match self.said.get(key) {
            Some(setting) if key.ends_with("_file") || key == "broker.addresses" => {
                format!(" ({})", setting.origin)
            }
            Some(setting) => format!(", but is {} ({})", setting.value, setting.origin),
            None => " (it stands at its default)".to_owned(),
        }
    }
}

/// Holds the memory that all slots may take, what scripts are prepared in, and the worker itself, against what there is.
pub(super) fn fits(worker: &service::Options, available: &Available) -> Result<(), Mistake> {
    let (slots, memory, preparing) = (worker.slots.get() as u64, worker.limits.memory, worker.preparing_size);
    let beside = u64::from(BUILDS)
        .saturating_mul(memory.as_u64())
        .saturating_add(preparing.as_u64())
        .saturating_add(OWN_MEMORY.as_u64());
    let needed = slots.saturating_mul(memory.as_u64()).saturating_add(beside);
    if needed <= available.bytes {
        return Ok(());
    }
    let room = available.bytes.saturating_sub(beside) / memory.as_u64().max(1);
    let message = format!(
        "worker.slots × worker.limits.memory must fit into the memory there is: {slots} × {memory} + {BUILDS} × {memory} to \
         prepare scripts in + {preparing} for the jobs that wait for that + {OWN_MEMORY} for the worker itself = {}, but {} \
         allows {}; {room} slots would fit",
        ByteSize(needed),
        available.source.display(),
        ByteSize(available.bytes),
    );
    Err(Mistake { code: Code::InvalidSetting, message })
}
