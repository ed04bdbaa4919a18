//! Explains what is wrong with a text that should be JSON. It is for people who write Node, Java or C#, and so does without
//! the words of the library that reads the text.

/// At most this many characters of a value are shown.
const SHOWN_CHARS_MAX: usize = 60;
/// The longest name, in bytes, for which a similar one is proposed.
const NAME_BYTES_MAX: usize = 64;
/// The messages of the library for a text that is not JSON, and what we say instead.
const SYNTAX: [(&str, &str); 22] = [
    ("EOF while parsing a list", "it ends in the middle of an array"),
    ("EOF while parsing an object", "it ends in the middle of an object"),
    ("EOF while parsing a string", "it ends in the middle of a text"),
    ("EOF while parsing a value", "it ends where a value should stand"),
    ("expected `:`", "a colon should stand there"),
    ("expected `,` or `]`", "a comma or the end of the array should stand there"),
    ("expected `,` or `}`", "a comma or the end of the object should stand there"),
    ("expected ident", "a word stands there that JSON does not have: it has true, false and null"),
    ("expected value", "a value should stand there"),
    ("expected `\"`", "a text in double quotes should stand there"),
    ("expected double quote", "a text in double quotes should stand there"),
    ("invalid escape", "a backslash stands there before something that cannot be escaped"),
    ("invalid number", "a number stands there that JSON writes in another way"),
    ("number out of range", "the number there is too large"),
    ("invalid unicode code point", "the bytes there are not UTF-8, or no character"),
    ("control character", "a control character, such as a line break, stands within a text; write it as an escape"),
    ("key must be a string", "the name of a field, in double quotes, should stand there"),
    ("lone leading surrogate", "an escape there is half of a character"),
    ("unexpected end of hex escape", "an escape there is half of a character"),
    ("trailing comma", "a comma stands before the end"),
    ("trailing characters", "more follows behind the end of the JSON"),
    ("recursion limit exceeded", "it is nested too deeply"),
];
/// The kinds of values as the library names them, and as JSON does.
const KINDS: [(&str, &str); 14] = [
    ("u64", "a whole number"),
    ("u32", "a whole number"),
    ("u16", "a whole number"),
    ("usize", "a whole number"),
    ("i64", "a whole number"),
    ("i32", "a whole number"),
    ("f64", "a number"),
    ("a string", "a text"),
    ("a borrowed string", "a text"),
    ("a sequence", "an array"),
    ("a map", "an object"),
    ("any JSON value", "a value"),
    ("unit", "null"),
    ("map", "an object"),
];

/// What is wrong with a text that could not be read: a sentence that reads on after the name of the text or of its field, such as
/// `must be a whole number, but is the text "5s"` or `is not JSON: a comma stands before the end, at line 3, column 1`.
///
/// ```
/// use scriptmill_sdk::json;
///
/// let fault = |text: &str| json::fault(&serde_json::from_str::<u64>(text).unwrap_err());
/// assert_eq!(fault("\"5s\""), "must be a whole number, but is the text \"5s\"");
/// assert_eq!(fault("[1"), "must be a whole number, but is an array");
/// assert_eq!(fault("nul"), "is not JSON: it ends where a value should stand, at line 1, column 3");
/// assert_eq!(fault(""), "is not JSON: it is empty");
/// ```
pub fn fault(error: &serde_json::Error) -> String {
    let told = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let told = told.strip_suffix(&place).unwrap_or(&told);
    if error.is_data() {
        return data(told);
    }
    if error.is_eof() && (error.line(), error.column()) == (1, 0) {
        return "is not JSON: it is empty".to_owned();
    }
    let known = SYNTAX.iter().find(|(start, _)| told.starts_with(start));
    let why = known.map_or(told, |(_, plain)| plain);
    format!("is not JSON: {why}, at line {}, column {}", error.line(), error.column())
}

/// The name in an error that serde reports at the object around the field: a missing, duplicate or unknown field.
pub(crate) fn named(told: &str) -> Option<&str> {
    let starts = ["missing field `", "duplicate field `", "unknown field `"];
    starts.iter().find_map(|start| told.strip_prefix(start))?.split_once('`').map(|(name, _)| name)
}

/// What is wrong with JSON that should have another shape.
fn data(told: &str) -> String {
    let ticked = |text: &'_ str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    if told.starts_with("missing field `") {
        return "is missing".to_owned();
    }
    if told.starts_with("duplicate field `") {
        return "is there twice".to_owned();
    }
    if let Some(rest) = told.strip_prefix("unknown field `") {
        let (name, known) = rest.split_once('`').unwrap_or((rest, ""));
        return unknown_field(name, &ticked(known));
    }
    if let Some(rest) = told.strip_prefix("unknown variant `") {
        let (word, known) = rest.split_once('`').unwrap_or((rest, ""));
        let known = ticked(known);
        let near = nearest(word, known.iter().map(String::as_str));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        return format!("must be one of {}, but is {:?}{hint}", known.join(", "), cut(word));
    }
    let found = told.strip_prefix("invalid type: ").or_else(|| told.strip_prefix("invalid value: "));
    match found.and_then(|found| found.rsplit_once(", expected ")) {
        Some((found, expected)) => format!("must be {}, but is {}", kind(expected), value(found)),
        None => told.to_owned(),
    }
}

/// Says that there is no field with this name, and which field may be meant.
fn unknown_field(name: &str, known: &[String]) -> String {
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("is no field that there is; did you mean {near}?"),
        None if known.is_empty() => "is no field that there is".to_owned(),
        None => format!("is no field that there is; there are {}", known.join(", ")),
    }
}

/// What is expected, in JSON's words.
fn kind(expected: &str) -> &str {
    if expected.starts_with("struct ") || expected.starts_with("internally tagged ") {
        return "an object";
    }
    if expected.starts_with("a whole number") || expected.starts_with("usize") {
        return expected;
    }
    KINDS.iter().find(|(rust, _)| *rust == expected).map_or(expected, |(_, plain)| plain)
}

/// A value that was found, in JSON's words.
fn value(found: &str) -> String {
    if let Some(text) = found.strip_prefix("string ") {
        return format!("the text {}", quoted(text));
    }
    let number = ["integer `", "floating point `", "number `"].iter().find_map(|start| found.strip_prefix(start));
    if let Some(number) = number {
        return format!("the number {}", cut(number.trim_end_matches('`')));
    }
    if let Some(flag) = found.strip_prefix("boolean `") {
        return flag.trim_end_matches('`').to_owned();
    }
    match found {
        "map" => "an object".to_owned(),
        "sequence" => "an array".to_owned(),
        "unit" | "unit value" => "null".to_owned(),
        other => cut(other),
    }
}

/// A text in quotes, of which a long one is cut within its quotes.
fn quoted(text: &str) -> String {
    let shown = cut(text);
    if shown.len() == text.len() { shown } else { format!("{shown}\"") }
}

/// Cuts a text to at most `SHOWN_CHARS_MAX` characters.
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The known name that an unknown one is likely to mean. It may be written in another case, misspelt, without its unit, or be
/// another word for the same thing.
///
/// ```
/// use scriptmill_sdk::json::nearest;
///
/// let known = ["fuel", "memoryBytes", "wallTimeMs"];
/// assert_eq!(nearest("wall_time", known), Some("wallTimeMs"));
/// assert_eq!(nearest("fule", known), Some("fuel"));
/// assert_eq!(nearest("timeout", known), Some("wallTimeMs"));
/// assert_eq!(nearest("colour", known), None);
/// ```
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Other words for the same things, and the names here.
    const OTHERS: [(&str, &str); 16] = [
        ("timeout", "wallTimeMs"),
        ("timeoutms", "wallTimeMs"),
        ("time", "wallTimeMs"),
        ("duration", "wallTimeMs"),
        ("cpu", "fuel"),
        ("gas", "fuel"),
        ("instructions", "fuel"),
        ("heap", "memoryBytes"),
        ("ram", "memoryBytes"),
        ("depth", "nesting"),
        ("code", "source"),
        ("content", "source"),
        ("args", "input"),
        ("data", "input"),
        ("payload", "input"),
        ("function", "entry"),
    ];
    let plain = |name: &str| -> String {
        name.chars().filter(|c| !matches!(c, '_' | '-' | ' ' | '.')).flat_map(char::to_lowercase).collect()
    };
    // The time of a comparison grows with the product of both lengths.
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let wanted = plain(name);
    let other = OTHERS.iter().find(|(other, _)| *other == wanted).map(|(_, name)| *name);
    let distance = |candidate: &str| {
        let candidate = plain(candidate);
        let apart = strsim::damerau_levenshtein(&wanted, &candidate);
        // At least three letters: `m` alone does not mean every name that begins with it.
        let begins = wanted.len() >= 3 && (candidate.starts_with(&wanted) || wanted.starts_with(&candidate));
        if begins && candidate.len() >= 3 { apart.min(1) } else { apart }
    };
    let near = known.into_iter().filter_map(|candidate| {
        let distance = if other == Some(candidate) { 0 } else { distance(candidate) };
        (distance <= (candidate.len() / 3).max(1)).then_some((distance, candidate))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "lowercase")]
    #[allow(dead_code, reason = "read alone")]
    struct Box {
        name: String,
        count: Option<u32>,
        kind: Option<Kind>,
        parts: Option<Vec<f64>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Large,
        Small,
    }

    #[test]
    fn sentences_are_without_words_of_rust() {
        let long = format!(r#"{{"name": "a", "count": "{}"}}"#, "x".repeat(100));
        let cases = [
            (r#"{"name": 7}"#, "must be a text, but is the number 7"),
            (r#"{"name": null}"#, "must be a text, but is null"),
            (r#"{"name": "a", "count": -1}"#, "must be a whole number, but is the number -1"),
            (r#"{"name": "a", "count": 1.5}"#, "must be a whole number, but is the number 1.5"),
            (r#"{"name": "a", "count": true}"#, "must be a whole number, but is true"),
            (r#"{"name": "a", "parts": {}}"#, "must be an array, but is an object"),
            (r#"{"name": "a", "parts": ["1"]}"#, "must be a number, but is the text \"1\""),
            (r#"{"name": "a", "kind": "smal"}"#, "must be one of large, small, but is \"smal\"; did you mean small?"),
            (r#"{"name": "a", "name": "b"}"#, "is there twice"),
            (r#"{}"#, "is missing"),
            (r#"{"nmae": "a"}"#, "is no field that there is; did you mean name?"),
            (r#"{"colour": 1}"#, "is no field that there is; there are name, count, kind, parts"),
            ("7", "must be an object, but is the number 7"),
            (r#"{"name": "a""#, "is not JSON: it ends in the middle of an object, at line 1, column 12"),
            (r#"{"name": "a",}"#, "is not JSON: a comma stands before the end, at line 1, column 14"),
            (
                r#"{name: "a"}"#,
                "is not JSON: the name of a field, in double quotes, should stand there, at line 1, column 2",
            ),
            (r#"{"name": "a"} x"#, "is not JSON: more follows behind the end of the JSON, at line 1, column 15"),
            (&long, &format!("must be a whole number, but is the text \"{}…\"", "x".repeat(59))),
        ];
        for (text, expected) in cases {
            assert_eq!(fault(&serde_json::from_str::<Box>(text).unwrap_err()), expected, "{text}");
        }
    }
}
