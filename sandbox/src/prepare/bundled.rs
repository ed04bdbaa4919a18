//! The map that a bundler wrote at the end of a module, and the files that it leads to.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use oxc::span::Span;
use scriptmill_sdk::{Code, Module, Position};
use serde::Deserialize;

use super::bundle::join;
use super::checked::{Bundled, BundledFile};
use super::map::SourceMap;
use super::source::{Finding, Source, text_of};

/// Files that a map may name.
const FILES_MAX: usize = 10_000;
/// Bytes that their names may have, together.
const NAMES_BYTES_MAX: usize = 256 << 10;
/// Lines that they may have, together.
const LINES_MAX: u32 = 1 << 28;

const COMMENT: &str = "//# sourceMappingURL=";

/// A source map, of revision 3, as far as it is used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Map {
    version: u32,
    #[serde(default)]
    source_root: Option<String>,
    sources: Vec<Option<String>>,
    #[serde(default)]
    sources_content: Vec<Option<String>>,
    mappings: String,
}

/// Where the comment that names a map stands in a module: the last thing in it, on a line of its own.
fn comment(text: &str) -> Option<Range<usize>> {
    let end = text.trim_end().len();
    let start = text[..end].rfind(['\n', '\r']).map_or(0, |at| at + 1);
    text[start..end].starts_with(COMMENT).then_some(start..end)
}

/// Splits a module into its text without the comment that names its map, and that map. The engine has no use for the comment,
/// which may be longer than the code.
pub(super) fn split<'s>(source: &Source<'s>, findings: &mut Vec<Finding>) -> (&'s str, Option<Bundled>) {
    let comment = comment(source.text);
    let written = comment.as_ref().map_or(source.text, |comment| &source.text[..comment.start]);
    match read(source, comment) {
        Ok(bundled) => (written, bundled),
        Err(finding) => {
            findings.push(finding);
            (written, None)
        }
    }
}

/// The map beside a module, or else the one in its comment. Returns `None` if the comment names another file, which is not there.
fn read(source: &Source<'_>, comment: Option<Range<usize>>) -> Result<Option<Bundled>, Finding> {
    let Some(text) = text_of_map(source.map, source.text, comment.clone()) else { return Ok(None) };
    let ignored = |why: &str| {
        let span = comment.as_ref().map_or(Span::empty(0), |comment| {
            let start = u32::try_from(comment.start).unwrap_or(u32::MAX);
            Span::sized(start, u32::try_from(COMMENT.len()).unwrap_or(0))
        });
        Finding::warning(Code::SourceMapIgnored, span, format!("The source map of this module is not used: {why}."))
            .help("Errors name the lines of the bundle instead. Let the bundler write the map anew, or leave it out.")
    };
    let text = text.ok_or_else(|| ignored("it is no data in base64"))?;
    let map = Map::read(&text).map_err(|error| ignored(&format!("it is not as revision 3 has it: {error}")))?;
    if map.sources.len() > FILES_MAX {
        return Err(ignored(&format!("it names more than {FILES_MAX} files")));
    }
    let names = map.names(source.name);
    if names.iter().map(String::len).sum::<usize>() > NAMES_BYTES_MAX {
        return Err(ignored(&format!("the names of its files have more than {NAMES_BYTES_MAX} bytes")));
    }
    let mappings = SourceMap::from_mappings(map.mappings);
    let lines = mappings.lines(names.len()).ok_or_else(|| ignored("its mappings are broken"))?;
    if lines.iter().try_fold(0_u32, |sum, lines| sum.checked_add(*lines)).is_none_or(|sum| sum > LINES_MAX) {
        return Err(ignored("its files have more lines than a script may have"));
    }
    let files = names.into_iter().zip(lines).map(|(name, lines)| BundledFile { name, lines }).collect();
    Ok(Some(Bundled { map: mappings, files }))
}

/// The excerpt of a place in a file that a module was made of, if the module's map holds that file's text.
pub(super) fn excerpt(module: &Module, at: &Position) -> Option<String> {
    let text = text_of(&module.source);
    let map = Map::read(&text_of_map(module.source_map.as_deref(), text, comment(text))??).ok()?;
    let index = map.names(&module.name).iter().position(|name| *name == at.file)?;
    let content = map.sources_content.into_iter().nth(index)??;
    Some(Source::new(&at.file, text_of(&content)).excerpt_at(at.line, at.column))
}

/// The text of a module's map: the one beside it, or else that in its comment. Returns `Some(None)` if it cannot be read.
fn text_of_map<'t>(
    beside: Option<&'t str>,
    text: &str,
    comment: Option<Range<usize>>,
) -> Option<Option<Cow<'t, [u8]>>> {
    match (beside, comment) {
        (Some(map), _) => Some(Some(Cow::Borrowed(map.as_bytes()))),
        (None, Some(comment)) => {
            inline(&text[comment.start + COMMENT.len()..comment.end]).map(|map| map.map(Cow::Owned))
        }
        (None, None) => None,
    }
}

/// The file that the comment at the end of a module names as its map, as a path from the module's folder.
pub(super) fn file_of_map(text: &str) -> Option<&str> {
    let comment = comment(text)?;
    let address = text[comment.start + COMMENT.len()..comment.end].trim();
    (!address.is_empty() && !address.contains(':') && !address.starts_with('/')).then_some(address)
}

/// The text that a `data:` address holds. Returns `Some(None)` if it cannot be read, and `None` for any other address.
fn inline(address: &str) -> Option<Option<Vec<u8>>> {
    let (kind, data) = address.strip_prefix("data:")?.split_once(',')?;
    if !kind.starts_with("application/json") {
        return None;
    }
    Some(if kind.ends_with(";base64") { base64(data) } else { percent(data) })
}

fn base64(data: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(data.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in data.trim_end_matches('=').bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(bytes)
}

fn percent(data: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(data.len());
    let mut rest = data.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                (digit(rest.next())? * 16 + digit(rest.next())?) as u8
            }
            byte => byte,
        });
    }
    Some(bytes)
}

impl Map {
    fn read(text: &[u8]) -> Result<Self, String> {
        let map: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if map.version == 3 { Ok(map) } else { Err(format!("its version is {}", map.version)) }
    }

    /// The files' paths as names within the bundle, each once, none of them the module's own.
    fn names(&self, module: &str) -> Vec<String> {
        let folder = module.rsplit_once('/').map_or("", |(folder, _)| folder);
        let root = self.source_root.as_deref().unwrap_or_default();
        let mut taken = HashSet::from([module.to_owned()]);
        let name = |(index, source): (usize, &Option<String>)| {
            let source = source.as_deref().unwrap_or_default();
            let path =
                if root.is_empty() { source.to_owned() } else { format!("{}/{source}", root.trim_end_matches('/')) };
            let mut name = within(folder, &path);
            if name.is_empty() {
                name = format!("file {}", index + 1);
            }
            if !taken.insert(name.clone()) {
                name = format!("{module}/{name}");
                taken.insert(name.clone());
            }
            name
        };
        self.sources.iter().enumerate().map(name).collect()
    }
}

/// Turns a path into one within the bundle. Bundlers lead out of the folder that is bundled, and write `webpack://shop/./src/tax.ts`.
fn within(folder: &str, path: &str) -> String {
    let path = path.split_once("://").map_or(path, |(_, path)| path);
    let plain: String =
        path.chars().filter(|c| !c.is_control() && !matches!(c, '(' | ')' | '\\' | '\t')).take(200).collect();
    join(folder, &plain).unwrap_or_else(|| {
        let parts = plain.split('/').filter(|part| !matches!(*part, "" | "." | ".."));
        parts.collect::<Vec<_>>().join("/")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::prepare::Walk;

    #[test]
    fn paths_of_bundlers_become_names() {
        for (folder, path, name) in [
            ("", "helper.ts", "helper.ts"),
            ("dist", "../src/tax.ts", "src/tax.ts"),
            ("", "../../shop/src/tax.ts", "shop/src/tax.ts"),
            ("", "webpack://shop/./src/tax.ts", "shop/src/tax.ts"),
            ("", "/home/ada/tax.ts", "home/ada/tax.ts"),
        ] {
            assert_eq!(within(folder, path), name, "{path}");
        }
    }

    #[test]
    fn a_map_is_read_from_both_forms_of_an_address() {
        assert_eq!(
            inline("data:application/json;charset=utf-8;base64,eyJhIjoxfQ=="),
            Some(Some(b"{\"a\":1}".to_vec()))
        );
        assert_eq!(inline("data:application/json,%7B%22a%22:1%7d"), Some(Some(b"{\"a\":1}".to_vec())));
        assert_eq!(inline("data:application/json;base64,???"), Some(None));
        assert_eq!(inline("main.js.map"), None);
    }

    #[test]
    fn what_a_map_holds_of_a_file_is_shown() {
        let map = r#"{"version":3,"sources":["a.ts","b.ts"],"sourcesContent":[null,"one\ntwo"],"mappings":"AAAA"}"#;
        let source = format!("1\n{COMMENT}data:application/json,{}\n", map.replace('"', "%22"));
        let module = Module::new("main.js", source);
        let at = |file: &str| Position { file: file.to_owned(), line: 2, column: 2 };
        assert!(excerpt(&module, &at("b.ts")).unwrap().contains("2 | two"));
        assert_eq!(excerpt(&module, &at("a.ts")), None, "it holds no text of that one");
        assert_eq!(excerpt(&module, &at("c.ts")), None);
    }

    #[test]
    fn what_is_broken_or_too_much_is_not_used() {
        let refused = |map: String| {
            let text = format!("1\n{COMMENT}data:application/json,{}", map.replace('"', "%22"));
            let source = Source::new("main.js", &text);
            read(&source, comment(&text)).map_err(|finding| finding.message)
        };
        let map =
            |sources: &str, mappings: &str| format!(r#"{{"version":3,"sources":[{sources}],"mappings":"{mappings}"}}"#);
        let files = vec!["null"; FILES_MAX + 1].join(",");
        let long = vec![format!("\"{}\"", "x".repeat(190)); 2_000].join(",");
        for (text, why) in [
            (map(r#""a""#, "!"), "broken"),
            (map(r#""a""#, "AAAA,D"), "broken"),
            (map(r#""a""#, "ACAA"), "broken"),
            (map(r#""a""#, "AADA"), "broken"),
            (map(r#""a""#, "A+++++++++++++A"), "broken"),
            (map(r#""a""#, "AAgggggkCA"), "more lines"),
            (map(&files, ""), "more than 10000 files"),
            (map(&long, ""), "names of its files"),
            (r#"{"version":2,"sources":[],"mappings":""}"#.to_owned(), "version is 2"),
            (r#"{"version":3,"sections":[]}"#.to_owned(), "revision 3"),
        ] {
            let message = refused(text).unwrap_err();
            assert!(message.contains(why), "{message}");
        }
        let good = refused(map(r#""a""#, "AAAA,C;AACA")).unwrap().unwrap();
        assert_eq!(good.files, [BundledFile { name: "a".to_owned(), lines: 2 }]);
        assert_eq!(good.map.place(1, 1, &mut Walk::default()), Some((0, 1, 1)));
        assert_eq!(good.map.place(1, 2, &mut Walk::default()), None, "what comes of no file is the bundle's");
        assert_eq!(good.map.place(2, 1, &mut Walk::default()), Some((0, 2, 1)));
    }

    #[test]
    fn the_map_beside_a_module_goes_before_the_one_in_it() {
        let map = |file: &str| {
            format!(r#"{{"version":3,"sources":["{file}"],"sourcesContent":["{file} 1"],"mappings":"AAAA"}}"#)
        };
        let source = format!("1\n{COMMENT}data:application/json,{}\n", map("in.ts").replace('"', "%22"));
        let module = Module { source_map: Some(map("beside.ts")), ..Module::new("main.js", source) };
        let mut findings = Vec::new();
        let source = Source::of(&module);
        let (written, bundled) = split(&source, &mut findings);
        assert_eq!((written, bundled.unwrap().files[0].name.as_str()), ("1\n", "beside.ts"));
        let at = Position { file: "beside.ts".to_owned(), line: 1, column: 1 };
        assert!(excerpt(&module, &at).unwrap().contains("1 | beside.ts 1"));
        let broken = Module { source_map: Some("{".to_owned()), ..Module::new("main.js", "1") };
        assert!(split(&Source::of(&broken), &mut findings).1.is_none());
        assert_eq!(findings.len(), 1, "a map that cannot be read is not passed over without a word");
    }

    #[test]
    fn the_comment_is_the_last_line() {
        let text = "const a = 1;\n//# sourceMappingURL=x\n\n";
        assert_eq!(comment(text), Some(13..34 + 1));
        assert_eq!(comment("const a = `\n//# sourceMappingURL=x\n`;"), None);
        assert_eq!(comment(""), None);
    }
}
