//! What the rooms' own rules cannot say: settings of several rooms that must fit each other.

use bytesize::ByteSize;
use scriptmill_sandbox::BUILDS;
use scriptmill_sdk::Code;

use super::memory::Available;
use super::mistakes::Mistake;
use super::options::Config;
use super::settings::Settings;
use crate::rules::{Broken, Fault, Rules};
use crate::service;

/// What a worker needs beside its sandboxes: code, the compiled engine, messages in flight, the child that checks.
const OWN_MEMORY: ByteSize = ByteSize::mib(128);

/// All settings that are out of their range or don't fit each other, each with where it was said.
pub(super) fn check(config: &Config, said: &Settings) -> Vec<Mistake> {
    let is_said = |key: &str| said.contains_key(key);
    let mut rules = Rules::new(&is_said);
    rules.section("broker", |rules| config.broker.check(rules));
    rules.section("worker", |rules| config.worker.check(rules));
    rules.section("scaling", |rules| config.scaling.check(rules));
    rules.section("scaler", |rules| config.scaler.check(rules));
    rules.section("sandbox", |rules| config.sandbox.check(rules));
    rules.section("log", |rules| config.log.check(rules));
    rules.broken.into_iter().map(|broken| mistake(broken, said)).collect()
}

fn mistake(Broken { key, fault }: Broken, said: &Settings) -> Mistake {
    let setting = said.get(&key);
    match fault {
        Fault::Rule(rule) => {
            // Only files and addresses hold secrets, and rules about those show no value.
            let but = match setting {
                Some(setting) if key.ends_with("_file") || key == "broker.addresses" => {
                    format!(" ({})", setting.origin)
                }
                Some(setting) => format!(", but is {} ({})", setting.value, setting.origin),
                None => " (it stands at its default)".to_owned(),
            };
            Mistake { code: Code::InvalidSetting, message: format!("{key} {rule}{but}") }
        }
        Fault::Found(finding) => {
            let origin = setting.map_or_else(|| "it stands at its default".to_owned(), |said| said.origin.to_string());
            Mistake { code: Code::InvalidSetting, message: format!("{key} {finding} ({origin})") }
        }
        Fault::Unreadable { path, error } => {
            let origin = setting.map_or_else(String::new, |setting| format!(" ({})", setting.origin));
            let message = format!("{key}: {} cannot be read: {error}{origin}", path.display());
            Mistake { code: Code::UnreadableFile, message }
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
