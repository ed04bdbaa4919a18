//! No circles of imports between the files of a target: to read one file of a circle, one has to know all of them. The
//! use of an item counts for the file that defines it, whichever re-exports it is imported through. Declaring a module
//! and re-exporting its items (`mod a; pub use a::A;`) is no use of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::finding::Finding;
use super::modules::{Place, Target};
use super::paths;
use super::tree::Tree;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let circles: BTreeSet<_> = Target::all(tree).iter().flat_map(|target| circles(&uses(target))).collect();
    circles.into_iter().map(|circle| circle.finding()).collect()
}

/// The files that each file uses, with the line of the first use.
type Uses = BTreeMap<String, BTreeMap<String, usize>>;

fn uses(target: &Target) -> Uses {
    let mut uses = Uses::new();
    for (index, module) in target.modules.iter().enumerate() {
        for path in paths::named(&module.items) {
            let used = match target.resolve(index, &path.words) {
                _ if path.offered => continue,
                Some(Place::ItemOf(used)) => used,
                Some(Place::Module(used)) if path.glob => used,
                // Only the module is named. What is used of it is named elsewhere.
                Some(Place::Module(_)) | None => continue,
            };
            let file = &target.modules[used].file;
            if *file != module.file {
                let line = uses.entry(module.file.clone()).or_default().entry(file.clone()).or_insert(path.line);
                *line = path.line.min(*line);
            }
        }
    }
    uses
}

/// Files of which each uses the next, and the last uses the first. Each has the line of that use.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Circle(Vec<(String, usize)>);

impl Circle {
    fn finding(&self) -> Finding {
        let files: Vec<_> = self.0.iter().map(|(file, line)| format!("{file}:{line}")).collect();
        let (first, line) = &self.0[0];
        Finding::new(first, *line, format!("a circle of imports: {} → {first}", files.join(" → ")))
    }
}

/// The shortest circle through each file that is in one.
fn circles(uses: &Uses) -> BTreeSet<Circle> {
    uses.keys().filter_map(|file| shortest(uses, file)).collect()
}

fn shortest(uses: &Uses, start: &str) -> Option<Circle> {
    let mut reached_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut waiting = VecDeque::from([start]);
    while let Some(file) = waiting.pop_front() {
        for used in uses.get(file).into_iter().flat_map(BTreeMap::keys) {
            if used == start {
                return Some(circle(uses, start, file, &reached_from));
            }
            if !reached_from.contains_key(used.as_str()) {
                reached_from.insert(used, file);
                waiting.push_back(used);
            }
        }
    }
    None
}

fn circle(uses: &Uses, start: &str, last: &str, reached_from: &BTreeMap<&str, &str>) -> Circle {
    let mut files = vec![last];
    let mut file = last;
    while file != start {
        file = reached_from[file];
        files.push(file);
    }
    files.reverse();
    // The list begins with the file that sorts first, so that the same circle is found once.
    let first = (0..files.len()).min_by_key(|index| files[*index]).unwrap_or(0);
    files.rotate_left(first);
    let next = files.iter().cycle().skip(1);
    Circle(files.iter().zip(next).map(|(file, next)| ((*file).to_owned(), uses[*file][*next])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_circle_is_printed_with_the_lines_of_its_uses() {
        let found = found(&[
            ("x/src/lib.rs", "mod a;\nmod b;\nmod c;\n"),
            ("x/src/a.rs", "\nuse crate::b::B;\npub struct A;\n"),
            ("x/src/b.rs", "pub struct B(super::c::C);\n"),
            ("x/src/c.rs", "pub struct C;\n\nfn f() {\n    g!(crate::a::A);\n}\n"),
        ]);
        let circle = "a circle of imports: x/src/a.rs:2 → x/src/b.rs:1 → x/src/c.rs:4 → x/src/a.rs";
        assert_eq!(found, [format!("x/src/a.rs:2: {circle}")]);
    }

    /// In each case `x/src/b/mod.rs` uses `x/src/a.rs`, whose text is given.
    #[test]
    fn a_use_counts_for_the_file_that_defines_the_item() {
        let root = "mod a;\nmod b;\npub use b::{B, c::C};\npub const ROOT: u8 = 0;\n";
        let cases = [
            ("pub struct A(crate::B);", 1, "through the root"),
            ("use crate::b;\npub struct A(b::B);", 1, "through an imported module"),
            ("use crate::{b::B as Other};\npub struct A;", 1, "under another name"),
            ("use super::b::*;\npub struct A;", 1, "all of a module"),
            ("use crate::b::c;\npub struct A(c::C);", 0, "a neighbour's child"),
            ("use crate::C;\npub struct A;", 0, "a neighbour's child, through the root"),
            ("use crate::ROOT;\npub struct A;", 0, "the root"),
            ("use crate::b;\npub struct A;", 0, "a module's name alone"),
            ("#[cfg(test)]\nmod tests {\n    use crate::B;\n}\npub struct A;", 0, "in tests"),
            ("mod inner {\n    use crate::B;\n}\npub struct A;", 1, "in a module of the same file"),
        ];
        for (text, expected, how) in cases {
            let found = found(&[
                ("x/src/lib.rs", root),
                ("x/src/a.rs", text),
                ("x/src/b/mod.rs", "pub mod c;\nuse crate::a::A;\npub struct B;\n"),
                ("x/src/b/c.rs", "pub struct C;\n"),
            ]);
            assert_eq!(found.len(), expected, "{how}: {found:?}");
        }
    }

    #[test]
    fn files_are_found_by_their_path_attribute_and_beside_the_root() {
        let files = |used: &'static str| {
            [
                ("x/src/lib.rs", "#[path = \"../shared/numbers.rs\"]\nmod numbers;\nmod a;\n"),
                ("x/shared/numbers.rs", used),
                ("x/src/a.rs", "pub const A: u8 = crate::numbers::N;\n"),
            ]
        };
        assert_eq!(found(&files("pub const N: u8 = 0;")).len(), 0);
        assert_eq!(found(&files("pub const N: u8 = crate::a::A;")).len(), 1);
        let bench = [("benches/b.rs", "mod c;\nconst B: u8 = c::C;"), ("benches/c.rs", "pub const C: u8 = super::B;")];
        assert_eq!(found(&bench).len(), 1);
    }
}
