//! Fields of an object whose name needs quotes or brackets, and `=>` between a name and its value.

use super::keywords::is_keyword;
use super::slip::{Said, Slip};
use super::tokens::{Around, Kind, Token};

pub(super) fn find(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    named_element(around, said).or_else(|| key(around, said)).or_else(|| pair(around))
}

/// `[total: 1]`
fn named_element(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    let (before, after) = (around.before(0)?, around.after(0)?);
    let list = around.enclosing().is_some_and(|opened| around.tokens[opened].is("["));
    let begins = around.before(1).is_some_and(|sign| matches!(sign.text, "[" | ","));
    let name = matches!(before.kind, Kind::Word | Kind::Text);
    (list && begins && name && said.wants(",") && after.is(":")).then(|| {
        let help = format!("Write `{{ {}: … }}` for fields that have names, or leave the name out.", before.text);
        Slip::at(&after, "The elements of a list have no names.", help)
    })
}

/// `{ unit-price: 1 }`, `{ unit price: 1 }`, `{ input.name: 1 }`
fn key(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    let opened = around.enclosing().filter(|opened| around.tokens[*opened].is("{"))?;
    if !said.wants(",") {
        return None;
    }
    let begins = |index: usize| index == opened || around.tokens[index].is(",");
    let first = around.at.checked_sub(1)?;
    let named =
        around.tokens[first].word().filter(|word| !is_keyword(word) && !matches!(*word, "get" | "set" | "async"))?;
    if !begins(first.checked_sub(1)?) {
        return None;
    }
    let sign = around.after(0).map(|sign| sign.text).filter(|sign| matches!(*sign, "-" | "."));
    let mut last = first;
    let part = |token: Option<Token<'_>>| token.is_some_and(|token| matches!(token.kind, Kind::Word | Kind::Number));
    loop {
        let next = match sign {
            Some(sign) if around.get(Some(last + 1)).is_some_and(|token| token.is(sign)) => last + 2,
            None if around.is_apart(last) => last + 1,
            _ => break,
        };
        if !part(around.get(Some(next))) {
            break;
        }
        last = next;
    }
    if last == first || !around.get(Some(last + 1))?.is(":") {
        return None;
    }
    let key = around.between(first, last)?;
    let (message, help) = match sign {
        Some(".") => (
            format!("The name of a field cannot be `{key}`."),
            format!(
                "Write `[{key}]: …` for the name that `{key}` holds; or the name itself: `{}: …`.",
                around.tokens[last].text
            ),
        ),
        Some(_) => {
            ("The name of a field with a `-` in it stands between quotes.".to_owned(), format!("Write `'{key}': …`."))
        }
        None => (
            "The name of a field with a space in it stands between quotes.".to_owned(),
            format!("Write `'{key}': …`; if `{named}` is a field of its own, write `,` after it."),
        ),
    };
    Some(Slip::new(around.tokens[first].start, around.tokens[last].end(), message, help))
}

/// `['total' => 1]`
fn pair(around: &Around<'_>) -> Option<Slip> {
    let arrow =
        [Some(around.at), around.at.checked_sub(1)].into_iter().flatten().find(|index| around.glued(*index, "=>"))?;
    let key =
        around.get(arrow.checked_sub(1)).filter(|key| matches!(key.kind, Kind::Word | Kind::Text | Kind::Number))?;
    let before = arrow.checked_sub(2)?;
    let opened = around.enclosing_at(arrow)?;
    let of_list = |opened: usize| {
        around.tokens[opened].is("[")
            || around.tokens[opened].is("(") && around.get(opened.checked_sub(1)).is_some_and(|word| word.is("array"))
    };
    let of_object = around.tokens[opened].is("{") && is_object(around, opened);
    if !(before == opened || around.tokens[before].is(",")) || !(of_list(opened) && key.kind != Kind::Word || of_object)
    {
        return None;
    }
    let plain = key.text.trim_matches(['\'', '"']);
    let is_name = plain.starts_with(|first: char| first.is_alphabetic())
        && plain.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    let name = if is_name { plain } else { key.text };
    let start = around.tokens[arrow].start;
    let help = format!("Write `{{ {name}: … }}`.");
    Some(Slip::new(start, start + 2, "Between the name of a field and its value stands `:`, not `=>`.", help))
}

/// Whether a `{` begins an object: a value is expected before it.
fn is_object(around: &Around<'_>, opened: usize) -> bool {
    let before = around.get(opened.checked_sub(1));
    let arrow = opened.checked_sub(2).is_some_and(|equals| around.glued(equals, "=>"));
    !arrow
        && before.is_some_and(|before| matches!(before.text, "=" | "(" | "[" | "," | ":" | "return" | "default" | "?"))
}
