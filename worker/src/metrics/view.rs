//! The signals as metrics.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Unit;
use scriptmill_sandbox::Sandbox;
use scriptmill_scaling::{BOUNDS, Distribution};

use crate::signals::Signals;

/// Reads the signals at every scrape.
#[derive(Debug)]
pub(super) struct View {
    pub(super) signals: Arc<Signals>,
    /// Jobs whose script is being prepared. They have not begun, but they do not wait for a slot.
    pub(super) preparing: Gauge,
}

impl Collector for View {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let seen = self.signals.snapshot();
        let (sums, level) = (seen.sums, seen.level);
        let preparing = u32::try_from(self.preparing.get()).unwrap_or(0);
        let gauge = |value: u32| ConstGauge::new(i64::from(value));
        let mut show = |name, help, unit: Option<&Unit>, metric: &dyn EncodeMetric| {
            metric.encode(encoder.encode_descriptor(name, help, unit, metric.metric_type())?)
        };
        // The count is a whole number, and no worker lives for 2^53 jobs, beyond which `f64` is not exact.
        show("deliveries", "Messages received", None, &ConstCounter::new(sums.delivered as u64))?;
        show("jobs_running", "Jobs that have a slot", None, &gauge(level.busy))?;
        let waiting = level.unstarted.saturating_sub(preparing);
        show("jobs_waiting", "Jobs received that wait for a slot", None, &gauge(waiting))?;
        show("slots", "Jobs that may run at one time", None, &gauge(level.slots))?;
        show("outcomes_unsettled", "Outcomes known and not settled", None, &gauge(level.unsettled))?;
        let seconds = Some(&Unit::Seconds);
        let oldest = ConstGauge::new(level.oldest_wait_seconds);
        let help = "How long the oldest job that has not begun has waited here";
        show("oldest_job_wait", help, seconds, &oldest)?;
        let wait = Histogram { distribution: seen.waits, sum: seen.wait_seconds };
        show("job_wait", "How long jobs waited here for a slot", seconds, &wait)?;
        let service = Histogram { distribution: seen.services, sum: sums.service_seconds };
        show("job_service", "How long jobs held a slot", seconds, &service)
    }
}

/// The prepared scripts that are kept.
pub(super) struct Kept(Sandbox);

impl Kept {
    pub(super) fn of(sandbox: Sandbox) -> Self {
        Self(sandbox)
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

impl Collector for Kept {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (scripts, bytes) = self.0.kept();
        let gauge = |value: u64| ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
        let (scripts, bytes) = (gauge(scripts), gauge(bytes));
        let help = "Scripts that are kept prepared, those that are refused among them";
        scripts.encode(encoder.encode_descriptor("scripts_kept", help, None, scripts.metric_type())?)?;
        let help = "What the images of kept scripts take";
        bytes.encode(encoder.encode_descriptor("image_cache", help, Some(&Unit::Bytes), bytes.metric_type())?)
    }
}

/// A distribution as a histogram, its sum in seconds.
struct Histogram {
    distribution: Distribution,
    sum: f64,
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
        let buckets: Vec<_> = bounds.zip(self.distribution.counts).collect();
        encoder.encode_histogram::<NoLabelSet>(self.sum, self.distribution.count(), &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}
