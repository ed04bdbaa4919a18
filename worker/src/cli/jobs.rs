//! The job that a command line describes.

use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use scriptmill_sdk::{Bundle, Code, Job, json};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::failure::Coded;

/// One script, its input, and what else tells one job from another.
#[derive(Debug, Args)]
pub(crate) struct JobArguments {
    /// The script's main file; what it imports by relative paths comes along
    #[arg(value_name = "SCRIPT")]
    pub(crate) script: PathBuf,
    /// The input: a file of JSON, or - for standard input [default: null]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// The function to call, by the name it is exported under
    #[arg(long, value_name = "NAME")]
    pub(crate) entry: Option<String>,
    /// The job's id, which seeds Math.random [default: a new one]
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// Whose job it is
    #[arg(long, default_value = "local")]
    pub(crate) tenant: String,
    /// Where the script's clock stands, such as 2026-01-31T09:00:00Z [default: the real time]
    #[arg(long, value_name = "TIME")]
    pub(crate) clock: Option<String>,
}

impl JobArguments {
    /// The job, with `script` as its script.
    pub(crate) fn job(&self, script: Bundle) -> anyhow::Result<Job> {
        let id = self.id.clone().unwrap_or_else(|| Uuid::now_v7().to_string());
        let tenant = self.tenant.parse();
        let tenant = tenant.map_err(|wrong| Coded::usage(Code::InvalidField, format!("tenant: {wrong}")))?;
        let job = Job {
            entry: self.entry.clone(),
            input: self.input.as_deref().map_or_else(|| Ok(RawValue::NULL.to_owned()), read_input)?,
            clock: self.clock.clone(),
            ..Job::new(id, tenant, script)
        };
        job.validate().map_err(|error| Coded::usage(Code::InvalidField, error.to_string()))?;
        Ok(job)
    }
}

/// Reads the input as JSON text. Nothing of it changes, except that white space around it and a byte order mark are
/// removed.
fn read_input(path: &Path) -> anyhow::Result<Box<RawValue>> {
    let standard = path == Path::new("-");
    let name = if standard { "standard input".to_owned() } else { path.display().to_string() };
    let mut bytes = Vec::new();
    let read = if standard {
        std::io::stdin().lock().read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::read(path).map(|read| bytes = read)
    };
    read.map_err(|error| match error.kind() {
        ErrorKind::NotFound if RawValue::from_string(name.clone()).is_ok() => Coded::usage(
            Code::UnreadableFile,
            format!(
                "--input names a file, and {name} is the input itself: write it to a file, or pipe it to `--input -`"
            ),
        ),
        _ => Coded::usage(Code::UnreadableFile, format!("the input {name} cannot be read: {error}")),
    })?;
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned());
    text.and_then(|text| {
        RawValue::from_string(text.trim_start_matches('\u{feff}').to_owned()).map_err(|error| json::fault(&error))
    })
    .map_err(|fault| Coded::usage(Code::InvalidField, format!("the input {name} {fault}")).into())
}
