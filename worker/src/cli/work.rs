//! `scriptmill work`: the worker itself.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use prometheus_client::collector::Collector;
use prometheus_client::registry::Registry;
use scriptmill::broker::amqp::{Amqp, Cancels};
use scriptmill::broker::{self, Broker};
use scriptmill::config::{self, Config, flag};
use scriptmill::execute::Runner;
use scriptmill::exporters;
use scriptmill::http::{self, Admin, ListenAddress};
use scriptmill::ledger::leases::Leases;
use scriptmill::metrics::Metrics;
use scriptmill::quarantine::Isolation;
use scriptmill::scale::{self, Fleet};
use scriptmill::service::{Parts, Service, Status};
use scriptmill_sandbox::{Clock, Sandbox};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::serving::{Stop, open};
use super::settings::{BrokerArguments, ConfigArguments};
use super::text::say;
use super::{claims, local, logs, quarantine_child};

const EXAMPLES: &str = "\
Examples:
  scriptmill work
  scriptmill work --broker amqps://mq-1:5671/prod,amqps://mq-2:5671/prod --slots 32
  scriptmill work --config /etc/scriptmill.toml --check-config
  SCRIPTMILL_WORKER__GRACE=50s scriptmill work --http 0.0.0.0:8080

Every setting of docs/configuration.md is a key of the file, an environment variable (worker.slots is
SCRIPTMILL_WORKER__SLOTS) and a flag (--set worker.slots=32). Later ones win, in this order.

SIGTERM and SIGINT stop the worker: it takes no more jobs, ends those that have begun within worker.grace, and requeues
the others.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Jobs at one time [worker.slots]
    #[arg(long, value_name = "COUNT")]
    slots: Option<String>,
    /// Address for health and metrics, or off [http.address]
    #[arg(long, value_name = "ADDRESS")]
    http: Option<String>,
    /// Say whether the configuration is right, and stop
    #[arg(long)]
    check_config: bool,
    /// Print the JSON Schema of the configuration, and stop
    #[arg(long)]
    config_schema: bool,
    #[command(flatten)]
    broker: BrokerArguments,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(crate) fn work(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.config_schema {
        say(format_args!("{:#}\n", Config::schema()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let slots = arguments.slots.map(|value| flag("worker.slots", value, "--slots"));
    let http = arguments.http.map(|value| flag("http.address", value, "--http"));
    let config = arguments.config.load(arguments.broker.settings().chain(slots).chain(http))?;
    if let Some(available) = config::available() {
        config.fits(&available)?;
    }
    if arguments.check_config {
        // Addresses that cannot be listened on are found out by listening there.
        local::block_on(listen(&config))?;
        say("the configuration is right\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    let log = logs::start(&config.log)?;
    let runtime = runtime().context("the runtime cannot be started")?;
    // The worker runs on a thread of the runtime, not on this one, which every delivery would have to wake.
    let lost_lines = log.lost_lines();
    let worked = runtime.block_on(runtime.spawn(serve(config, lost_lines))).context("the worker broke")?;
    // The end does not wait for blocking work that still runs, such as looking up a name.
    runtime.shutdown_background();
    worked?;
    Ok(ExitCode::SUCCESS)
}

/// The runtime for I/O, with one thread for each four processors. A job needs some tens of microseconds of I/O, and
/// handing it from one thread to another costs more than sharing the work gains.
fn runtime() -> std::io::Result<Runtime> {
    let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    Builder::new_multi_thread().worker_threads((processors / 4).max(1)).enable_all().build()
}

/// The worker's life: its parts are made, the admin server opened, jobs taken until a signal comes, and what has begun ended.
async fn serve(config: Config, lost_lines: Box<dyn Collector>) -> anyhow::Result<()> {
    let stop = Stop::new()?;
    let (bound, exporters) = listen(&config).await?;
    info!(bytes = config.budget().bytes(), "the most memory that this worker takes: {}", config.budget());
    let mut root = Registry::default();
    Metrics::describe_process(&mut root);
    let registry = root.sub_registry_with_prefix("scriptmill");
    registry.register_collector(lost_lines);
    let clock = local::clock();
    let metrics = Metrics::new(registry, clock.clone());
    // A start waits for the sandbox and for the broker, but neither of them waits for the other.
    let sandbox = begin_sandbox(&config, &clock);
    let (amqp, cancels) = begin_to_connect(&config);
    let leases = claims::open(&config, registry).await?;
    let sandbox = sandbox.await.context("what makes the sandbox broke")??;
    Metrics::describe(registry, &sandbox);
    let isolation: Option<Arc<dyn Isolation>> = Some(Arc::new(quarantine_child::processes(&config)?));
    let policy = config.worker.policy(config.broker.tenant_is_user, sandbox.engine_hash());
    info!(engine = sandbox.engine_hash(), slots = config.worker.slots, "the sandbox is ready");

    let retry_pause_max = config.broker.retry_pause_max;
    let parts = scale::Parts {
        heartbeats: Arc::new(amqp.heartbeats()),
        signals: metrics.signals.clone(),
        bounds: Some(policy.fingerprint()),
        looks: false,
        clock: clock.clone(),
        retry_pause_max,
    };
    let promised_wait = config.scaling.policy.promise.wait;
    let fleet = config.scaling.build(parts, registry);
    let others = fleet.others();
    let cancels: Option<Arc<dyn broker::Cancels>> = Some(Arc::new(cancels));
    let broker: Arc<dyn Broker> = Arc::new(amqp);
    let seen = broker.clone();
    let (runner, held) = (Arc::new(sandbox), leases.clone());
    let parts = Parts {
        broker,
        cancels,
        runner,
        isolation,
        leases,
        others,
        policy,
        clock,
        metrics,
        retry_pause_max,
        promised_wait,
    };
    let service = config.worker.build(parts).context("the threads that run scripts cannot be started")?;
    let (drain, leave, closed) = (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
    if let Some(bound) = bound {
        open(bound, admin(&service, seen, held, root, &fleet), closed.clone());
    }
    exporters.start(&fleet.signal(), &closed);
    tokio::spawn(stop.cancel(drain.clone(), leave.clone()));
    let end = CancellationToken::new();
    let fleet = tokio::spawn(fleet.run(drain.clone(), end.clone()));
    let worked = tokio::select! {
        worked = service.run(drain) => worked.context("the worker stopped"),
        () = leave.cancelled() => Err(anyhow!("told to stop twice: the broker delivers again what had begun")),
    };
    if let Ok(left) = worked {
        // The last heartbeat says that the worker has left.
        end.cancel();
        last_words(fleet, left).await?;
    }
    // Probes are answered to the very end.
    closed.cancel();
    worked.map(drop)
}

/// Binds the addresses that a worker listens on.
async fn listen(config: &Config) -> anyhow::Result<(Option<http::Bound>, exporters::Exporters)> {
    let bound = http::bind(config.http.address).await?;
    // Kubernetes asks only the scaler: workers hold no token with which they could ask who may read the metric.
    let exporters = exporters::Options { external_metrics_address: ListenAddress::Off, ..config.scaler.clone() };
    Ok((bound, exporters.bind().await?))
}

/// Makes the sandbox on a thread of its own.
fn begin_sandbox(config: &Config, clock: &Arc<dyn Clock>) -> JoinHandle<anyhow::Result<Sandbox>> {
    let (config, clock) = (config.clone(), clock.clone());
    spawn_blocking(move || local::sandbox(&config, local::checker(&config)?, config.worker.slots.get(), clock))
}

/// The broker and its cancels. The connections that a worker needs before its first job are begun.
fn begin_to_connect(config: &Config) -> (Amqp, Cancels) {
    let amqp = Amqp::new(config.broker.clone());
    let cancels = amqp.cancels();
    amqp.connect_ahead();
    cancels.connect_ahead();
    (amqp, cancels)
}

/// Waits for the last heartbeat, but not longer than `left`.
async fn last_words(fleet: JoinHandle<()>, left: Duration) -> anyhow::Result<()> {
    match timeout(left, fleet).await {
        Ok(ended) => ended.context("the heartbeat broke"),
        Err(_) => {
            warn!("left without a last heartbeat, since the broker does not answer");
            Ok(())
        }
    }
}

/// What the admin server asks of this worker.
fn admin<R: Runner>(
    service: &Service<R>,
    broker: Arc<dyn Broker>,
    leases: Option<Arc<Leases>>,
    registry: Registry,
    fleet: &Fleet,
) -> Admin {
    let (status, stall, trouble) = (service.status(), service.stall(), service.trouble());
    Admin {
        not_live: Arc::new(move || stall.borrow().map(|stall| stall.to_string())),
        not_ready: Arc::new(move || {
            let is_held = leases.as_ref().and_then(|leases| leases.holding()).map(|why| format!("ledger: {why}"));
            not_ready(*status.borrow(), trouble.borrow().clone(), &*broker).or(is_held)
        }),
        metrics: Arc::new(registry),
        explainer: fleet.explainer(),
    }
}

/// What is in the way of taking jobs: the broker, a permission, the broker's memory, or that the worker leaves. Returns
/// `None` if nothing is.
fn not_ready(status: Status, trouble: Option<String>, broker: &dyn Broker) -> Option<String> {
    match status {
        Status::Consuming => broker.not_publishing().map(str::to_owned),
        Status::Connecting => Some(trouble.unwrap_or_else(|| "broker: there is no connection yet".to_owned())),
        Status::Draining => Some("drain: the worker is leaving".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::{BoxFuture, FutureExt as _, ready};
    use scriptmill::broker::{Error, Message, Queue, Routing, Subscription, Target};

    use super::*;

    /// A broker that says why nothing can be published, if anything is in the way.
    struct Held(Option<&'static str>);

    impl Broker for Held {
        fn subscribe(&self, _: Queue, _: u16) -> BoxFuture<'_, Result<Box<dyn Subscription>, Error>> {
            ready(Err(Error::Full)).boxed()
        }

        fn publish<'a>(&'a self, _: &'a Target, _: &'a Message) -> BoxFuture<'a, Result<Routing, Error>> {
            ready(Err(Error::Full)).boxed()
        }

        fn publish_alone<'a>(&'a self, _: &'a Target, _: &'a Message) -> BoxFuture<'a, Result<Routing, Error>> {
            ready(Err(Error::Full)).boxed()
        }

        fn not_publishing(&self) -> Option<&'static str> {
            self.0
        }

        fn close(&self) -> BoxFuture<'_, ()> {
            ready(()).boxed()
        }
    }

    #[test]
    fn a_worker_that_is_not_ready_says_what_is_in_the_way() {
        let memory = "memory: the broker holds publishing back";
        let refused = "permission: SM4103: the broker refuses the user";
        for (status, trouble, blocked, expected) in [
            (Status::Connecting, None, None, Some("broker: there is no connection yet")),
            (Status::Connecting, Some(refused), None, Some(refused)),
            (Status::Consuming, None, None, None),
            // What was in the way of an earlier attempt to connect is over.
            (Status::Consuming, Some(refused), None, None),
            (Status::Consuming, None, Some(memory), Some(memory)),
            (Status::Draining, Some(refused), Some(memory), Some("drain: the worker is leaving")),
        ] {
            let found = not_ready(status, trouble.map(str::to_owned), &Held(blocked));
            assert_eq!(found.as_deref(), expected, "{status:?}, {trouble:?}, {blocked:?}");
        }
    }
}
