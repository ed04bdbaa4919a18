//! What the rooms' own rules cannot say: settings of several rooms that must fit each other.

use bytesize::ByteSize;
use scriptmill_sdk::Code;

use super::budget::Budget;
use super::memory::Available;
use super::mistakes::Mistake;
use super::options::Config;
use super::settings::Settings;
use crate::http::ListenAddress;
use crate::rules::{Broken, Fault, Rules};

/// All settings that are out of their range or don't fit each other, each with where it was said.
pub(super) fn check(config: &Config, said: &Settings) -> Vec<Mistake> {
    let is_said = |key: &str| said.contains_key(key);
    let mut rules = Rules::new(&is_said);
    rules.section("broker", |rules| config.broker.check(rules));
    rules.section("ledger", |rules| config.ledger.check(rules));
    rules.section("worker", |rules| config.worker.check(rules));
    rules.section("scaling", |rules| config.scaling.check(rules));
    rules.section("scaler", |rules| config.scaler.check(rules));
    rules.section("sandbox", |rules| config.sandbox.check(rules));
    rules.section("log", |rules| config.log.check(rules));
    check_ports(config, &mut rules);
    rules.broken.into_iter().map(|broken| mistake(broken, said)).collect()
}

/// Two servers of one process cannot have one port.
fn check_ports(config: &Config, rules: &mut Rules<'_>) {
    let addresses = [
        ("http.address", config.http.address),
        ("scaler.external_metrics_address", config.scaler.external_metrics_address),
        ("scaler.keda_address", config.scaler.keda_address),
    ];
    for (at, (key, address)) in addresses.iter().enumerate() {
        for (other_key, other) in &addresses[..at] {
            let (ListenAddress::At(address), ListenAddress::At(other)) = (address, other) else { continue };
            let is_same_host =
                address.ip() == other.ip() || address.ip().is_unspecified() || other.ip().is_unspecified();
            let clashes = address.port() != 0 && address.port() == other.port() && is_same_host;
            rules.check(key, !clashes, format!("must have another port than {other_key}"));
        }
    }
}

fn mistake(Broken { key, fault }: Broken, said: &Settings) -> Mistake {
    let setting = said.get(&key);
    match fault {
        Fault::Rule(rule) => {
            // Only files and addresses hold secrets, and rules about those show no value.
            let but = match setting {
                Some(setting) if key.ends_with("_file") || key.ends_with(".addresses") => {
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
            let message = match path.as_os_str().is_empty() {
                true => format!("{key} names no file{origin}"),
                false => format!("{key}: {} cannot be read: {error}{origin}", path.display()),
            };
            Mistake { code: Code::UnreadableFile, message }
        }
    }
}

/// Checks that the most memory that the worker takes fits into what there is.
pub(super) fn fits(config: &Config, available: &Available) -> Result<(), Mistake> {
    let budget = Budget::of(config);
    if budget.bytes() <= available.bytes {
        return Ok(());
    }
    let slots = config.worker.slots.get() as u64;
    let remedy = match budget.slots_within(available.bytes, slots) {
        0 => "with one slot it would still be too much: lower worker.message_size, sandbox.check_memory or \
              sandbox.check_processes"
            .to_owned(),
        room => format!("worker.slots = {room} would fit"),
    };
    let message = format!(
        "the worker takes up to {budget}, but {} allows {}; {remedy}",
        available.source.display(),
        ByteSize(available.bytes),
    );
    Err(Mistake { code: Code::InvalidSetting, message })
}
