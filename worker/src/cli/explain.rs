//! `scriptmill explain`: what an error code means. The pages are those of `docs/errors`, embedded in the binary.

use std::fmt::Write as _;
use std::process::ExitCode;

use anstyle::Style;
use clap::Args;
use scriptmill_sdk::Code;

use super::text::say;

const EXAMPLES: &str = "\
Examples:
  scriptmill explain SM2101
  scriptmill explain          # all codes, a line each";

const BOLD: Style = Style::new().bold();

/// Every code with its page, in order.
const PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Codes such as SM2101 or 2101; without one, all codes are listed
    #[arg(value_name = "CODE", value_parser = page)]
    pages: Vec<&'static str>,
}

pub(crate) fn explain(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.pages.is_empty() {
        true => say(all())?,
        false => say(arguments.pages.iter().map(|page| shown(page)).collect::<Vec<_>>().join("\n"))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The page of a code, which may be written without its letters.
fn page(name: &str) -> Result<&'static str, String> {
    let wanted = name.to_uppercase();
    let digits = wanted.trim_start_matches("SM");
    PAGES
        .iter()
        .find(|(code, _)| code.trim_start_matches("SM") == digits)
        .map(|(_, page)| *page)
        .ok_or_else(|| format!("there is no code {name}; `scriptmill explain` lists all of them"))
}

fn all() -> String {
    Code::ALL.iter().fold(String::new(), |mut text, code| {
        _ = writeln!(text, "{code}  {}", code.title());
        text
    })
}

/// A page for a terminal, with its headings in bold. A line with one `#` is a heading only if a code follows, since it
/// may also be a comment in an example.
fn shown(page: &str) -> String {
    page.lines().fold(String::new(), |mut text, line| {
        let heading =
            line.strip_prefix("## ").or_else(|| line.strip_prefix("# ").filter(|title| title.starts_with("SM")));
        _ = match heading {
            Some(heading) => writeln!(text, "{BOLD}{heading}{BOLD:#}"),
            None => writeln!(text, "{line}"),
        };
        text
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn every_code_has_its_page_in_the_binary() {
        for code in Code::ALL {
            let heading = format!("# {code}: {}", code.title());
            assert_eq!(page(&code.to_string()).unwrap().lines().next(), Some(heading.as_str()));
        }
        assert_eq!(PAGES.len(), Code::ALL.len());
    }
}
