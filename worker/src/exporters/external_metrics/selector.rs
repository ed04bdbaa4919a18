//! Label selectors, as Kubernetes writes them.
//!
//! <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>

use std::str::FromStr;

/// The most bytes of a label's name, and of its value.
const PART_BYTES_MAX: usize = 63;
/// The most bytes of the prefix before a label's name.
const PREFIX_BYTES_MAX: usize = 253;

/// Requirements on labels, all of which must hold.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Selector(Vec<Requirement>);

#[derive(Debug, PartialEq)]
struct Requirement {
    key: String,
    wants: Wants,
}

#[derive(Debug, PartialEq)]
enum Wants {
    Exists,
    Absent,
    In(Vec<String>),
    /// The label may also be absent.
    NotIn(Vec<String>),
}

/// Why a text is no selector.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("`{selector}` is no label selector: {why}")]
pub(super) struct Malformed {
    selector: String,
    why: String,
}

impl Selector {
    /// Whether it selects an object that has this one label.
    pub(super) fn selects(&self, label: &str, value: &str) -> bool {
        self.0.iter().all(|Requirement { key, wants }| {
            let is_there = key == label;
            let is_among = |values: &[String]| is_there && values.iter().any(|wanted| wanted == value);
            match wants {
                Wants::Exists => is_there,
                Wants::Absent => !is_there,
                Wants::In(values) => is_among(values),
                Wants::NotIn(values) => !is_among(values),
            }
        })
    }
}

impl FromStr for Selector {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let requirements = parts(text).map(requirement).collect::<Result<_, _>>();
        requirements.map(Self).map_err(|why| Malformed { selector: text.to_owned(), why })
    }
}

/// The text between commas that are not in parentheses.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut is_inside = false;
    text.split(move |c| {
        is_inside = (is_inside || c == '(') && c != ')';
        c == ',' && !is_inside
    })
}

fn requirement(text: &str) -> Result<Requirement, String> {
    let text = text.trim();
    if let Some(name) = text.strip_prefix('!') {
        return Ok(Requirement { key: key(name)?, wants: Wants::Absent });
    }
    // The longest operators first, so that `==` is not read as two.
    for (operator, is_equal) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((name, wanted)) = text.split_once(operator) {
            let values = vec![value(wanted)?];
            let wants = if is_equal { Wants::In(values) } else { Wants::NotIn(values) };
            return Ok(Requirement { key: key(name)?, wants });
        }
    }
    let Some(end) = text.find(|c: char| c.is_whitespace() || c == '(') else {
        return Ok(Requirement { key: key(text)?, wants: Wants::Exists });
    };
    let (name, rest) = text.split_at(end);
    let (operator, set) =
        rest.split_once('(').ok_or_else(|| format!("after `{name}` comes neither `in` nor `notin`"))?;
    let set = set.strip_suffix(')').ok_or("a set ends with `)`")?;
    let values = set.split(',').map(value).collect::<Result<_, _>>()?;
    let wants = match operator.trim() {
        "in" => Wants::In(values),
        "notin" => Wants::NotIn(values),
        other => return Err(format!("`{other}` is none of `=`, `==`, `!=`, `in` and `notin`")),
    };
    Ok(Requirement { key: key(name)?, wants })
}

/// A label's name, with or without a prefix.
fn key(text: &str) -> Result<String, String> {
    let text = text.trim();
    let name = match text.split_once('/') {
        None => text,
        Some((prefix, name)) => {
            let is_prefix = !prefix.is_empty() && prefix.len() <= PREFIX_BYTES_MAX && is_part(prefix);
            if !is_prefix {
                return Err(format!("`{prefix}` is no prefix of a label"));
            }
            name
        }
    };
    if !name.is_empty() && name.len() <= PART_BYTES_MAX && is_part(name) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is no label: up to {PART_BYTES_MAX} letters, digits, `-`, `_` and `.`"))
    }
}

/// A label's value; it may be empty.
fn value(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.len() <= PART_BYTES_MAX && is_part(text) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is no value of a label: up to {PART_BYTES_MAX} letters, digits, `-`, `_` and `.`"))
    }
}

/// Letters, digits, `-`, `_` and `.`, with a letter or digit at both ends.
fn is_part(text: &str) -> bool {
    let is_end = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    let is_inner = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    is_end(text.chars().next()) && is_end(text.chars().last()) && text.chars().all(is_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Whether a selector selects `group=default`.
    #[test]
    fn it_selects_as_kubernetes_does() {
        #[rustfmt::skip]
        let cases = [
            ("", true), (" ", true),
            ("group=default", true), ("group==default", true), (" group = default ", true), ("group=other", false),
            ("group=", false), ("group!=", true),
            ("group!=default", false), ("group!=other", true),
            ("group in (default)", true), ("group in (other, default)", true), ("group in(other,)", false),
            ("group notin (default,other)", false), ("group notin (other)", true), ("group  notin\t( other )", true),
            ("group", true), ("!group", false), ("! group", false),
            ("tier", false), ("!tier", true), ("tier!=web", true), ("tier notin (web)", true), ("tier=web", false),
            ("scriptmill.dev/group=default", false), ("in", false), ("!in", true), ("in in (in)", false),
            ("group=default,!tier", true), ("group in (a,default),tier", false), ("group,group!=a , group notin (b,c)", true),
        ];
        for (text, selects) in cases {
            let selector: Selector = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(selector.selects("group", "default"), selects, "{text:?}");
        }
    }

    #[test]
    fn what_is_malformed_is_refused_with_the_reason() {
        for (text, why) in [
            ("group=default,", "`` is no label"),
            (",group", "`` is no label"),
            ("=default", "`` is no label"),
            ("!", "`` is no label"),
            ("group=a=b", "`a=b` is no value"),
            ("group=!default", "`!default` is no value"),
            ("group===default", "`=default` is no value"),
            ("-group", "`-group` is no label"),
            ("group=default.", "`default.` is no value"),
            ("/group", "`` is no prefix"),
            ("a/b/c", "`a/b/c` is no label"),
            ("group in", "neither `in` nor `notin`"),
            ("group in default", "neither `in` nor `notin`"),
            ("group in (default", "ends with `)`"),
            ("group in (default) x", "ends with `)`"),
            ("group in (a(b))", "`a(b)` is no value"),
            ("group (default)", "`` is none of"),
            ("group(default)", "`` is none of"),
            ("group within (default)", "`within` is none of"),
            ("group > 1", "neither `in` nor `notin`"),
            ("größe", "`größe` is no label"),
            (&"x".repeat(64), "is no label"),
            (&format!("group={}", "x".repeat(64)), "is no value"),
        ] {
            let error = text.parse::<Selector>().unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("is no label selector"), "{text:?}: {error}");
        }
    }
}
