//! Lists, functions and blocks that lack something between their parts.

use super::slip::{Said, Slip};
use super::tokens::{Around, Kind, Token};
use super::types::{parameter, type_of};
use super::words::misspelt;

/// A file that is no script at all.
pub(super) fn whole(around: &Around<'_>) -> Option<Slip> {
    if !around.from_start || around.at > 4 {
        return None;
    }
    let first = around.tokens.first()?;
    let kind = |index: usize| around.tokens.get(index).map(|token| token.kind);
    let sign = |index: usize, sign: &str| around.tokens.get(index).is_some_and(|token| token.is(sign));
    if first.is("{") && kind(1) == Some(Kind::Text) && sign(2, ":") {
        let help = "Give it to the job as input; a script begins with `export default function (input) { … }`.";
        return Some(Slip::at(first, "This is data (JSON), not a script.", help));
    }
    if first.is("1")
        && kind(1) == Some(Kind::Word)
        && around.tokens.iter().any(|token| token.is("2") && token.kind == Kind::Number)
        && around.text.contains("\n2")
    {
        let help = "Leave the number of each line out.";
        return Some(Slip::at(first, "The numbers of lines do not belong to the script.", help));
    }
    if first.is("=") && kind(1) == Some(Kind::Word) && sign(2, "(") {
        let help = "Write `export default function (input) { return …; }`; `IF(a; b; c)` is `a ? b : c`.";
        return Some(Slip::at(first, "This is a formula of a spreadsheet, not a script.", help));
    }
    None
}

/// The slip at the place: something is missing, or is one too many.
pub(super) fn find(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    arrow_object(around)
        .or_else(|| alone(around))
        .or_else(|| parentheses(around, said))
        .or_else(|| loop_head(around))
        .or_else(|| block(around))
        .or_else(|| missing_arrow(around))
        .or_else(|| function_head(around, said))
        .or_else(|| parameter(around))
        .or_else(|| separator(around, said))
        .or_else(|| closing(around, said))
        .or_else(|| value(around, said))
        .or_else(|| operator(around, said))
}

/// A statement where a value should be, or a line that is not complete.
fn value(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    let (before, after) = (around.before(0)?, around.after(0)?);
    if said == Said::End {
        return None;
    }
    if before.is("case") && matches!(after.text, "<" | ">") {
        let help = format!("Write `if (value {} …) {{ … }} else if (…) {{ … }}` in place of the `switch`.", after.text);
        return Some(Slip::at(&after, "A `case` asks only whether a value is equal.", help));
    }
    if before.is("throw") && matches!(after.text, ";" | "}") {
        let help = "Write `throw new Error(\"…\")`; in a `catch (error)`, `throw error` throws it again.";
        return Some(Slip::at(&before, "After `throw` a value is missing.", help));
    }
    let open = before.kind == Kind::Sign && !before.ends_value() && !matches!(before.text, ";" | "{" | ":" | "(" | "[");
    if open && around.is_line_between(before.end(), after.start) {
        let line = around.line(before.start);
        let help = format!("Complete line {line}, or leave the `{}` out.", before.text);
        return Some(Slip::at(&before, format!("After this `{}` something is missing.", before.text), help));
    }
    if open && matches!(after.text, ";" | ")" | "]" | "}" | ",") && !matches!(before.text, "," | ".") {
        let mut start = before.start;
        for token in around.tokens[..around.at - 1].iter().rev().take(2) {
            if token.end() != start || token.kind != Kind::Sign || token.ends_value() {
                break;
            }
            start = token.start;
        }
        let sign = &around.text[start..before.end()];
        let help = format!("Write it after the `{sign}`, or leave the `{sign}` out.");
        return Some(Slip::at(&after, format!("After `{sign}` a value is missing."), help));
    }
    let gives = open || matches!(before.text, "return" | "(" | "[" | ":");
    let help = match after.text {
        "if" | "else" | "switch" => "Write `condition ? a : b`.",
        "for" | "while"
            if before.ends_value() && around.enclosing().is_some_and(|opened| around.tokens[opened].is("[")) =>
        {
            let help = "Write `list.map((line) => …)`, and `list.filter((line) => …)` for some of them.";
            return Some(Slip::at(&after, "A list has no loop inside.", help));
        }
        "for" | "while" => "Write `list.map((line) => …)`.",
        "throw" | "try" => "Write it as a statement of its own before.",
        _ => return None,
    };
    gives.then(|| Slip::at(&after, format!("`{}` is a statement and gives no value.", after.text), help))
}

/// Two values without anything between them.
fn operator(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    let (before, after) = (around.before(0)?, around.after(0)?);
    let begins =
        matches!(after.kind, Kind::Word | Kind::Number | Kind::Text) && !super::keywords::is_keyword(after.text);
    if said != Said::End || !begins || !before.ends_value() || around.is_line_between(before.end(), after.start) {
        return None;
    }
    if misspelt(around, said).is_some() {
        return None;
    }
    let dotted = around.before(1).is_some_and(|dot| dot.is("."));
    let (left, right) = (short(before.text), short(after.text));
    let declares = around.before(1).is_some_and(|word| matches!(word.text, "let" | "const" | "var"));
    let typed = type_of(&right) != right || matches!(right.as_str(), "string" | "number" | "boolean");
    let help = if declares && typed && after.kind == Kind::Word {
        format!("The type comes after a colon: `{left}: {}`.", type_of(&right))
    } else if declares && after.kind == Kind::Word {
        format!("A name is one word: `{left}{}`.", capitalised(&right))
    } else if dotted && after.kind == Kind::Word {
        format!(
            "Write an operator between them, such as `+`; a field whose name has a space is read by `[\"{left} {right}\"]`."
        )
    } else if dotted {
        format!("To call it write parentheses: `{left}({right})`.")
    } else if before.kind == Kind::Text || after.kind == Kind::Text {
        "Write `+` between them to join texts.".to_owned()
    } else if around.first() + 1 == around.at && before.kind == Kind::Word {
        format!("To call a function write parentheses: `{left}({right})`; to declare a name, `let {right} = …`.")
    } else {
        "Write an operator between them, such as `+`, or begin a new line.".to_owned()
    };
    Some(Slip::at(&after, format!("Between `{left}` and `{right}` something is missing."), help))
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// `else`, `catch` and `case` without what they belong to.
fn alone(around: &Around<'_>) -> Option<Slip> {
    let after = around.after(0)?;
    let (belongs, help) = match after.text {
        "else" => {
            ("`if`", "It comes right after the block or the one statement of an `if`, without a `;` after the `}`.")
        }
        "catch" | "finally" => ("`try`", "Write `try { … } catch (error) { … }`."),
        "case" | "default" => ("`switch`", "Write `switch (value) { case 1: …; break; }`."),
        _ => return None,
    };
    let opened = around.enclosing();
    let head = opened
        .and_then(|opened| around.opening(opened.checked_sub(1)?))
        .and_then(|opened| around.get(opened.checked_sub(1)));
    if after.is("else") && head.is_some_and(|head| head.is("if")) {
        let line = around.line(around.tokens[opened?].start);
        let help = format!("Write `}}` before `else`: the block of the `if` in line {line} is still open.");
        return Some(Slip::at(&after, "This `else` comes before its `if` has ended.", help));
    }
    if after.is("else") && head.is_some_and(|head| head.is("switch")) {
        return Some(Slip::at(&after, "A `switch` has no `else`.", "Write `default:`."));
    }
    // A misspelt word before it is the better guess.
    let stands = around.before(0).is_none_or(|before| before.kind == Kind::Sign);
    stands.then(|| Slip::at(&after, format!("This `{}` belongs to no {belongs}.", after.text), help))
}

/// `=> { name: 1, total: 2 }`, which is a block with labels.
fn arrow_object(around: &Around<'_>) -> Option<Slip> {
    let opened = around.enclosing()?;
    let arrow = opened >= 2 && around.glued(opened - 2, "=>") && around.tokens[opened - 1].is(">");
    let key = around.tokens.get(opened + 1).filter(|key| matches!(key.kind, Kind::Word | Kind::Text))?;
    let named = around
        .tokens
        .get(opened + 2)
        .is_some_and(|sign| sign.is(":") && !around.glued(opened + 2, ":=") || sign.is(",") && key.kind == Kind::Word);
    (arrow && around.tokens[opened].is("{") && named).then(|| {
        let help = format!("To return an object put it in parentheses: `=> ({{ {}: … }})`.", key.text);
        Slip::at(&around.tokens[opened], "After `=>` this `{` begins a block of statements, not an object.", help)
    })
}

/// A condition without parentheses, and a function without them.
fn parentheses(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    let (before, after) = (around.before(0)?, around.after(0)?);
    if said.wants("as") && before.is("*") {
        return Some(Slip::at(
            &after,
            "What is imported by `*` needs a name.",
            "Write `import * as name from './module'`.",
        ));
    }
    if said.wants(";")
        && around.get(around.enclosing().and_then(|opened| opened.checked_sub(1))).is_some_and(|head| head.is("for"))
    {
        let help = "Write `for (let i = 0; i < list.length; i++) { … }`, or `for (const line of list) { … }`.";
        let counting = || Slip::at(&after, "The three parts of a `for` are separated by `;`.", help);
        return Some(loop_head(around).unwrap_or_else(counting));
    }
    if said.wants(":")
        && around.tokens[..around.at].iter().rev().take(3).any(|sign| {
            sign.is("?")
                && around.text[..sign.start].ends_with(|letter: char| letter.is_alphanumeric())
                && around.text[sign.end()..].starts_with(|letter: char| letter.is_alphabetic())
        })
    {
        let message = "This `?` begins a choice between two values.";
        return Some(Slip::at(
            &after,
            message,
            "To read a field of what may be missing write `?.`; else write `condition ? a : b`.",
        ));
    }
    if !said.wants("(") {
        return None;
    }
    let help = match before.text {
        "if" if after.is("{") => {
            let help = "Write the condition, `else if (…) { … }`, or leave `if` out: `else { … }`.";
            return Some(Slip::at(&before, "This `if` has no condition.", help));
        }
        "for" if after.is("each") => "Write `for (const line of order.lines) { … }`.".to_owned(),
        "for" => {
            let name = after.word().unwrap_or("line");
            format!("Write `for (const {name} of list) {{ … }}`, with parentheses.")
        }
        "if" | "while" | "switch" => format!("A condition stands in parentheses: `{} (…) {{ … }}`.", before.text),
        _ if around.glued(around.at, "=>") => {
            let help = format!("Write `{} => …`, or `function ({}) {{ … }}`.", before.text, before.text);
            return around
                .before(1)
                .filter(|word| word.is("function"))
                .map(|word| Slip::at(&word, "A function with `=>` has no `function` before it.", help));
        }
        _ if after.is("{") && around.before(1).is_some_and(|word| word.is("function")) => {
            format!("A function has parentheses, also without parameters: `function {}() {{ … }}`.", before.text)
        }
        _ => return None,
    };
    Some(Slip::at(&after, format!("Expected `(` here, but found `{}`.", short(after.text)), help))
}

/// `for (String line : lines)`.
fn loop_head(around: &Around<'_>) -> Option<Slip> {
    let opened = around.enclosing()?;
    let word = around.get(opened.checked_sub(1))?;
    let closed = around.closing(opened)?;
    let inside = &around.tokens[opened + 1..closed];
    let sign = inside.iter().position(|token| token.is(":"))?;
    let name = inside.get(sign.checked_sub(1)?)?.word()?;
    let list = inside.get(sign + 1)?;
    let list = around.text.get(list.start..around.tokens[closed].start)?;
    (word.is("for") && !inside.iter().any(|token| token.is(";"))).then(|| {
        let help = format!("Write `for (const {name} of {}) {{ … }}`.", short(list.trim()));
        Slip::at(&inside[sign], "A loop over a list has `of`, not `:`.", help)
    })
}

/// `if (…):` and `def`-like heads, whose block other languages mark by indentation.
fn block(around: &Around<'_>) -> Option<Slip> {
    let colon = [around.at.checked_sub(1), Some(around.at)]
        .into_iter()
        .flatten()
        .find(|index| around.tokens.get(*index).is_some_and(|token| token.is(":")) && around.ends_line(*index))?;
    let before = around.get(colon.checked_sub(1))?;
    let head = match before.is(")") {
        true => around.get(around.opening(colon - 1)?.checked_sub(1))?,
        false => before,
    };
    let first = around.tokens.get((0..colon).rev().find(|index| around.begins_line(*index)).unwrap_or(0))?;
    let heads = matches!(head.text, "if" | "while" | "for" | "else" | "try" | "finally" | "catch");
    let class = before.kind == Kind::Word && around.get(colon.checked_sub(2)).is_some_and(|word| word.is("class"));
    (heads || (before.is(")") || class) && matches!(first.text, "function" | "export" | "async" | "class")).then(|| {
        Slip::at(&around.tokens[colon], "A block does not begin with `:`.", "Put the block between braces: `{ … }`.")
    })
}

/// `map((line) line.name)`.
fn missing_arrow(around: &Around<'_>) -> Option<Slip> {
    let after = around.after(0)?;
    let closed = around.at.checked_sub(1).filter(|closed| around.tokens[*closed].is(")"))?;
    let opened = around.opening(closed)?;
    let before = around.get(opened.checked_sub(1))?;
    let name = |token: &Token<'_>| {
        token.kind == Kind::Word
            || matches!(token.text, "," | ":" | "|" | "[" | "]" | "{" | "}" | "<" | ">" | "." | "?")
    };
    let plain = around.tokens[opened + 1..closed].iter().all(name);
    let within = matches!(before.text, "(" | "," | "async")
        || (matches!(before.text, "=" | "default" | "return" | ":") && after.is("{"));
    let begins =
        after.is("{") || after.is("(") || after.is("[") || matches!(after.kind, Kind::Word | Kind::Number | Kind::Text);
    (plain && within && begins).then(|| {
        let parameters = short(&around.text[around.tokens[opened].start..around.tokens[closed].end()]);
        let message = format!("Between the parameters `{parameters}` and what the function does, `=>` is missing.");
        Slip::at(&after, message, format!("Write `=>` after `{parameters}`."))
    })
}

/// What stands between the parameters of a function and its block.
fn function_head(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    if said != Said::End && !said.wants("{") {
        return None;
    }
    let after = around.after(0)?;
    let first = around.first();
    let named = around
        .at
        .checked_sub(1)
        .filter(|last| around.tokens[*last].is(")"))
        .and_then(|last| around.opening(last)?.checked_sub(2));
    if let Some(default) = named.filter(|default| around.tokens[*default].is("default") && after.is("{")) {
        let name = around.tokens[default + 1];
        let unknown = name.word().is_some_and(|name| name != "function") && misspelt(around, said).is_none();
        let help = format!("Write `export default function {}(…) {{ … }}`.", name.text);
        return unknown.then(|| Slip::at(&name, "Before this name `function` is missing.", help));
    }
    let function = around.tokens[first..around.at].iter().any(|token| token.is("function"));
    if !function {
        return None;
    }
    if after.text.eq_ignore_ascii_case("returns") || after.text.eq_ignore_ascii_case("as") {
        let typed = around.after(1).and_then(|token| token.word()).map_or("number", type_of);
        let help = format!("The type of what a function returns comes after a colon: `): {typed} {{`.");
        return Some(Slip::at(&after, format!("`{}` means nothing here.", after.text), help));
    }
    if around.glued(around.at, "=>") {
        let help = "Leave `=>` out, or leave `function` out.";
        return Some(Slip::new(
            after.start,
            after.start + 2,
            "A function with `function` before it has no `=>`.",
            help,
        ));
    }
    None
}

/// A comma that is missing, or another sign in its place.
fn separator(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    let Said::Expected(wanted) = said else { return None };
    let (before, after) = (around.before(0)?, around.after(0)?);
    if !wanted.starts_with("`,`") {
        return None;
    }
    let opened = around.tokens[around.enclosing()?];
    let found = short(after.text);
    let follows = around.after(1);
    if after.is(";") && goes_on(around, &opened) {
        let message = "The parts of a list are separated by commas, not by `;`.";
        return Some(Slip::at(&after, message, "Write `,` in place of `;`."));
    }
    if opened.is("{") && after.is("=") && before.word().is_some() {
        return Some(Slip::at(
            &after,
            "In an object a value comes after `:`, not after `=`.",
            format!("Write `{}: …`.", before.text),
        ));
    }
    let begins = match opened.text {
        "{" => {
            let key = matches!(after.kind, Kind::Word | Kind::Text | Kind::Number);
            key && follows.is_some_and(|next| matches!(next.text, ":" | "," | "(" | "}"))
                || around.glued(around.at, "...")
                || after.is("[")
        }
        _ => {
            matches!(after.kind, Kind::Word | Kind::Text | Kind::Number)
                || after.is("{")
                || around.glued(around.at, "...")
        }
    };
    if !begins || !before.ends_value() || matches!(after.text, "for" | "from" | "if") {
        return None;
    }
    let message = format!("Before `{found}` a comma is missing.");
    let help = if around.is_line_between(before.end(), after.start) {
        format!("Write `,` at the end of line {}.", around.line(before.end()))
    } else if opened.is("(") && after.kind == Kind::Text && before.kind != Kind::Text
        || before.kind == Kind::Text && opened.is("(")
    {
        format!("Write `,` before `{found}`, or `+` to join it with what stands before it.")
    } else {
        format!("Write `,` before `{found}`.")
    };
    Some(Slip::at(&after, message, help))
}

/// Whether the list goes on behind a wrong separator: its closing bracket is yet to come, on the same line.
fn goes_on(around: &Around<'_>, opened: &Token<'_>) -> bool {
    let mut depth = 0_usize;
    for index in around.at + 1..around.tokens.len() {
        let token = around.tokens[index];
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth == 0 => {
                let close = match opened.text {
                    "(" => ")",
                    "[" => "]",
                    _ => "}",
                };
                let keyed = opened.text != "{" || around.after(2).is_some_and(|next| next.is(":"));
                return token.is(close) && index > around.at + 1 && keyed;
            }
            ")" | "]" | "}" => depth -= 1,
            ";" if depth == 0 && opened.is("{") => continue,
            _ => {}
        }
        if opened.text != "{" && around.ends_line(index) {
            return false;
        }
    }
    false
}

/// A bracket that closes nothing, or another one than is open.
fn closing(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    let after = around.after(0).filter(|after| matches!(after.text, ")" | "]" | "}"))?;
    let opened = around.enclosing();
    let bracket = after.text;
    match opened.map(|opened| around.tokens[opened]) {
        None if around.from_start => {
            let help = format!("Leave it out, or look for a `{bracket}` too many before it.");
            Some(Slip::at(&after, format!("This `{bracket}` closes nothing."), help))
        }
        Some(opened) if opened.is("{") && !after.is("}") && matches!(said, Said::End | Said::Unexpected) => {
            let help = "Leave it out, or write the bracket that it should close.";
            Some(Slip::at(&after, format!("This `{bracket}` closes nothing."), help))
        }
        _ => None,
    }
}

fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(30) {
        Some((index, _)) => format!("{}…", &line[..index]),
        None => line.to_owned(),
    }
}
