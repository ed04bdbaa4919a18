//! `scriptmill scaler`: the scaling signal from a process that is not a worker, for times without any worker.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use prometheus_client::collector::Collector;
use prometheus_client::registry::Registry;
use scriptmill::broker::amqp::Heartbeats;
use scriptmill::config::{Config, flag};
use scriptmill::http::{self, Admin};
#[cfg(feature = "kube")]
use scriptmill::kubernetes::Groups;
use scriptmill::scale::{Parts, Signal};
use scriptmill::signals::Signals;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::serving::{Stop, open};
use super::settings::{BrokerArguments, ConfigArguments};
use super::text::say;
use super::{local, logs, scaler_explain};

const EXAMPLES: &str = "\
Examples:
  scriptmill scaler
  scriptmill scaler --http 0.0.0.0:8080 --set scaling.min=0 --set scaling.max=40
  scriptmill scaler --set scaler.keda_address=0.0.0.0:9443
  scriptmill scaler explain

It runs no jobs. It hears the workers, computes how many there should be, and shows that at /metrics as
scriptmill_desired_replicas with every term that led to it, also while there is no worker at all. /scaling/explain says why
it is that number, to browsers as a page with the last hour drawn. Workers show the same.
Where scaler.external_metrics_address is set, Kubernetes' HorizontalPodAutoscaler asks for that number there; at
scaler.keda_address, KEDA does. Run two scalers; both say the same number.

SIGTERM and SIGINT stop it.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Address for health and metrics [http.address]
    #[arg(long, value_name = "ADDRESS")]
    http: Option<String>,
    /// Say whether the configuration is right, and stop
    #[arg(long)]
    check_config: bool,
    #[command(flatten)]
    broker: BrokerArguments,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say why a running worker or scaler asks for that many workers
    Explain(scaler_explain::Arguments),
}

pub(crate) fn scaler(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if let Some(Command::Explain(arguments)) = arguments.command {
        return scaler_explain::explain(arguments);
    }
    let http = arguments.http.map(|value| flag("http.address", value, "--http"));
    let config = arguments.config.load(arguments.broker.settings().chain(http))?;
    if arguments.check_config {
        say("the configuration is right\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    let log = logs::start(&config.log)?;
    let runtime = Runtime::new().context("the runtime cannot be started")?;
    let lost_lines = log.lost_lines();
    runtime.block_on(serve(config, lost_lines))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(config: Config, lost_lines: Box<dyn Collector>) -> anyhow::Result<()> {
    let stop = Stop::new()?;
    let bound = http::bind(config.http.address).await?;
    if bound.is_none() && config.scaler.is_off() {
        bail!(
            "http.address and the addresses of scaler are off, and nothing is to be set in Kubernetes: there is nothing to do"
        );
    }
    let exporters = config.scaler.bind().await?;
    #[cfg(feature = "kube")]
    let kubernetes = if config.scaler.sets_replicas || config.scaler.pod_deletion_cost {
        let groups = Groups::open(None).await;
        Some(groups.context("scaler.sets_replicas and scaler.pod_deletion_cost need Kubernetes")?)
    } else {
        None
    };
    let mut registry = Registry::with_prefix("scriptmill");
    registry.register_collector(lost_lines);
    let (clock, group) = (local::clock(), config.scaling.group.clone());
    let parts = Parts {
        heartbeats: Arc::new(Heartbeats::new(&config.broker)),
        // The scaler has no slots and no consumers, which tells the other processes that it runs no jobs.
        signals: Signals::new(clock.clone()),
        clock,
        bounds: None,
        looks: true,
        retry_pause_max: config.broker.retry_pause_max,
    };
    let fleet = config.scaling.build(parts, &mut registry);
    let (signal, closed) = (fleet.signal(), CancellationToken::new());
    #[cfg(feature = "kube")]
    let followed = signal.clone();
    exporters.start(&signal, &closed);
    if let Some(bound) = bound {
        let group = group.clone();
        let admin = Admin {
            // A scaler does nothing that could stand still.
            not_live: Arc::new(|| None),
            not_ready: Arc::new(move || not_ready(&*signal, &group)),
            metrics: Arc::new(registry),
            explainer: fleet.explainer(),
        };
        open(bound, admin, closed.clone());
    }
    let end = CancellationToken::new();
    #[cfg(feature = "kube")]
    if let Some(groups) = kubernetes {
        let (pods, end) = (fleet.pods(), end.clone());
        let (sets_replicas, pod_deletion_cost) = (config.scaler.sets_replicas, config.scaler.pod_deletion_cost);
        tokio::spawn(async move {
            let following = async {
                if sets_replicas {
                    groups.follow(&group, &*followed, &end).await
                }
            };
            let keeping = async {
                if pod_deletion_cost {
                    groups.keep_deletion_costs(pods, &end).await
                }
            };
            tokio::join!(following, keeping);
        });
    }
    tokio::spawn(stop.cancel(end.clone(), CancellationToken::new()));
    fleet.run(end.clone(), end).await;
    closed.cancel();
    Ok(())
}

fn not_ready(signal: &dyn Signal, group: &str) -> Option<String> {
    signal.read(group).err().map(|unavailable| unavailable.to_string())
}
