//! Every path that a module's code names: its imports, the paths in its code, and those in the input of macros.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::tree::only_in_tests;

/// A path as it is written.
pub(crate) struct Named {
    pub(crate) line: usize,
    pub(crate) words: Vec<String>,
    /// Whether a `pub use` names it: it is offered to others, not used here.
    pub(crate) offered: bool,
    /// Whether it is `use path::*`.
    pub(crate) glob: bool,
}

/// The paths of two words and more in a module's own items; those of its submodules and of tests are left out.
pub(crate) fn named(items: &[syn::Item]) -> Vec<Named> {
    let mut paths = Paths::default();
    items.iter().for_each(|item| paths.visit_item(item));
    paths.named
}

#[derive(Default)]
struct Paths {
    named: Vec<Named>,
    offered: bool,
}

impl Paths {
    fn add(&mut self, line: usize, words: Vec<String>, glob: bool) {
        self.named.push(Named { line, words, offered: self.offered, glob });
    }

    fn import(&mut self, tree: &syn::UseTree, before: &mut Vec<String>) {
        let mut named = |name: &syn::Ident| {
            let words = before.iter().cloned().chain((name != "self").then(|| name.to_string())).collect();
            self.add(name.span().start().line, words, false);
        };
        match tree {
            syn::UseTree::Name(name) => named(&name.ident),
            syn::UseTree::Rename(rename) => named(&rename.ident),
            syn::UseTree::Glob(glob) => self.add(glob.star_token.spans[0].start().line, before.clone(), true),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.import(item, before)),
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(&path.tree, before);
                before.pop();
            }
        }
    }

    /// A macro's input is not parsed: a path there is words with two colons between them.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut words: Vec<String> = Vec::new();
        let (mut line, mut colons) = (0, 0);
        for token in tokens {
            match &token {
                TokenTree::Punct(mark) if mark.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(word) if colons == 2 && !words.is_empty() => words.push(word.to_string()),
                other => {
                    self.end_of_path(line, &mut words);
                    match other {
                        TokenTree::Ident(word) => {
                            line = word.span().start().line;
                            words.push(word.to_string());
                        }
                        TokenTree::Group(group) => self.tokens(group.stream()),
                        _ => {}
                    }
                }
            }
            colons = 0;
        }
        self.end_of_path(line, &mut words);
    }

    fn end_of_path(&mut self, line: usize, words: &mut Vec<String>) {
        let words = std::mem::take(words);
        if words.len() > 1 {
            self.add(line, words, false);
        }
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, _: &'ast syn::ItemMod) {}

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !only_in_tests(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if !only_in_tests(&item.attrs) {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !only_in_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !only_in_tests(&item.attrs) {
            self.offered = !matches!(item.vis, syn::Visibility::Inherited);
            self.import(&item.tree, &mut Vec::new());
            self.offered = false;
        }
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        if !only_in_tests(&item.attrs) {
            self.add(item.ident.span().start().line, vec![item.ident.to_string()], false);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if let (Some(first), true) = (path.segments.first(), path.segments.len() > 1) {
            let words = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.add(first.ident.span().start().line, words, false);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    // Documentation and the inputs of derives name no code of ours.
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}
