//! Characters and operators that TypeScript does not have.

use super::slip::{Said, Slip};
use super::tokens::{Around, Kind, Token};

pub(in super::super) const COMMENT_HELP: &str = "Comments begin with `//`, or stand between `/*` and `*/`.";

/// A comment that begins with `#`.
pub(super) fn hash(around: &Around<'_>) -> Option<Slip> {
    // The parser stands behind the sign, or at it.
    let mut near = around.at.saturating_sub(2)..=around.at;
    let index = near.find(|index| around.tokens.get(*index).is_some_and(|token| token.is("#")))?;
    let token = around.tokens[index];
    let spaced = around.text[token.end()..].starts_with([' ', '\t', '\n', '\r', '#', '!']);
    let name = around.tokens.get(index + 1).and_then(Token::word);
    let private = name.is_some() && !spaced && around.get(index.checked_sub(1)).is_some_and(|before| before.is("."));
    if private || !(spaced || around.begins_line(index) && around.enclosing().is_none()) {
        return None;
    }
    let message = match name {
        Some(name @ ("include" | "define" | "import" | "region" | "endregion" | "if")) if !spaced => {
            format!("TypeScript has no `#{name}`.")
        }
        _ => "`#` begins no comment here.".to_owned(),
    };
    Some(Slip::at(&token, message, COMMENT_HELP))
}

/// What to write for a character of a word processor, of another keyboard or of mathematics.
pub(super) fn character(around: &Around<'_>) -> Option<Slip> {
    let character = around.text[around.offset..].chars().next()?;
    let code = u32::from(character);
    let (what, instead) = match character {
        '“' | '”' | '„' | '‟' | '«' | '»' | '″' | '＂' | '「' | '」' | '『' | '』' => {
            ("is a quote of a word processor", "\"")
        }
        '‘' | '’' | '‚' | '‛' | '‹' | '›' | '′' | '´' | '＇' => ("is a quote of a word processor", "'"),
        '–' | '—' | '―' | '−' | '‐' | '‑' => ("is a dash of a word processor", "-"),
        '…' => ("is one character here", "..."),
        '×' | '·' | '∙' | '⋅' | '•' => ("is a sign of mathematics", "*"),
        '÷' | '∕' | '⁄' => ("is a sign of mathematics", "/"),
        '≤' => ("is a sign of mathematics", "<="),
        '≥' => ("is a sign of mathematics", ">="),
        '≠' => ("is a sign of mathematics", "!=="),
        '≡' => ("is a sign of mathematics", "==="),
        '∧' => ("is a sign of mathematics", "&&"),
        '∨' => ("is a sign of mathematics", "||"),
        '¬' => ("is a sign of mathematics", "!"),
        '→' | '⇒' | '➔' => ("is an arrow of a word processor", "=>"),
        '。' => ("is a full stop of another script", "."),
        '、' | '،' => ("is a comma of another script", ","),
        '؛' => ("is a semicolon of another script", ";"),
        '\u{ff01}'..='\u{ff5e}' => {
            let plain = char::from_u32(code - 0xfee0).unwrap_or('?');
            let message = format!("`{character}` is a character of full width, which code cannot hold.");
            return Some(at_character(
                around,
                character,
                message,
                format!("Write `{plain}`. Text between quotes may hold it."),
            ));
        }
        '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => {
            return Some(invisible(around.offset, character));
        }
        '\\' => {
            let help = "Outside of quotes a `\\` has no use: a statement may go on in the next line without it.";
            return Some(at_character(around, character, "A `\\` means nothing here.".to_owned(), help.to_owned()));
        }
        '€' | '£' | '¥' | '¢' | '₹' | '°' | '§' | '%' => {
            let message = format!("`{character}` means nothing in code.");
            return Some(at_character(
                around,
                character,
                message,
                "Write the number alone; signs go into text, between quotes.".to_owned(),
            ));
        }
        _ => {
            let message = format!("`{}` means nothing in code.", character.escape_debug());
            let help = "Text stands between quotes: \"…\". If it is not text, leave the character out.";
            return Some(at_character(around, character, message, help.to_owned()));
        }
    };
    let message = format!("`{character}` {what}, which code cannot hold.");
    Some(at_character(around, character, message, format!("`{character}` {what}; write `{instead}`.")))
}

/// What is said of a character that nobody sees.
pub(super) fn invisible(at: usize, character: char) -> Slip {
    let message = format!("An invisible character stands here (U+{:04X}).", u32::from(character));
    let help = "Delete it; it often comes with text that was copied from a web page or a document.";
    Slip::new(at, at + character.len_utf8(), message, help)
}

fn at_character(around: &Around<'_>, character: char, message: String, help: String) -> Slip {
    Slip::new(around.offset, around.offset + character.len_utf8(), message, help)
}

/// A text that its author meant to end with a quote of a word processor.
pub(super) fn unclosed(around: &Around<'_>) -> Option<Slip> {
    let line = around.text[around.offset..].lines().next()?;
    let quote = line.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let at = line.rfind(['’', '‘', '”', '“', '´', '`'])?;
    let found = line[at..].chars().next()?;
    let start = around.offset + at;
    let help = format!("`{found}` is a quote of a word processor; write `{quote}`.");
    Some(Slip::new(start, start + found.len_utf8(), format!("The text before it is not ended by `{found}`."), help))
}

/// Texts with a letter before them, in three quotes, or with quotes inside.
pub(super) fn quotes(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    if said == Said::Number {
        return None;
    }
    let (before, after) = (around.before(0)?, around.after(0)?);
    let touching = before.end() == after.start;
    let quote = after.text.chars().next().filter(|_| after.kind == Kind::Text || matches!(after.text, "\"" | "'"));
    if let (Some(quote), Some(prefix), true) = (quote, before.word(), touching) {
        return match prefix.to_ascii_lowercase().as_str() {
            "f" | "$" | "fr" | "rf" | "s" => {
                let help = "Values go into a text between backquotes: `Hello ${name}`.";
                Some(Slip::at(&before, format!("TypeScript has no `{prefix}{quote}…{quote}`."), help))
            }
            "r" | "b" | "u" | "n" | "l" | "e" => {
                let help = "Leave the letter out; in a text a backslash is written `\\\\`.";
                Some(Slip::at(&before, format!("TypeScript has no `{prefix}{quote}…{quote}`."), help))
            }
            _ => None,
        };
    }
    let verbatim = (around.first()..around.at).find(|index| {
        around.tokens[*index].is("@") && around.tokens.get(index + 1).is_some_and(|text| text.kind == Kind::Text)
    });
    if let Some(index) = verbatim {
        let help = "Leave the `@` out; in a text a backslash is written `\\\\`.";
        return Some(Slip::at(&around.tokens[index], "TypeScript has no `@\"…\"`.", help));
    }
    if before.kind != Kind::Text || before.text.starts_with('`') || !touching {
        return None;
    }
    if before.text.len() == 2 && after.text.starts_with(&before.text[..1]) {
        let triple = before.text[..1].repeat(3);
        let help = "A text of several lines stands between backquotes: `…`; a comment between `/*` and `*/`.";
        return Some(Slip::at(&before, format!("TypeScript has no texts between `{triple}`."), help));
    }
    (after.kind == Kind::Word || after.is("'") || after.is("\"")).then(|| {
        let quote = &before.text[..1];
        let help = format!("A quote within the text is written `\\{quote}`; or put the text between backquotes: `…`.");
        Slip::new(before.end() - 1, before.end(), "The text ends at this quote already.", help)
    })
}

/// Operators of other languages, and operators with a space in them.
pub(super) fn operators(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    number(around, said).or_else(|| comparison(around)).or_else(|| arrow(around, said)).or_else(|| other(around, said))
}

fn number(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    if said == Said::Number {
        let found = around.tokens.iter().find(|token| token.kind == Kind::Number && token.end() > around.offset)?;
        let digits = found.text.trim_end_matches(|character: char| character.is_alphabetic());
        let index = around.tokens.iter().position(|token| token.start == found.start)?;
        let named = index.checked_sub(1).and_then(|before| around.tokens[before].word());
        let named = named.is_some_and(|before| matches!(before, "let" | "const" | "var" | "function" | "class"));
        return Some(if named || digits == found.text {
            Slip::at(found, "A name cannot begin with a digit.", "Begin it with a letter.")
        } else {
            let help = format!("Write `{digits}`: numbers have no unit or type. A text stands between quotes.");
            Slip::at(found, format!("`{}` is no number.", found.text), help)
        });
    }
    let (before, after) = (around.before(0)?, around.after(0)?);
    let digits = |token: &Token<'_>| token.kind == Kind::Number;
    if digits(&before)
        && before.text.matches('.').count() > 1
        && before.text.chars().all(|sign| sign != '_' && !sign.is_alphabetic())
    {
        let help = format!("Write it as text: `'{}'`. A date is made by `new Date('2024-01-09')`.", before.text);
        return Some(Slip::at(&before, format!("`{}` is no number.", before.text), help));
    }
    if before.is(",") && digits(&after) {
        let whole = around.before(1).filter(digits)?;
        let named = matches!(around.before(2), Some(token) if token.is("=")) && whole.end() == before.start;
        if named && before.end() == after.start {
            let decimals = after.text.split('.').next().unwrap_or_default();
            let (what, plain) = match decimals.len() {
                3 => ("Numbers are written without commas", format!("{}{}", whole.text, after.text)),
                _ => ("The decimals of a number come after a point", format!("{}.{}", whole.text, after.text)),
            };
            return Some(Slip::new(whole.start, after.end(), format!("{what}."), format!("Write `{plain}`.")));
        }
    }
    if before.is("%") && around.before(1).as_ref().is_some_and(digits) && !after.ends_value() {
        let number = around.before(1)?;
        let help = format!("Write `{} / 100`.", number.text);
        return Some(Slip::at(&before, "`%` is no percent sign: it gives the remainder of a division.", help));
    }
    None
}

/// `<>`, `=<`, `=>` for `>=`, and comparisons with a space in them.
pub(super) fn comparison(around: &Around<'_>) -> Option<Slip> {
    let first = around.first();
    let line = first..(around.at + 1).min(around.tokens.len());
    if let Some(index) = line.clone().find(|index| {
        around.glued(*index, "<>") && around.get(index.checked_sub(1)).is_some_and(|token| token.ends_value())
    }) {
        let start = around.tokens[index].start;
        return Some(Slip::new(start, start + 2, "TypeScript has no `<>`.", "Write `!==` for \"is not equal\"."));
    }
    let less = |index: &usize| {
        around.glued(*index, "=<")
            && !around.text[..around.tokens[*index].start].ends_with(['=', '<', '>', '!', '+', '-', '*', '/'])
    };
    if let Some(index) = line.clone().find(less).filter(|index| !is_assertion(around, *index)) {
        let start = around.tokens[index].start;
        return Some(Slip::new(start, start + 2, "TypeScript has no `=<`.", "Write `<=` for \"is at most\"."));
    }
    if around.glued(around.at, "=>")
        && around.before(0).is_some_and(|before| before.ends_value())
        && is_condition(around, around.at)
    {
        let start = around.tokens[around.at].start;
        let message = "`=>` makes a function; it compares nothing.";
        return Some(Slip::new(start, start + 2, message, "Write `>=` for \"is at least\"."));
    }
    let (before, after) = (around.before(0)?, around.after(0)?);
    let gap = around.text.get(before.end()..after.start)?;
    let apart = !gap.is_empty() && !gap.contains('\n');
    let whole = match (before.text, after.text) {
        (">", "=") if apart => ">=",
        ("<", "=") if apart => "<=",
        ("!", "=") if apart => "!==",
        ("=", "=") if apart => "===",
        _ => return None,
    };
    // `!== =`
    let start = around.text[..before.end()].trim_end_matches(['=', '!']).len().min(before.start);
    let first = &around.text[start..before.end()];
    let whole = if first.starts_with('!') { "!==" } else { whole };
    let message = format!("`{first} {}` are two signs, since a space stands between them.", after.text);
    Some(Slip::new(start, after.end(), message, format!("Write `{whole}`.")))
}

/// Whether `=<` begins an assignment of an expression with a type before it: `=<T>x`.
fn is_assertion(around: &Around<'_>, index: usize) -> bool {
    let rest = &around.tokens[index + 2..];
    let end = rest.iter().position(|token| token.is(">"));
    let end = end.filter(|end| {
        rest[..*end].iter().all(|token| token.kind == Kind::Word || matches!(token.text, "." | "[" | "]" | "|" | ","))
    });
    end.is_some_and(|end| {
        rest.get(end + 1).is_some_and(|token| token.kind != Kind::Sign || matches!(token.text, "(" | "{" | "["))
    })
}

/// `= >`, where an arrow or a comparison is meant.
pub(super) fn split_arrow(around: &Around<'_>) -> Option<Slip> {
    let is = |index: usize, signs: &[&str]| around.tokens.get(index).is_some_and(|token| signs.contains(&token.text));
    let split = |index: &usize| {
        let alone =
            !around.text[..around.tokens[*index].start].ends_with(['=', '!', '<', '>', '+', '-', '*', '/', '%']);
        is(*index, &["="]) && is(index + 1, &[">"]) && around.is_apart(*index) && alone
    };
    let index = (around.first()..around.tokens.len().min(around.at + 3)).find(split)?;
    let left = index.checked_sub(1)?;
    let called = |opened: usize| {
        let head = opened.checked_sub(1).and_then(|head| around.tokens[head].word());
        is(opened, &["("]) && head.is_some_and(|head| !super::keywords::is_keyword(head))
    };
    let before = left.checked_sub(1);
    let makes = is(index + 2, &["{"])
        || match around.tokens[left].text {
            ")" => around
                .opening(left)
                .and_then(|opened| opened.checked_sub(1))
                .is_some_and(|before| is(before, &["(", ",", "=", ":", "?", "return", "async", "default"])),
            _ => {
                before.is_some_and(|before| is(before, &["async", "default"]))
                    || before.is_some_and(|before| is(before, &["(", ","]))
                        && around.enclosing_at(left).is_some_and(called)
            }
        };
    let message = "`= >` are two signs, since a space stands between them.";
    let help = if is_condition(around, index) {
        "Write `>=`."
    } else if makes {
        "Write `=>`."
    } else {
        "Write `=>` for a function, and `>=` for \"is at least\"."
    };
    Some(Slip::new(around.tokens[index].start, around.tokens[index + 1].end(), message, help))
}

/// Whether `=>` there is meant as a comparison: it is within the parentheses of an `if` or a loop, or stands behind a number, a
/// text or a path of members, none of which is a parameter.
fn is_condition(around: &Around<'_>, arrow: usize) -> bool {
    let opened = around.enclosing_at(arrow);
    let head = around.get(opened.and_then(|opened| opened.checked_sub(1)));
    let named = head
        .and_then(|head| head.word())
        .is_some_and(|head| matches!(head, "if" | "while" | "elseif" | "elif" | "for"));
    let back = |count| around.get(arrow.checked_sub(count));
    let before = back(1).is_some_and(|before| before.kind == Kind::Number || before.kind == Kind::Text);
    // A path of members is no parameter.
    let path = back(2).is_some_and(|dot| dot.is("."));
    named || before || path
}

/// `->` of other languages.
fn arrow(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    let index =
        [around.at.checked_sub(1), Some(around.at)].into_iter().flatten().find(|index| around.glued(*index, "->"))?;
    let start = around.tokens[index].start;
    let before = around.get(index.checked_sub(1));
    let slip = |message: &str, help: &str| Some(Slip::new(start, start + 2, message, help));
    let is_of_function = || {
        let opened = around.opening(index - 1)?;
        let back = |count| around.get(opened.checked_sub(count)).and_then(|token| token.word());
        Some(back(1) == Some("function") || back(2) == Some("function"))
    };
    match before {
        Some(before) if before.is(")") && is_of_function() == Some(true) => slip(
            "TypeScript has no `->`.",
            "The type of what a function returns comes after a colon: `function name(…): number {`.",
        ),
        Some(before) if before.is(")") || said == Said::End => slip("TypeScript has no `->`.", "Write `=>`."),
        Some(before) if before.word().is_some() => {
            let alone = around.get(index.checked_sub(2)).is_none_or(|token| matches!(token.text, "(" | "," | "="));
            match alone {
                true => slip("TypeScript has no `->`.", "Write `=>` for a function, and `.` for a field."),
                false => slip("TypeScript has no `->`.", "Write `.` for a field: `order.total`."),
            }
        }
        _ => None,
    }
}

fn other(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    if let Some(slip) = comment(around).or_else(|| colon(around)).or_else(|| element(around, said)) {
        return Some(slip);
    }
    let (before, after) = (around.before(0)?, around.after(0)?);
    let touching = before.end() == after.start;
    match (before.text, after.text) {
        ("?", ":") if touching => Some(Slip::new(
            before.start,
            after.end(),
            "TypeScript has no `?:`.",
            "Write `??` for a value where another one is missing.",
        )),
        ("$", "{") if touching => {
            let help = "Outside of a text write the value alone: `order.total`.";
            Some(Slip::new(before.start, after.end(), "`${…}` stands only in a text between backquotes.", help))
        }
        ("{", "{") if touching => Some(Slip::new(
            before.start,
            after.end(),
            "`{{…}}` means nothing here.",
            "Write the value alone: `order.total`.",
        )),
        ("=", "=") if touching => {
            let start = around.text[..after.start].trim_end_matches(['=', '!']).len();
            Some(Slip::new(
                start,
                after.end(),
                "These are too many `=`.",
                "Write `===` for \"is equal\", `!==` for \"is not\".",
            ))
        }
        (".", ".") => {
            Some(Slip::at(&after, "There is a `.` too many.", "Write one `.`; `...` is for all elements of a list."))
        }
        (".", _) if after.kind == Kind::Text => Some(Slip::at(
            &before,
            "`.` joins no texts.",
            "Write `+`, or put the value into a text between backquotes: `…${name}…`.",
        )),
        ("&", "&") | ("|", "|") if !touching => {
            let message = format!("`{0} {0}` are two signs, since a space stands between them.", before.text);
            Some(Slip::new(before.start, after.end(), message, format!("Write `{0}{0}`.", before.text)))
        }
        ("from", ".") => {
            let rest = &around.text[after.start..];
            let end = rest.find([';', '\n', '\r']).unwrap_or(rest.len());
            let path = rest[..end].trim_end();
            let help = format!("Write the path between quotes: `from '{path}'`.");
            Some(Slip::new(after.start, after.start + path.len(), "The path of a module is a text.", help))
        }
        ("from", _) if after.kind == Kind::Word => {
            let help = format!("Write the path between quotes: `from './{}'`.", after.text);
            Some(Slip::at(&after, "The path of a module is a text.", help))
        }
        (_, "-") if said == Said::End && touching => {
            let declares = around.before(1).and_then(|token| token.word());
            let declares = declares.is_some_and(|word| matches!(word, "let" | "const" | "var" | "function"));
            let help = "Names hold letters, digits, `_` and `$`: write `firstName` for `first-name`.";
            declares.then(|| Slip::at(&after, "A name cannot hold a `-`.", help))
        }
        _ => None,
    }
}

/// `list.[0]`, `list.0`
fn element(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    let (before, after) = (around.before(0)?, around.after(0)?);
    if before.is(".") && after.is("[") {
        let help = "Leave the `.` out: `list[0]`, `order['total']`.";
        return Some(Slip::at(&before, "No `.` stands before `[`.", help));
    }
    let number = around.after(1).filter(|number| number.kind == Kind::Number && number.start == after.end())?;
    let help = format!("Write `[{}]`: `list[0]` is the first element.", number.text);
    (said == Said::End && after.is("."))
        .then(|| Slip::new(after.start, number.end(), "An element of a list is read with brackets.", help))
}

/// `let total := 1`, `let total: = 1`
fn colon(around: &Around<'_>) -> Option<Slip> {
    let index = [Some(around.at), around.at.checked_sub(1)].into_iter().flatten().find(|index| {
        around.get(Some(*index)).is_some_and(|colon| colon.is(":"))
            && around.get(Some(index + 1)).is_some_and(|next| next.is("="))
    })?;
    let start = around.tokens[index].start;
    let name = around.get(index.checked_sub(1))?;
    if around.glued(index, ":=") {
        return (!is_choice(around))
            .then(|| Slip::new(start, start + 2, "TypeScript has no `:=`.", "Write `=` for an assignment."));
    }
    let declares = around.get(index.checked_sub(2)).is_some_and(|word| matches!(word.text, "let" | "const" | "var"));
    (declares && around.is_apart(index)).then(|| {
        let help = format!("Leave the `:` out: `{} = …`.", name.text);
        Slip::at(&around.tokens[index], "After this `:` a type is missing.", help)
    })
}

/// Whether a `?` comes before the place in its statement.
fn is_choice(around: &Around<'_>) -> bool {
    around.tokens[around.first()..around.at].iter().any(|token| token.is("?"))
}

/// `-- a comment` at the beginning of a line or behind a statement, and `*/` without a beginning.
pub(super) fn comment_line(around: &Around<'_>) -> Option<Slip> {
    let last = around.at.min(around.tokens.len().checked_sub(1)?);
    let begin = (0..=last).rev().find(|index| around.begins_line(*index))?;
    let dashes = |index: &usize| {
        let spaced = around.text[around.tokens[*index].start + 2..].starts_with([' ', '\t', '-']);
        let stands = around.begins_line(*index) || matches!(around.tokens[index - 1].text, ";" | "," | "{" | "}");
        spaced && stands && around.tokens.get(index + 2).is_some_and(|next| next.kind == Kind::Word || next.is("-"))
    };
    let found = (begin..=last).find(|index| around.glued(*index, "--") && dashes(index));
    if let Some(index) = found {
        return Some(no_comment(around.tokens[index].start, "--"));
    }
    let mut line = (last..around.tokens.len()).take_while(|index| *index == last || !around.begins_line(*index));
    let end = line.find(|index| around.glued(*index, "*/"))?;
    Some(no_beginning(around.tokens[end].start))
}

/// What is said of a `*/` that ends no comment.
pub(super) fn no_beginning(start: usize) -> Slip {
    Slip::new(start, start + 2, "No comment begins before this `*/`.", "Write `/*` where the comment begins.")
}

/// What is said of a sign that begins no comment.
pub(super) fn no_comment(start: usize, signs: &str) -> Slip {
    Slip::new(start, start + signs.len(), format!("`{signs}` begins no comment."), COMMENT_HELP)
}

/// A comment as SQL, VB, HTML or Lua have it, at the beginning of a line.
fn comment(around: &Around<'_>) -> Option<Slip> {
    let begin =
        (0..=around.at.min(around.tokens.len().checked_sub(1)?)).rev().find(|index| around.begins_line(*index))?;
    let token = around.tokens[begin];
    let signs = ["--", "<!--", "(*", ";;", "%%", "*"].into_iter().find(|signs| around.glued(begin, signs))?;
    let words = around.tokens.get(begin + signs.len()).is_some_and(|next| next.kind == Kind::Word);
    (words && around.text[token.start + signs.len()..].starts_with(' ')).then(|| no_comment(token.start, signs))
}
