//! `cargo xtask tidy`: rules of this repository that neither the compiler nor clippy checks. One file for each rule.

mod circles;
mod directions;
mod finding;
mod lengths;
mod module_files;
mod modules;
mod paths;
mod safety;
mod tree;

use std::process::ExitCode;

use finding::Finding;
use tree::Tree;

/// Reads every Rust file of the repository and prints what breaks a rule; fails when something does.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let (tree, mut findings) = Tree::read(&crate::workspace::root())?;
    findings.extend(check(&tree));
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: {} files, nothing found", tree.sources.len());
        return Ok(ExitCode::SUCCESS);
    }
    println!("tidy: {} findings in {} files", findings.len(), tree.sources.len());
    Ok(ExitCode::FAILURE)
}

fn check(tree: &Tree) -> Vec<Finding> {
    let rules = [directions::check, circles::check, lengths::check, module_files::check, safety::check];
    rules.iter().flat_map(|rule| rule(tree)).collect()
}
