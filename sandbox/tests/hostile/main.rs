//! Scripts that mean harm: each ends as it should, the next job is unharmed, and the memory comes back.

#![allow(clippy::unwrap_used, reason = "tests")]

mod case;
#[path = "../common/mod.rs"]
mod common;
mod floods;
mod forgery;
mod keeps;
mod loops;
mod memory;
mod shared;
mod sources;

use std::fs;
use std::process::ExitCode;
use std::sync::LazyLock;

use case::{Case, Expected};
use libtest_mimic::{Arguments, Failed, Trial};
use scriptmill_sandbox::prepare::{self, Bounds, Checker, ReadFailed};
use scriptmill_sdk::{Code, Ending, Failure};
use shared::{FRIENDLY, SERVE, execute, friendly, resident_bytes, value};

/// What the memory of this process may grow by while scripts fill theirs ten times over.
const GROWTH_BYTES: u64 = 64 << 20;

/// The fuel of the friendly job before any other ran.
static FRIENDLY_FUEL: LazyLock<u64> = LazyLock::new(|| friendly(FRIENDLY).usage.fuel);

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(SERVE) {
        return prepare::serve();
    }
    let mut arguments = Arguments::from_args();
    // The last trial measures the memory of this process.
    arguments.test_threads = Some(1);
    let mut trials = Vec::new();
    for (kind, cases) in groups() {
        for case in cases {
            let name = case.name;
            trials.push(Trial::test(name, move || run(&case)).with_kind(kind));
        }
    }
    trials.push(Trial::test("a source that is no UTF-8", invalid_utf8));
    trials.push(Trial::test("what a top level logs is not kept", keeps::top_level_logs));
    trials.push(Trial::test("timers that are cancelled are not kept", keeps::cancelled_timers));
    trials.push(Trial::test("long names are cut", keeps::long_names));
    trials.push(Trial::test("an error's places are found, and no more than are kept", keeps::error_places));
    trials.push(Trial::test("memory comes back", memory_comes_back));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn groups() -> [(&'static str, Vec<Case>); 5] {
    [
        ("loops", loops::cases()),
        ("memory", memory::cases()),
        ("floods", floods::cases()),
        ("forgery", forgery::cases()),
        ("sources", sources::cases()),
    ]
}

fn run(case: &Case) -> Result<(), Failed> {
    let fuel = *FRIENDLY_FUEL;
    let bundle = common::single(case.file, &case.source);
    let execution = execute(&bundle, &case.input, case.limits);
    let ending = &execution.ending;
    let is_expected = match &case.expected {
        Expected::Value(expected) => value(ending) == Some(*expected),
        Expected::Ends(status, code) => ending.status() == *status && ending.code() == Some(*code),
        Expected::Throws(name) => {
            matches!(ending, Ending::Failed(Failure { code: Code::Thrown, thrown: Some(thrown), .. })
            if thrown.name == *name)
        }
    };
    if !is_expected {
        return Err(format!("expected {:?}, got {ending:#?}\n{:#?}", case.expected, execution.usage).into());
    }
    assert_eq!(friendly(FRIENDLY).usage.fuel, fuel, "the next job took other fuel");
    // A script that must be checked first, by a process that the case may have brought down.
    friendly(&format!("{FRIENDLY}// after {}", case.name));
    let again = execute(&bundle, &case.input, case.limits);
    assert_eq!((again.ending.status(), again.ending.code()), (ending.status(), ending.code()), "the second time");
    assert_eq!(value(&again.ending), value(ending), "the second time");
    Ok(())
}

fn invalid_utf8() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("main.js");
    for bytes in [&b"export default () => '\xff';"[..], b"export default () => '\xed\xa0\x80';", b"\xc0\x80", b"\xf5"] {
        fs::write(&path, bytes)?;
        let read = common::wait(Checker::in_process(Bounds::default()).read(&path));
        let Err(ReadFailed::NotText(_, found)) = read else { panic!("{bytes:?} was read") };
        assert_eq!(found.code, Code::SourceNotText);
    }
    Ok(())
}

fn memory_comes_back() -> Result<(), Failed> {
    let heavy: Vec<Case> = groups().into_iter().flat_map(|(_, cases)| cases).filter(|case| case.is_heavy).collect();
    assert!(heavy.len() >= 10);
    let round = || {
        for case in &heavy {
            execute(&common::single(case.file, &case.source), &case.input, case.limits);
        }
    };
    round();
    let before = resident_bytes()?;
    for _ in 0..10 {
        round();
    }
    let after = resident_bytes()?;
    assert!(after <= before + GROWTH_BYTES, "{before} bytes grew to {after}");
    Ok(())
}
