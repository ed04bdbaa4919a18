//! `scriptmill simulate`, as a person calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;
use std::process::{Command, Output};

fn simulate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scriptmill")).arg("simulate").args(arguments).output().unwrap()
}

#[test]
fn arrivals_of_a_file_are_run_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let (arrivals, page) = (folder.path().join("monday.csv"), folder.path().join("report.html"));
    let mut text = "seconds,service\n".to_owned();
    for n in 0..6_000 {
        writeln!(text, "{},0.5", f64::from(n) / 10.0).unwrap();
    }
    std::fs::write(&arrivals, text).unwrap();
    let output = simulate(&["--arrivals", arrivals.to_str().unwrap(), "--html", page.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(said.contains("monday") && said.contains("Knative concurrency"), "{said}");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("<svg") && page.contains("<h2>monday</h2>"), "{page}");
}

#[test]
fn what_cannot_be_run_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let arrivals = folder.path().join("monday.csv");
    std::fs::write(&arrivals, "seconds,service\n1,2\n3,x\n").unwrap();
    for (arguments, message) in [
        (vec!["--trace", "stedy"], "there is no trace stedy; there are: steady, step"),
        (vec!["--min", "9", "--max", "3"], "min must be at most max, but 9 > 3"),
        (vec!["--arrivals", arrivals.to_str().unwrap()], "line 3: service is no number: \"x\""),
        (vec!["--arrivals", "/nowhere.csv"], "/nowhere.csv cannot be read"),
    ] {
        let output = simulate(&arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(message), "{arguments:?}: {said}");
    }
}
