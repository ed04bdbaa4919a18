//! One style of module files: a module with submodules is `name/mod.rs`, never `name.rs` beside a folder `name/`. A target
//! of cargo with modules of its own is `name/main.rs`.

use super::finding::Finding;
use super::tree::Tree;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in tree.sources.keys() {
        let folder = format!("{}/", path.trim_end_matches(".rs"));
        if tree.sources.keys().any(|other| other.starts_with(&folder)) {
            let sentence =
                format!("stands beside the folder {folder}: move it to {folder}mod.rs, or main.rs for a target");
            findings.push(Finding::new(path, 1, sentence));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_beside_its_folder_is_found() {
        let tree = Tree::of(&[("a/mod.rs", ""), ("a/b.rs", ""), ("a/b/c.rs", ""), ("a/bc.rs", "")]);
        let found: Vec<_> = check(&tree).into_iter().map(|finding| finding.path).collect();
        assert_eq!(found, ["a/b.rs"]);
    }
}
