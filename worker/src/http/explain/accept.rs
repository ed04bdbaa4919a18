//! What the caller prefers: a page or JSON.

use axum::http::{HeaderMap, header};

use serde::Deserialize;

/// How the answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// For programs.
    Json,
    /// For people.
    Html,
}

/// A page if the caller prefers that, as browsers do; JSON for all others, such as `curl`.
pub(super) fn format(headers: &HeaderMap) -> Format {
    let accepted: Vec<_> =
        headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok()).collect();
    let accepted = accepted.join(",");
    let page = weight(&accepted, "text/html");
    if page > weight(&accepted, "application/json") { Format::Html } else { Format::Json }
}

/// The weight of a kind of content, 0 to 1, by the range that names it most closely (RFC 9110, section 12.5.1).
fn weight(accepted: &str, kind: &str) -> f32 {
    let of_kind = |range: &str| {
        let (family, _) = kind.split_once('/')?;
        let closeness = match range {
            "*/*" => 0,
            range if range.strip_suffix("/*").is_some_and(|named| named.eq_ignore_ascii_case(family)) => 1,
            range if range.eq_ignore_ascii_case(kind) => 2,
            _ => return None,
        };
        Some(closeness)
    };
    let ranges = accepted.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let closeness = of_kind(parts.next()?)?;
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
        Some((closeness, weight))
    });
    ranges.max_by_key(|(closeness, _)| *closeness).map_or(0.0, |(_, weight)| weight)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn browsers_get_a_page_and_all_others_json() {
        let chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        for (accept, expected) in [
            (chrome, Format::Html),
            ("text/html", Format::Html),
            ("text/*", Format::Html),
            ("application/json;q=0.5, TEXT/HTML;q=0.6", Format::Html),
            ("*/*", Format::Json),
            ("application/json", Format::Json),
            ("application/json, text/html", Format::Json),
            ("application/json, text/html;q=0.9", Format::Json),
            ("text/html;q=0, */*", Format::Json),
            ("text/plain", Format::Json),
            ("", Format::Json),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(format(&headers), expected, "{accept}");
        }
        assert_eq!(format(&HeaderMap::new()), Format::Json);
    }
}
