//! Imports and exports as other languages have them, or with a part missing.

use super::slip::{Said, Slip};
use super::tokens::{Around, Kind};
use super::words::misspelt;

pub(super) fn find(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    import(around).or_else(|| export(around, said))
}

/// `import json`, `from datetime import date`, `using System;`, `import java.util.List;`
pub(super) fn import(around: &Around<'_>) -> Option<Slip> {
    let last = around.at.checked_sub(1)?;
    // The parser may stand at the next line already.
    let line = if around.begins_line(around.at) { last } else { around.at };
    let first = (0..=line).rev().find(|index| around.begins_line(*index)).unwrap_or(0);
    let mut end = first;
    while !around.ends_line(end) && !around.tokens.get(end + 1).is_some_and(|next| next.is(";")) {
        end += 1;
    }
    let tokens = around.tokens.get(first..=end)?;
    // `import a, b from './a'`
    if let [import, one, comma, two, rest @ ..] = tokens
        && import.is("import")
        && comma.is(",")
        && let (Some(one), Some(two)) = (one.word(), two.word())
        && rest.iter().any(|token| token.is("from"))
    {
        let help = format!(
            "Write `import {{ {one}, {two} }} from …`; or `import {one}, {{ {two} }} from …`, where `{one}` is the default export."
        );
        return Some(Slip::at(&tokens[3], "Several names that are imported stand between braces.", help));
    }
    let plain = |token: &super::tokens::Token<'_>| token.kind == Kind::Word || matches!(token.text, "." | "," | "*");
    if tokens.len() < 2 || !tokens.iter().all(plain) || tokens[1].kind != Kind::Word {
        return None;
    }
    let has = |word: &str| tokens[1..].iter().any(|token| token.is(word));
    let words = match tokens[0].text {
        "import" if !has("from") => 1,
        "using" => 1,
        "from" if has("import") => 1,
        _ => return None,
    };
    let module = tokens[words].text;
    let help = match module {
        "json" | "JSON" => "Leave it out: `JSON.parse(…)` and `JSON.stringify(…)` are always there.",
        "math" | "Math" => "Leave it out: `Math.round(…)` and the like are always there.",
        "datetime" | "time" => "Leave it out: `new Date()` is always there.",
        "re" => "Leave it out: patterns are always there, as in `/a+/.test(text)`.",
        _ => {
            "Write `import { name } from './module'`. Only modules of the bundle can be imported: bundle a library into the script with a bundler such as esbuild."
        }
    };
    let message = format!("TypeScript has no `{} {module}`.", tokens[0].text);
    Some(Slip::new(tokens[0].start, tokens[tokens.len() - 1].end(), message, help))
}

/// `export default const run = …`, `export run;`
fn export(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    let (before, after) = (around.before(0)?, around.after(0)?);
    if let Some(slip) = exported_async(around).filter(|_| misspelt(around, said).is_none()) {
        return Some(slip);
    }
    if matches!(before.text, "let" | "var" | "const")
        && around.before(1).is_some_and(|word| word.is("default"))
        && after.word().is_some()
    {
        let help = format!("Write `export {} {} = …`, or `export default (input) => …`.", before.text, after.text);
        return Some(Slip::at(
            &before,
            format!("After `export default` comes a function or a value, but no `{}`.", before.text),
            help,
        ));
    }
    if before.is("default") && around.before(1).is_some_and(|word| word.is("export")) {
        let name = around.after(1).and_then(|name| name.word()).unwrap_or("run");
        let help = match after.text {
            "const" | "let" | "var" => {
                format!("Write `export {} {name} = …`, or `export default (input) => …`.", after.text)
            }
            "enum" => format!("Write `export enum {name} {{ … }}`."),
            _ => return None,
        };
        return Some(Slip::at(
            &after,
            format!("After `export default` comes a function or a value, but no `{}`.", after.text),
            help,
        ));
    }
    let name = after.word().filter(|_| before.is("export") && !super::keywords::is_keyword(after.text))?;
    if said != Said::Unexpected || misspelt(around, said).is_some() {
        return None;
    }
    let next = around.after(1);
    let ends = around.ends_line(around.at) || next.is_some_and(|next| matches!(next.text, ";" | ","));
    let help = match next.map_or("", |next| next.text) {
        "(" => format!("Write `export function {name}(…) {{ … }}`."),
        "=" => format!("Write `export const {name} = …`."),
        _ if ends => format!("Write `export {{ {name} }};`, or write `export` before the declaration of `{name}`."),
        _ => return None,
    };
    Some(Slip::at(&after, format!("After `export` a declaration or `{{ {name} }}` is expected."), help))
}

/// `export async run(…)`, `export async (…) => …`, `export (…) => …`
fn exported_async(around: &Around<'_>) -> Option<Slip> {
    let (before, after) = (around.before(0)?, around.after(0)?);
    let exports =
        |token: Option<super::tokens::Token<'_>>| token.is_some_and(|token| matches!(token.text, "export" | "default"));
    let next = |on: usize| around.after(on).map_or("", |token| token.text);
    let (word, name, call) = match (before.text, after.text) {
        ("export", "(") => {
            return Some(Slip::at(
                &after,
                "After `export` a name or `default` is missing.",
                "Write `export default (input) => …`.",
            ));
        }
        ("export", "async") if next(1) == "(" => {
            return Some(Slip::at(
                &after,
                "After `export` a name or `default` is missing.",
                "Write `export default async (input) => …`.",
            ));
        }
        ("export", "async") => (after, around.after(1)?, next(2)),
        ("async", _) if exports(around.before(1)) => (before, after, next(1)),
        _ => return None,
    };
    let named = name.word().filter(|name| !super::keywords::is_keyword(name) && call == "(")?;
    let begin = if around.before(1).is_some_and(|word| word.is("default")) { "export default" } else { "export" };
    Some(Slip::at(
        &word,
        "After `async` the word `function` is missing.",
        format!("Write `{begin} async function {named}(…) {{ … }}`."),
    ))
}
