//! What a worker counts. Labels have few values: a tenant is never one, since there may be any number of them.

mod view;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use scriptmill_sandbox::Clock;
use scriptmill_sdk::{Code, Outcome};

use crate::signals::Signals;
use view::View;

/// The counters of a worker.
#[derive(Clone)]
pub struct Metrics {
    /// What the rooms count of jobs on their way.
    pub signals: Arc<Signals>,
    /// Outcomes that the broker has confirmed, and whose jobs are acknowledged.
    jobs: Family<JobLabels, Counter>,
    /// Messages received that had been delivered before.
    pub redeliveries: Counter,
    /// Messages put with the dead letters.
    dead_letters: Family<CodeLabel, Counter>,
    /// Outcomes whose queue did not take them.
    unroutable: Family<ReasonLabel, Counter>,
    /// Outcomes that wait, since their queue takes none now.
    pub undelivered: Gauge,
    /// Jobs requeued.
    pub requeued: Counter,
    /// Deliveries whose connection died before they were settled; the broker delivers them again.
    pub lost: Counter,
    /// Publications tried again.
    pub publish_retries: Counter,
    /// Jobs whose script is being prepared. They have no slot.
    pub preparing: Gauge,
    /// 1 while jobs can be received.
    pub connected: Gauge,
    durations: Family<PhaseLabel, Histogram>,
    /// Fuel of entries and of top levels.
    fuel: Family<FuelLabel, Counter<u64, AtomicU64>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    status: &'static str,
    /// Empty when the job succeeded.
    code: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabel {
    code: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PhaseLabel {
    phase: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FuelLabel {
    part: &'static str,
}

impl Metrics {
    /// Counters that `registry` shows. Times are those of the clock.
    pub fn new(registry: &mut Registry, clock: Arc<dyn Clock>) -> Self {
        // A tenth of a millisecond to 105 seconds, each bound four times the one before.
        let durations = || Histogram::new(exponential_buckets(0.000_1, 4.0, 11));
        let metrics = Self {
            signals: Signals::new(clock),
            jobs: Family::default(),
            redeliveries: Counter::default(),
            dead_letters: Family::default(),
            unroutable: Family::default(),
            undelivered: Gauge::default(),
            requeued: Counter::default(),
            lost: Counter::default(),
            publish_retries: Counter::default(),
            preparing: Gauge::default(),
            connected: Gauge::default(),
            durations: Family::new_with_constructor(durations),
            fuel: Family::default(),
        };
        registry.register("jobs", "Jobs settled", metrics.jobs.clone());
        registry.register("redeliveries", "Messages received that were delivered before", metrics.redeliveries.clone());
        registry.register("dead_letters", "Messages put with the dead letters", metrics.dead_letters.clone());
        let help = "Outcomes whose queue did not take them; they are with the dead letters";
        registry.register("unroutable_outcomes", help, metrics.unroutable.clone());
        let help = "Outcomes that wait, since their queue takes none now";
        registry.register("outcomes_undelivered", help, metrics.undelivered.clone());
        registry.register("requeued_jobs", "Jobs put back on their queue", metrics.requeued.clone());
        registry.register("lost_deliveries", "Deliveries whose connection died unsettled", metrics.lost.clone());
        registry.register("publish_retries", "Publications tried again", metrics.publish_retries.clone());
        let help = "Jobs whose script is being prepared";
        registry.register("jobs_preparing", help, metrics.preparing.clone());
        registry.register("broker_connected", "1 while jobs can be received", metrics.connected.clone());
        let help = "Where jobs' time went";
        registry.register_with_unit("job_duration", help, Unit::Seconds, metrics.durations.clone());
        registry.register("fuel", "Fuel used", metrics.fuel.clone());
        let view = View { signals: metrics.signals.clone(), preparing: metrics.preparing.clone() };
        registry.register_collector(Box::new(view));
        metrics
    }

    /// Counts a job that was settled with this outcome.
    pub(crate) fn settled(&self, outcome: &Counted) {
        self.jobs.get_or_create(&JobLabels { status: outcome.status, code: name(outcome.code) }).inc();
        let times = &outcome.usage.times;
        let phases = [
            ("queued", times.queued_us),
            ("waited", Some(times.waited_us)),
            ("prepared", Some(times.prepared_us)),
            ("ran", Some(times.ran_us)),
            ("host", Some(times.host_us)),
        ];
        for (phase, us) in phases {
            if let Some(us) = us {
                self.durations.get_or_create(&PhaseLabel { phase }).observe(us as f64 / 1e6);
            }
        }
        self.fuel.get_or_create(&FuelLabel { part: "entry" }).inc_by(outcome.usage.fuel);
    }

    /// Counts an outcome that could not be delivered.
    pub(crate) fn unroutable(&self, reason: &'static str) {
        self.unroutable.get_or_create(&ReasonLabel { reason }).inc();
    }

    pub(crate) fn dead_letter(&self, code: Option<Code>) {
        self.dead_letters.get_or_create(&CodeLabel { code: name(code) }).inc();
    }
}

/// What is counted of an outcome.
pub(crate) struct Counted {
    pub(crate) status: &'static str,
    pub(crate) code: Option<Code>,
    pub(crate) usage: scriptmill_sdk::Usage,
}

impl From<&Outcome> for Counted {
    fn from(outcome: &Outcome) -> Self {
        Self { status: outcome.ending.status(), code: outcome.ending.code(), usage: outcome.usage.clone() }
    }
}

fn name(code: Option<Code>) -> String {
    code.map(|code| code.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    /// What `deploy/monitoring` may name.
    const NAMES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/monitoring/metrics.txt");

    #[tokio::test]
    async fn the_names_are_those_that_alerts_and_dashboard_are_held_to() {
        let mut registry = Registry::with_prefix("scriptmill");
        let metrics = Metrics::new(
            &mut registry,
            Arc::new(scriptmill_sandbox::TokioClock::new(tokio::runtime::Handle::current())),
        );
        // A family is shown from its first sample on.
        metrics.settled(&Counted { status: "succeeded", code: None, usage: scriptmill_sdk::Usage::default() });
        metrics.dead_letter(None);
        metrics.unroutable("gone");
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let names: std::collections::BTreeSet<_> =
            samples.filter_map(|line| line.split(['{', ' ']).next()).map(|name| format!("{name}\n")).collect();
        let names: String = names.into_iter().collect();
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(NAMES, &names).unwrap();
        }
        assert_eq!(std::fs::read_to_string(NAMES).unwrap(), names, "BLESS=1 rewrites it");
    }
}
