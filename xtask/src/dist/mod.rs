//! `cargo xtask dist`: what a release would carry, made of one binary. Nothing is published.

mod debian;
mod npm;
mod parts;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::workspace;
use parts::{Platform, SHELLS, VERSION, archive, completions, documents, manual, succeed};
use tree::Tree;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The binary; without it one is built with `--profile dist`
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// The folder to write into
    #[arg(long, value_name = "DIR", default_value = "target/dist-files")]
    out: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let platform = Platform::own()?;
    let binary = match &options.binary {
        Some(binary) => binary.canonicalize().with_context(|| format!("there is no {}", binary.display()))?,
        None => build()?,
    };
    fs::create_dir_all(&options.out)?;
    let out = options.out.canonicalize()?;
    let work = Tree::empty(&out.join("work"))?;
    let made = [
        tarball(&binary, &platform, &work, &out)?,
        debian::package(&binary, &platform, &work, &out)?,
        image(&binary, &out)?,
    ];
    let packages = npm::packages(&binary, &platform, &work, &out)?;
    fs::remove_dir_all(work.path())?;
    for path in made.into_iter().chain(packages) {
        println!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn build() -> Result<PathBuf> {
    let status = workspace::cargo().args(["build", "--profile", "dist", "--locked", "--bin", "scriptmill"]).status()?;
    if !status.success() {
        bail!("the binary was not built");
    }
    Ok(workspace::root().join("target/dist/scriptmill"))
}

/// The binary with its documents, completions and manual in one folder, compressed.
fn tarball(binary: &Path, platform: &Platform, work: &Tree, out: &Path) -> Result<PathBuf> {
    let name = format!("scriptmill-{VERSION}-{}", platform.triple);
    let tree = work.tree(&name)?;
    tree.program(binary, "scriptmill")?;
    documents(&tree, "")?;
    for (shell, file) in SHELLS {
        let file = file.rsplit('/').next().unwrap_or(file);
        tree.write(&format!("completions/{file}"), &completions(binary, shell)?)?;
    }
    manual(binary, &tree, "man/man1")?;
    archive(work.path(), &name, &out.join(format!("{name}.tar.gz")))
}

/// All files of an image, for `COPY --from` or `docker import`: what the Dockerfile of this repository puts upon its base.
fn image(binary: &Path, out: &Path) -> Result<PathBuf> {
    let tree = Tree::empty(&out.join("image"))?;
    tree.program(binary, "usr/local/bin/scriptmill")?;
    documents(&tree, "usr/share/doc/scriptmill/")?;
    // The engine, compiled for this very program: each start loads it. Nobody but its owner may write it.
    tree.folder("usr/local/lib/scriptmill")?;
    let program = tree.path().join("usr/local/bin/scriptmill");
    succeed(Command::new(program).arg("precompile"))?;
    Ok(tree.path().to_owned())
}
