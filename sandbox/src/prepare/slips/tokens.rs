//! The words and signs around a place, read without a grammar: the source there is broken.

/// How much is read before the line of the place and after it, in bytes.
const BEFORE_MAX: usize = 4000;
const AFTER_MAX: usize = 400;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Number,
    /// Between quotes of any kind.
    Text,
    /// Any other character.
    Sign,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    pub(super) text: &'t str,
    pub(super) start: usize,
}

impl<'t> Token<'t> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// The word, if it is one.
    pub(super) fn word(&self) -> Option<&'t str> {
        (self.kind == Kind::Word).then_some(self.text)
    }

    pub(super) fn is(&self, sign: &str) -> bool {
        self.text == sign
    }

    /// Whether a value may end here.
    pub(super) fn ends_value(&self) -> bool {
        match self.kind {
            Kind::Word => {
                !super::keywords::is_keyword(self.text) || matches!(self.text, "this" | "true" | "false" | "null")
            }
            Kind::Number | Kind::Text => true,
            Kind::Sign => matches!(self.text, ")" | "]" | "}"),
        }
    }
}

/// The tokens around a place.
pub(super) struct Around<'t> {
    pub(super) text: &'t str,
    pub(super) offset: usize,
    pub(super) tokens: Vec<Token<'t>>,
    /// Index of the first token that begins at the place or after it.
    pub(super) at: usize,
    /// Whether the tokens go back to the start of the text.
    pub(super) from_start: bool,
}

impl<'t> Around<'t> {
    pub(super) fn new(text: &'t str, offset: usize) -> Self {
        let offset = floor(text, offset);
        let far = floor(text, offset.saturating_sub(BEFORE_MAX));
        let start = if far == 0 { 0 } else { text[far..offset].find('\n').map_or(offset, |end| far + end + 1) };
        let near = floor(text, offset.saturating_add(AFTER_MAX));
        let tokens = read(&text[..near], start);
        let at = tokens.partition_point(|token| token.start < offset);
        Self { text, offset, tokens, at, from_start: start == 0 }
    }

    /// The token that is this far before the place; 0 is the last one.
    pub(super) fn before(&self, back: usize) -> Option<Token<'t>> {
        self.at.checked_sub(back + 1).map(|index| self.tokens[index])
    }

    /// The token that is this far after the place; 0 is the first one.
    pub(super) fn after(&self, on: usize) -> Option<Token<'t>> {
        self.tokens.get(self.at + on).copied()
    }

    pub(super) fn get(&self, index: Option<usize>) -> Option<Token<'t>> {
        index.and_then(|index| self.tokens.get(index)).copied()
    }

    /// Whether a line ends between two places.
    pub(super) fn is_line_between(&self, start: usize, end: usize) -> bool {
        self.text.get(start..end).is_some_and(|between| between.contains('\n'))
    }

    /// Whether nothing follows the token on its line.
    pub(super) fn ends_line(&self, index: usize) -> bool {
        match (self.tokens.get(index), self.tokens.get(index + 1)) {
            (Some(token), Some(next)) => self.is_line_between(token.end(), next.start),
            _ => true,
        }
    }

    /// Whether the token is the first one on its line.
    pub(super) fn begins_line(&self, index: usize) -> bool {
        match (index.checked_sub(1).map(|before| self.tokens[before]), self.tokens.get(index)) {
            (Some(before), Some(token)) => self.is_line_between(before.end(), token.start),
            _ => {
                self.from_start
                    || self
                        .tokens
                        .get(index)
                        .is_some_and(|token| self.text[..token.start].trim_end_matches([' ', '\t']).ends_with('\n'))
            }
        }
    }

    /// The index of the bracket that the closing bracket at `closing` belongs to.
    pub(super) fn opening(&self, closing: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for index in (0..=closing).rev() {
            match self.tokens[index].text {
                ")" | "]" | "}" => depth += 1,
                "(" | "[" | "{" => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Some(index);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// The index of the bracket that closes the opening bracket at `opening`.
    pub(super) fn closing(&self, opening: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for (index, token) in self.tokens.iter().enumerate().skip(opening) {
            match token.text {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Some(index);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// The index of the innermost bracket that is open at the place.
    pub(super) fn enclosing(&self) -> Option<usize> {
        self.enclosing_at(self.at)
    }

    /// The index of the innermost bracket that is open before the token at `at`.
    pub(super) fn enclosing_at(&self, at: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for index in (0..at).rev() {
            match self.tokens[index].text {
                ")" | "]" | "}" => depth += 1,
                "(" | "[" | "{" if depth == 0 => return Some(index),
                "(" | "[" | "{" => depth -= 1,
                _ => {}
            }
        }
        None
    }

    /// Whether a token is followed by another one on the same line, with a space between them.
    pub(super) fn is_apart(&self, index: usize) -> bool {
        match (self.tokens.get(index), self.tokens.get(index + 1)) {
            (Some(token), Some(next)) => {
                token.end() < next.start
                    && self.text[token.end()..next.start].chars().all(|gap| matches!(gap, ' ' | '\t'))
            }
            _ => false,
        }
    }

    /// The text from one token to another one, on one line and short enough for a sentence.
    pub(super) fn between(&self, first: usize, last: usize) -> Option<&'t str> {
        let text = self.text.get(self.tokens.get(first)?.start..self.tokens.get(last)?.end())?;
        (!text.contains('\n') && text.len() <= 60).then_some(text)
    }

    /// Whether the signs at a token are these, without a gap.
    pub(super) fn glued(&self, index: usize, signs: &str) -> bool {
        self.tokens.get(index).is_some_and(|token| self.text[token.start..].starts_with(signs))
    }

    /// The index of the first token of the statement that the place is in, looked for on the line of the place.
    pub(super) fn first(&self) -> usize {
        let mut index = self.at;
        while index > 0 && !self.begins_line(index) && !matches!(self.tokens[index - 1].text, ";" | "{" | "}") {
            index -= 1;
        }
        index
    }

    /// Line of a place, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.text[..offset].matches('\n').count() + 1
    }
}

fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$')
}

fn read(text: &str, start: usize) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = start;
    while let Some(character) = text[at..].chars().next() {
        let rest = &text[at..];
        let until = |ends: fn(char) -> bool| rest.find(ends).unwrap_or(rest.len());
        let (kind, length) = match character {
            _ if character.is_whitespace() || character == '\u{feff}' => {
                at += character.len_utf8();
                continue;
            }
            _ if rest.starts_with("//") => {
                at += until(|character| character == '\n');
                continue;
            }
            _ if rest.starts_with("/*") => {
                at += rest.find("*/").map_or(rest.len(), |end| end + 2);
                continue;
            }
            '0'..='9' => (Kind::Number, until(|character| !is_word(character) && character != '.')),
            _ if is_word(character) => (Kind::Word, until(|character| !is_word(character))),
            '"' | '\'' | '`' => match text_length(rest, character) {
                Some(length) => (Kind::Text, length),
                None => (Kind::Sign, 1),
            },
            _ => (Kind::Sign, character.len_utf8()),
        };
        tokens.push(Token { kind, text: &rest[..length], start: at });
        at += length;
    }
    tokens
}

/// Length of a text with its quotes. Returns `None` if it is not closed.
fn text_length(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (index, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\n' if quote != '`' => return None,
            _ if character == quote => return Some(index + quote.len_utf8()),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_words_and_signs() {
        let text = "a.b('x y', 1.5) // c\n/* d */ => \"it's";
        let tokens: Vec<_> = read(text, 0).into_iter().map(|token| token.text).collect();
        assert_eq!(tokens, ["a", ".", "b", "(", "'x y'", ",", "1.5", ")", "=", ">", "\"", "it", "'", "s"]);
        let around = Around::new(text, 3);
        assert_eq!(
            (around.before(0).map(|token| token.text), around.after(0).map(|token| token.text)),
            (Some("b"), Some("("))
        );
        assert_eq!((around.closing(3), around.opening(7)), (Some(7), Some(3)));
    }
}
