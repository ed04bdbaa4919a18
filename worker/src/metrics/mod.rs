//! The worker's counters. Labels have few values: a tenant is never a label, since there may be any number of tenants.

mod process;
mod view;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use scriptmill_sandbox::{Clock, Sandbox};
use scriptmill_scaling::BOUNDS;
use scriptmill_sdk::{Code, Outcome};

use crate::cancels;
use crate::signals::Signals;
use view::View;

/// The counters of a worker.
#[derive(Clone)]
pub struct Metrics {
    /// The counts of jobs on their way through the rooms.
    pub signals: Arc<Signals>,
    /// Outcomes that the broker has confirmed, and whose jobs are acknowledged.
    jobs: Family<JobLabels, Counter>,
    /// Messages received that had been delivered before.
    pub redeliveries: Counter,
    /// Messages whose time of sending cannot be true.
    pub misdated: Counter,
    /// Messages put with the dead letters.
    dead_letters: Family<CodeLabel, Counter>,
    /// Outcomes whose queue did not take them.
    unroutable: Family<ReasonLabel, Counter>,
    /// Outcomes that wait because their queue takes none now.
    pub undelivered: Gauge,
    /// Jobs published again, to their own queue or another.
    moved: Family<ReasonLabel, Counter>,
    /// Deliveries whose connection died before they were settled; the broker delivers them again.
    pub lost: Counter,
    /// Publications tried again.
    pub publish_retries: Counter,
    /// Jobs whose script is being prepared. They have no slot.
    pub preparing: Gauge,
    /// 1 while jobs can be received.
    pub connected: Gauge,
    /// Lookups of prepared scripts: found, or missing.
    lookups: Family<ResultLabel, Counter>,
    /// How long the preparation of scripts took: waiting for their turn, the check and the image.
    preparations: Histogram,
    /// Cancels of jobs.
    pub(crate) cancels: cancels::Counts,
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
struct ResultLabel {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
    engine: String,
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
    /// Counters that are registered in `registry`. Times come from `clock`.
    pub fn new(registry: &mut Registry, clock: Arc<dyn Clock>) -> Self {
        // The bounds of the other histograms, so that a promise in seconds can be read off all of them.
        let durations = || Histogram::new(BOUNDS);
        let metrics = Self {
            signals: Signals::new(clock),
            jobs: Family::default(),
            redeliveries: Counter::default(),
            misdated: Counter::default(),
            dead_letters: Family::default(),
            unroutable: Family::default(),
            undelivered: Gauge::default(),
            moved: Family::default(),
            lost: Counter::default(),
            publish_retries: Counter::default(),
            preparing: Gauge::default(),
            connected: Gauge::default(),
            lookups: Family::default(),
            preparations: durations(),
            cancels: cancels::Counts::default(),
            durations: Family::new_with_constructor(durations),
            fuel: Family::default(),
        };
        registry.register("jobs", "Jobs settled", metrics.jobs.clone());
        registry.register("redeliveries", "Messages received that were delivered before", metrics.redeliveries.clone());
        let help = "Messages that say to be sent at a time that cannot be, as one in another unit; how long they were queued is not counted";
        registry.register("misdated_messages", help, metrics.misdated.clone());
        registry.register("dead_letters", "Messages put with the dead letters", metrics.dead_letters.clone());
        let help = "Outcomes whose queue did not take them; they are with the dead letters";
        registry.register("unroutable_outcomes", help, metrics.unroutable.clone());
        let help = "Outcomes that wait, since their queue takes none now";
        registry.register("outcomes_undelivered", help, metrics.undelivered.clone());
        let help =
            "Jobs put on a queue again: requeued, in quarantine (suspect, crash), or to begin later (retry, delay)";
        registry.register("moved_jobs", help, metrics.moved.clone());
        registry.register("lost_deliveries", "Deliveries whose connection died unsettled", metrics.lost.clone());
        registry.register("publish_retries", "Publications tried again", metrics.publish_retries.clone());
        let help = "Jobs whose script is being prepared";
        registry.register("jobs_preparing", help, metrics.preparing.clone());
        let help = "Looks for a job's script among those that are prepared: found, or missing and then prepared";
        registry.register("script_lookups", help, metrics.lookups.clone());
        let help = "How long scripts were prepared: their turn, the check, and the image; counted once for each time";
        registry.register_with_unit("script_preparation", help, Unit::Seconds, metrics.preparations.clone());
        registry.register("broker_connected", "1 while jobs can be received", metrics.connected.clone());
        metrics.cancels.register(registry);
        let help = "Where jobs' time went";
        registry.register_with_unit("job_duration", help, Unit::Seconds, metrics.durations.clone());
        registry.register("fuel", "Fuel used", metrics.fuel.clone());
        let view = View { signals: metrics.signals.clone(), preparing: metrics.preparing.clone() };
        registry.register_collector(Box::new(view));
        metrics
    }

    /// Registers metrics of the kept scripts, and of the program's version and its engine.
    pub fn describe(registry: &mut Registry, sandbox: &Sandbox) {
        let build = Family::<BuildLabels, Gauge>::default();
        let labels = BuildLabels { version: env!("CARGO_PKG_VERSION"), engine: sandbox.engine_hash().to_owned() };
        build.get_or_create(&labels).set(1);
        registry.register("build_info", "1, for this version of scriptmill and the hash of its engine", build);
        registry.register_collector(Box::new(view::Kept::of(sandbox.clone())));
    }

    /// Registers metrics of the process, under the names that all of Prometheus' client libraries use.
    pub fn describe_process(root: &mut Registry) {
        root.register_collector(Box::new(process::Process));
    }

    /// Counts a lookup of a prepared script.
    pub(crate) fn looked_up(&self, is_found: bool) {
        let result = if is_found { "found" } else { "missing" };
        self.lookups.get_or_create(&ResultLabel { result }).inc();
    }

    /// Counts a script that was prepared.
    pub(crate) fn prepared(&self, took: Duration) {
        self.preparations.observe(took.as_secs_f64());
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

    /// Counts a job that went on to a queue.
    pub(crate) fn moved(&self, reason: &'static str) {
        self.moved.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// How many jobs have gone on to a queue for this reason.
    pub fn moves(&self, reason: &'static str) -> u64 {
        self.moved.get_or_create(&ReasonLabel { reason }).get()
    }

    pub(crate) fn dead_letter(&self, code: Option<Code>) {
        self.dead_letters.get_or_create(&CodeLabel { code: name(code) }).inc();
    }
}

/// The parts of an outcome that are counted.
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
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::collections::{BTreeMap, BTreeSet};

    use prometheus_client::encoding::text::encode;
    use scriptmill_sandbox::prepare::{Bounds, Checker};
    use scriptmill_sandbox::{Options, TokioClock};

    use super::*;
    use crate::ledger::WhenDown;
    use crate::ledger::embedded::Embedded;
    use crate::ledger::leases::Leases;

    /// The file with the metrics that `deploy/monitoring` may name.
    const NAMES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/monitoring/metrics.txt");

    fn clock() -> Arc<dyn Clock> {
        Arc::new(TokioClock::new(tokio::runtime::Handle::current()))
    }

    /// What a worker with a ledger shows.
    fn shown() -> String {
        let mut registry = Registry::with_prefix("scriptmill");
        let metrics = Metrics::new(&mut registry, clock());
        // A family appears only after its first sample.
        metrics.settled(&Counted { status: "succeeded", code: None, usage: scriptmill_sdk::Usage::default() });
        metrics.dead_letter(None);
        metrics.unroutable("gone");
        metrics.moved("requeue");
        metrics.looked_up(true);
        let ledger = Embedded::new(Duration::from_secs(60), 1, Arc::new(Duration::default));
        Leases::new(Arc::new(ledger), Duration::from_secs(60), WhenDown::Hold, String::new()).register(&mut registry);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    }

    #[tokio::test]
    async fn the_names_are_those_that_alerts_and_dashboard_are_held_to() {
        let text = shown();
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let names: BTreeSet<_> =
            samples.filter_map(|line| line.split(['{', ' ']).next()).map(|name| format!("{name}\n")).collect();
        let names: String = names.into_iter().collect();
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(NAMES, &names).unwrap();
        }
        assert_eq!(std::fs::read_to_string(NAMES).unwrap(), names, "BLESS=1 rewrites it");
    }

    #[tokio::test]
    async fn a_promise_in_seconds_can_be_read_off_every_histogram() {
        // The bounds of each histogram, by its name and its labels without the bound.
        let mut histograms = BTreeMap::<String, Vec<f64>>::new();
        let text = shown();
        for (name, labels) in text.lines().filter_map(|line| line.split_once("_bucket{")) {
            let (before, rest) = labels.split_once("le=\"").unwrap();
            let (bound, after) = rest.split_once('"').unwrap();
            let labels = format!("{before}{}", after.split('}').next().unwrap_or_default());
            histograms.entry(format!("{name} {labels}")).or_default().push(bound.parse().unwrap());
        }
        let names: BTreeSet<_> = histograms.keys().filter_map(|series| series.split(' ').next()).collect();
        let expected = [
            "scriptmill_job_duration_seconds",
            "scriptmill_job_service_seconds",
            "scriptmill_job_wait_seconds",
            "scriptmill_ledger_wait_seconds",
            "scriptmill_script_preparation_seconds",
        ];
        assert_eq!(names, BTreeSet::from(expected));
        for (series, bounds) in &histograms {
            let (last, bounds) = bounds.split_last().unwrap();
            assert!(last.is_infinite(), "{series}: {last}");
            assert_eq!((bounds.first(), bounds.last()), (Some(&0.000_1), Some(&900.0)), "{series}");
            let is_near = |pair: &[f64]| pair[0] < pair[1] && pair[1] <= 2.5 * pair[0] + 1e-9;
            assert!(bounds.windows(2).all(is_near), "{series}: {bounds:?}");
        }
    }

    #[tokio::test]
    async fn build_info_names_the_version_and_the_engine_that_outcomes_name() {
        let mut options = Options::new(Checker::in_process(Bounds::default()), clock());
        options.cache_dir = std::env::var_os("SCRIPTMILL_TEST_CACHE_DIR").map(Into::into);
        let sandbox = Sandbox::new(options).unwrap();
        let mut registry = Registry::with_prefix("scriptmill");
        Metrics::describe(&mut registry, &sandbox);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let (version, engine) = (env!("CARGO_PKG_VERSION"), sandbox.engine_hash());
        assert_eq!(engine.len(), 64, "SHA-256 in hexadecimal");
        let sample = format!("scriptmill_build_info{{version=\"{version}\",engine=\"{engine}\"}} 1");
        assert!(text.lines().any(|line| line == sample), "{sample} is not in {text}");
    }
}
