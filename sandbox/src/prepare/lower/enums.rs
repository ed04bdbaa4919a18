//! Enums: a function that fills an object with names and, for numbers, the way back.

use oxc::ast::ast::*;
use oxc::ast_visit::Visit;
use oxc::span::{GetSpan, Span};
use oxc::syntax::number::ToJsString;
use scriptmill_sdk::Code;

use super::super::source::Finding;
use super::namespaces::tail;
use super::values::{Key, Value};
use super::{Lowering, Place, too_large};

impl<'a> Lowering<'a, '_> {
    /// Writes a block of an enum. `start` is where its statement begins, with `export`.
    pub(super) fn enumeration(&mut self, declaration: &TSEnumDeclaration<'a>, start: u32, place: &Place) {
        let Some(block) = declaration.body.scope_id.get().and_then(|scope| self.merged.block_at(scope)) else { return };
        let container = self.merged.block(block).container;
        let param = self.param(block);
        let mut pending = self.head(&declaration.id, &param, place);
        let mut done = start;
        // The value of the next member, if it has none written.
        let mut next = Some(0.0);
        for member in &declaration.body.members {
            let member_name = member.id.static_name();
            let member_name = member_name.as_str();
            let key = quoted(member_name);
            let value = match (&member.initializer, next) {
                (Some(initializer), _) => self.evaluate(initializer),
                (None, next) => next.map(Value::Number),
            };
            next = if let Some(Value::Number(number)) = value { Some(number + 1.0) } else { None };
            let (before, after) = match &value {
                Some(Value::Text(_) | Value::SomeText) => (format!(" {param}[{key}] = "), ";".to_owned()),
                Some(Value::TooLong) => {
                    return self.refuse(|bytes_max| too_large(member.span, bytes_max));
                }
                _ => (format!(" {param}[{param}[{key}] = "), format!("] = {key};")),
            };
            let written = match &value {
                Some(Value::Number(number)) => Some(number_text(*number)),
                Some(Value::Text(text)) => Some(quoted(text)),
                _ => None,
            };
            match (written, &member.initializer) {
                (Some(written), _) => {
                    let text = format!("{pending}{before}{written}{after}");
                    self.edits.replace_from(Span::new(done, member.span.end), member.span.start, text);
                    pending = String::new();
                    done = member.span.end;
                }
                (None, Some(initializer)) => {
                    let text = format!("{pending}{before}");
                    let until = initializer.span().start;
                    self.edits.replace_from(Span::new(done, until), member.span.start, text);
                    self.visit_expression(initializer);
                    pending = after;
                    done = initializer.span().end;
                }
                (None, None) => return self.refuse(|_| valueless(member)),
            }
            self.values.extend(value.map(|value| (Key::Member(container, member_name), value)));
        }
        let tail = format!("{pending} {}", tail(&declaration.id, place));
        self.edits.replace_from(Span::new(done, declaration.span.end), declaration.span.start, tail);
    }
}

/// TypeScript refuses such a member too.
fn valueless(member: &TSEnumMember<'_>) -> Finding {
    let message = "This member of an enum needs a value: the one before it has none that can be counted on.";
    let help = "Write `= …` behind its name.";
    Finding::error(Code::UnsupportedSyntax, member.span, message).help(help)
}

fn number_text(number: f64) -> String {
    match number {
        _ if number.is_nan() => "0 / 0".to_owned(),
        // The name `Infinity` could mean something else there.
        _ if number.is_infinite() => if number > 0.0 { "1 / 0" } else { "-1 / 0" }.to_owned(),
        _ => number.to_js_string(),
    }
}

/// A text as JavaScript writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\u{2028}' => quoted.push_str("\\u2028"),
            '\u{2029}' => quoted.push_str("\\u2029"),
            '\0'..='\u{1f}' => quoted.push_str(&format!("\\x{:02x}", u32::from(character))),
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}
