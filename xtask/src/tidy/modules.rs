//! The module trees of all targets of all crates: which file a path such as `crate::engine::Engine` is defined in.

use std::collections::BTreeMap;

use super::tree::{Tree, only_in_tests};

/// One target of cargo: a library, a binary, a test, a benchmark, an example or a build script.
pub(crate) struct Target {
    /// The first is the root.
    pub(crate) modules: Vec<Module>,
}

/// A module, in a file of its own or not.
pub(crate) struct Module {
    name: String,
    pub(crate) file: String,
    pub(crate) parent: Option<usize>,
    pub(crate) items: Vec<syn::Item>,
    names: BTreeMap<String, Name>,
    globs: Vec<Vec<String>>,
}

enum Name {
    Module(usize),
    Defined,
    /// Imported by a `use` of this path.
    Imported(Vec<String>),
}

/// What a path leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Module(usize),
    /// Something that the module defines.
    ItemOf(usize),
}

/// The most imports of imports that are followed before a path counts as unknown.
const IMPORTS_MAX: usize = 16;

impl Target {
    /// Every target in the tree. Modules that only tests have are left out.
    pub(crate) fn all(tree: &Tree) -> Vec<Self> {
        tree.sources.keys().filter(|path| is_root(path)).map(|path| Self::of(tree, path)).collect()
    }

    fn of(tree: &Tree, root: &str) -> Self {
        let mut target = Self { modules: Vec::new() };
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
        target.add(tree, folder, Module::new("crate", root, None, &tree.sources[root].syntax.items));
        target
    }

    /// Adds a module and those below it. `folder` has the files of those below.
    fn add(&mut self, tree: &Tree, folder: &str, module: Module) -> usize {
        let this = self.modules.len();
        let items = module.items.clone();
        self.modules.push(module);
        for item in &items {
            match item {
                syn::Item::Mod(item) if !only_in_tests(&item.attrs) => {
                    if let Some(child) = self.add_child(tree, folder, this, item) {
                        self.modules[this].names.insert(item.ident.to_string(), Name::Module(child));
                    }
                }
                syn::Item::Use(item) => self.modules[this].import(&item.tree, &mut Vec::new()),
                item => {
                    if let Some(name) = name_of(item) {
                        self.modules[this].names.insert(name, Name::Defined);
                    }
                }
            }
        }
        this
    }

    fn add_child(&mut self, tree: &Tree, folder: &str, parent: usize, item: &syn::ItemMod) -> Option<usize> {
        let name = item.ident.to_string();
        let file = self.modules[parent].file.clone();
        let below = join(folder, &name);
        if let Some((_, items)) = &item.content {
            return Some(self.add(tree, &below, Module::new(&name, &file, Some(parent), items)));
        }
        let beside_this = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let candidates = match attribute_path(&item.attrs) {
            Some(path) => vec![normal(&join(beside_this, &path))],
            None => vec![format!("{below}.rs"), format!("{below}/mod.rs")],
        };
        let path = candidates.into_iter().find(|path| tree.sources.contains_key(path))?;
        let folder = path.strip_suffix("/mod.rs").unwrap_or(&below);
        Some(self.add(tree, folder, Module::new(&name, &path, Some(parent), &tree.sources[&path].syntax.items)))
    }

    /// What a path in a module leads to, if that is in this target.
    pub(crate) fn resolve(&self, module: usize, path: &[String]) -> Option<Place> {
        self.resolve_within(module, path, IMPORTS_MAX)
    }

    /// The module above `module` if `above` is true. The root has none above it, and stays.
    pub(crate) fn parent_if(&self, module: usize, above: bool) -> usize {
        if above { self.modules[module].parent.unwrap_or(module) } else { module }
    }

    /// A module's path, from `crate` on.
    pub(crate) fn path_of(&self, module: usize) -> Vec<String> {
        let module = &self.modules[module];
        match module.parent {
            Some(parent) => self.path_of(parent).into_iter().chain([module.name.clone()]).collect(),
            None => vec!["crate".to_owned()],
        }
    }

    fn resolve_within(&self, module: usize, path: &[String], imports_left: usize) -> Option<Place> {
        let mut place = module;
        let mut anchored = false;
        for (index, word) in path.iter().enumerate() {
            match word.as_str() {
                "crate" => place = 0,
                "self" => {}
                "super" => place = self.modules[place].parent?,
                word => match self.lookup(place, word, imports_left) {
                    Some(Place::Module(next)) => place = next,
                    Some(item) => return Some(item),
                    // The name was made by a macro, or isn't ours.
                    None => return (anchored && index > 0).then_some(Place::ItemOf(place)),
                },
            }
            anchored = true;
        }
        Some(Place::Module(place))
    }

    fn lookup(&self, module: usize, name: &str, imports_left: usize) -> Option<Place> {
        let imports_left = imports_left.checked_sub(1)?;
        match self.modules[module].names.get(name) {
            Some(Name::Module(child)) => return Some(Place::Module(*child)),
            Some(Name::Defined) => return Some(Place::ItemOf(module)),
            // `use serde;` in a module would otherwise lead to itself for ever.
            Some(Name::Imported(path)) if path[0] != name || path.len() > 1 => {
                return self.resolve_within(module, path, imports_left);
            }
            _ => {}
        }
        self.modules[module].globs.iter().find_map(|glob| match self.resolve_within(module, glob, imports_left)? {
            Place::Module(from) if from != module => self.lookup(from, name, imports_left),
            _ => None,
        })
    }
}

impl Module {
    fn new(name: &str, file: &str, parent: Option<usize>, items: &[syn::Item]) -> Self {
        Self {
            name: name.to_owned(),
            file: file.to_owned(),
            parent,
            items: items.to_vec(),
            names: BTreeMap::new(),
            globs: Vec::new(),
        }
    }

    fn import(&mut self, tree: &syn::UseTree, before: &mut Vec<String>) {
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(&path.tree, before);
                before.pop();
            }
            syn::UseTree::Name(name) if name.ident == "self" => {
                if let Some(last) = before.last() {
                    self.names.insert(last.clone(), Name::Imported(before.clone()));
                }
            }
            syn::UseTree::Name(name) => self.import_as(before, &name.ident, &name.ident),
            syn::UseTree::Rename(rename) => self.import_as(before, &rename.ident, &rename.rename),
            syn::UseTree::Glob(_) => self.globs.push(before.clone()),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.import(item, before)),
        }
    }

    fn import_as(&mut self, before: &[String], name: &syn::Ident, local: &syn::Ident) {
        let path = before.iter().cloned().chain([name.to_string()]).collect();
        // A module of the same name was declared here: its items are meant as often as not, and it is the same tree.
        self.names.entry(local.to_string()).or_insert(Name::Imported(path));
    }
}

/// Whether a file is the root of a target, by cargo's conventions.
fn is_root(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let in_sources = format!("/{path}").contains("/src/");
    let target_folder =
        ["tests", "benches", "examples", "fuzz_targets"].contains(&folder.rsplit('/').next().unwrap_or(folder));
    match name {
        "lib.rs" | "main.rs" => true,
        "build.rs" => !in_sources,
        "mod.rs" => false,
        _ => (target_folder && !in_sources) || folder.ends_with("src/bin"),
    }
}

fn name_of(item: &syn::Item) -> Option<String> {
    let name = match item {
        syn::Item::Const(item) => &item.ident,
        syn::Item::Enum(item) => &item.ident,
        syn::Item::Fn(item) => &item.sig.ident,
        syn::Item::Macro(item) => item.ident.as_ref()?,
        syn::Item::Static(item) => &item.ident,
        syn::Item::Struct(item) => &item.ident,
        syn::Item::Trait(item) => &item.ident,
        syn::Item::TraitAlias(item) => &item.ident,
        syn::Item::Type(item) => &item.ident,
        syn::Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

fn attribute_path(attributes: &[syn::Attribute]) -> Option<String> {
    attributes.iter().find(|attribute| attribute.path().is_ident("path")).and_then(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    })
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// The path without `.` and `..`.
fn normal(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}
