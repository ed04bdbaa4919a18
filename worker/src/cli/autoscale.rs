//! `scriptmill autoscale`: has Kubernetes set how many workers a group has.

use std::process::ExitCode;

use clap::Args;
use scriptmill::kubernetes::Groups;
use scriptmill_sdk::Code;

use super::failure::Coded;
use super::scale::{GroupArguments, block_on};
use super::text::say;

const EXAMPLES: &str = "\
Examples:
  scriptmill autoscale default --min 2 --max 60
  scriptmill autoscale default --off

Makes or changes a HorizontalPodAutoscaler on the external metric scriptmill_desired_replicas, which
prometheus-adapter serves with the rule of deploy/overlays/hpa-prometheus. Its bounds should be those of scaling.min and scaling.max. With --off the workers there are stay.

Exit code: 0 when it is done, 1 when it could not be, 2 for a wrong call.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    group: GroupArguments,
    /// Fewest workers
    #[arg(long, value_name = "N", required_unless_present = "off", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    min: Option<u32>,
    /// Most workers
    #[arg(long, value_name = "N", required_unless_present = "off", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    max: Option<u32>,
    /// Delete the autoscaler
    #[arg(long, conflicts_with_all = ["min", "max"])]
    off: bool,
}

pub(crate) fn autoscale(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let GroupArguments { group, namespace } = arguments.group;
    if let (Some(min), Some(max)) = (arguments.min, arguments.max) {
        if min > max {
            let sentence = format!("--min {min} is above --max {max}; it may be {max} at most");
            return Err(Coded::usage(Code::InvalidSetting, sentence).into());
        }
        let name = block_on(async { Groups::open(namespace).await?.autoscale(&group, min, max).await })?;
        say(format_args!("HorizontalPodAutoscaler {name}: {min} to {max} replicas\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    match block_on(async { Groups::open(namespace).await?.autoscale_off(&group).await })? {
        Some(name) => say(format_args!("HorizontalPodAutoscaler {name} is deleted; the workers there are stay\n"))?,
        None => say(format_args!("no autoscaler scales group {group}\n"))?,
    }
    Ok(ExitCode::SUCCESS)
}
