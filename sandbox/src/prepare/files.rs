//! A script from files: the main one, and what it imports.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use oxc::span::Span;
use scriptmill_sdk::{Bundle, Code, Diagnostic, Module};

use super::bundle::{candidates, is_relative, join};
use super::bundled;
use super::checker::{CheckFailed, Checker};
use super::names;
use super::parse::Language;
use super::source::{Finding, Source};

/// A script that was read from files.
#[derive(Clone, Debug)]
pub struct ScriptFiles {
    /// Its modules, the main one first.
    pub bundle: Bundle,
    /// The folder that holds them all, to which their names are relative.
    pub folder: PathBuf,
    /// Imports that lead to no file, each with what may be meant by it.
    absent: Vec<Absent>,
}

/// An import that leads to no file.
#[derive(Clone, Debug)]
struct Absent {
    /// Index of the module that has it.
    importer: usize,
    specifier: String,
    help: String,
}

impl ScriptFiles {
    /// Adds to the check's findings on missing imports what only the files tell: the name of a file that exists, where
    /// another one is imported.
    pub fn complete(&self, diagnostics: &mut [Diagnostic]) {
        for found in diagnostics.iter_mut().filter(|found| found.code == Code::ImportNotFound) {
            let absent = self.absent.iter().find(|absent| {
                let importer = &self.bundle.modules[absent.importer];
                found.at.file == importer.name
                    && found.message.contains(&format!("'{}'", named(&importer.name, &absent.specifier)))
            });
            if let Some(absent) = absent {
                found.help = Some(absent.help.clone());
            }
        }
    }
}

/// How the check names an import: by a path within the bundle, or by the specifier itself.
fn named(importer: &str, specifier: &str) -> String {
    let folder = importer.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = is_relative(specifier).then(|| join(folder, specifier)).flatten();
    path.unwrap_or_else(|| specifier.to_owned())
}

/// A script cannot be read from its files.
#[derive(Debug, thiserror::Error)]
pub enum ReadFailed {
    /// A file cannot be read.
    #[error("{}: {error}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file is not text.
    #[error("{0:?}: {message}", message = .1.message)]
    NotText(PathBuf, Box<Diagnostic>),
    /// Its imports could not be found out.
    #[error(transparent)]
    Check(#[from] CheckFailed),
}

impl Checker {
    /// Reads a script: its main file, and every file that is imported by a path, from there and onwards. A file that
    /// is missing is left out; the check reports its import.
    ///
    /// # Errors
    /// A file cannot be read or is not text.
    pub async fn read(&self, main: &Path) -> Result<ScriptFiles, ReadFailed> {
        let failed = |error| ReadFailed::File { path: main.to_owned(), error };
        let place = main.canonicalize().map_err(failed)?;
        let name = place.to_str().map(|path| path.trim_start_matches('/').to_owned());
        let name = name.ok_or_else(|| failed(io::Error::other("its path is not UTF-8")))?;
        let mut modules = vec![self.read_file(name)?];
        let (mut next, mut absent) = (0, Vec::new());
        // One module or one byte more than allowed is read, so that the check can say that there are too many.
        while next < modules.len() && modules.len() <= self.bounds().modules {
            let module = &modules[next];
            let folder = module.name.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
            for specifier in self.imports(module).await? {
                let Some(path) = join(&folder, &specifier) else { continue };
                let mut names = std::iter::once(path.clone()).chain(candidates(&path));
                let found = names.find(|name| Path::new("/").join(name).is_file());
                let Some(name) = found.clone().filter(|_| is_relative(&specifier)) else {
                    let help = found.is_some().then(|| format!("Did you mean './{specifier}'? The file is there."));
                    let help = help.or_else(|| is_relative(&specifier).then(|| beside(&folder, &specifier, &path)));
                    absent.extend(help.map(|help| Absent { importer: next, specifier, help }));
                    continue;
                };
                if !modules.iter().any(|module| module.name == name) {
                    modules.push(self.read_file(name)?);
                }
            }
            next += 1;
        }
        let base = common_folder(&modules);
        let folder = Path::new("/").join(&modules[0].name[..base]);
        for module in &mut modules {
            module.name.drain(..base);
        }
        Ok(ScriptFiles { bundle: Bundle { modules }, folder, absent })
    }

    fn read_file(&self, name: String) -> Result<Module, ReadFailed> {
        let path = Path::new("/").join(&name);
        let mut bytes = Vec::new();
        let read =
            File::open(&path).and_then(|file| file.take(self.bounds().source_bytes as u64 + 1).read_to_end(&mut bytes));
        read.map_err(|error| ReadFailed::File { path: path.clone(), error })?;
        let cut = bytes.len() > self.bounds().source_bytes;
        match String::from_utf8(bytes) {
            Ok(source) => Ok(Module { source_map: self.read_map(&name, &source), ..Module::new(name, source) }),
            // The bound may lie within a character.
            Err(error) if cut && error.utf8_error().error_len().is_none() => {
                Ok(Module::new(name, String::from_utf8_lossy(error.as_bytes())))
            }
            Err(error) => Err(ReadFailed::NotText(path, Box::new(not_text(&name, error.as_bytes())))),
        }
    }

    /// The file beside a module that its last line names as its source map. Returns `None` if it is not there, and if the source would be too
    /// long with it: the script runs without it.
    fn read_map(&self, name: &str, source: &str) -> Option<String> {
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let path = join(folder, bundled::file_of_map(source)?)?;
        let most = self.bounds().source_bytes.saturating_sub(source.len()) as u64;
        let mut text = String::new();
        File::open(Path::new("/").join(path)).ok()?.take(most + 1).read_to_string(&mut text).ok()?;
        (text.len() as u64 <= most).then_some(text)
    }
}

/// Files of one folder that are looked at for a name.
const FILES_MAX: usize = 1000;

/// Help for a missing module: what there is in the folder that it should be in.
fn beside(folder: &str, specifier: &str, path: &str) -> String {
    let (parent, file) = path.rsplit_once('/').unwrap_or(("", path));
    let entries = std::fs::read_dir(Path::new("/").join(parent)).into_iter().flatten().take(FILES_MAX);
    let files: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| matches!(Language::of(name), Language::TypeScript | Language::JavaScript) && name.contains('.'))
        .filter(|name| [".ts", ".mts", ".js", ".mjs"].iter().any(|end| name.ends_with(end)))
        .collect();
    let stem = |name: &str| name.rsplit_once('.').map_or(name.to_owned(), |(stem, _)| stem.to_owned());
    let asked = if file.contains('.') { stem(file) } else { file.to_owned() };
    let stems: Vec<String> = files.iter().map(|name| stem(name)).collect();
    let wanted = if file.contains('.') { file.to_owned() } else { format!("{file}.ts") };
    let place = if parent == folder { "here".to_owned() } else { format!("in /{parent}") };
    match names::nearest(&asked, stems.iter().map(|stem| (0, stem.as_str()))) {
        Some(near) => {
            let up = specifier.rsplit_once('/').map_or(".", |(up, _)| up);
            let end = if file.contains('.') { file.rsplit_once('.').map_or("", |(_, end)| end) } else { "" };
            let dot = if end.is_empty() { "" } else { "." };
            format!("There is no {wanted} {place}. Did you mean '{up}/{near}{dot}{end}'?")
        }
        None => format!("There is no {wanted} {place}."),
    }
}

/// Length of what all names have in common: the folder, with its last slash.
fn common_folder(modules: &[Module]) -> usize {
    let main = &modules[0].name;
    let folders = main.match_indices('/').map(|(index, _)| index + 1);
    let shared = folders.filter(|end| modules.iter().all(|module| module.name.starts_with(&main[..*end])));
    shared.max().unwrap_or(0)
}

fn not_text(name: &str, bytes: &[u8]) -> Diagnostic {
    let lossy = String::from_utf8_lossy(bytes);
    let valid = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    let at = u32::try_from(valid).unwrap_or(u32::MAX);
    let help = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "It was saved as UTF-16. Save it as UTF-8.",
        _ => "Save the file as UTF-8; every editor can.",
    };
    let name = name.rsplit_once('/').map_or(name, |(_, file)| file);
    let finding = Finding::error(Code::SourceNotText, Span::sized(at, 3), "The source is not UTF-8 text.").help(help);
    Source::new(name, &lossy).diagnose(finding)
}
