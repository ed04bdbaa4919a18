//! Makes names that the program does not have.

use std::collections::{HashMap, HashSet};

use oxc::ast::ast::*;
use oxc::ast_visit::Visit;
use oxc::semantic::Scoping;
use oxc::syntax::identifier::is_identifier_name;

/// Longer names are not repeated: `ns` stands for them.
const LENGTH_MAX: usize = 24;

pub(super) struct Uids<'s> {
    taken: HashSet<&'s str>,
    counts: HashMap<String, u32>,
    privates: HashSet<String>,
}

impl<'s> Uids<'s> {
    pub(super) fn new(program: &Program<'_>, scoping: &'s Scoping) -> Self {
        let unresolved = scoping.root_unresolved_references().keys().map(|name| name.as_str());
        let mut privates = Privates::default();
        privates.visit_program(program);
        Self { taken: scoping.symbol_names().chain(unresolved).collect(), counts: HashMap::new(), privates: privates.0 }
    }

    /// A name like `name`, for a variable or a private field.
    pub(super) fn next(&mut self, name: &str, before: &str) -> String {
        let name = if name.len() <= LENGTH_MAX { name } else { "ns" };
        let like = format!("{before}{name}");
        let count = self.counts.entry(like.clone()).or_default();
        loop {
            let found = if *count == 0 { like.clone() } else { format!("{like}{count}") };
            *count += 1;
            if !self.taken.contains(found.as_str()) && !self.privates.contains(&found) {
                return found;
            }
        }
    }
}

/// Whether a property's name may be part of an identifier.
pub(super) fn is_plain(name: &str) -> bool {
    is_identifier_name(name)
}

#[derive(Default)]
struct Privates(HashSet<String>);

impl<'a> Visit<'a> for Privates {
    fn visit_private_identifier(&mut self, identifier: &PrivateIdentifier<'a>) {
        self.0.insert(identifier.name.to_string());
    }
}
