//! A script on disk, as a bundle: the main file and what it imports by relative paths, and what those import.

use std::path::Path;

use anyhow::Context as _;
use scriptmill_sandbox::prepare::{Checker, ReadFailed, ScriptFiles};
use scriptmill_sdk::Code;

use super::failure::Coded;

/// Reads the script whose main file this is.
pub(crate) async fn read(main: &Path, checker: &Checker) -> anyhow::Result<ScriptFiles> {
    match checker.read(main).await {
        Ok(script) => Ok(script),
        Err(ReadFailed::File { path, error }) => {
            let message = format!("the script {} cannot be read: {error}", path.display());
            Err(Coded::usage(Code::UnreadableFile, message).into())
        }
        Err(ReadFailed::NotText(path, found)) => {
            let message = format!("{}:{} is not UTF-8 text\n{}", path.display(), found.at.line, found.excerpt);
            Err(Coded::usage(Code::SourceNotText, message).into())
        }
        Err(failed @ ReadFailed::Check(_)) => Err(failed).context("the script's imports cannot be found out"),
    }
}
