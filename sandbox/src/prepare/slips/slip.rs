//! What the parser said, and what an author meant.

use oxc::span::Span;

use super::tokens::Token;

/// What an author meant, as far as that can be told.
pub(in super::super) struct Slip {
    pub(in super::super) span: Span,
    pub(in super::super) message: String,
    pub(in super::super) help: String,
}

impl Slip {
    pub(super) fn at(token: &Token<'_>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(token.start, token.end(), message, help)
    }

    pub(super) fn new(start: usize, end: usize, message: impl Into<String>, help: impl Into<String>) -> Self {
        let offset = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { span: Span::new(offset(start), offset(end)), message: message.into(), help: help.into() }
    }
}

/// What the parser said about a place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Said<'m> {
    /// Something else is expected; the text names it.
    Expected(&'m str),
    /// The statement should end.
    End,
    /// The token cannot stand there.
    Unexpected,
    /// A number goes on with letters.
    Number,
    /// A character that no token begins with.
    Character,
}

impl<'m> Said<'m> {
    pub(super) fn of(message: &'m str) -> Option<Self> {
        Some(match message {
            "Unexpected token" => Self::Unexpected,
            "Invalid characters after number" => Self::Number,
            _ if message.starts_with("Invalid Character") || message.starts_with("Unexpected character") => {
                Self::Character
            }
            _ if message.starts_with("Expected a semicolon") => Self::End,
            _ if message.starts_with("Expected ") => Self::Expected(message.trim_start_matches("Expected ")),
            _ if message.starts_with("Private identifier") || message.starts_with("Identifier expected.") => {
                Self::Unexpected
            }
            _ => return None,
        })
    }

    /// Whether this sign is the first that the parser expects.
    pub(super) fn wants(self, sign: &str) -> bool {
        matches!(self, Self::Expected(wanted) if wanted.trim_start_matches('`').starts_with(sign))
    }
}
