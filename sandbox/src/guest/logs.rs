//! What a run logs, within its bounds.

use scriptmill_sdk::{LimitKind, Limits, LogLevel, LogLine};

use crate::abi::Level;
use crate::stop::Stop;

/// The log of one run.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    pub(crate) lines: Vec<LogLine>,
    bytes: u64,
}

impl Logs {
    /// Adds a line, unless a limit is met.
    pub(crate) fn add(&mut self, level: Level, text: &[u8], limits: &Limits) -> Result<(), Stop> {
        let level = match level {
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        self.bytes += text.len() as u64;
        if self.lines.len() as u64 >= limits.log_lines {
            return Err(Stop::Limit(LimitKind::LogLines));
        }
        if self.bytes > limits.log_bytes {
            return Err(Stop::Limit(LimitKind::LogBytes));
        }
        self.lines.push(LogLine { level, text: String::from_utf8_lossy(text).into_owned() });
        Ok(())
    }
}
