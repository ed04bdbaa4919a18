//! A bundle's outer form: names, sizes, and which module an import means.

use std::cell::Cell;
use std::collections::HashMap;

use scriptmill_sdk::{Bundle, Code, Diagnostic, Module};

use super::checked::Bounds;
use super::source::{Finding, Source, diagnose_bundle, text_of};
use oxc::span::Span;

/// Missing modules of one bundle for which a similar name is looked for.
const GUESSES_MAX: usize = 100;

const NAME_BYTES_MAX: usize = 250;
/// How many modules a message lists.
const LISTED_MAX: usize = 6;

/// What may be imported, for messages.
pub(super) const WHAT_MAY_BE_IMPORTED: &str = "A script may import the other modules of its bundle, by a path that begins with './' or '../'. Packages and Node's \
     modules are not here: bundle a package into the script with a bundler such as esbuild.";

/// Compares a bundle with its bounds, before any module is parsed.
pub(super) fn check_form(bundle: &Bundle, bounds: &Bounds) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let modules = &bundle.modules;
    let Some(main) = modules.first() else {
        let help = "Give at least one module; the first one is the main module.";
        return vec![diagnose_bundle(Code::InvalidBundle, "", "The bundle holds no module.".to_owned(), help)];
    };
    if modules.len() > bounds.modules {
        let message = format!("The bundle has {} modules; at most {} are allowed.", modules.len(), bounds.modules);
        let help = "Join modules, for example with a bundler such as esbuild.";
        return vec![diagnose_bundle(Code::TooManyModules, &main.name, message, help)];
    }
    let bytes: usize = modules.iter().map(Module::source_bytes).sum();
    if bytes > bounds.source_bytes {
        let largest = modules.iter().max_by_key(|module| module.source_bytes()).unwrap_or(main);
        let message = format!(
            "The bundle's source has {bytes} bytes; at most {} are allowed. The largest module is '{}' with {} bytes.",
            bounds.source_bytes,
            largest.name,
            largest.source_bytes()
        );
        let help = "Minify large libraries, import only the parts that are used, and give data to the script as input.";
        return vec![diagnose_bundle(Code::SourceTooLarge, &largest.name, message, help)];
    }
    let mut seen = HashMap::new();
    for (index, module) in modules.iter().enumerate() {
        if let Some(fault) = name_fault(&module.name) {
            let message = format!("The name of module {} of the bundle, {:?}, {fault}.", index + 1, module.name);
            let help = "Name modules by their path within the bundle, such as 'main.ts' or 'lib/tax.ts'.";
            found.push(diagnose_bundle(Code::InvalidBundle, &module.name, message, help));
        } else if seen.insert(module.name.as_str(), index).is_some() {
            let message = format!("Two modules of the bundle are named '{}'.", module.name);
            found.push(diagnose_bundle(
                Code::InvalidBundle,
                &module.name,
                message,
                "Give each module a name of its own.",
            ));
        }
        let text = text_of(&module.source);
        if let Some(offset) = text.find('\0') {
            let offset = u32::try_from(offset).unwrap_or(u32::MAX);
            let finding =
                Finding::error(Code::SourceNotText, Span::new(offset, offset + 1), "The source holds a NUL character.")
                    .help("Save the file as UTF-8 text. In a string or a regular expression write \\0 or \\x00.");
            found.push(Source::new(&module.name, text).diagnose(finding));
        }
    }
    found
}

fn name_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("is empty");
    }
    if name.len() > NAME_BYTES_MAX {
        return Some("is longer than 250 bytes");
    }
    if name.chars().any(|c| c.is_control() || c == '\\') {
        return Some("holds a control character or a backslash");
    }
    if name.starts_with('/') {
        return Some("is absolute");
    }
    name.split('/').any(|part| matches!(part, "" | "." | "..")).then_some("has an empty part, '.' or '..' in its path")
}

/// What an import means.
pub(super) enum Import {
    /// The module of this index.
    Module(usize),
    /// Nothing. The first sentence says why; the second one, where there is one, names what the author may have meant.
    Nothing(String, Option<String>),
}

/// Resolves imports among the modules of a bundle.
pub(super) struct Resolver<'b> {
    by_name: HashMap<&'b str, usize>,
    /// For how many more missing names a similar one may be looked for among all modules.
    guesses: Cell<usize>,
}

impl<'b> Resolver<'b> {
    pub(super) fn new(bundle: &'b Bundle) -> Self {
        Self {
            by_name: bundle.modules.iter().enumerate().map(|(index, module)| (module.name.as_str(), index)).collect(),
            guesses: Cell::new(GUESSES_MAX),
        }
    }

    /// Which module `specifier` means in module `importer`: the very name, the name with an extension added, `.ts` in
    /// the place of `.js`, or the folder's `index`.
    pub(super) fn resolve(&self, importer: &str, specifier: &str) -> Import {
        if !is_relative(specifier) {
            let reason = format!("'{specifier}' is not a module of this bundle.");
            let folder = importer.rsplit_once('/').map_or("", |(folder, _)| folder);
            let hint = self.find(&join(folder, specifier).unwrap_or_default());
            return Import::Nothing(reason, hint.map(|_| format!("Did you mean './{specifier}'?")));
        }
        let folder = importer.rsplit_once('/').map_or("", |(folder, _)| folder);
        let Some(path) = join(folder, specifier) else {
            return Import::Nothing(format!("'{specifier}' leads out of the bundle."), None);
        };
        match self.find(&path) {
            Some(index) => Import::Module(index),
            None => {
                if self.guesses.get() == 0 {
                    return Import::Nothing(format!("The bundle has no module '{path}'."), None);
                }
                self.guesses.update(|guesses| guesses - 1);
                let hint = match self.nearest(&path) {
                    Some(near) => format!("Did you mean '{}'?", relative(folder, near)),
                    None => self.listed(importer, folder),
                };
                Import::Nothing(format!("The bundle has no module '{path}'."), Some(hint))
            }
        }
    }

    /// The names of all modules, if there are few.
    fn listed(&self, importer: &str, folder: &str) -> String {
        let mut names: Vec<&str> = self.by_name.keys().copied().filter(|name| *name != importer).collect();
        names.sort_unstable();
        match names.len() {
            0 => "The bundle holds this module alone.".to_owned(),
            1..=LISTED_MAX => {
                let names: Vec<_> = names.iter().map(|name| format!("'{}'", relative(folder, name))).collect();
                format!("There are {}.", names.join(", "))
            }
            count => format!("None of its {count} other modules has a name like that."),
        }
    }

    fn find(&self, path: &str) -> Option<usize> {
        let exact = self.by_name.get(path).copied();
        exact.or_else(|| candidates(path).iter().find_map(|name| self.by_name.get(name.as_str()).copied()))
    }

    fn nearest(&self, path: &str) -> Option<&'b str> {
        let file = path.rsplit_once('/').map_or(path, |(_, file)| file);
        let stem = |name: &str| name.rsplit_once('.').map_or(name.to_owned(), |(stem, _)| stem.to_owned());
        let distance = |name: &&'b str| {
            let other = name.rsplit_once('/').map_or(*name, |(_, file)| file);
            strsim::osa_distance(&stem(file), &stem(other))
        };
        let nearest = self.by_name.keys().copied().min_by_key(|name| (distance(name), *name))?;
        let length = stem(file).chars().count();
        let most = if length < 4 { 1 } else { (length / 3).max(2) };
        (distance(&nearest) <= most).then_some(nearest)
    }
}

pub(super) fn is_relative(specifier: &str) -> bool {
    specifier.starts_with("./") || specifier.starts_with("../") || specifier == "." || specifier == ".."
}

/// The names that a path may mean beside itself, in order.
pub(super) fn candidates(path: &str) -> Vec<String> {
    let mut names: Vec<String> = [".ts", ".mts", ".js", ".mjs"].iter().map(|end| format!("{path}{end}")).collect();
    if let Some(stem) = path.strip_suffix(".js") {
        names.push(format!("{stem}.ts"));
    }
    if let Some(stem) = path.strip_suffix(".mjs") {
        names.push(format!("{stem}.mts"));
    }
    let folder = if path.is_empty() { String::new() } else { format!("{path}/") };
    names.extend(["ts", "mts", "js", "mjs"].iter().map(|end| format!("{folder}index.{end}")));
    names
}

/// The path of `specifier` seen from `folder`. Returns `None` if it leads out of the bundle.
pub(super) fn join(folder: &str, specifier: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in specifier.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// How a module in `folder` would import `name`.
fn relative(folder: &str, name: &str) -> String {
    let from: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    let to: Vec<&str> = name.split('/').collect();
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count().min(to.len() - 1);
    let ups = from.len() - shared;
    let start = if ups == 0 { "./".to_owned() } else { "../".repeat(ups) };
    format!("{start}{}", to[shared..].join("/"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use scriptmill_sdk::Module;

    use super::*;

    fn bundle(names: &[&str]) -> Bundle {
        let module = |name: &&str| Module::new(*name, "");
        Bundle { modules: names.iter().map(module).collect() }
    }

    #[test]
    fn imports_resolve_within_the_bundle() {
        let bundle = bundle(&["main.ts", "tax.ts", "lib/index.ts", "lib/round.js", "lib/deep/a.mts", "plain"]);
        let resolver = Resolver::new(&bundle);
        let cases = [
            ("main.ts", "./tax", Some("tax.ts")),
            ("main.ts", "./tax.ts", Some("tax.ts")),
            ("main.ts", "./tax.js", Some("tax.ts")),
            ("main.ts", "./lib", Some("lib/index.ts")),
            ("main.ts", "./lib/", Some("lib/index.ts")),
            ("main.ts", "./lib/round", Some("lib/round.js")),
            ("main.ts", "./lib/./deep/../round.js", Some("lib/round.js")),
            ("main.ts", "./lib/deep/a.mjs", Some("lib/deep/a.mts")),
            ("main.ts", "./plain", Some("plain")),
            ("lib/deep/a.mts", "../../tax", Some("tax.ts")),
            ("lib/deep/a.mts", "..", Some("lib/index.ts")),
            ("lib/round.js", "./index", Some("lib/index.ts")),
            ("main.ts", "../tax", None),
            ("main.ts", "tax", None),
            ("main.ts", "/tax.ts", None),
            ("main.ts", "./Tax", None),
            ("main.ts", "node:fs", None),
            ("main.ts", "https://example.com/x.ts", None),
        ];
        for (importer, specifier, expected) in cases {
            let found = match resolver.resolve(importer, specifier) {
                Import::Module(index) => Some(bundle.modules[index].name.as_str()),
                Import::Nothing(..) => None,
            };
            assert_eq!(found, expected, "{specifier} in {importer}");
        }
    }

    #[test]
    fn a_near_name_is_offered_as_it_would_be_imported() {
        let bundle = bundle(&["main.ts", "lib/tax.ts", "lib/deep/a.ts"]);
        let resolver = Resolver::new(&bundle);
        let cases = [
            ("main.ts", "./lib/taxes", Some("Did you mean './lib/tax.ts'?")),
            ("lib/deep/a.ts", "./tax", Some("Did you mean '../tax.ts'?")),
            ("main.ts", "./something", Some("There are './lib/deep/a.ts', './lib/tax.ts'.")),
            ("main.ts", "lib/tax", Some("Did you mean './lib/tax'?")),
        ];
        for (importer, specifier, expected) in cases {
            let Import::Nothing(_, hint) = resolver.resolve(importer, specifier) else {
                panic!("{specifier} resolved")
            };
            assert_eq!(hint.as_deref(), expected, "{specifier} in {importer}");
        }
    }

    #[test]
    fn names_are_plain_paths() {
        for name in ["main.ts", "lib/tax.ts", "a b.ts", "ä.ts", "..x.ts", ".hidden"] {
            assert_eq!(name_fault(name), None, "{name}");
        }
        for name in
            ["", "/main.ts", "../x.ts", "a/../b.ts", "./a.ts", "a//b.ts", "a/", "a\\b.ts", "a\nb.ts", &"x".repeat(251)]
        {
            assert!(name_fault(name).is_some(), "{name}");
        }
    }
}
