//! Whether the names that modules import from one another are exported there. The engine refuses a missing export too, but names
//! no place for it. Most missing exports are types.

use std::collections::{HashMap, HashSet};

use oxc::ast::ast::*;
use oxc::span::{GetSpan, Span};
use scriptmill_sdk::Code;

use super::names;
use super::source::Finding;

/// What a module imports and exports, once its types are gone.
#[derive(Default)]
pub(super) struct Links {
    /// Name and specifier of each import by name.
    imports: Vec<(String, String, Span)>,
    exports: HashSet<String>,
    /// Specifiers of `export *`.
    stars: Vec<String>,
    /// Names it exports as types alone; they are collected before the types go.
    types: HashSet<String>,
}

impl Links {
    /// Collects the exported types of a program that still has them.
    pub(super) fn of_types(program: &Program<'_>) -> Self {
        let mut links = Self::default();
        for statement in &program.body {
            match statement {
                Statement::ExportDeclaration(export) => match &export.declaration {
                    Declaration::TSTypeAliasDeclaration(alias) => {
                        links.types.insert(alias.id.name.to_string());
                    }
                    Declaration::TSInterfaceDeclaration(interface) => {
                        links.types.insert(interface.id.name.to_string());
                    }
                    _ => {}
                },
                Statement::ExportNamedDeclaration(export) => {
                    links.types.extend(export.specifiers.iter().map(|specifier| specifier.exported.name().to_string()));
                }
                Statement::ExportDefaultDeclaration(export)
                    if matches!(export.declaration, ExportDefaultDeclarationKind::TSInterfaceDeclaration(_)) =>
                {
                    links.types.insert("default".to_owned());
                }
                _ => {}
            }
        }
        links
    }

    /// Adds what is left in the program when the types are gone.
    pub(super) fn add_values(&mut self, program: &Program<'_>) {
        for statement in &program.body {
            match statement {
                Statement::ImportDeclaration(import) => {
                    for specifier in import.specifiers.iter().flatten() {
                        let name = match specifier {
                            ImportDeclarationSpecifier::ImportSpecifier(named) => named.imported.name().to_string(),
                            ImportDeclarationSpecifier::ImportDefaultSpecifier(_) => "default".to_owned(),
                            ImportDeclarationSpecifier::ImportNamespaceSpecifier(_) => continue,
                        };
                        self.imports.push((name, import.source.value.to_string(), specifier.span()));
                    }
                }
                Statement::ExportFromDeclaration(export) => {
                    for specifier in &export.specifiers {
                        let name = specifier.local.name().to_string();
                        self.imports.push((name, export.source.value.to_string(), specifier.span));
                        self.exports.insert(specifier.exported.name().to_string());
                    }
                }
                Statement::ExportAllDeclaration(export) => match &export.exported {
                    Some(name) => {
                        self.exports.insert(name.name().to_string());
                    }
                    None => self.stars.push(export.source.value.to_string()),
                },
                Statement::ExportNamedDeclaration(export) => {
                    self.exports
                        .extend(export.specifiers.iter().map(|specifier| specifier.exported.name().to_string()));
                }
                Statement::ExportDefaultDeclaration(_) => {
                    self.exports.insert("default".to_owned());
                }
                Statement::ExportDeclaration(export) => match &export.declaration {
                    Declaration::VariableDeclaration(variables) => {
                        for declarator in &variables.declarations {
                            let names = declarator.id.get_binding_identifiers();
                            self.exports.extend(names.iter().map(|name| name.name.to_string()));
                        }
                    }
                    Declaration::FunctionDeclaration(function) => {
                        self.exports.extend(function.id.iter().map(|id| id.name.to_string()));
                    }
                    Declaration::ClassDeclaration(class) => {
                        self.exports.extend(class.id.iter().map(|id| id.name.to_string()));
                    }
                    _ => {}
                },
                _ => {}
            }
        }
    }
}

/// Missing exports of one bundle for which a similar name is looked for.
const GUESSES_MAX: usize = 100;

/// A module as the others see it; its links are `None` if it could not be read.
pub(super) struct Linked<'m> {
    pub(super) name: &'m str,
    pub(super) links: Option<&'m Links>,
    /// Which module each of its specifiers means.
    pub(super) targets: HashMap<&'m str, usize>,
}

/// The findings for imports of names that the imported module does not export, each with the index of the importing module.
pub(super) fn check(modules: &[Linked<'_>]) -> Vec<(usize, Finding)> {
    let mut found = Vec::new();
    let mut known: HashMap<usize, Exported> = HashMap::new();
    for (index, module) in modules.iter().enumerate() {
        for (name, specifier, span) in module.links.iter().flat_map(|links| &links.imports) {
            let Some(&target) = module.targets.get(specifier.as_str()) else { continue };
            let exported = known.entry(target).or_insert_with(|| Exported::of(modules, target));
            if exported.unknown || exported.has(modules, target, name) {
                continue;
            }
            let exporter = &modules[target];
            let message = match name.as_str() {
                "default" => format!("'{}' has no default export.", exporter.name),
                name => format!("'{}' exports no '{name}'.", exporter.name),
            };
            let is_type = exporter.links.is_some_and(|links| links.types.contains(name));
            let help = if is_type {
                format!("'{name}' is only a type there. Write `type {name}` between the braces.")
            } else {
                let guess = found.len() < GUESSES_MAX;
                match guess.then(|| names::nearest(name, exported.names(modules))).flatten() {
                    Some(near) => format!("Did you mean '{near}'?"),
                    None => {
                        "Write `export` before its declaration there. A type is imported with `import type`.".to_owned()
                    }
                }
            };
            found.push((index, Finding::error(Code::ImportNotFound, *span, message).help(help)));
        }
    }
    found
}

/// The modules whose exports a module has: itself, and those of its `export *`.
#[derive(Default)]
struct Exported {
    modules: Vec<usize>,
    /// Some of them cannot be known, because a module could not be read.
    unknown: bool,
}

impl Exported {
    fn of(modules: &[Linked<'_>], start: usize) -> Self {
        let (mut all, mut seen, mut open) = (Self::default(), HashSet::new(), vec![start]);
        while let Some(index) = open.pop() {
            if !seen.insert(index) {
                continue;
            }
            let module = &modules[index];
            let Some(links) = module.links else {
                all.unknown = true;
                continue;
            };
            all.modules.push(index);
            for star in &links.stars {
                match module.targets.get(star.as_str()) {
                    Some(target) => open.push(*target),
                    None => all.unknown = true,
                }
            }
        }
        all
    }

    /// Whether module `start` exports a name. `export *` leaves the default out.
    fn has(&self, modules: &[Linked<'_>], start: usize, name: &str) -> bool {
        let from = self.modules.iter().filter(|index| **index == start || name != "default");
        from.filter_map(|index| modules[*index].links).any(|links| links.exports.contains(name))
    }

    fn names<'m>(&self, modules: &'m [Linked<'_>]) -> impl Iterator<Item = (usize, &'m str)> {
        let links = self.modules.iter().filter_map(|index| modules[*index].links);
        links.flat_map(|links| &links.exports).map(|name| (0, name.as_str()))
    }
}
