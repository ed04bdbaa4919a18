//! What a run logs, within its bounds.

use scriptmill_sdk::{LimitKind, Limits, LogLevel, LogLine};

use crate::abi::Level;
use crate::stop::Stop;

/// The log of one run.
#[derive(Debug)]
pub(crate) enum Logs {
    /// An entry's: its lines, and how many bytes they have.
    Kept(Vec<LogLine>, u64),
    /// A top level's, which is shown to no one: not even its lines may fill the host's memory.
    Dropped,
}

impl Logs {
    /// Nothing yet.
    pub(crate) fn kept() -> Self {
        Self::Kept(Vec::new(), 0)
    }

    /// Adds a line, unless a limit is met.
    pub(crate) fn add(&mut self, level: Level, text: &[u8], limits: &Limits) -> Result<(), Stop> {
        let Self::Kept(lines, bytes) = self else { return Ok(()) };
        let level = match level {
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        *bytes += text.len() as u64;
        if lines.len() as u64 >= limits.log_lines {
            return Err(Stop::Limit(LimitKind::LogLines));
        }
        if *bytes > limits.log_bytes {
            return Err(Stop::Limit(LimitKind::LogBytes));
        }
        lines.push(LogLine { level, text: String::from_utf8_lossy(text).into_owned() });
        Ok(())
    }

    /// The lines that were kept.
    pub(crate) fn take(&mut self) -> Vec<LogLine> {
        match self {
            Self::Kept(lines, _) => std::mem::take(lines),
            Self::Dropped => Vec::new(),
        }
    }
}
