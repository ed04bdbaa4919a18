//! Text for a terminal: what a script wrote is shown, never obeyed.

use std::fmt::{Display, Write as _};
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};

/// Writes to standard output, coloured where that is a terminal. It is no error if the reader has gone away.
pub(crate) fn say(text: impl Display) -> io::Result<()> {
    let mut out = anstream::stdout();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes JSON text and a line feed to standard output, byte for byte. For a terminal, characters that would steer it are written as
/// JSON escapes.
pub(crate) fn say_json(json: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let json = json.to_string();
    let json = if out.is_terminal() { shown_json(&json) } else { json };
    match writeln!(out, "{}", json.trim_end()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// JSON text in which characters that would steer a terminal are escaped. It stays the same JSON.
pub(crate) fn shown_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\n' => shown.push(c),
            // All of these characters fit into 16 bits.
            c if c.is_control() || is_direction(c) => _ = write!(shown, "\\u{:04x}", u32::from(c)),
            c => shown.push(c),
        }
    }
    shown
}

/// Text from outside that cannot steer a terminal: control characters, except line feeds and tabs, become visible
/// escapes.
pub(crate) fn tame(text: &str) -> String {
    let mut tamed = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => tamed.push(c),
            c if c.is_control() || is_direction(c) => _ = write!(tamed, "\\u{{{:x}}}", u32::from(c)),
            c => tamed.push(c),
        }
    }
    tamed
}

/// Whether a character changes the direction of the text after it, so that the text looks different from what it is.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// JSON text over several lines. Only white space between tokens changes: numbers and strings stay as they were
/// written, which reading and printing them again would not ensure.
pub(crate) fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut chars = json.chars().peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                out.push(c);
                let mut escaped = false;
                for c in chars.by_ref() {
                    out.push(c);
                    match c {
                        '"' if !escaped => break,
                        _ => escaped = c == '\\' && !escaped,
                    }
                }
            }
            '{' | '[' => {
                out.push(c);
                while chars.next_if(|c| c.is_ascii_whitespace()).is_some() {}
                if let Some(closing) = chars.next_if(|c| matches!(c, '}' | ']')) {
                    out.push(closing);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

/// A number with commas between its thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A span of time in the unit that suits it.
pub(crate) fn span(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
        _ => format!("{:.2} s", micros as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indenting_changes_white_space_alone() {
        #[rustfmt::skip]
        let cases = [
            ("null", "null"),
            ("-0", "-0"),
            ("1e400", "1e400"),
            (r#"{"a":[],"b":{ }}"#, "{\n  \"a\": [],\n  \"b\": {}\n}"),
            (r#"[1.10, "\ud800,{\"x\":1}" ]"#, "[\n  1.10,\n  \"\\ud800,{\\\"x\\\":1}\"\n]"),
            (r#"["\\",1]"#, "[\n  \"\\\\\",\n  1\n]"),
        ];
        for (json, expected) in cases {
            assert_eq!(indented(json), expected);
        }
    }

    #[test]
    fn a_script_cannot_steer_the_terminal() {
        assert_eq!(tame("a\u{1b}[2Jb\tc\nd\u{202e}e"), "a\\u{1b}[2Jb\tc\nd\\u{202e}e");
    }

    #[test]
    fn json_stays_the_same_json_on_a_terminal() {
        let json = "{\n  \"a\u{7f}\u{9b}2J\u{202e}\": \"ü\u{1f600}\"\n}";
        let shown = shown_json(json);
        assert_eq!(shown, "{\n  \"a\\u007f\\u009b2J\\u202e\": \"ü\u{1f600}\"\n}");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap_or_default();
        assert_eq!(read(&shown), read(json));
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!([grouped(7), grouped(1_000), grouped(12_345_678)], ["7", "1,000", "12,345,678"]);
        assert_eq!([span(999), span(1_500), span(2_500_000)], ["999 µs", "1.5 ms", "2.50 s"]);
    }
}
