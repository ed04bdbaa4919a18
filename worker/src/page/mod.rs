//! Pages for people: one HTML document each, with drawn curves, that loads nothing from anywhere.

mod chart;
pub mod outlooks;
mod style;
pub mod words;

use std::fmt::Display;

use plotters::style::RGBColor;

pub use chart::{Chart, Curve};

/// Colours that are told apart without seeing red from green (Okabe and Ito), on a light ground and on a dark one.
pub const BLUE: RGBColor = RGBColor(0, 126, 200);
/// See [`BLUE`].
pub const ORANGE: RGBColor = RGBColor(230, 159, 0);
/// See [`BLUE`].
pub const GREEN: RGBColor = RGBColor(0, 158, 115);
/// See [`BLUE`].
pub const RED: RGBColor = RGBColor(213, 94, 0);
/// See [`BLUE`].
pub const PINK: RGBColor = RGBColor(204, 121, 167);
/// See [`BLUE`].
pub const GREY: RGBColor = RGBColor(140, 140, 140);

/// A document. `head` is markup for its head beside title and style, and `body` the markup below the title.
pub fn document(title: impl Display, head: &str, body: &str) -> String {
    let (title, style) = (escaped(title), style::STYLE);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         {head}<title>{title}</title>\n<style>{style}</style>\n<h1>{title}</h1>\n{body}</html>\n"
    )
}

/// Escapes text, so that none of it is read as markup, also inside an attribute.
pub fn escaped(text: impl Display) -> String {
    let mut out = String::new();
    for c in text.to_string().chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_markup_comes_of_text() {
        let text = "</title><script>alert('1' & \"2\")</script>";
        let expected = "&lt;/title&gt;&lt;script&gt;alert(&#39;1&#39; &amp; &quot;2&quot;)&lt;/script&gt;";
        assert_eq!(escaped(text), expected);
        let page = document(text, "", "<p>body</p>");
        assert!(!page.contains("<script") && page.contains("<p>body</p>"), "{page}");
        assert_eq!(page.matches(expected).count(), 2, "{page}");
    }
}
