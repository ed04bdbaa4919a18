//! The repository's Rust files, parsed, and the two other kinds of file that rules read.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

use super::finding::Finding;

/// What rules look at. Paths are from the repository's root, with slashes.
#[derive(Default)]
pub(crate) struct Tree {
    pub(crate) sources: BTreeMap<String, Source>,
    /// The text of each `Cargo.toml`.
    pub(crate) manifests: BTreeMap<String, String>,
    /// `ARCHITECTURE.md`, which holds the table of import directions.
    pub(crate) architecture: String,
}

pub(crate) struct Source {
    pub(crate) text: String,
    pub(crate) syntax: syn::File,
}

impl Tree {
    /// Every file that git knows or would add, and a finding for each that can't be parsed.
    pub(crate) fn read(root: &Path) -> anyhow::Result<(Self, Vec<Finding>)> {
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.rs", "*Cargo.toml"])
            .current_dir(root)
            .output()
            .context("git ls-files")?;
        ensure!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr).trim());
        let mut tree = Self {
            architecture: std::fs::read_to_string(root.join("ARCHITECTURE.md")).context("ARCHITECTURE.md")?,
            ..Self::default()
        };
        let mut findings = Vec::new();
        for path in String::from_utf8(listed.stdout)?.split_terminator('\0') {
            // Git also lists a file that was removed but not committed.
            if root.join(path).is_file() {
                let text = std::fs::read_to_string(root.join(path)).context(path.to_owned())?;
                findings.extend(tree.add(path, text));
            }
        }
        Ok((tree, findings))
    }

    fn add(&mut self, path: &str, text: String) -> Option<Finding> {
        if path.ends_with("Cargo.toml") {
            self.manifests.insert(path.to_owned(), text);
            return None;
        }
        match syn::parse_file(&text) {
            Ok(syntax) => {
                self.sources.insert(path.to_owned(), Source { text, syntax });
                None
            }
            Err(error) => Some(Finding::new(path, error.span().start().line, format!("can't be parsed: {error}"))),
        }
    }

    /// A small tree for a test: paths and texts.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            if *path == "ARCHITECTURE.md" {
                tree.architecture = (*text).to_owned();
            } else {
                assert_eq!(tree.add(path, (*text).to_owned()), None);
            }
        }
        tree
    }
}

/// Whether an item is there only in tests: `#[cfg(test)]`, or a condition that has `test` in it and neither `not` nor `any`.
pub(crate) fn only_in_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| match &attribute.meta {
        syn::Meta::List(list) => {
            let condition = list.tokens.to_string();
            let words: Vec<_> = condition.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            words.contains(&"test") && !words.contains(&"not") && !words.contains(&"any")
        }
        _ => false,
    })
}
