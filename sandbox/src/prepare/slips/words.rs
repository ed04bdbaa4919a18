//! Words of other languages, and words of TypeScript that are misspelt.

use super::keywords::KEYWORDS;
use super::slip::{Said, Slip};
use super::tokens::{Around, Kind, Token};
use super::types::{type_before_name, type_of};

/// A word of another language at the place, or just before it.
pub(super) fn find(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    operator(around, said)
        .or_else(|| head(around))
        .or_else(|| declaration(around, said))
        .or_else(|| statement(around, said))
        .or_else(|| whole(around))
}

/// An operator that is a word.
fn operator(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    let after = around.after(0).filter(|after| after.kind == Kind::Word);
    let (left, lower) = (around.before(0), after.map(|after| after.text.to_ascii_lowercase()));
    let same_line = |token: &Token<'_>| !around.is_line_between(around.offset.min(token.start), token.start);
    if let (Some(after), Some(lower), Some(left)) = (after.filter(same_line), lower.as_deref(), left)
        && left.ends_value()
    {
        let sign = match lower {
            "and" | "andalso" => "&&",
            "or" | "orelse" => "||",
            "xor" | "ne" | "isnot" | "neq" => "!==",
            "is" | "eq" | "equals" => "===",
            "mod" => "%",
            "div" => "/",
            "lt" => "<",
            "gt" => ">",
            "le" | "lte" => "<=",
            "ge" | "gte" => ">=",
            "like" | "contains" => {
                let help =
                    "Ask a text with `text.includes(\"…\")`, `text.startsWith(\"…\")`, or a pattern: `/…/.test(text)`.";
                return Some(Slip::at(&after, format!("`{}` is no operator here.", after.text), help));
            }
            "between" => {
                let help = "Write both comparisons: `low <= value && value <= high`.";
                return Some(Slip::at(&after, format!("`{}` is no operator here.", after.text), help));
            }
            "not" => {
                let help = "Write `!` for `not`; \"not in\" of a list is `!list.includes(value)`.";
                return Some(Slip::at(&after, format!("`{}` is no operator here.", after.text), help));
            }
            _ => "",
        };
        let help = match lower {
            _ if sign.is_empty() => return not_operator(left, said),
            "and" | "or" | "andalso" | "orelse" => "Write `&&` for `and`, `||` for `or`, `!` for `not`.".to_owned(),
            "is" => "Write `===` for `is`, `!==` for `is not`.".to_owned(),
            _ => format!("Write `{sign}`."),
        };
        return Some(Slip::at(&after, format!("`{}` is no operator here.", after.text), help));
    }
    left.and_then(|left| not_operator(left, said))
}

fn not_operator(not: Token<'_>, said: Said<'_>) -> Option<Slip> {
    (not.text.eq_ignore_ascii_case("not") && matches!(said, Said::End | Said::Expected(_)))
        .then(|| Slip::at(&not, format!("`{}` is no operator here.", not.text), "Write `!` for `not`: `!order.paid`."))
}

/// The word before a parenthesis that ends at the place, or before the place itself.
fn head(around: &Around<'_>) -> Option<Slip> {
    let last = around.at.checked_sub(1)?;
    let index = match around.tokens[last].is(")") {
        true => around.opening(last)?.checked_sub(1)?,
        false => last,
    };
    // What the parser refuses may also be the first thing within the parenthesis.
    let inside = || around.enclosing().and_then(|opened| opened.checked_sub(1));
    let found = |index: usize| {
        let token = around.tokens[index];
        let word = token.word().filter(|_| !around.get(index.checked_sub(1)).is_some_and(|dot| dot.is(".")))?;
        let (instead, help) = match word.to_ascii_lowercase().as_str() {
            "elseif" | "elif" | "elsif" => ("else if", "Write `else if`."),
            "foreach" => {
                ("for", "Write `for (const line of order.lines) { … }`, or `order.lines.forEach((line) => { … })`.")
            }
            "unless" => ("if", "Write `if (!(…)) { … }`."),
            "until" => ("while", "Write `while (!(…)) { … }`."),
            "match" | "select"
                if around.tokens.get(index + 1).is_some_and(|next| matches!(next.text, "(" | "case" | "Case")) =>
            {
                ("switch", "Write `switch (value) { case 1: … }`.")
            }
            "except" | "rescue" => ("catch", "Write `catch (error) { … }`."),
            "ensure" => ("finally", "Write `finally { … }`."),
            _ => return None,
        };
        let stands = around
            .tokens
            .get(index + 1)
            .is_some_and(|next| next.is("(") || next.is("{") || next.is(":") || next.kind == Kind::Word);
        (stands && instead != word).then(|| Slip::at(&token, format!("TypeScript has no `{word}`."), help))
    };
    found(index).or_else(|| inside().and_then(found))
}

/// A variable or function that is declared as in another language.
fn declaration(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    let (before, after) = (around.before(0)?, around.after(0)?);
    if around.is_line_between(before.end(), after.start) {
        return None;
    }
    let name = after.word();
    if let (Some(word), Some("as" | "As" | "AS")) = (before.word(), name) {
        let declares = around.before(1).is_some_and(|token| {
            matches!(token.text, "let" | "const" | "var" | "(" | ",") || token.text.eq_ignore_ascii_case("dim")
        });
        let named = around.after(1).and_then(|token| token.word().map(type_of)).unwrap_or("number");
        let help = format!("The type comes after a colon: `{word}: {}`.", type_of(named));
        return declares.then(|| Slip::at(&after, format!("A declaration has no `{}`.", after.text), help));
    }
    let word = before.word()?;
    let name = name?;
    if matches!(around.before(1).map(|token| token.text), Some("(" | ",")) {
        return None;
    }
    let is_function = |word: &str| matches!(word, "def" | "fun" | "func" | "fn" | "Function" | "Sub" | "sub");
    if is_function(name)
        && matches!(word, "async" | "export" | "default" | "public" | "private" | "static" | "Public" | "Private")
    {
        let visible = word.eq_ignore_ascii_case("public") || word.eq_ignore_ascii_case("private");
        let help = if visible {
            "Write `function name(…) { … }`, or `export function` to let others call it."
        } else {
            "Write `function name(…) { … }`."
        };
        return Some(Slip::at(&after, format!("TypeScript has no `{name}`."), help));
    }
    let (message, help) = match word {
        "def" | "fun" | "func" | "fn" | "sub" | "Sub" | "proc" | "procedure" | "Procedure" | "Function"
        | "FUNCTION" | "method" => {
            (format!("TypeScript has no `{word}`."), format!("Write `function {name}(…) {{ … }}`."))
        }
        "Dim" | "dim" | "DIM" | "my" | "local" | "auto" | "mut" | "global" => {
            (format!("TypeScript has no `{word}`."), format!("Write `let {name} = …`; `const` where the value stays."))
        }
        "val" | "final" | "Final" | "Const" | "CONST" | "constant" => (
            format!("TypeScript has no `{word}`."),
            format!("Write `const {} = …`.", around.after(1).and_then(|next| next.word()).unwrap_or(name)),
        ),
        "Let" | "LET" | "Var" | "VAR" | "Set" | "SET" => {
            (format!("TypeScript has no `{word}`."), format!("Write `let {name} = …`."))
        }
        "void" if said != Said::Unexpected => (
            "What a function returns comes after its parameters.".to_owned(),
            format!("Write `function {name}(…): void {{ … }}`; within a class leave `function` out."),
        ),
        _ => return type_before_name(around, said, before, after),
    };
    Some(Slip::at(&before, message, help))
}

/// A statement of another language.
fn statement(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    let (before, after) = (around.before(0)?, around.after(0)?);
    if let Some(then) = [before, after].into_iter().find(|token| token.text.eq_ignore_ascii_case("then"))
        && !around.is_line_between(around.offset.min(then.start), then.start)
    {
        let help = "Leave it out: `if (…) { … }`. `then` is a method of promises alone.";
        return Some(Slip::at(&then, format!("TypeScript has no `{}`.", then.text), help));
    }
    let word = before.word()?;
    if said != Said::End || around.first() + 1 != around.at {
        return None;
    }
    let help = match word.to_ascii_lowercase().as_str() {
        "raise" => "Write `throw new Error(\"…\")`.",
        "print" | "echo" | "puts" | "println" | "printf" | "msgbox" | "write" | "display" | "say" => {
            "Write `console.log(…)`."
        }
        "end" | "next" | "wend" | "loop" | "endif" | "fi" | "done" => "A block ends with `}`.",
        "exit" => "Write `return` to leave a function, and `break` to leave a loop.",
        "call" => "Leave it out: `name(…)`.",
        "begin" => "A block stands between `{` and `}`.",
        "select" | "insert" | "update" | "delete" | "with"
            if around.after(0).is_some_and(|next| next.kind == Kind::Word || next.is("*")) =>
        {
            "Scripts reach no database: give the rows to the job as input, and filter them with `rows.filter((row) => …)`."
        }
        "lambda" => "Write `(line) => line.total`.",
        "package" | "namespace" | "module" => "Leave it out: each file is a module by itself.",
        "import" | "using" | "include" | "require" | "open" if word != "import" => {
            "Write `import { name } from './module'`."
        }
        _ => return None,
    };
    Some(Slip::at(&before, format!("TypeScript has no `{word}`."), help))
}

/// `lambda` within a call.
fn whole(around: &Around<'_>) -> Option<Slip> {
    let before = around.before(0)?;
    before.is("lambda").then(|| {
        let name = around.after(0).and_then(|after| after.word()).unwrap_or("line");
        Slip::at(&before, "TypeScript has no `lambda`.", format!("Write `({name}) => …`."))
    })
}

/// A word of TypeScript that is misspelt, or written with capitals.
pub(super) fn misspelt(around: &Around<'_>, said: Said<'_>) -> Option<Slip> {
    if let Some(slip) = short(around) {
        return Some(slip);
    }
    let last = around.at.checked_sub(1);
    let before_parenthesis = last
        .filter(|last| around.tokens[*last].is(")"))
        .and_then(|last| around.opening(last))
        .and_then(|opened| opened.checked_sub(1));
    let inside = around.enclosing().and_then(|opened| opened.checked_sub(1));
    let candidates = [last, before_parenthesis, Some(around.at), inside, Some(around.first())];
    candidates.into_iter().flatten().find_map(|index| {
        let token = around.tokens.get(index).filter(|token| token.kind == Kind::Word)?;
        if index == around.at && around.is_line_between(around.offset.min(token.start), token.start) {
            return None;
        }
        // A field of that name is no misspelt word.
        if around.get(index.checked_sub(1)).is_some_and(|dot| dot.is(".")) {
            return None;
        }
        let wanted = match said {
            Said::Expected(wanted) if index == around.at => {
                wanted.trim_start_matches('`').split('`').next().filter(|wanted| is_near(token.text, wanted))
            }
            _ => None,
        };
        let meant = wanted.or_else(|| meant(token.text))?;
        Some(Slip::at(token, format!("`{}` means nothing here.", token.text), format!("Did you mean `{meant}`?")))
    })
}

/// `lte total = 1`, `nwe Date()`: words of three letters, where what follows leaves no doubt.
fn short(around: &Around<'_>) -> Option<Slip> {
    let near =
        |word: &str, keyword: &str| word != keyword && word.len() <= 4 && strsim::osa_distance(word, keyword) <= 1;
    let unknown = |token: &Token<'_>| token.kind == Kind::Word && !KEYWORDS.contains(&token.text);
    let slip = |token: &Token<'_>, meant: &str| {
        Slip::at(token, format!("`{}` means nothing here.", token.text), format!("Did you mean `{meant}`?"))
    };
    let (before, after) = (around.before(0)?, around.after(0)?);
    let next = around.after(1);
    let is_next = |sign: &str| next.is_some_and(|next| next.is(sign));
    let statement = around.first() + 1 == around.at;
    if unknown(&before) && unknown(&after) && !around.is_line_between(before.end(), after.start) {
        let declares = statement && is_next("=") && !around.glued(around.at + 1, "==");
        if let Some(meant) = ["let", "var"].into_iter().find(|keyword| declares && near(before.text, keyword)) {
            return Some(slip(&before, meant));
        }
        let made = after.text.starts_with(char::is_uppercase) && is_next("(");
        return (made && near(before.text, "new")).then(|| slip(&before, "new"));
    }
    if unknown(&before) && after.is("{") && statement && near(before.text, "try") {
        return Some(slip(&before, "try"));
    }
    let looped = before.is("(") && matches!(after.text, "let" | "const" | "var");
    let head = around.get(around.at.checked_sub(2)).filter(|head| looped && unknown(head))?;
    near(head.text, "for").then(|| slip(&head, "for"))
}

/// The word of TypeScript that a word is a misspelling of.
fn meant(word: &str) -> Option<&'static str> {
    if KEYWORDS.contains(&word) || word == "type" {
        return None;
    }
    let same = KEYWORDS.iter().find(|keyword| keyword.eq_ignore_ascii_case(word));
    let near = || {
        KEYWORDS
            .iter()
            .filter(|keyword| is_near(word, keyword))
            .min_by_key(|keyword| strsim::osa_distance(word, keyword))
    };
    same.or_else(near).copied()
}

fn is_near(word: &str, keyword: &str) -> bool {
    let most = match keyword.len() {
        ..=3 => return false,
        4..=5 => 1,
        _ => 2,
    };
    word.len() >= 3 && word.len().abs_diff(keyword.len()) <= most && strsim::osa_distance(word, keyword) <= most
}
