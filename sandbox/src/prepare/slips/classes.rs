//! Members of a class that are written as in an object, or as outside of a class.

use super::slip::{Said, Slip};
use super::tokens::Around;
use super::types::type_of;

/// How many words and signs the head of a class has at most.
const HEAD_MAX: usize = 24;

pub(super) fn find(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    let (before, after) = (around.before(0)?, around.after(0)?);
    if said.wants("{") && after.is("(") && around.before(1).is_some_and(|word| word.is("class")) {
        let help =
            "Write what it extends after `extends`; parameters belong to `constructor(…) { … }` within its braces.";
        return Some(Slip::at(&after, "The name of a class has no parentheses after it.", help));
    }
    if said == Said::End || !is_in_class(around) {
        return None;
    }
    if after.is(",") {
        let help = "Leave the `,` out; after the value of a field write `;`.";
        return Some(Slip::at(&after, "The members of a class have no commas between them.", help));
    }
    if said.wants(";") && after.is(".") && before.word().is_some() || before.is("return") {
        let help = "Put it into a method: `constructor() { … }` is the one that runs when an object is made.";
        return Some(Slip::at(&before, "A statement cannot stand directly in a class.", help));
    }
    if said.wants(";") && after.is(":") {
        let help = format!("Write `{} = …;`.", before.text);
        return before.word().map(|_| Slip::at(&after, "In a class the value of a field comes after `=`.", help));
    }
    let name = after.word().filter(|_| !around.is_line_between(before.end(), after.start))?;
    let called = around.after(1).is_some_and(|next| next.is("("));
    match before.text {
        "function" | "def" | "fun" | "func" | "fn" | "sub" | "Sub" | "Function" if called => {
            let is_async = around.before(1).is_some_and(|word| word.is("async"));
            let name = if is_async { format!("async {name}") } else { name.to_owned() };
            let message = format!("A method of a class has no `{}` before it.", before.text);
            Some(Slip::at(&before, message, format!("Write `{name}(…) {{ … }}`.")))
        }
        "let" | "var" | "const" | "val" | "dim" | "Dim" => {
            let message = format!("A field of a class has no `{}` before it.", before.text);
            Some(Slip::at(&before, message, format!("Write `{name} = …;`.")))
        }
        typed if called && (type_of(typed) != typed || typed == "void") => {
            let help = format!("Write `{name}(…): {} {{ … }}`.", type_of(typed));
            Some(Slip::at(&before, "What a method returns comes after its parameters.", help))
        }
        typed if type_of(typed) != typed => {
            let help = format!("Write `{name}: {} = …;`, or leave the type out: `{name} = …;`.", type_of(typed));
            Some(Slip::at(&before, "A field of a class does not begin with its type.", help))
        }
        _ => None,
    }
}

/// Whether the innermost bracket that is open holds the members of a class.
pub(super) fn is_in_class(around: &Around<'_>) -> bool {
    let Some(opened) = around.enclosing().filter(|opened| around.tokens[*opened].is("{")) else { return false };
    let head = around.tokens[..opened].iter().rev().take(HEAD_MAX);
    let mut head = head.take_while(|token| !matches!(token.text, ";" | "{" | "}")).peekable();
    while let Some(token) = head.next() {
        if token.is("class") && !head.peek().is_some_and(|before| before.is(".")) {
            return true;
        }
    }
    false
}
