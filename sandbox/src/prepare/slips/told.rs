//! Reports that say what is wrong, where only the text around the place says what was meant.

use oxc::span::Span;

use super::slip::Slip;
use super::tokens::Around;
use super::{fences, imports, jumps, signs, types};

pub(super) fn find(message: &str, span: Span, text: &str) -> Option<Slip> {
    let around = || Around::new(text, span.start as usize);
    match message {
        "Illegal break statement" | "Illegal continue statement: no surrounding iteration statement" => {
            jumps::find(&around())
        }
        "'0'-prefixed octal literals and octal escape sequences are deprecated"
        | "Decimals with leading zeros are not allowed in strict mode" => leading_zero(span, text),
        "Unexpected JSX expression" => {
            let around = around();
            signs::comparison(&around).or_else(|| fences::tags(&around))
        }
        "Cannot assign to this expression" | "Invalid left-hand side in assignment" => {
            let behind = || Around::new(text, span.end as usize);
            optional(span, text)
                .or_else(|| counted(span, text))
                .or_else(|| turned(span, text))
                .or_else(|| signs::split_arrow(&behind()))
                .or_else(|| types::generic(&around()))
        }
        "Unterminated string" => without_value(span, text),
        "Unterminated regular expression" => {
            let star = (span.start as usize).checked_sub(1)?;
            text.get(..star + 1)?.ends_with('*').then(|| signs::no_beginning(star))
        }
        "Using declarations must have an initializer." => imports::import(&around()),
        _ => None,
    }
}

/// `${}`, after which the parser takes the closing backquote for an opening one.
fn without_value(span: Span, text: &str) -> Option<Slip> {
    let before = text.get(..span.start as usize)?;
    let before = &before[..before.rfind('`')?];
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    let opened = line + before[line..].rfind("${")?;
    let inside = text[opened + 2..].find(|sign: char| !sign.is_whitespace())?;
    let closed = opened + 2 + inside;
    let empty = text[closed..].starts_with('}');
    let help = "Write the value between them, `${order.total}`; or leave `${}` out.";
    empty.then(|| Slip::new(opened, closed + 1, "Between `${` and `}` a value is missing.", help))
}

/// `007`, `2024-01-09`
fn leading_zero(span: Span, text: &str) -> Option<Slip> {
    let (start, end) = (span.start as usize, span.end as usize);
    let number = text.get(start..end).filter(|number| number.starts_with(|first: char| first.is_ascii_digit()))?;
    let of_date = |letter: char| letter.is_ascii_digit() || letter == '-';
    let before = text[..start].len() - text[..start].trim_end_matches(of_date).len();
    let begin = start - before;
    let after = text[begin..].find(|letter| !of_date(letter)).map_or(text.len(), |length| begin + length);
    let written = &text[begin..after];
    let parts: Vec<_> = written.split('-').collect();
    if let [year, month, day] = parts[..]
        && [year.len(), day.len()].contains(&4)
        && [year, month, day].iter().all(|part| matches!(part.len(), 1 | 2 | 4))
    {
        let (year, day) = if year.len() == 4 { (year, day) } else { (day, year) };
        let help = format!("Write `new Date('{year}-{month:0>2}-{day:0>2}')`, or the text alone: `'{written}'`.");
        return Some(Slip::new(begin, after, "This is no date: it subtracts numbers.", help));
    }
    let plain = number.trim_start_matches('0');
    let plain = if plain.is_empty() { "0" } else { plain };
    let help =
        format!("Write `{plain}`. If the 0 belongs to it, as in a code or a key, write it as text: `'{number}'`.");
    Some(Slip::new(start, end, "A number does not begin with 0.", help))
}

/// `order?.total = 1`
fn optional(span: Span, text: &str) -> Option<Slip> {
    let (start, end) = (span.start as usize, span.end as usize);
    let target = text.get(start..end)?;
    let mut depth = 0_usize;
    let at = target.char_indices().find_map(|(index, sign)| {
        match sign {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '?' if depth == 0 && target[index..].starts_with("?.") => return Some(index),
            _ => {}
        }
        None
    })?;
    if target.ends_with(')') {
        return None;
    }
    let object = &target[..at];
    let help = match object.len() <= 40 && !object.contains('\n') {
        true => format!("Write `.` in place of `?.`; where `{object}` may be missing, ask before: `if ({object}) …`."),
        false => "Write `.` in place of `?.`; where the object may be missing, ask before by `if`.".to_owned(),
    };
    Some(Slip::new(start + at, start + at + 2, "To what `?.` reads nothing can be assigned.", help))
}

/// `a && b =! c`
fn turned(span: Span, text: &str) -> Option<Slip> {
    let end = span.end as usize;
    let after = text.get(end..)?;
    let start = end + after.len() - after.trim_start_matches([' ', '\t']).len();
    let negated = text[start..].strip_prefix("=!")?.starts_with([' ', '\t']);
    negated.then(|| Slip::new(start, start + 2, "TypeScript has no `=!`.", "Write `!==` for \"is not equal\"."))
}

/// `5 -- 3`, and `-- 5 lines`, which its author means as a comment.
fn counted(span: Span, text: &str) -> Option<Slip> {
    let (start, end) = (span.start as usize, span.end as usize);
    let before = text.get(..start)?.trim_end_matches([' ', '\t']);
    if before.len() < start && before.ends_with("--") {
        return Some(signs::no_comment(before.len() - 2, "--"));
    }
    let after = text.get(end..)?;
    let gap = after.len() - after.trim_start_matches([' ', '\t']).len();
    let sign = ["--", "++"].into_iter().find(|sign| after[gap..].starts_with(sign))?;
    let message = format!("`{sign}` counts a variable, and this is none.");
    let help = match sign {
        "--" => "To subtract write one `-`. A comment begins with `//`.",
        _ => "To add write one `+`.",
    };
    Some(Slip::new(start, end, message, help))
}
