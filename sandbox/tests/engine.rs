//! What our patches mend in the engine, through the whole sandbox: `engine/NAME.js` gives the value in `NAME.expected.json`. In
//! `NAME.places.json` each key is an entry that fails, and its value says where.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};
use scriptmill_sandbox::Invocation;
use scriptmill_sdk::{Ending, Failure};

fn main() {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine");
    let mut trials = Vec::new();
    for path in fs::read_dir(folder).expect("the scripts").map(|entry| entry.expect("a script").path()) {
        if path.extension().is_some_and(|extension| extension == "js") {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            trials.push(Trial::test(name, move || script(&path)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn script(path: &Path) -> Result<(), Failed> {
    let source = fs::read_to_string(path)?;
    let bundle = common::single("main.js", &source);
    if let Ok(places) = fs::read_to_string(path.with_extension("places.json")) {
        let places: BTreeMap<String, String> = serde_json::from_str(&places)?;
        let mut found = BTreeMap::new();
        for entry in places.keys() {
            let job = Invocation { entry: Some(entry), ..common::invocation("null") };
            let execution = common::wait(common::sandbox().execute(&bundle, job));
            found.insert(entry.clone(), place(&execution.ending));
        }
        return if found == places { Ok(()) } else { Err(format!("got {found:#?}").into()) };
    }
    let expected: serde_json::Value = serde_json::from_str(&fs::read_to_string(path.with_extension("expected.json"))?)?;
    match common::run(&bundle, "null").ending {
        Ending::Succeeded(value) if serde_json::from_str::<serde_json::Value>(value.get())? == expected => Ok(()),
        other => Err(format!("got {other:#?}").into()),
    }
}

/// Line and column of the innermost frame that is the script's, or what came instead.
fn place(ending: &Ending) -> String {
    let Ending::Failed(Failure { thrown: Some(thrown), .. }) = ending else {
        return format!("{ending:?}");
    };
    let at = thrown.stack.iter().find_map(|frame| frame.at.as_ref());
    at.map_or("nowhere".to_owned(), |at| format!("{}:{}", at.line, at.column))
}
