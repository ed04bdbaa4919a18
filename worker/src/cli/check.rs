//! `scriptmill check`: what is wrong with scripts, before any job runs them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use scriptmill_sdk::{Diagnostic, Severity};
use serde::Serialize;

use super::failure::Coded;
use super::settings::ConfigArguments;
use super::text::{say, say_json};
use super::{bundle, local, report};

const EXAMPLES: &str = "\
Examples:
  scriptmill check order.ts
  scriptmill check --strict examples/*/main.ts
  scriptmill check --json order.ts | jq '.[].diagnostics[].message'

Exit code: 0 when nothing is wrong, 1 when a script is refused (with --strict also for a warning), 2 for a wrong call.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The scripts' main files; what they import by relative paths is checked with them
    #[arg(value_name = "SCRIPT", required = true)]
    scripts: Vec<PathBuf>,
    /// Treat warnings as errors
    #[arg(long)]
    strict: bool,
    /// Print the findings as JSON, for an editor
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArguments,
}

/// What was found in one script, as JSON.
#[derive(Serialize)]
struct Findings {
    /// The main file, as it was named.
    script: PathBuf,
    /// The folder that the files in `diagnostics` are relative to.
    folder: PathBuf,
    diagnostics: Vec<Diagnostic>,
}

impl Findings {
    /// The diagnostics, each with the path of its file as seen from the current folder.
    fn named(&self) -> Vec<Diagnostic> {
        let named = |file: &str| {
            let path = self.folder.join(file);
            let same = |other: &Path| other.canonicalize().is_ok_and(|other| other == path);
            if same(&self.script) {
                return self.script.display().to_string();
            }
            let here = std::env::current_dir().and_then(|here| here.canonicalize()).unwrap_or_default();
            path.strip_prefix(here).unwrap_or(&path).display().to_string()
        };
        let mut diagnostics = self.diagnostics.clone();
        for found in &mut diagnostics {
            found.at.file = named(&found.at.file);
        }
        diagnostics
    }
}

pub(crate) fn check(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config = arguments.config.load([])?;
    let all = local::block_on(async {
        let checker = local::checker(&config)?;
        let sandbox = local::sandbox(&config, checker.clone(), 1, local::clock())?;
        let mut all = Vec::new();
        for script in arguments.scripts {
            let read = bundle::read(&script, &checker).await?;
            let mut diagnostics = sandbox.check(&read.bundle).await.map_err(Coded::ending)?;
            read.complete(&mut diagnostics);
            all.push(Findings { script, folder: read.folder, diagnostics });
        }
        Ok(all)
    })?;
    let refuses = |diagnostic: &Diagnostic| arguments.strict || diagnostic.severity == Severity::Error;
    let refused = all.iter().flat_map(|findings| &findings.diagnostics).any(refuses);
    if arguments.json {
        say_json(serde_json::to_string_pretty(&all)?)?;
    } else {
        for findings in &all {
            say(report::diagnostics(&findings.named()))?;
        }
        let count = |severity| {
            all.iter().flat_map(|findings| &findings.diagnostics).filter(|found| found.severity == severity).count()
        };
        let sum = |count, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let (errors, warnings) = (sum(count(Severity::Error), "error"), sum(count(Severity::Warning), "warning"));
        say(format_args!("{} checked, {errors}, {warnings}\n", sum(all.len(), "script")))?;
    }
    Ok(ExitCode::from(u8::from(refused)))
}
