//! `scriptmill scale`: sets by hand how many workers a group has.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use scriptmill::kubernetes::{Error, Groups};

use super::failure::Coded;
use super::text::say;

const EXAMPLES: &str = "\
Examples:
  scriptmill scale default 5
  scriptmill scale default 0 --namespace scriptmill

The group is the value of the label scriptmill.dev/group of the workers' Deployment. Where a HorizontalPodAutoscaler or
KEDA owns its replicas, nothing is changed.

Exit code: 0 when the number is set, 1 when it could not be, 2 for a wrong call.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    group: GroupArguments,
    /// How many workers there should be
    #[arg(value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    replicas: u32,
}

/// Which group of workers is meant, and where.
#[derive(Debug, Args)]
pub(crate) struct GroupArguments {
    /// The group of workers, such as `default`
    #[arg(value_name = "GROUP", value_parser = label)]
    pub(crate) group: String,
    /// The namespace of its Deployment [default: the kubeconfig's]
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
}

pub(crate) fn scale(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let GroupArguments { group, namespace } = arguments.group;
    let scaled = block_on(async { Groups::open(namespace).await?.scale(&group, arguments.replicas).await })?;
    say(format_args!("Deployment {}: {} → {} replicas\n", scaled.deployment, scaled.before, scaled.now))?;
    Ok(ExitCode::SUCCESS)
}

/// Waits for a request to Kubernetes, and gives its error a code.
pub(crate) fn block_on<T>(asked: impl Future<Output = Result<T, Error>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
    runtime.block_on(asked).map_err(|error| {
        let coded = Coded { code: error.code(), message: error.to_string(), usage: false };
        // The innermost cause says what is wrong, such as a refused connection; those around it say only where.
        match anyhow::Chain::new(&error).skip(1).last() {
            Some(cause) => anyhow::Error::msg(cause.to_string()).context(coded),
            None => coded.into(),
        }
    })
}

/// Reads a label's value, if Kubernetes allows it. Other text could become a different selector.
fn label(text: &str) -> Result<String, String> {
    let inner = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let ends =
        text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.ends_with(|c: char| c.is_ascii_alphanumeric());
    if ends && text.len() <= 63 && text.chars().all(inner) {
        Ok(text.to_owned())
    } else {
        Err("up to 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends".to_owned())
    }
}
