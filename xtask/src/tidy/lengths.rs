//! Files of at most 500 lines, functions of at most 70. Tests count too: a case that needs more belongs in a table or in
//! a file of data.

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use super::finding::Finding;
use super::tree::Tree;

const FILE_LINES_MAX: usize = 500;
/// Between the braces of the body.
const FUNCTION_LINES_MAX: usize = 70;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in &tree.sources {
        let lines = source.text.lines().count();
        if lines > FILE_LINES_MAX {
            findings.push(Finding::new(path, 1, format!("{lines} lines, {FILE_LINES_MAX} are allowed in a file")));
        }
        Functions { path, findings: &mut findings }.visit_file(&source.syntax);
    }
    findings
}

struct Functions<'a> {
    path: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let braces = body.brace_token.span;
        let lines = (braces.close().start().line - braces.open().start().line).saturating_sub(1);
        if lines > FUNCTION_LINES_MAX {
            let line = signature.fn_token.span().start().line;
            let sentence = format!("`{}` has {lines} lines, {FUNCTION_LINES_MAX} are allowed", signature.ident);
            self.findings.push(Finding::new(self.path, line, sentence));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.measure(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.measure(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.measure(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_or_function_is_found_when_it_is_one_line_too_long() {
        let function =
            |lines: usize| format!("struct A;\nimpl A {{\n    fn long() {{\n{}    }}\n}}\n", "\n".repeat(lines));
        let file = |lines: usize| "//\n".repeat(lines);
        let tree = Tree::of(&[
            ("a.rs", &function(FUNCTION_LINES_MAX)),
            ("b.rs", &function(FUNCTION_LINES_MAX + 1)),
            ("c.rs", &file(FILE_LINES_MAX)),
            ("d.rs", &file(FILE_LINES_MAX + 1)),
        ]);
        let found: Vec<_> = check(&tree).iter().map(ToString::to_string).collect();
        let expected = ["b.rs:3: `long` has 71 lines, 70 are allowed", "d.rs:1: 501 lines, 500 are allowed in a file"];
        assert_eq!(found, expected);
    }
}
