//! An author's source: where an offset lies, and what to show of it.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use oxc::span::Span;
use scriptmill_sdk::{Code, Diagnostic, Module, Position, Severity};

/// Characters of a line that are shown. A longer line is cut around the place.
const LINE_CHARS_MAX: usize = 140;
/// Longer messages are cut: a name may be megabytes long.
const MESSAGE_CHARS_MAX: usize = 300;
/// Places of one finding that are further apart, in lines, are shown in separate excerpts.
const GAP_LINES_MAX: usize = 4;
/// Places shown beside the finding's own.
const RELATED_MAX: usize = 3;

/// The text that is checked and run: the source without a byte order mark at its start.
pub(super) fn text_of(source: &str) -> &str {
    source.strip_prefix('\u{feff}').unwrap_or(source)
}

/// A place in an excerpt.
struct Annotated<'f> {
    line: usize,
    kind: AnnotationKind,
    span: Span,
    label: &'f str,
}

/// What a pass has to say about a module.
pub(super) struct Finding {
    pub(super) code: Code,
    pub(super) severity: Severity,
    pub(super) message: String,
    pub(super) help: Option<String>,
    pub(super) span: Span,
    /// What to write under the span, if anything.
    pub(super) label: String,
    /// Other places that matter, such as the first of two declarations.
    pub(super) related: Vec<(Span, String)>,
}

impl Finding {
    pub(super) fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            help: None,
            span,
            label: String::new(),
            related: Vec::new(),
        }
    }

    pub(super) fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }
}

/// One module's text, with the starts of its lines. Lines end as ECMAScript has it: LF, CR, CR LF, U+2028, U+2029.
pub(super) struct Source<'s> {
    pub(super) name: &'s str,
    pub(super) text: &'s str,
    /// The source map that stands beside the text.
    pub(super) map: Option<&'s str>,
    line_starts: Vec<u32>,
}

impl<'s> Source<'s> {
    /// `text` without its byte order mark; below 4 GiB.
    pub(super) fn new(name: &'s str, text: &'s str) -> Self {
        let bytes = text.as_bytes();
        let mut line_starts = vec![0];
        for index in memchr::memchr3_iter(b'\n', b'\r', 0xe2, bytes) {
            let end = match bytes[index] {
                b'\n' => index + 1,
                b'\r' if bytes.get(index + 1) != Some(&b'\n') => index + 1,
                0xe2 if matches!(bytes.get(index + 1..index + 3), Some([0x80, 0xa8 | 0xa9])) => index + 3,
                _ => continue,
            };
            line_starts.push(u32::try_from(end).unwrap_or(u32::MAX));
        }
        Self { name, text, map: None, line_starts }
    }

    /// The source of a module, with the map beside it.
    pub(super) fn of(module: &'s Module) -> Self {
        Self { map: module.source_map.as_deref(), ..Self::new(&module.name, text_of(&module.source)) }
    }

    /// Line and column of a byte offset, both from 1, the column in UTF-16 units.
    pub(super) fn locate(&self, offset: u32) -> (u32, u32) {
        let line = self.line_of(offset);
        let start = self.line_starts[line] as usize;
        let end = self.boundary(offset);
        let column = utf16_length(&self.text[start..end.max(start)]);
        (u32_of(line + 1), u32_of(column + 1))
    }

    /// The rest of a line from a place on it; the reverse of [`Source::locate`].
    pub(super) fn span_at(&self, line: u32, column: u32) -> Span {
        let range = self.line_range((line as usize).clamp(1, self.line_starts.len()) - 1);
        let mut left = column.saturating_sub(1) as usize;
        let rest = self.text[range.clone()].char_indices().find(|(_, character)| {
            let here = left == 0;
            left = left.saturating_sub(character.len_utf16());
            here
        });
        Span::new(u32_of(rest.map_or(range.end, |(index, _)| range.start + index)), u32_of(range.end))
    }

    /// The excerpt of a place without a finding.
    pub(super) fn excerpt_at(&self, line: u32, column: u32) -> String {
        let start = self.span_at(line, column).start;
        self.excerpt(&Finding::error(Code::Thrown, Span::sized(start, 0), ""))
    }

    /// The whole diagnostic of a finding in this source.
    pub(super) fn diagnose(&self, finding: Finding) -> Diagnostic {
        let (line, column) = self.locate(finding.span.start);
        let (end_line, end_column) = self.locate(finding.span.end.max(finding.span.start));
        Diagnostic {
            code: finding.code,
            severity: finding.severity,
            excerpt: self.excerpt(&finding),
            message: cut(finding.message),
            help: finding.help.map(cut),
            at: Position { file: self.name.to_owned(), line, column },
            end_line,
            end_column,
        }
    }

    /// The lines around a finding, a caret under it. Each related place is shown as well.
    fn excerpt(&self, finding: &Finding) -> String {
        let level = match finding.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut shown = vec![Annotated {
            line: self.line_of(finding.span.start),
            kind: AnnotationKind::Primary,
            span: finding.span,
            label: &finding.label,
        }];
        for (span, label) in finding.related.iter().take(RELATED_MAX) {
            shown.push(Annotated { line: self.line_of(span.start), kind: AnnotationKind::Context, span: *span, label });
        }
        shown.sort_by_key(|place| (place.line, place.span.start));
        // Places far apart come as snippets of their own.
        let mut group = Group::with_level(level);
        for near in shown.chunk_by(|a, b| b.line - a.line <= GAP_LINES_MAX) {
            group = group.element(self.snippet(near));
        }
        Renderer::plain().term_width(LINE_CHARS_MAX + 40).render(&[group]).trim_end().to_owned()
    }

    /// The lines of some places, and the line before them for orientation.
    fn snippet(&self, places: &[Annotated<'_>]) -> Snippet<'static, Annotation<'static>> {
        let (first, last) = (places[0].line.saturating_sub(1), places[places.len() - 1].line);
        let mut text = String::new();
        let mut annotations = Vec::new();
        for line in first..=last {
            let here = || places.iter().filter(|place| place.line == line);
            let range = self.line_range(line);
            let anchor = here().find(|place| place.kind == AnnotationKind::Primary).or_else(|| here().next());
            let anchor = anchor.map_or(range.start, |place| self.boundary(place.span.start));
            let window = window(self.text, &range, anchor.clamp(range.start, range.end));
            if window.start > range.start {
                text.push('…');
            }
            let base = text.len();
            text.push_str(&self.text[window.clone()]);
            for place in here() {
                // A place within the characters that end a line is at the line's end.
                let start = self.boundary(place.span.start).min(range.end);
                if (window.start..=window.end).contains(&start) {
                    let end = self.boundary(place.span.end).clamp(start, window.end);
                    let label = (!place.label.is_empty()).then(|| cut(place.label.to_owned()));
                    let span = base + start - window.start..base + end - window.start;
                    annotations.push(place.kind.span(span).label(label));
                }
            }
            if window.end < range.end {
                text.push('…');
            }
            text.push('\n');
        }
        text.pop();
        Snippet::source(text).line_start(first + 1).fold(false).annotations(annotations)
    }

    fn line_of(&self, offset: u32) -> usize {
        self.line_starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// A line's bytes, without what ends it.
    fn line_range(&self, line: usize) -> Range<usize> {
        let start = self.line_starts[line] as usize;
        let end = self.line_starts.get(line + 1).map_or(self.text.len(), |next| *next as usize);
        let text = self.text[start..end].trim_end_matches(['\n', '\r', '\u{2028}', '\u{2029}']);
        start..start + text.len()
    }

    /// The offset, or the start of the character it lies in.
    fn boundary(&self, offset: u32) -> usize {
        let mut offset = (offset as usize).min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

/// The part of a long line to show around `anchor`.
fn window(text: &str, line: &Range<usize>, anchor: usize) -> Range<usize> {
    if clamp_chars(&text[..line.end], line.start, LINE_CHARS_MAX) == line.end {
        return line.clone();
    }
    let start = text[line.start..anchor].char_indices().rev().take(LINE_CHARS_MAX / 3).last();
    let start = start.map_or(anchor, |(index, _)| line.start + index);
    start..clamp_chars(text, start, LINE_CHARS_MAX).min(line.end)
}

fn utf16_length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// Where `chars` characters after `start` end.
fn clamp_chars(text: &str, start: usize, chars: usize) -> usize {
    text[start..].char_indices().nth(chars).map_or(text.len(), |(index, _)| start + index)
}

fn cut(text: String) -> String {
    match text.char_indices().nth(MESSAGE_CHARS_MAX) {
        None => text,
        Some((index, _)) => format!("{}…", &text[..index]),
    }
}

fn u32_of(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A finding about a bundle as a whole, which has no line to show.
pub(super) fn diagnose_bundle(code: Code, file: &str, message: String, help: &str) -> Diagnostic {
    Diagnostic {
        code,
        severity: Severity::Error,
        message: cut(message),
        help: Some(help.to_owned()),
        at: Position { file: cut(file.to_owned()), line: 1, column: 1 },
        end_line: 1,
        end_column: 1,
        excerpt: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Texts with characters that make places hard to count.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("\n"),
            Just("\r"),
            Just("\r\n"),
            Just("\u{2028}"),
            Just("\t"),
            Just("\u{feff}"),
            Just("😀"),
            Just("e\u{301}"),
            Just("名"),
            Just("\u{1b}[31m"),
            Just("a = 1;"),
            Just("0123456789012345678901234567890123456789012345678901234567890123456789"),
        ];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    #[test]
    fn a_place_within_a_line_end_is_shown() {
        let shown = Source::new("main.ts", "😀\r\n").diagnose(Finding::error(Code::Syntax, Span::new(5, 5), "x"));
        assert!(shown.excerpt.contains('^'), "{}", shown.excerpt);
    }

    proptest! {
        #[test]
        fn a_place_leads_back_to_its_offset(text in text()) {
            let source = Source::new("main.ts", &text);
            for (offset, character) in text.char_indices().filter(|(_, character)| !"\n\r\u{2028}".contains(*character)) {
                let (line, column) = source.locate(u32_of(offset));
                prop_assert_eq!(source.span_at(line, column).start, u32_of(offset), "{:?} at {}:{}", character, line, column);
            }
        }

        #[test]
        fn any_finding_can_be_shown(text in text(), places in prop::collection::vec((0..3000_u32, 0..3000_u32), 1..6)) {
            let source = Source::new("main.ts", &text);
            let mut finding = Finding::error(Code::Syntax, Span::new(places[0].0, places[0].1), "x");
            for (start, end) in &places[1..] {
                finding = finding.related(Span::new(*start, *end), "here");
            }
            let shown = source.diagnose(finding);
            prop_assert!(shown.excerpt.contains('^'), "{}", shown.excerpt);
            prop_assert!(!shown.excerpt.contains('\u{1b}'), "a source cannot colour a terminal");
        }
    }
}
