//! A folder that is filled.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A folder that is filled with files of known permissions, whatever the permissions of their sources are.
pub(crate) struct Tree(PathBuf);

impl Tree {
    /// Makes an empty folder at `path`, and removes what was there.
    pub(crate) fn empty(path: &Path) -> Result<Self> {
        if path.exists() {
            fs::remove_dir_all(path).with_context(|| format!("{} cannot be emptied", path.display()))?;
        }
        let tree = Self(path.to_owned());
        tree.folder("")?;
        Ok(tree)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Makes an empty folder inside this one.
    pub(crate) fn tree(&self, name: &str) -> Result<Self> {
        Self::empty(&self.0.join(name))
    }

    /// Makes a folder inside this one, and the folders that lead to it.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.0.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let inner = folder.ancestors().take_while(|folder| folder.starts_with(&self.0));
        for folder in inner {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        }
        Ok(folder)
    }

    /// Writes a file that everybody may read.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.put(name, bytes, 0o644)
    }

    /// Copies a file that everybody may read.
    pub(crate) fn copy(&self, from: &Path, name: &str) -> Result<()> {
        let bytes = fs::read(from).with_context(|| format!("{} cannot be read", from.display()))?;
        self.put(name, &bytes, 0o644)
    }

    /// Copies a file that everybody may run.
    pub(crate) fn program(&self, from: &Path, name: &str) -> Result<()> {
        let bytes = fs::read(from).with_context(|| format!("{} cannot be read", from.display()))?;
        self.put(name, &bytes, 0o755)
    }

    /// Writes a file that everybody may run.
    pub(crate) fn script(&self, name: &str, text: &str) -> Result<()> {
        self.put(name, text.as_bytes(), 0o755)
    }

    fn put(&self, name: &str, bytes: &[u8], mode: u32) -> Result<()> {
        let path = self.0.join(name);
        if let Some((folder, _)) = name.rsplit_once('/') {
            self.folder(folder)?;
        }
        fs::write(&path, bytes).with_context(|| format!("{} cannot be written", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        Ok(())
    }
}
