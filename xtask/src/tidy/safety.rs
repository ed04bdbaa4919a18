//! Every `unsafe` says why it is sound: `// SAFETY:` directly above a block, an implementation or the declarations of another
//! language's functions, `# Safety` in the documentation of an `unsafe fn` or trait. Clippy has such a rule, but sees neither
//! crates outside the workspace nor what macros hold.

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use super::finding::Finding;
use super::tree::Tree;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in &tree.sources {
        let lines = source.text.lines().collect();
        let mut places = Places { path, lines, around: 1, findings: Vec::new() };
        places.visit_file(&source.syntax);
        findings.append(&mut places.findings);
    }
    findings
}

struct Places<'a> {
    path: &'a str,
    lines: Vec<&'a str>,
    /// The line where the innermost statement, arm or item begins: the comment on a long statement stands above all of it.
    around: usize,
    findings: Vec<Finding>,
}

impl Places<'_> {
    fn within(&mut self, line: usize, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.around, line);
        visit(self);
        self.around = outer;
    }

    fn need_comment(&mut self, what: &str, line: usize) {
        if !self.comment_above(line) && !self.comment_above(self.around) {
            let sentence = format!("{what} without a `// SAFETY:` comment directly above");
            self.findings.push(Finding::new(self.path, line, sentence));
        }
    }

    /// Whether the comment that ends above a line, with attributes between them or not, names the reason.
    fn comment_above(&self, line: usize) -> bool {
        let above = self.lines.iter().take(line.saturating_sub(1)).rev().map(|line| line.trim_start());
        above.take_while(|line| line.starts_with("//") || line.starts_with("#[")).any(|line| line.contains("SAFETY:"))
    }

    fn need_docs(&mut self, what: &str, name: &syn::Ident, attributes: &[syn::Attribute]) {
        let documented = attributes.iter().any(|attribute| match &attribute.meta {
            syn::Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
                syn::Expr::Lit(literal) => {
                    matches!(&literal.lit, syn::Lit::Str(text) if text.value().trim().starts_with("# Safety"))
                }
                _ => false,
            },
            _ => false,
        });
        let line = name.span().start().line;
        if !documented {
            let sentence = format!("{what} `{name}` without `# Safety` in its documentation");
            self.findings.push(Finding::new(self.path, line, sentence));
        }
    }

    /// A macro's input is not parsed: its blocks and implementations are known by the token after `unsafe`.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match (&token, tokens.peek()) {
                (TokenTree::Ident(word), Some(TokenTree::Group(_))) if word == "unsafe" => {
                    self.need_comment("an unsafe block", word.span().start().line);
                }
                (TokenTree::Ident(word), Some(TokenTree::Ident(next))) if word == "unsafe" && next == "impl" => {
                    self.need_comment("an unsafe implementation", word.span().start().line);
                }
                (TokenTree::Group(group), _) => self.tokens(group.stream()),
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Places<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        self.within(item.span().start().line, |places| visit::visit_item(places, item));
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        self.within(item.span().start().line, |places| visit::visit_impl_item(places, item));
    }

    fn visit_stmt(&mut self, statement: &'ast syn::Stmt) {
        self.within(statement.span().start().line, |places| visit::visit_stmt(places, statement));
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.within(arm.span().start().line, |places| visit::visit_arm(places, arm));
    }

    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        self.need_comment("an unsafe block", block.unsafe_token.span().start().line);
        visit::visit_expr_unsafe(self, block);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let Some(word) = &item.unsafety {
            self.need_comment("an unsafe implementation", word.span().start().line);
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_item_foreign_mod(&mut self, item: &'ast syn::ItemForeignMod) {
        if let Some(word) = &item.unsafety {
            self.need_comment("unsafe declarations", word.span().start().line);
        }
        visit::visit_item_foreign_mod(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if item.sig.unsafety.is_some() {
            self.need_docs("the unsafe function", &item.sig.ident, &item.attrs);
        }
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if item.sig.unsafety.is_some() {
            self.need_docs("the unsafe function", &item.sig.ident, &item.attrs);
        }
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        if item.unsafety.is_some() {
            self.need_docs("the unsafe trait", &item.ident, &item.attrs);
        }
        visit::visit_item_trait(self, item);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsafe_without_its_reason_is_found() {
        let cases = [
            ("fn f() { unsafe { g() } }", 1),
            ("fn f() {\n    // SAFETY: g has no conditions.\n    unsafe { g() }\n}", 0),
            ("fn f() {\n    // SAFETY: g has no\n    // conditions.\n    let x =\n        unsafe { g() };\n}", 0),
            ("fn f() {\n    // SAFETY: of another line.\n    h();\n    unsafe { g() }\n}", 1),
            (
                "fn f(n: u8) {\n    match n {\n        // SAFETY: sound.\n        0 => unsafe { g() },\n        _ => unsafe { g() },\n    }\n}",
                1,
            ),
            ("unsafe impl Send for X {}", 1),
            ("// SAFETY: X is a number.\nunsafe impl Send for X {}", 0),
            ("unsafe extern \"C\" { fn g(); }", 1),
            ("/// Does g.\nunsafe fn g() {}", 1),
            ("/// Does g.\n///\n/// # Safety\n///\n/// Call it once.\nunsafe fn g() {}", 0),
            ("impl X { unsafe fn g() {} }", 1),
            ("unsafe trait T {}", 1),
            ("macro_rules! m { () => { unsafe { g() } }; }", 1),
            ("fn f() { m!(unsafe { g() }) }", 1),
            ("macro_rules! m {\n    () => {\n        // SAFETY: sound.\n        unsafe { g() }\n    };\n}", 0),
        ];
        for (text, expected) in cases {
            let found = check(&Tree::of(&[("a.rs", text)]));
            assert_eq!(found.len(), expected, "{text}: {found:?}");
        }
    }
}
