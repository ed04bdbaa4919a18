//! What the process says about itself: lines on standard error.
//!
//! Nobody waits for them to be written. Otherwise a worker would stand still when standard error is a full pipe whose reader is
//! stuck. A thread writes the lines; those for which it has no room are lost and counted.

use std::io::{IsTerminal as _, stderr};

use anyhow::{Context as _, anyhow};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use scriptmill::config::log::{Format, Options};
use tracing::Level;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

/// The most lines that wait to be written; further ones are lost.
const LINES_MAX: usize = 1_024;

/// The log of a process. Dropping it writes the lines that are left, as long as standard error takes them without
/// delay.
pub(crate) struct Log {
    lost: LostLines,
    _guard: WorkerGuard,
}

impl Log {
    /// Lines that could not be written so far, as a metric.
    pub(crate) fn lost_lines(&self) -> Box<dyn Collector> {
        Box::new(self.lost.clone())
    }
}

/// Starts the log. To be called once.
pub(crate) fn start(log: &Options) -> anyhow::Result<Log> {
    let filter = EnvFilter::builder().parse(&log.filter).context("log.filter cannot be read")?;
    let terminal = stderr().is_terminal();
    let (writer, guard) = NonBlockingBuilder::default().buffered_lines_limit(LINES_MAX).finish(stderr());
    let lost = LostLines(writer.error_counter());
    let lines = fmt::layer().with_writer(writer);
    let layer = match log.format {
        Format::Human => lines.with_ansi(terminal).boxed(),
        Format::Auto if terminal => lines.boxed(),
        Format::Auto | Format::Json => lines.with_ansi(false).json().flatten_event(true).boxed(),
    };
    let layer = layer.with_filter(filter_fn(|line| may_be_shown(line.target(), *line.level())));
    registry().with(filter).with(layer).try_init().map_err(|error| anyhow!("the log cannot be started: {error}"))?;
    // A panic writes to standard error by itself, and would wait there.
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    Ok(Log { lost, _guard: guard })
}

/// Whether lines of this target may be shown, whatever the filter says. At their finer levels, libraries log what passes
/// through them: outcomes, tokens, passwords. lapin does so even at `WARN`; whatever it reports is logged here too.
fn may_be_shown(target: &str, level: Level) -> bool {
    let part = target.split("::").next().unwrap_or_default();
    let is_own = part.starts_with("scriptmill");
    (is_own || level <= Level::INFO) && part != "lapin" && part != "async_rs" && !part.starts_with("amq_protocol")
}

#[derive(Clone, Debug)]
struct LostLines(ErrorCounter);

impl Collector for LostLines {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let lost = ConstCounter::new(self.0.dropped_lines() as u64);
        let help = "Log lines that standard error did not take";
        lost.encode(encoder.encode_descriptor("lost_log_lines", help, None, lost.metric_type())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_do_not_say_what_passes_through_them() {
        let shown =
            [("scriptmill::settle", Level::TRACE), ("scriptmill_sandbox", Level::DEBUG), ("sqlx::query", Level::WARN)];
        let hidden = [
            ("lapin::channel", Level::WARN),
            ("amq_protocol_tcp", Level::ERROR),
            ("sqlx::query", Level::DEBUG),
            ("hyper", Level::TRACE),
        ];
        assert!(shown.iter().all(|(target, level)| may_be_shown(target, *level)));
        assert!(!hidden.iter().any(|(target, level)| may_be_shown(target, *level)));
    }
}
