//! Finds the parts of a module that are a library which a bundler put there. Libraries look around for hosts in ways of their
//! own, and whoever bundles a library cannot mend it. So findings that are only likely are not reported in libraries.
//!
//! A whole module counts as bundled when its path holds `node_modules`, when it is minified, when it is very large, or when it
//! holds the loader of webpack. Else the comments count in which esbuild names the file that the next lines come from. If there
//! are none, the whole counts as bundled when it has the helpers with which esbuild and Rollup take in CommonJS modules.

use std::cell::OnceCell;
use std::ops::Range;

/// Nobody writes more than that by hand into one module.
const WRITTEN_BYTES_MAX: usize = 256 << 10;
/// In a text of at least this many bytes …
const MINIFIED_BYTES_MIN: usize = 2000;
/// … lines of more than this many bytes on the average are a minifier's.
const MINIFIED_LINE: usize = 200;

/// The parts of a module that a bundler brought. They are found when they are first asked for.
pub(super) struct Library<'s> {
    name: &'s str,
    text: &'s str,
    parts: OnceCell<Vec<Range<usize>>>,
}

impl<'s> Library<'s> {
    pub(super) fn new(name: &'s str, text: &'s str) -> Self {
        Self { name, text, parts: OnceCell::new() }
    }

    /// Whether a place of the module is in a part that a bundler brought.
    pub(super) fn contains(&self, offset: u32) -> bool {
        let parts = self.parts.get_or_init(|| parts(self.name, self.text));
        parts.iter().any(|part| part.contains(&(offset as usize)))
    }
}

#[allow(clippy::single_range_in_vec_init, reason = "one part is the whole")]
fn parts(name: &str, text: &str) -> Vec<Range<usize>> {
    let whole = name.split('/').any(|part| part == "node_modules")
        || name.ends_with(".min.js")
        || text.len() > WRITTEN_BYTES_MAX
        || text.len() > MINIFIED_BYTES_MIN && text.len() / (text.lines().count() + 1) > MINIFIED_LINE
        || text.contains("__webpack_require__");
    if whole {
        return vec![0..text.len()];
    }
    let mut parts: Vec<Range<usize>> = Vec::new();
    let (mut open, mut at, mut told) = (None, 0, false);
    for line in text.split_inclusive('\n') {
        if let Some(path) = origin(line.trim()) {
            if let Some(start) = open.take() {
                parts.push(start..at);
            }
            told = true;
            open = path.split('/').any(|part| part == "node_modules").then_some(at);
        }
        at += line.len();
    }
    parts.extend(open.map(|start| start..text.len()));
    let taken_in = ["var __commonJS = ", "var __toESM = ", "getDefaultExportFromCjs", "commonjsGlobal"];
    if !told && taken_in.iter().any(|helper| text.contains(helper)) {
        return vec![0..text.len()];
    }
    parts
}

/// The file that a line of esbuild names: `// node_modules/zod/index.js`.
fn origin(line: &str) -> Option<&str> {
    let path = line.strip_prefix("// ")?;
    let file =
        [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".tsx", ".jsx", ".json"].iter().any(|end| path.ends_with(end));
    (file && !path.contains(' ')).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_bundler_brought_is_told_from_what_was_written() {
        let bundle = "// node_modules/zod/index.js\nvar a = 1;\n// src/main.ts\nvar b = 2;\n// a comment about node.js\nvar c;\n";
        let bundled = Library::new("main.js", bundle);
        let of =
            |word: &str| bundled.contains(u32::try_from(bundle.find(word).unwrap_or_default()).unwrap_or_default());
        assert_eq!((of("var a"), of("var b"), of("var c")), (true, false, false));
        let written = "const order = 1;\n".repeat(300);
        assert!(!Library::new("main.ts", &written).contains(20));
        assert!(Library::new("node_modules/a/b.js", "x").contains(0));
        assert!(Library::new("main.js", &"var order=1;".repeat(300)).contains(20));
    }
}
