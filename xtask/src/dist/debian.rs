//! The package for Debian and for distributions derived from it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::parts::{Platform, SHELLS, VERSION, completions, documents, manual, succeed};
use super::tree::Tree;

/// The copyright file that Debian's policy asks for.
const COPYRIGHT: &str = "\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: scriptmill

Files: *
Copyright: the Scriptmill contributors
License: MIT or Apache-2.0
 The texts are LICENSE-MIT and LICENSE-APACHE, beside this file.
";

/// Makes the package, with dpkg-deb.
pub(super) fn package(binary: &Path, platform: &Platform, work: &Tree, out: &Path) -> Result<PathBuf> {
    let tree = work.tree("debian")?;
    tree.program(binary, "usr/bin/scriptmill")?;
    documents(&tree, "usr/share/doc/scriptmill/")?;
    tree.write("usr/share/doc/scriptmill/copyright", COPYRIGHT.as_bytes())?;
    for (shell, file) in SHELLS {
        tree.write(&format!("usr/share/{file}"), &completions(binary, shell)?)?;
    }
    manual(binary, &tree, "usr/share/man/man1")?;
    let control = format!(
        "Package: scriptmill\nVersion: {VERSION}\nArchitecture: {}\nMaintainer: the Scriptmill contributors \
         <scriptmill@localhost>\nSection: net\nPriority: optional\nDepends: libc6, libgcc-s1\nRecommends: \
         ca-certificates\nDescription: the script worker of a low-code platform\n Takes script jobs from RabbitMQ, runs \
         each in a WebAssembly sandbox, and publishes\n its outcome.\n",
        platform.debian
    );
    tree.write("DEBIAN/control", control.as_bytes())?;
    let file = out.join(format!("scriptmill_{VERSION}_{}.deb", platform.debian));
    let mut build = Command::new("dpkg-deb");
    build.args(["--build", "--root-owner-group", "-Zgzip", "-z6"]).arg(tree.path()).arg(&file);
    succeed(build.stdout(std::process::Stdio::null()))?;
    Ok(file)
}
