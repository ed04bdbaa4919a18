//! What the text around an undeclared name says of it.

use oxc::span::Span;

use super::slips::COMMENT_HELP;

/// How far around a name is read, in bytes.
const AROUND_MAX: usize = 200;

/// The text before a name and after it.
pub(super) fn around(text: &str, span: Span) -> (&str, &str) {
    let (start, end) = (span.start as usize, span.end as usize);
    let begin = (start.saturating_sub(AROUND_MAX)..=start).find(|at| text.is_char_boundary(*at)).unwrap_or(start);
    let far = end.saturating_add(AROUND_MAX).min(text.len());
    let close = (end..=far).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(end);
    (text.get(begin..start).unwrap_or_default(), text.get(end..close).unwrap_or_default())
}

/// Whether the name is a statement by itself, as the word that ends a block in other languages.
pub(super) fn is_alone(before: &str, after: &str) -> bool {
    let before = before.trim_end_matches([' ', '\t']);
    let after = after.trim_start_matches([' ', '\t']);
    (before.is_empty() || before.ends_with(['\n', ';', '{', '}']))
        && (after.is_empty() || after.starts_with(['\n', '\r', ';', '}']))
}

/// The help for a name that is none: a comment is meant, or a character stands in it that nobody sees.
pub(super) fn written_wrong(name: &str, before: &str) -> Option<String> {
    let gap = before.trim_end_matches([' ', '\t']);
    if gap.len() < before.len() && gap.ends_with("--") {
        return Some(format!("`--` begins no comment. {COMMENT_HELP}"));
    }
    let unseen = name.chars().find(|character| matches!(character, '\u{200c}' | '\u{200d}'))?;
    let code = u32::from(unseen);
    Some(format!("An invisible character stands in this name (U+{code:04X}): delete it."))
}
