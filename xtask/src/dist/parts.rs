//! What every package has in it, and the tools that make them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::tree::Tree;
use crate::workspace;

/// The version of all packages: the workspace's.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Licences and what a reader of a package wants beside them.
const DOCUMENTS: [&str; 4] = ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "CHANGELOG.md"];
/// Shells, each with the file of its completions as distributions name it.
pub(super) const SHELLS: [(&str, &str); 3] = [
    ("bash", "bash-completion/completions/scriptmill"),
    ("zsh", "zsh/vendor-completions/_scriptmill"),
    ("fish", "fish/vendor_completions.d/scriptmill.fish"),
];

/// The platform of the binary, by the name that each tool has for it.
pub(super) struct Platform {
    /// Rust's.
    pub(super) triple: String,
    /// Debian's.
    pub(super) debian: &'static str,
    /// Node's.
    pub(super) node: &'static str,
}

impl Platform {
    /// The platform that this runs on.
    pub(super) fn own() -> Result<Self> {
        let (debian, node) = match std::env::consts::ARCH {
            "x86_64" => ("amd64", "x64"),
            "aarch64" => ("arm64", "arm64"),
            other => bail!("there is no package for processors of the kind {other}"),
        };
        Ok(Self { triple: format!("{}-unknown-linux-gnu", std::env::consts::ARCH), debian, node })
    }
}

/// The licences, and what a reader of a package wants beside them.
pub(super) fn documents(tree: &Tree, folder: &str) -> Result<()> {
    DOCUMENTS.iter().try_for_each(|name| tree.copy(&workspace::root().join(name), &format!("{folder}{name}")))
}

/// What a shell needs to complete commands, as the binary prints it.
pub(super) fn completions(binary: &Path, shell: &str) -> Result<Vec<u8>> {
    let output = Command::new(binary).args(["completions", shell]).output()?;
    if !output.status.success() {
        bail!("{} tells no completions for {shell}", binary.display());
    }
    Ok(output.stdout)
}

/// The binary's pages for `man`.
pub(super) fn manual(binary: &Path, tree: &Tree, folder: &str) -> Result<()> {
    succeed(Command::new(binary).arg("manual").arg(tree.folder(folder)?))
}

/// A folder as a compressed archive, the same for the same files.
pub(super) fn archive(parent: &Path, folder: &str, file: &Path) -> Result<PathBuf> {
    let mut tar = Command::new("tar");
    tar.args(["--create", "--gzip", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"]);
    succeed(tar.arg("--file").arg(file).arg("--directory").arg(parent).arg(folder))?;
    Ok(file.to_owned())
}

/// Runs a tool, which must succeed.
pub(super) fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{} cannot be run", command.get_program().display()))?;
    if !status.success() {
        bail!("{} did not succeed: {status}", command.get_program().display());
    }
    Ok(())
}
