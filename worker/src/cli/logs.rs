//! What the process says about itself: lines on standard error.

use std::io::{IsTerminal as _, stderr};

use anyhow::{Context as _, anyhow};
use scriptmill::config::log::{Format, Options};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

/// Starts the log. Called once.
pub(crate) fn start(log: &Options) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(&log.filter).context("log.filter cannot be read")?;
    let terminal = stderr().is_terminal();
    let lines = fmt::layer().with_writer(stderr);
    let layer = match log.format {
        Format::Human => lines.with_ansi(terminal).boxed(),
        Format::Auto if terminal => lines.boxed(),
        Format::Auto | Format::Json => lines.json().flatten_event(true).boxed(),
    };
    registry().with(filter).with(layer).try_init().map_err(|error| anyhow!("the log cannot be started: {error}"))
}
