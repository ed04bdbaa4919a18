//! Declarations that begin with a type, as other languages have them.

use super::slip::{Said, Slip};
use super::tokens::{Around, Kind, Token};

/// TypeScript's name for a type of another language.
pub(super) fn type_of(name: &str) -> &str {
    match name {
        "int" | "Int" | "Integer" | "integer" | "long" | "Long" | "short" | "Short" | "byte" | "Byte" | "float"
        | "Float" | "double" | "Double" | "decimal" | "Decimal" | "BigDecimal" | "Number" | "num" | "uint" => "number",
        "String" | "str" | "char" | "Char" | "Character" | "text" | "Text" | "varchar" => "string",
        "bool" | "Bool" | "Boolean" => "boolean",
        "Object" | "object" | "dynamic" | "Variant" => "unknown",
        other => other,
    }
}

/// `(Order order)`: a parameter with its type before it.
pub(super) fn parameter(around: &Around<'_>) -> Option<Slip> {
    let opened = around.enclosing().filter(|opened| around.tokens[*opened].is("("))?;
    let mut named = around.at;
    let ends = match around.after(0)?.text {
        "<" => ">",
        "[" => "]",
        _ => "",
    };
    if !ends.is_empty() {
        named = (named..around.tokens.len().min(named + 12)).find(|index| around.tokens[*index].is(ends))? + 1;
    }
    // `final Order order`
    if around.before(0).is_some_and(|word| is_modifier(word.text)) && around.tokens.get(named + 1)?.kind == Kind::Word {
        named += 1;
    }
    let name = around.get(Some(named)).filter(|name| name.kind == Kind::Word)?;
    let mut begin = around.at.checked_sub(1)?;
    while begin > opened + 1 && !around.tokens[begin].is(",") {
        begin -= 1;
    }
    if around.tokens[begin].is(",") {
        begin += 1;
    }
    if named > begin + 1 && is_modifier(around.tokens[begin].text) {
        begin += 1;
    }
    let typed = around.tokens.get(begin..named).filter(|typed| !typed.is_empty())?;
    let is_type = |token: &Token<'_>| token.kind == Kind::Word || matches!(token.text, "[" | "]" | "<" | ">" | ".");
    let next = around.get(Some(named + 1))?;
    if !typed.iter().all(is_type) || typed[0].kind != Kind::Word || !matches!(next.text, "," | ")" | "=" | ":") {
        return None;
    }
    let back = |count| around.get(opened.checked_sub(count)).and_then(|token| token.word());
    if back(1) == Some("catch") {
        let help = format!("Write `catch ({})`; the kind of an error is asked with `instanceof`.", name.text);
        return Some(Slip::at(&typed[0], "A `catch` names no type.", help));
    }
    let closed = around.closing(opened);
    let body = closed.is_some_and(|closed| {
        around.tokens.get(closed + 1).is_some_and(|next| next.is("{") || next.is(":") || around.glued(closed + 1, "=>"))
    });
    let defined = back(1) == Some("function") || back(2) == Some("function") || body;
    let head = back(1).is_some_and(|word| matches!(word, "if" | "while" | "for" | "switch"));
    (defined && !head).then(|| {
        let text = &around.text[typed[0].start..typed[typed.len() - 1].end()];
        if is_modifier(text) {
            let help = format!("Leave it out: `{}`.", name.text);
            return Slip::at(&typed[0], format!("A parameter has no `{text}` before it."), help);
        }
        let help = format!("In TypeScript the type comes after the name: `{}: {}`.", name.text, type_of(text));
        Slip::new(typed[0].start, name.end(), "A parameter does not begin with its type.", help)
    })
}

fn is_modifier(word: &str) -> bool {
    matches!(
        word.to_ascii_lowercase().as_str(),
        "byval" | "byref" | "final" | "ref" | "out" | "var" | "let" | "const" | "optional" | "val"
    )
}

/// `String name = …` as a statement.
pub(super) fn type_before_name(
    around: &Around<'_>,
    said: Said<'_>,
    before: Token<'_>,
    after: Token<'_>,
) -> Option<Slip> {
    let next = around.after(1);
    let ends =
        next.is_none_or(|next| matches!(next.text, "=" | ";" | "(") || around.is_line_between(after.end(), next.start));
    let typed = type_of(before.text) != before.text || matches!(before.text, "string" | "number" | "boolean");
    let typed =
        typed || before.text.starts_with(|first: char| first.is_uppercase()) && next.is_some_and(|next| next.is("="));
    let statement = around.first() + 1 == around.at
        || around.before(1).is_some_and(|token| matches!(token.text, "static" | "public" | "private" | "final"));
    (said == Said::End && ends && typed && statement).then(|| {
        let (typed, name) = (type_of(before.text), after.text);
        let help = match next.is_some_and(|next| next.is("(")) {
            true => format!("The type of what a function returns comes after its parameters: `function {name}(…): {typed} {{ … }}`."),
            false => format!("In TypeScript the type comes after the name: `let {name}: {typed} = …`; or leave it out: `let {name} = …`."),
        };
        Slip::at(&before, "A declaration does not begin with its type.", help)
    })
}

/// `List<String> names = …`, which reads as two comparisons.
pub(super) fn generic(around: &Around<'_>) -> Option<Slip> {
    let first = around.first();
    let word = |index: usize| around.tokens.get(index).filter(|token| token.kind == Kind::Word);
    let named = word(first).filter(|word| !super::keywords::is_keyword(word.text))?;
    let is = |index: usize, sign: &str| around.tokens.get(index).is_some_and(|token| token.is(sign));
    let array = is(first + 1, "[") && is(first + 2, "]");
    let closed = if array {
        first + 2
    } else if is(first + 1, "<") {
        let inside = |token: &Token<'_>| {
            token.kind == Kind::Word || matches!(token.text, "," | "." | "[" | "]" | "<" | ">" | "?")
        };
        let end = (first + 2..around.tokens.len().min(first + 24)).find(|index| !inside(&around.tokens[*index]))?;
        // The last `>` comes before the name.
        (first + 3..end).rev().find(|index| is(*index, ">"))?
    } else {
        return None;
    };
    let name = word(closed + 1).filter(|_| is(closed + 2, "=") && !around.glued(closed + 2, "=="))?;
    let inner = around.between(first + 2, closed - 1).unwrap_or_default();
    let list = named.text.ends_with("List") || matches!(named.text, "Collection" | "IEnumerable" | "Iterable");
    let plain = |inner: &str| inner.chars().all(char::is_alphanumeric) && !inner.is_empty();
    let name = name.text;
    let help = if array {
        format!(
            "In TypeScript the type comes after the name: `let {name}: {}[] = …`; or leave it out: `let {name} = …`.",
            type_of(named.text)
        )
    } else if list && plain(inner) {
        format!(
            "In TypeScript the type comes after the name: `let {name}: {}[] = …`; or leave it out: `let {name} = …`. A new list is `[]`.",
            type_of(inner)
        )
    } else {
        format!("Leave the type out: `let {name} = …`.")
    };
    let (start, end) = (named.start, around.tokens[closed].end());
    Some(Slip::new(start, end, "A declaration does not begin with its type.", help))
}

/// `public static int run(Object input) {` outside of a class.
pub(super) fn function(around: &Around<'_>) -> Option<Slip> {
    let first = around.first();
    let words = (first..around.tokens.len()).take_while(|index| around.tokens[*index].kind == Kind::Word).count();
    let typed = first + words.checked_sub(2)?;
    let name = around.tokens[typed + 1].text;
    let modifier = |word: &str| matches!(word, "public" | "private" | "protected" | "static" | "final" | "async");
    let opened = first + words;
    let is_head =
        around.tokens[first..typed].iter().all(|word| modifier(word.text)) && around.tokens.get(opened)?.is("(");
    let begins = modifier(around.tokens[first].text) || around.tokens[typed].is("void");
    let body = around.tokens.get(around.closing(opened)? + 1)?;
    if !is_head || !begins || !body.is("{") || super::keywords::is_keyword(name) || around.tokens[typed].is("function")
    {
        return None;
    }
    let export = if around.tokens[first].is("public") { "export " } else { "" };
    let is_async = around.tokens[first..=typed].iter().any(|word| word.is("async"));
    if around.tokens[first].is("async") {
        let help = format!("Write `async function {name}(…) {{ … }}`.");
        return Some(Slip::at(&around.tokens[first], "After `async` the word `function` is missing.", help));
    }
    let export = if is_async { format!("{export}async ") } else { export.to_owned() };
    let gives = if modifier(around.tokens[typed].text) {
        String::new()
    } else {
        format!(": {}", type_of(around.tokens[typed].text))
    };
    let message = format!("A function does not begin with `{}`.", around.tokens[first].text);
    Some(Slip::at(&around.tokens[first], message, format!("Write `{export}function {name}(…){gives} {{ … }}`.")))
}

/// `(int) order.total`
pub(super) fn cast(around: &Around<'_>) -> Option<Slip> {
    let after = around.after(0)?;
    let closed = around.at.checked_sub(1).filter(|closed| around.tokens[*closed].is(")"))?;
    let (opened, typed) = (around.opening(closed)?, around.get(closed.checked_sub(1))?);
    let named = type_of(typed.text);
    let value =
        matches!(after.kind, Kind::Word | Kind::Number | Kind::Text) && !super::keywords::is_keyword(after.text);
    let free = around.get(opened.checked_sub(1)).is_none_or(|before| !before.ends_value());
    if opened + 2 != closed || !value || !free || around.is_line_between(around.tokens[closed].end(), after.start) {
        return None;
    }
    let help = match named {
        "number" if matches!(typed.text, "int" | "Int" | "Integer" | "long" | "Long") => {
            "Write `Math.trunc(Number(value))`."
        }
        "number" => "Write `Number(value)`.",
        "string" => "Write `String(value)`.",
        "boolean" => "Write `Boolean(value)`.",
        _ => return None,
    };
    let message = format!("TypeScript has no `({})` before a value.", typed.text);
    Some(Slip::new(around.tokens[opened].start, around.tokens[closed].end(), message, help))
}

/// `type Order { … }`
pub(super) fn alias(around: &Around<'_>) -> Option<Slip> {
    let first = around.first();
    let first = if around.tokens.get(first)?.is("export") { first + 1 } else { first };
    let (word, name, brace) = (around.get(Some(first))?, around.get(Some(first + 1))?, around.get(Some(first + 2))?);
    (word.is("type") && name.kind == Kind::Word && brace.is("{")).then(|| {
        let help = format!("Write `type {} = {{ … }}`.", name.text);
        Slip::at(&brace, "After the name of a type `=` is missing.", help)
    })
}
