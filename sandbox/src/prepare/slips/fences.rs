//! What surrounds a script in a document: the fences of Markdown, and the tags of HTML; and HTML within a script.

use oxc::span::Span;

use super::slip::{Said, Slip};
use super::tokens::Around;

const FENCE: &str = "```";
/// How far from a place in prose the fence is looked for.
const PROSE_MAX: usize = 2000;

/// The line of Markdown that the place is on, or, before any code, the one that follows.
pub(super) fn find(span: Span, text: &str) -> Option<Slip> {
    let at = (0..=span.start as usize).rev().find(|at| text.is_char_boundary(*at))?;
    let begin = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let rest = text.get(begin..)?;
    if let Some(fence) = fence(text, begin) {
        return Some(fence);
    }
    let prose =
        begin + rest.char_indices().take_while(|(index, _)| *index < PROSE_MAX).last().map_or(0, |(index, _)| index);
    let next = text[begin..prose].find("\n```").map(|found| begin + found + 1)?;
    // Only prose stands before the first fence.
    let is_prose = !text[..next].contains(['{', ';', '=', '`']);
    is_prose.then(|| fence(text, next)).flatten()
}

/// The fence at the beginning of the text.
pub(super) fn first(text: &str) -> Option<Slip> {
    fence(text, text.len() - text.trim_start().len())
}

/// The fence that stands on the line that begins here.
fn fence(text: &str, begin: usize) -> Option<Slip> {
    let line = text[begin..].lines().next()?;
    let signs = line.trim();
    let language = signs.strip_prefix(FENCE)?;
    let named = language.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '+' | '-' | '_'));
    let start = begin + line.len() - line.trim_start().len();
    let help = "Give the script without the lines that begin with three backquotes, and without the text around them.";
    (named && language.len() <= 20).then(|| {
        Slip::new(start, start + signs.len(), "This line is Markdown and does not belong to the script.", help)
    })
}

/// `<script>` and the like.
pub(super) fn tags(around: &Around<'_>) -> Option<Slip> {
    let first = around.tokens.first().filter(|first| around.from_start && first.is("<"))?;
    let word = |index: usize| around.tokens.get(index).map_or("", |token| token.text);
    let (message, help) = match (word(1), word(2)) {
        ("script" | "template" | "style" | "html" | "body" | "head", _) | ("/", "script") => (
            format!("`<{}…` is HTML and does not belong to the script.", word(1)),
            "Give what stands between `<script>` and `</script>` alone, without these two lines.",
        ),
        ("!", "DOCTYPE" | "doctype") => (
            "This is a page in HTML, not a script.".to_owned(),
            "Give what stands between `<script>` and `</script>` alone.",
        ),
        ("?", "php") => (
            "This is a program in PHP.".to_owned(),
            "Scripts are written in TypeScript or JavaScript, and begin with `export default function (input) { … }`.",
        ),
        ("?", "xml") => (
            "This is data (XML), not a script.".to_owned(),
            "Give it to the job as input; a script begins with `export default function (input) { … }`.",
        ),
        _ => return None,
    };
    let end = first.end() + word(1).len();
    Some(Slip::new(first.start, end, message, help))
}

/// `<div className="…">`, at the name of what the element is given.
pub(super) fn element(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    let (name, opening) = (around.before(0)?, around.before(1)?);
    let begins =
        opening.is("<") && opening.end() == name.start && around.before(2).is_none_or(|token| !token.ends_value());
    let given = around.after(0)?.word().is_some() && around.after(1)?.is("=");
    (said.wants(">") && begins && name.word().is_some() && given).then(|| {
        let help = "Write HTML as text, between backquotes: `<p>${name}</p>`.";
        Slip::new(opening.start, name.end(), "HTML in the code (JSX) is not supported.", help)
    })
}
