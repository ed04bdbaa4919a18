//! `break` and `continue` in a function that a list calls.

use super::keywords::is_keyword;
use super::slip::Slip;
use super::tokens::{Around, Kind};

const CALLS: &[&str] = &[
    "forEach",
    "map",
    "flatMap",
    "filter",
    "find",
    "findIndex",
    "findLast",
    "findLastIndex",
    "some",
    "every",
    "reduce",
    "reduceRight",
];

pub(super) fn find(around: &Around<'_>) -> Option<Slip> {
    let jump = around.after(0)?;
    let (name, line) = callback(around)?;
    let line = line.unwrap_or("line");
    if jump.is("break") {
        let message = format!("`break` cannot leave `{name}`, which calls this function once for each element.");
        let help = format!("Write a loop, which can be left: `for (const {line} of list) {{ … break; … }}`.");
        return Some(Slip::at(&jump, message, help));
    }
    let message = format!("`continue` stands in a function that `{name}` calls, and in no loop.");
    let help = match name {
        "forEach" => "Write `return`: `forEach` goes on with the next element.".to_owned(),
        "map" => format!(
            "Write a loop, `for (const {line} of list) {{ … }}`; or leave elements out before: `list.filter(…).map(…)`."
        ),
        "flatMap" => "Write `return []`, which gives nothing for this element.".to_owned(),
        "every" => "Write `return true`, which goes on with the next element.".to_owned(),
        "reduce" | "reduceRight" => "Return what was collected so far, as in `return sum;`.".to_owned(),
        _ => "Write `return false`, which goes on with the next element.".to_owned(),
    };
    Some(Slip::at(&jump, message, help))
}

/// The method of a list whose function the place is in, and that function's first parameter.
fn callback<'t>(around: &Around<'t>) -> Option<(&'t str, Option<&'t str>)> {
    let mut inner = around.at;
    loop {
        let opened = around.enclosing_at(inner)?;
        inner = opened;
        let last = opened.checked_sub(1)?;
        let arrow = last.checked_sub(1).filter(|equals| around.glued(*equals, "=>"));
        let end = match arrow {
            Some(equals) => equals.checked_sub(1)?,
            None => last,
        };
        // A block of an `if` or the like, or no block at all.
        if !around.tokens[opened].is("{") || arrow.is_none() && !around.tokens[end].is(")") {
            continue;
        }
        let parameters = match around.tokens[end].is(")") {
            true => around.opening(end)?,
            false => end,
        };
        let mut before = parameters.checked_sub(1)?;
        if arrow.is_none() {
            if !around.tokens[before].is("function") && is_keyword(around.tokens[before].text) {
                continue;
            }
            if !around.tokens[before].is("function") {
                before = before.checked_sub(1).filter(|before| around.tokens[*before].is("function"))?;
            }
            before = before.checked_sub(1)?;
        }
        if around.tokens[before].is("async") {
            before = before.checked_sub(1)?;
        }
        let call = Some(before).filter(|call| around.tokens[*call].is("("))?.checked_sub(1)?;
        let name = around.tokens[call].word().filter(|name| CALLS.contains(name))?;
        let first = if around.tokens[end].is(")") { parameters + 1 } else { parameters };
        let first = around.tokens.get(first).filter(|first| first.kind == Kind::Word).map(|first| first.text);
        return around.get(call.checked_sub(1)).is_some_and(|dot| dot.is(".")).then_some((name, first));
    }
}
