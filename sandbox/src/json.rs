//! JSON text, looked at without being parsed into a tree.

/// Whether arrays and objects of a JSON text are nested deeper than `limit`.
pub fn deeper_than(text: &str, limit: u64) -> bool {
    // Each level takes two bytes at least: a short text needs no look.
    if text.len() as u64 <= limit.saturating_mul(2) {
        return false;
    }
    let mut depth = 0_u64;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    false
}

fn skip_string(bytes: &mut std::str::Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'"' => return,
            _ => {}
        }
    }
}

/// The text with each `\u` escape of a lone surrogate replaced by that of U+FFFD, since Rust's strings cannot hold one.
pub(crate) fn without_lone_surrogates(text: &str) -> String {
    let escape = |at: usize| -> Option<u32> {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    if !text.contains("\\ud") && !text.contains("\\uD") {
        return text.to_owned();
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        at += found;
        match (escape(at), escape(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at += 12,
            (Some(0xd800..=0xdfff), _) => {
                clean.push_str(&text[rest..at]);
                clean.push_str("\\ufffd");
                at += 6;
                rest = at;
            }
            (Some(_), _) => at += 6,
            // The character after the backslash is ASCII in JSON, but a guest may have written something else.
            (None, _) => at = text.ceil_char_boundary((at + 2).min(text.len())),
        }
    }
    clean.push_str(&text[rest..]);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_strings() {
        for (text, depth) in
            [("1", 0), ("[]", 1), (r#"{"a":[1,{"b":2}]}"#, 3), (r#"["[[[[","\"[[",[[]]]"#, 3), ("[[],[[]],[]]", 3)]
        {
            let padded = format!("{}{text}", " ".repeat(100));
            assert!(!deeper_than(&padded, depth), "{text}");
            assert!(depth == 0 || deeper_than(&padded, depth - 1), "{text}");
        }
    }

    #[test]
    fn lone_surrogates_are_replaced_and_pairs_kept() {
        for (text, clean) in [
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""a\ud800b""#, r#""a\ufffdb""#),
            (r#""\udc00\ud800""#, r#""\ufffd\ufffd""#),
            (r#""\\ud800""#, r#""\\ud800""#),
            (r#""é\n\ud83d""#, r#""é\n\ufffd""#),
            (r"no JSON \é\ud800 \", r"no JSON \é\ufffd \"),
        ] {
            assert_eq!(without_lone_surrogates(text), clean);
        }
    }
}
