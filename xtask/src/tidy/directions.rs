//! Imports go one way: the table of import directions in ARCHITECTURE.md says what the files of a folder must not name, and this reads it
//! from there. A crate that the table forbids must not be among the dependencies in the folder's `Cargo.toml` either.

use super::finding::Finding;
use super::modules::Target;
use super::paths;
use super::tree::Tree;

const PAGE: &str = "ARCHITECTURE.md";
const HEADER: &str = "| files | must not name |";

/// A row of the table.
struct Rule<'a> {
    line: usize,
    files: Vec<&'a str>,
    forbidden: Vec<&'a str>,
}

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let rules = rules(&tree.architecture);
    if rules.is_empty() {
        return vec![Finding::new(PAGE, 1, format!("has no table of import directions, which begins `{HEADER}`"))];
    }
    let mut findings = Vec::new();
    for rule in &rules {
        for files in &rule.files {
            if !tree.sources.keys().any(|path| path.starts_with(files)) {
                findings.push(Finding::new(PAGE, rule.line, format!("no Rust file is at `{files}`")));
            }
            findings.extend(rule.forbidden.iter().filter_map(|name| dependency(tree, files, name)));
        }
    }
    for target in Target::all(tree) {
        for (index, module) in target.modules.iter().enumerate() {
            let forbidden: Vec<_> = rules.iter().filter(|rule| rule.is_for(&module.file)).collect();
            for path in paths::named(&module.items) {
                let words = from_root(&target, index, &path.words);
                let broken = forbidden.iter().flat_map(|rule| &rule.forbidden).find(|name| is_below(&words, name));
                if let Some(name) = broken {
                    let sentence = format!("names `{}`, which {PAGE} forbids here (`{name}`)", path.words.join("::"));
                    findings.push(Finding::new(&module.file, path.line, sentence));
                }
            }
        }
    }
    findings.sort();
    findings.dedup();
    findings
}

fn rules(page: &str) -> Vec<Rule<'_>> {
    let lines = page.lines().enumerate().skip_while(|(_, line)| *line != HEADER).skip(2);
    let rows = lines.take_while(|(_, line)| line.starts_with('|'));
    rows.map(|(index, row)| {
        let mut cells = row.trim_matches('|').split('|').map(quoted);
        let (files, forbidden) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
        Rule { line: index + 1, files, forbidden }
    })
    .collect()
}

/// The texts between backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

impl Rule<'_> {
    fn is_for(&self, file: &str) -> bool {
        self.files.iter().any(|files| file.starts_with(files))
    }
}

/// Resolves the `self` and `super` at the beginning of a path, so that it begins at the crate's root.
fn from_root(target: &Target, module: usize, words: &[String]) -> Vec<String> {
    let mut place = module;
    let relative = words.iter().take_while(|word| *word == "self" || *word == "super");
    let count = relative.inspect(|word| place = target.parent_if(place, *word == "super")).count();
    let rest = words[count..].iter().cloned();
    if count == 0 { rest.collect() } else { target.path_of(place).into_iter().chain(rest).collect() }
}

fn is_below(words: &[String], name: &str) -> bool {
    let mut words = words.iter();
    name.split("::").all(|expected| words.next().is_some_and(|word| word == expected))
}

/// A dependency that the manifest of a crate must not have: for any target, of its build script, or under another name.
/// The dependencies of its tests are free.
fn dependency(tree: &Tree, files: &str, name: &str) -> Option<Finding> {
    let path = format!("{}/Cargo.toml", files.trim_end_matches('/').trim_end_matches("/src"));
    let text = tree.manifests.get(&path)?;
    let manifest: toml::Table = toml::from_str(text).ok()?;
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let targets = targets.into_iter().flat_map(|targets| targets.values().filter_map(toml::Value::as_table));
    let tables = std::iter::once(&manifest).chain(targets);
    let lists = tables.flat_map(|table| ["dependencies", "build-dependencies"].map(|list| table.get(list)));
    let mut all = lists.flatten().filter_map(toml::Value::as_table).flatten();
    let (dependency, _) = all.find(|(key, value)| {
        let package = value.get("package").and_then(toml::Value::as_str).unwrap_or(key);
        package.replace('-', "_") == name
    })?;
    let line = text.lines().position(|line| line.starts_with(dependency.as_str())).map_or(1, |index| index + 1);
    Some(Finding::new(&path, line, format!("depends on `{dependency}`, which {PAGE} forbids here")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# Architecture\n\n| files | must not name |\n|---|---|\n| `x/src/` | `other_crate` |\n\
        | `x/src/room/`, `x/src/hall.rs` | `crate::roof`, `lapin::Channel` |\n\ntext | `crate` |\n";

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let always = [("x/src/lib.rs", "mod room; mod hall; mod roof;"), ("x/src/room/mod.rs", "mod bed;")];
        let rest = [("x/src/hall.rs", ""), ("x/src/roof.rs", ""), ("x/src/room/bed.rs", "")];
        let page = [("ARCHITECTURE.md", TABLE)];
        check(&Tree::of(&[&always[..], &rest, &page, files].concat())).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_forbidden_name_is_found_however_it_is_written() {
        let cases = [
            ("x/src/room/bed.rs", "use crate::roof::Tile;", "crate::roof::Tile", "crate::roof"),
            ("x/src/room/bed.rs", "use crate::{hall, roof};", "crate::roof", "crate::roof"),
            ("x/src/room/bed.rs", "fn f(_: super::super::roof::Tile) {}", "super::super::roof::Tile", "crate::roof"),
            ("x/src/hall.rs", "fn f() { g!(crate::roof::h()) }", "crate::roof::h", "crate::roof"),
            ("x/src/hall.rs", "use lapin::Channel as C;", "lapin::Channel", "lapin::Channel"),
            ("x/src/roof.rs", "pub use other_crate::*;", "other_crate", "other_crate"),
            ("x/src/roof.rs", "extern crate other_crate as o;", "other_crate", "other_crate"),
        ];
        for (file, text, written, rule) in cases {
            let expected = format!("{file}:1: names `{written}`, which ARCHITECTURE.md forbids here (`{rule}`)");
            assert_eq!(found(&[(file, text)]), [expected], "{text}");
        }
    }

    #[test]
    fn other_names_other_files_and_tests_are_free() {
        for (file, text) in [
            ("x/src/roof.rs", "use crate::roof::Tile;"),
            ("x/src/hall.rs", "use lapin::Connection; use crate::roofer::A;"),
            ("x/src/hall.rs", "#[cfg(test)]\nmod tests { use crate::roof::Tile; }"),
        ] {
            assert_eq!(found(&[(file, text)]), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_forbidden_dependency_is_found_in_the_manifest() {
        let manifest = "[package]\nname = \"x\"\n[dependencies]\nother-crate.workspace = true\n";
        let expected = "x/Cargo.toml:4: depends on `other-crate`, which ARCHITECTURE.md forbids here";
        assert_eq!(found(&[("x/Cargo.toml", manifest)]), [expected]);
        for (list, dependency) in [
            ("build-dependencies", "other-crate = \"1\""),
            ("target.'cfg(unix)'.dependencies", "other-crate = \"1\""),
            ("dependencies", "mine = { version = \"1\", package = \"other-crate\" }"),
        ] {
            let found = found(&[("x/Cargo.toml", &format!("[{list}]\n{dependency}\n"))]);
            assert_eq!(found.len(), 1, "{list}: {dependency}");
            assert!(found[0].starts_with("x/Cargo.toml:2: depends on"), "{found:?}");
        }
        assert_eq!(found(&[("x/Cargo.toml", "[dev-dependencies]\nother-crate = \"1\"\n")]), [""; 0]);
    }

    #[test]
    fn a_table_that_went_stale_is_found() {
        assert_eq!(check(&Tree::default()).len(), 1, "no table");
        let found = check(&Tree::of(&[("ARCHITECTURE.md", TABLE)]));
        assert_eq!(found.len(), 3, "no such files: {found:?}");
    }
}
