//! `accessor` fields: a private field, and a getter and a setter for it.

use oxc::ast::ast::*;
use oxc::ast_visit::Visit;
use oxc::span::{GetSpan, Span};

use super::Lowering;

impl<'a> Lowering<'a, '_> {
    pub(super) fn accessor(&mut self, property: &AccessorProperty<'a>) {
        let span = property.span;
        if self.edits.too_large().is_some() {
            return;
        }
        if property.r#type == AccessorPropertyType::TSAbstractAccessorProperty {
            self.edits.replace(span, ";");
            return;
        }
        let name = property.key.static_name().filter(|name| super::uids::is_plain(name));
        let name = name.or_else(|| property.key.private_name().map(|name| name.to_string().into()));
        let store = self.uids.next(name.as_deref().unwrap_or("computed"), "_accessor_");
        let fixed = if property.r#static { "static " } else { "" };
        // As TypeScript has it, a class that inherits a static accessor shares the one it inherits. A class without a
        // name cannot be named.
        let class = self.classes.last().copied().flatten().filter(|_| property.r#static);
        let object = class.unwrap_or("this").to_owned();
        let get = format!("() {{ return {object}.#{store}; }}");
        let set = format!("(value) {{ {object}.#{store} = value; }}");
        let field = format!("{fixed}#{store}");
        if property.computed {
            let key = self.uids.next("key", "_");
            self.edits.replace(super::between(span.start, &property.key), format!(";{fixed}get [typeof ({key} = "));
            self.visit_property_key(&property.key);
            // The key is converted to a text or a symbol here, so that the conversion happens once.
            let rest = format!(") === \"symbol\" ? {key} : {key} = `${{{key}}}`]{get} {fixed}set [{key}]{set} {field}");
            self.keys.push(key);
            self.value(property, property.key.span().end, rest);
        } else {
            let key = self.slice(property.key.span());
            let rest = format!(";{fixed}get {key}{get} {fixed}set {key}{set} {field}");
            self.value(property, span.start, rest);
        }
    }

    /// Replaces the text from `from` to the property's value by `rest`, and keeps the value behind it.
    fn value(&mut self, property: &AccessorProperty<'a>, from: u32, rest: String) {
        match &property.value {
            Some(value) => {
                self.edits.replace(super::between(from, value), format!("{rest} = "));
                self.visit_expression(value);
                self.edits.replace(Span::new(value.span().end, property.span.end), ";");
            }
            None => self.edits.replace(Span::new(from, property.span.end), format!("{rest};")),
        }
    }

    /// Declares the variables for keys. A `var` at the end of a program is there from its start.
    pub(super) fn declare_keys(&mut self) {
        if !self.keys.is_empty() {
            let end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
            self.edits.insert(end, format!("\n;var {};", self.keys.join(", ")));
        }
    }
}
