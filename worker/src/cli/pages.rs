//! `scriptmill completions` and `scriptmill manual`: what a shell and `man` know of the commands.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::{Shell, generate};

use super::failure::Coded;
use super::text::say;

const EXAMPLES: &str = "\
Examples:
  scriptmill completions bash > ~/.local/share/bash-completion/completions/scriptmill
  scriptmill completions fish > ~/.config/fish/completions/scriptmill.fish";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Manual {
    /// The folder to write the pages into
    folder: PathBuf,
}

pub(crate) fn completions(arguments: &Completions, mut command: Command) -> anyhow::Result<ExitCode> {
    let mut text = Vec::new();
    generate(arguments.shell, &mut command, "scriptmill", &mut text);
    say(String::from_utf8_lossy(&text))?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn manual(arguments: &Manual, command: Command) -> anyhow::Result<ExitCode> {
    let folder = &arguments.folder;
    if !folder.is_dir() {
        let message = format!("there is no folder {}", folder.display());
        return Err(Coded::usage(scriptmill_sdk::Code::UnreadableFile, message).into());
    }
    clap_mangen::generate_to(command, folder).context("the manual cannot be written")?;
    Ok(ExitCode::SUCCESS)
}
