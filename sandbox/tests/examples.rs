//! Every example gives the value beside it.

mod common;

use std::fs;
use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};
use scriptmill_sdk::Ending;

fn main() {
    let arguments = Arguments::from_args();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut trials = Vec::new();
    for folder in fs::read_dir(examples).expect("the examples").map(|entry| entry.expect("an example").path()) {
        if folder.join("expected.json").is_file() {
            let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
            trials.push(Trial::test(name, move || example(&folder)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
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
    let again = common::run(&bundle, &input);
    if again.usage.fuel != execution.usage.fuel {
        return Err(format!("{} units of fuel, then {}", execution.usage.fuel, again.usage.fuel).into());
    }
    Ok(())
}
