//! The ledger of a worker, as the configuration names it.

use std::sync::Arc;

use prometheus_client::registry::Registry;
use scriptmill::config::Config;
use scriptmill::ledger::leases::Leases;

/// Opens the ledger for the claims of this process, and registers their metrics. Returns `None` if the configuration
/// names no ledger. Call it within a tokio runtime.
#[cfg(feature = "ledger")]
pub(crate) async fn open(config: &Config, registry: &mut Registry) -> anyhow::Result<Option<Arc<Leases>>> {
    use anyhow::Context as _;
    use scriptmill::ledger::postgres::Postgres;

    if !config.ledger.is_on() {
        return Ok(None);
    }
    let options = config.ledger.clone();
    let (lease, when_down) = (options.lease, options.when_down);
    let ledger = Postgres::open(options).await.context("the ledger cannot be used")?;
    let leases = Leases::new(Arc::new(ledger), lease, when_down, worker(config));
    leases.register(registry);
    Ok(Some(leases))
}

/// Without the feature `ledger` no configuration names one.
#[cfg(not(feature = "ledger"))]
pub(crate) async fn open(_: &Config, _: &mut Registry) -> anyhow::Result<Option<Arc<Leases>>> {
    Ok(None)
}

/// The name of this process for people: its pod, or else its machine, and its process id there.
#[cfg(feature = "ledger")]
fn worker(config: &Config) -> String {
    let machine = || std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
    let place = config.scaling.pod.clone().unwrap_or_else(machine);
    format!("{place}/{}", std::process::id())
}
