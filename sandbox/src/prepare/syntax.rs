//! What the parser and the semantic pass report, in words for authors.

use oxc::diagnostics::{LabeledSpan, OxcDiagnostic};
use oxc::span::Span;
use scriptmill_sdk::Code;

use super::source::Finding;
use super::{sentences, slips};

/// Reports of one pass for which the text around the place is read. More reports get words that need no reading.
const EXPLAINED_MAX: usize = 100;

/// The reports of the parser or the semantic pass. Of two at one place the first tells more, and a slip is told once.
pub(super) fn findings(errors: Vec<OxcDiagnostic>, text: &str) -> Vec<Finding> {
    let tell = |(index, error)| told(error, text, index < EXPLAINED_MAX);
    let mut findings: Vec<_> = errors.into_iter().enumerate().map(tell).collect();
    findings.dedup_by(|second, first| second.span.start == first.span.start && second.code == first.code);
    findings
}

/// A report of the parser or the semantic pass.
pub(super) fn finding(error: OxcDiagnostic, text: &str) -> Finding {
    told(error, text, true)
}

fn told(error: OxcDiagnostic, text: &str, explain: bool) -> Finding {
    let mut error = error.inner_owned();
    let redeclared = error.message.ends_with("has already been declared") && !error.message.starts_with("Label");
    if redeclared && error.labels.len() == 2 {
        // The first place is where the name was declared before.
        error.labels.swap(0, 1);
    }
    let mut labels = error.labels.iter();
    let end = Span::empty(u32::try_from(text.len()).unwrap_or(u32::MAX));
    let span = labels.next().map_or(end, LabeledSpan::span);
    let code = if redeclared { Code::Redeclaration } else { Code::Syntax };
    let mut finding = Finding::error(code, span, error.message.into_owned());
    finding.help = error.help.map(std::borrow::Cow::into_owned);
    for label in labels {
        finding = finding.related(label.span(), label.label().unwrap_or_default());
    }
    if redeclared {
        in_plain_words_redeclared(&mut finding);
    } else {
        in_plain_words(&mut finding, text, explain);
    }
    finding
}

/// What the semantic pass would have said of a place.
pub(super) fn said(message: &str, span: Span, text: &str) -> Finding {
    let mut finding = Finding::error(Code::Syntax, span, message);
    in_plain_words(&mut finding, text, true);
    finding
}

/// Says of a text that it is a document with the script in it.
pub(super) fn in_document(text: &str) -> Option<Finding> {
    let slip = slips::first_fence(text)?;
    Some(Finding::error(Code::Syntax, slip.span, slip.message).help(slip.help))
}

/// A report of the transformer, which leaves the syntax that it reports in the code.
pub(super) fn unsupported(error: OxcDiagnostic, text: &str) -> Finding {
    Finding { code: Code::UnsupportedSyntax, ..finding(error, text) }
}

fn in_plain_words_redeclared(finding: &mut Finding) {
    if let Some(name) = finding.message.split('`').nth(1) {
        finding.message = format!("'{name}' is declared twice.");
    }
    finding.help =
        Some("Leave out the second `let`, `const`, `function` or `class`, or choose another name.".to_owned());
    for (_, label) in &mut finding.related {
        "declared here before".clone_into(label);
    }
}

/// Explains the commonest mistakes to an author who does not know what a token is.
fn in_plain_words(finding: &mut Finding, text: &str, explain: bool) {
    let found = found_text(text, finding.span);
    let message = finding.message.clone();
    let at_end = found.is_empty() && finding.span.start as usize >= text.trim_end().len();
    if at_end && (message.starts_with("Expected `") || message.starts_with("Unexpected")) {
        unfinished(finding, text);
        return;
    }
    if message == "Unterminated string" && explain && slip(finding, text) {
        return;
    }
    if message == "Unterminated string" && !found.starts_with(['"', '\'']) {
        // The place is where the last part of a template begins.
        let opened = text[..finding.span.start as usize].rfind('`').unwrap_or(finding.span.start as usize);
        finding.span = Span::sized(u32::try_from(opened).unwrap_or(u32::MAX), 1);
        if let Some(value) =
            text[opened..].find("${").filter(|value| !found_line(&text[opened + value..]).contains('}'))
        {
            let start = u32::try_from(opened + value).unwrap_or(u32::MAX);
            finding.span = Span::sized(start, 2);
            finding.message = "This `${` is never closed.".to_owned();
            finding.help = Some("Write `}` after the value: `${order.total}`.".to_owned());
            return;
        }
        finding.message = "This text between backquotes is never closed.".to_owned();
        finding.help = Some("Write the closing backquote at the end of the text.".to_owned());
        return;
    }
    if explain && slip(finding, text) || sentences::tell(finding) {
        return;
    }
    let (plain, help) = match message.as_str() {
        "Unexpected token" => (
            format!("`{found}` is not expected here."),
            "Something is missing just before it, or it is one too many.".to_owned(),
        ),
        _ if message.starts_with("Expected a semicolon") => (
            "The statement should end here, but goes on.".to_owned(),
            "Is an operator, a comma, a bracket or a quote missing just before? Else write `;` here.".to_owned(),
        ),
        _ if message.starts_with("Expected `") => {
            let wanted = message.trim_start_matches("Expected ").split(" but found").next().unwrap_or_default();
            let help = match finding.related.first() {
                Some((opened, _)) if text[opened.start as usize..].starts_with('?') => {
                    "`condition ? a : b` has two values: write `:` and the one for when the condition does not hold."
                        .to_owned()
                }
                Some((opened, _)) => {
                    let bracket = text[opened.start as usize..].chars().next().unwrap_or('(');
                    format!(
                        "If what the `{bracket}` opened ends here, write `{}` before `{found}`.",
                        closing_of(bracket)
                    )
                }
                None => format!("Write {wanted} before `{found}`, or look for a mistake just before it."),
            };
            (format!("Expected {wanted} here, but found `{found}`."), help)
        }
        _ => match message.strip_prefix("Identifier expected. '").and_then(|rest| rest.split('\'').next()) {
            Some(word) => (
                format!("`{word}` is a word of the language and cannot be a name."),
                format!("Choose another name, such as `{word}_` or `the{}`.", capitalised(word)),
            ),
            None => return,
        },
    };
    for (_, label) in &mut finding.related {
        *label = label.to_lowercase();
    }
    finding.message = plain;
    finding.help = Some(help);
}

/// Replaces the message by what the author meant, if the text around the place tells.
fn slip(finding: &mut Finding, text: &str) -> bool {
    let Some(slip) = slips::find(&finding.message, finding.span, text) else { return false };
    finding.span = slip.span;
    finding.message = slip.message;
    finding.help = Some(slip.help);
    finding.related.clear();
    true
}

/// The script ends where more should come.
fn unfinished(finding: &mut Finding, text: &str) {
    let opened = likely_unclosed(text).or_else(|| finding.related.first().map(|(span, _)| span.start));
    let Some(opened) = opened else {
        finding.message = "The script ends in the middle of something.".to_owned();
        finding.help =
            Some("Complete the last statement, and close what is open: `)`, `]`, `}` or a quote.".to_owned());
        return;
    };
    let bracket = text[opened as usize..].chars().next().unwrap_or('{');
    let closing = closing_of(bracket);
    finding.span = Span::sized(opened, 1);
    finding.related.clear();
    finding.message = format!("This `{bracket}` is never closed.");
    finding.label = format!("no `{closing}` belongs to it");
    finding.help = Some(format!("Write the missing `{closing}` where what begins here ends."));
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn closing_of(bracket: char) -> char {
    match bracket {
        '(' => ')',
        '[' => ']',
        '<' => '>',
        '`' => '`',
        _ => '}',
    }
}

fn found_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The text of a place, short enough for a sentence.
fn found_text(text: &str, span: Span) -> String {
    let found = text.get(span.start as usize..span.end as usize).unwrap_or_default();
    let line = found.lines().next().unwrap_or_default();
    if line.chars().nth(30).is_some() { line.chars().take(30).chain(['…']).collect() } else { line.to_owned() }
}

/// The place of an opening bracket whose closing one was probably forgotten, judged by how lines are indented. The parser only
/// sees that the outermost bracket is left open.
fn likely_unclosed(text: &str) -> Option<u32> {
    let mut open: Vec<(usize, char, usize)> = Vec::new();
    let mut suspect = None;
    let (mut indent, mut line_begins) = (0, true);
    let mut characters = text.char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        match character {
            '\n' => (indent, line_begins) = (0, true),
            ' ' | '\t' if line_begins => indent += 1,
            '"' | '\'' => {
                line_begins = false;
                while let Some((_, next)) = characters.next_if(|(_, next)| *next != '\n') {
                    if next == '\\' {
                        characters.next();
                    } else if next == character {
                        break;
                    }
                }
            }
            '/' if characters.next_if(|(_, next)| *next == '/').is_some() => {
                while characters.next_if(|(_, next)| *next != '\n').is_some() {}
            }
            '/' if characters.next_if(|(_, next)| *next == '*').is_some() => {
                let mut star = false;
                for (_, next) in characters.by_ref() {
                    if star && next == '/' {
                        break;
                    }
                    star = next == '*';
                }
            }
            '(' | '[' | '{' => {
                open.push((index, character, indent));
                line_begins = false;
            }
            ')' | ']' | '}' => {
                let top = open.pop();
                if let Some((opened, bracket, opened_indent)) = top {
                    let astray = closing_of(bracket) != character || (line_begins && indent < opened_indent);
                    if astray && suspect.is_none() {
                        suspect = Some(opened);
                    }
                }
                line_begins = false;
            }
            character if !character.is_whitespace() => line_begins = false,
            _ => {}
        }
    }
    let found = suspect.or_else(|| open.last().map(|(opened, ..)| *opened))?;
    u32::try_from(found).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bracket_that_was_forgotten_is_found_by_indentation() {
        let cases = [
            ("f(", Some(1)),
            ("function f() {\n  if (x) {\n    y();\n}\n", Some(24)),
            ("a = [\n  1,\n", Some(4)),
            ("// {\nf({\n", Some(7)),
            ("'{' + \"(\" /* [ */\n", None),
            ("f();\n", None),
        ];
        for (text, expected) in cases {
            assert_eq!(likely_unclosed(text), expected, "{text:?}");
        }
    }
}
