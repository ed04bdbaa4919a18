//! What a run logs, within its bounds.

use scriptmill_sdk::{LimitKind, Limits, LogLevel, LogLine};

use crate::abi::Level;
use crate::stop::Stop;

/// The log of one run.
#[derive(Debug)]
pub(crate) enum Logs {
    /// An entry's.
    Kept(Kept),
    /// A top level's. Nobody sees it, so its lines are dropped and cannot fill the host's memory.
    Dropped,
}

/// An entry's lines, within the limits.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    lines: Vec<LogLine>,
    bytes: u64,
    /// How many lines came after a limit was met, and which limit.
    left_out: Option<(u64, LimitKind)>,
}

impl Logs {
    /// An empty log that keeps its lines.
    pub(crate) fn kept() -> Self {
        Self::Kept(Kept::default())
    }

    /// Adds a line. Once a limit is met, it and all further lines are counted and left out, unless the limits are strict.
    pub(crate) fn add(&mut self, level: Level, text: &[u8], limits: &Limits) -> Result<(), Stop> {
        let Self::Kept(Kept { lines, bytes, left_out }) = self else { return Ok(()) };
        if let Some((count, _)) = left_out {
            *count += 1;
            return Ok(());
        }
        let level = match level {
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        *bytes += text.len() as u64;
        let limit = match () {
            () if lines.len() as u64 >= limits.log_lines => LimitKind::LogLines,
            () if *bytes > limits.log_bytes => LimitKind::LogBytes,
            () => {
                lines.push(LogLine { level, text: String::from_utf8_lossy(text).into_owned() });
                return Ok(());
            }
        };
        if limits.strict_logs {
            return Err(Stop::Limit(limit));
        }
        *left_out = Some((1, limit));
        Ok(())
    }

    /// The lines that were kept, and one that says how many were not.
    pub(crate) fn take(&mut self) -> Vec<LogLine> {
        let Self::Kept(kept) = self else { return Vec::new() };
        let Kept { mut lines, left_out, .. } = std::mem::take(kept);
        if let Some((count, limit)) = left_out {
            let words = if count == 1 { "line was" } else { "lines were" };
            let limit = if limit == LimitKind::LogLines { "logLines" } else { "logBytes" };
            let text = format!("{count} further {words} left out (limit {limit})");
            lines.push(LogLine { level: LogLevel::Warn, text });
        }
        lines
    }
}
