//! Slips of people who come from another language, a spreadsheet or a word processor. The parser only says where it could not go
//! on. The text around that place tells what was meant.

mod classes;
mod fences;
mod imports;
mod jumps;
mod keywords;
mod objects;
mod shapes;
mod signs;
mod slip;
mod tokens;
mod told;
mod types;
mod words;

use oxc::span::Span;

use slip::{Said, Slip};
use tokens::Around;

/// The slip behind what the parser said of a place.
pub(super) fn find(message: &str, span: Span, text: &str) -> Option<Slip> {
    if let Some(slip) = fences::find(span, text).or_else(|| told::find(message, span, text)) {
        return Some(slip);
    }
    if message == "Unterminated string" {
        return signs::unclosed(&Around::new(text, span.start as usize));
    }
    let said = Said::of(message)?;
    let around = Around::new(text, span.start as usize);
    if said == Said::Character {
        return signs::hash(&around).or_else(|| signs::character(&around));
    }
    signs::hash(&around)
        .or_else(|| shapes::whole(&around))
        .or_else(|| fences::tags(&around))
        .or_else(|| fences::element(&around, said))
        .or_else(|| signs::comment_line(&around))
        .or_else(|| signs::split_arrow(&around))
        .or_else(|| imports::find(&around, said))
        .or_else(|| classes::find(&around, said))
        .or_else(|| types::generic(&around))
        .or_else(|| types::function(&around))
        .or_else(|| types::cast(&around))
        .or_else(|| types::alias(&around))
        .or_else(|| objects::find(&around, said))
        .or_else(|| signs::quotes(&around, said))
        .or_else(|| words::find(&around, said))
        .or_else(|| shapes::find(&around, said))
        .or_else(|| signs::operators(&around, said))
        .or_else(|| words::misspelt(&around, said))
}

/// The fence of Markdown that a text begins with.
pub(super) fn first_fence(text: &str) -> Option<Slip> {
    fences::first(text)
}

/// What is said of an invisible character in code.
pub(super) fn invisible(at: usize, character: char) -> Slip {
    signs::invisible(at, character)
}

/// What is said of a sign that is meant to begin a comment.
pub(super) use signs::COMMENT_HELP;
