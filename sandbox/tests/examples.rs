//! Every example gives the value beside it, for the fuel in `fuel.json`. `BLESS=1` writes that file anew: fuel counts
//! instructions, so that a change of the engine which makes scripts slower is seen in the difference.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use scriptmill_sdk::Ending;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("fuel", fuel)];
    for folder in examples() {
        trials.push(Trial::test(name(&folder), move || example(&folder)));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// The folders of the examples.
fn examples() -> Vec<PathBuf> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let folders = fs::read_dir(examples).expect("the examples").map(|entry| entry.expect("an example").path());
    folders.filter(|folder| folder.join("expected.json").is_file()).collect()
}

fn name(folder: &Path) -> String {
    folder.file_name().expect("a name").to_string_lossy().into_owned()
}

fn fuel() -> Result<(), Failed> {
    let mut used = BTreeMap::new();
    for folder in examples() {
        let input = fs::read_to_string(folder.join("input.json"))?;
        let (_, execution) = common::run_files(&folder.join("main.ts"), &input)?;
        used.insert(name(&folder), execution.usage.fuel);
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuel.json");
    if std::env::var_os("BLESS").is_some() {
        fs::write(file, serde_json::to_string_pretty(&used)? + "\n")?;
        return Ok(());
    }
    let expected: BTreeMap<String, u64> = serde_json::from_str(&fs::read_to_string(file)?)?;
    if used != expected {
        return Err(format!("got {used:#?}, expected {expected:#?}").into());
    }
    Ok(())
}

fn example(folder: &Path) -> Result<(), Failed> {
    let input = fs::read_to_string(folder.join("input.json"))?;
    let expected: serde_json::Value = serde_json::from_str(&fs::read_to_string(folder.join("expected.json"))?)?;
    let (bundle, execution) = common::run_files(&folder.join("main.ts"), &input)?;
    let Ending::Succeeded(value) = &execution.ending else {
        return Err(format!("{:#?}", execution.ending).into());
    };
    let value: serde_json::Value = serde_json::from_str(value.get())?;
    if value != expected {
        return Err(format!("got {value:#}").into());
    }
    // An example does only what it means to do, so that there is nothing to warn of.
    if !execution.warnings.is_empty() {
        return Err(format!("{:#?}", execution.warnings).into());
    }
    let again = common::run(&bundle, &input);
    if again.usage.fuel != execution.usage.fuel {
        return Err(format!("{} units of fuel, then {}", execution.usage.fuel, again.usage.fuel).into());
    }
    Ok(())
}
