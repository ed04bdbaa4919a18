//! The scaling signal as metrics. An unknown number is absent, and never 0.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use scriptmill_scaling::State;

use super::signal::{Reading, Signal};

/// Reads the signal at every scrape.
pub(super) struct Gauges(Arc<dyn Signal>);

/// A gauge that is shown for each group.
struct Group {
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
    /// The label beside `group`; empty where there is none.
    label: &'static str,
    /// The label's values, each with its number; empty if that is unknown.
    samples: fn(&Reading) -> Vec<(&'static str, f64)>,
}

const STATES: [(State, &str); 5] = [
    (State::Ok, "ok"),
    (State::Saturated, "saturated"),
    (State::Stalled, "stalled"),
    (State::DownstreamBound, "downstream_bound"),
    (State::Unknown, "unknown"),
];

impl Gauges {
    pub(super) fn new(signal: Arc<dyn Signal>) -> Self {
        Self(signal)
    }
}

/// One gauge with one value of each group.
fn one(
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
    samples: fn(&Reading) -> Vec<(&'static str, f64)>,
) -> Group {
    Group { name, help, unit, label: "", samples }
}

/// A sample of one value; none if the value is not finite, and so unknown.
fn known(value: f64) -> Vec<(&'static str, f64)> {
    value.is_finite().then_some(("", value)).into_iter().collect()
}

fn groups() -> Vec<Group> {
    let seconds = || Some(Unit::Seconds);
    let ratio = Some(Unit::Other("ratio".to_owned()));
    vec![
        one("desired_replicas", "Workers that there should be", None, |r| known(r.demand.replicas.into())),
        Group {
            name: "scaling_term_slots",
            help: "Slots that each term of the model asks for",
            unit: None,
            label: "term",
            samples: |r| {
                let slots = r.demand.slots;
                vec![("load", slots.load), ("promise", slots.promise), ("drain", slots.drain), ("floor", slots.floor)]
            },
        },
        one("scaling_places", "Workers that jobs ask for which wait without a slot", None, |r| known(r.demand.places)),
        one("slot_utilization", "Slots in use of those there are", ratio, |r| {
            known(r.demand.observed.busy / r.demand.observed.slots)
        }),
        one("backlog_jobs", "Jobs that wait for a slot", None, |r| known(r.demand.observed.backlog)),
        one("backlog", "Time in which the slots there are work off the backlog", seconds(), |r| {
            known(r.demand.observed.backlog * r.demand.observed.service_seconds / r.demand.observed.slots)
        }),
        one("fleet_slots", "Slots of the workers that are heard", None, |r| known(r.demand.observed.slots)),
        one("fleet_busy_slots", "Slots in use", None, |r| known(r.demand.observed.busy)),
        Group {
            name: "fleet_workers",
            help: "Workers that are heard",
            unit: None,
            label: "state",
            samples: |r| {
                let seen = r.demand.observed;
                vec![("heard", seen.workers.into()), ("leaving", seen.leaving.into())]
            },
        },
        one("fleet_arrivals_per_second", "Jobs that arrive", None, |r| known(r.demand.observed.arrivals_per_second)),
        one("fleet_service", "Slot time of one job in the mean", seconds(), |r| {
            known(r.demand.observed.service_seconds)
        }),
        one("fleet_offered_load_slots", "Slots that the arriving jobs take in the mean", None, |r| {
            known(r.demand.observed.offered_load)
        }),
        one("fleet_boot", "Time from a worker's start to its first job", seconds(), |r| {
            known(r.demand.observed.boot_seconds)
        }),
        one("scaling_window", "Window that the load follows from", seconds(), |r| {
            known(r.demand.observed.window_seconds)
        }),
        one("signal_age", "Age of what all of this follows from", seconds(), |r| known(r.age.as_secs_f64())),
    ]
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let readings: Vec<_> = self.0.groups().into_iter().map(|group| (self.0.read(&group).ok(), group)).collect();
        for Group { name, help, unit, label, samples } in groups() {
            let known: Vec<_> = readings
                .iter()
                .filter_map(|(reading, group)| Some((group.as_str(), samples(reading.as_ref()?))))
                .filter(|(_, samples)| !samples.is_empty())
                .collect();
            if known.is_empty() {
                continue;
            }
            let mut metric = encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
            for (group, samples) in known {
                for (value, number) in samples {
                    let labels = [("group", group), (label, value)];
                    let labels = if label.is_empty() { labels[..1].to_vec() } else { labels.to_vec() };
                    ConstGauge::new(number).encode(metric.encode_family(&labels)?)?;
                }
            }
        }
        // The state is always shown: `unknown` is a state too.
        let help = "1 for the state that the group is in";
        let mut metric = encoder.encode_descriptor("scaling_state", help, None, MetricType::Gauge)?;
        for (reading, group) in &readings {
            let present = reading.as_ref().map_or(State::Unknown, |reading| reading.demand.state);
            for (state, name) in STATES {
                let labels = vec![("group", group.as_str()), ("state", name)];
                ConstGauge::new(i64::from(state == present)).encode(metric.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Gauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gauges").field(&self.0.groups()).finish()
    }
}
