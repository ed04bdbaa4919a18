//! Characters that nobody sees, which the parser takes for spaces and the engine refuses.

use oxc::ast::ast::{Program, RegExpLiteral, StringLiteral, TemplateElement};
use oxc::ast_visit::Visit;
use oxc::span::Span;
use scriptmill_sdk::Code;

use super::slips;
use super::source::Finding;

/// U+200B, a space without width, and U+0085, the end of a line of other systems.
const CHARACTERS: &[char] = &['\u{200b}', '\u{85}'];

/// Places that are told of one module.
const FINDINGS_MAX: usize = 100;

/// The places of such characters outside of texts, comments and patterns. The program is as it was parsed.
pub(super) fn find(program: &Program<'_>, text: &str) -> Vec<Finding> {
    let mut places = Vec::new();
    for character in CHARACTERS {
        let mut bytes = [0; 4];
        let found = memchr::memmem::find_iter(text.as_bytes(), character.encode_utf8(&mut bytes).as_bytes());
        places.extend(found.map(|at| (at, *character)));
    }
    if places.is_empty() {
        return Vec::new();
    }
    places.sort_unstable();
    let mut written = Written { spans: program.comments.iter().map(|comment| comment.span).collect() };
    written.spans.extend(program.hashbang.iter().map(|hashbang| hashbang.span));
    written.visit_program(program);
    written.spans.sort_unstable_by_key(|span| span.start);
    let is_code = |at: usize| {
        let next = written.spans.partition_point(|span| span.start as usize <= at);
        next.checked_sub(1).is_none_or(|last| written.spans[last].end as usize <= at)
    };
    let told = |(at, character)| {
        let slip = slips::invisible(at, character);
        Finding::error(Code::Syntax, slip.span, slip.message).help(slip.help)
    };
    places.into_iter().filter(|(at, _)| is_code(*at)).take(FINDINGS_MAX).map(told).collect()
}

/// Where any character may stand. These places do not overlap.
struct Written {
    spans: Vec<Span>,
}

impl<'a> Visit<'a> for Written {
    fn visit_string_literal(&mut self, text: &StringLiteral<'a>) {
        self.spans.push(text.span);
    }

    fn visit_template_element(&mut self, part: &TemplateElement<'a>) {
        self.spans.push(part.span);
    }

    fn visit_reg_exp_literal(&mut self, pattern: &RegExpLiteral<'a>) {
        self.spans.push(pattern.span);
    }
}
