//! Metrics of the process, with the names that all of Prometheus' client libraries use. They are read from `/proc` at every scrape;
//! without `/proc`, as on systems other than Linux, they are absent.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

#[derive(Debug)]
pub(super) struct Process;

/// What is known of the process.
struct Seen {
    cpu_seconds: f64,
    start_seconds: f64,
    virtual_bytes: i64,
    resident_bytes: i64,
    threads: i64,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut show = |name, help, unit: Option<&Unit>, metric: &dyn EncodeMetric| {
            metric.encode(encoder.encode_descriptor(name, help, unit, metric.metric_type())?)
        };
        let (seconds, bytes) = (Some(&Unit::Seconds), Some(&Unit::Bytes));
        if let Some(seen) = seen() {
            show("process_cpu", "Processor time, user and system", seconds, &ConstCounter::new(seen.cpu_seconds))?;
            let start = ConstGauge::new(seen.start_seconds);
            show("process_start_time", "When the process started, since 1970", seconds, &start)?;
            show("process_virtual_memory", "Address space", bytes, &ConstGauge::new(seen.virtual_bytes))?;
            show("process_resident_memory", "Memory", bytes, &ConstGauge::new(seen.resident_bytes))?;
            show("process_threads", "Threads", None, &ConstGauge::new(seen.threads))?;
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            let open = i64::try_from(open.count()).unwrap_or(i64::MAX);
            show("process_open_fds", "Files and sockets that are open", None, &ConstGauge::new(open))?;
        }
        match open_max() {
            Some(most) => show("process_max_fds", "Files and sockets that may be open", None, &ConstGauge::new(most)),
            None => Ok(()),
        }
    }
}

/// Reads `/proc/self/stat`, see proc_pid_stat(5).
fn seen() -> Option<Seen> {
    /// Linux reports times to processes in hundredths of a second, whatever its own tick is.
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is a name in parentheses, and may hold spaces.
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    let boot = fs::read_to_string("/proc/stat").ok()?;
    let boot: f64 = boot.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes = |name: &str| -> Option<i64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches("kB").trim().parse::<i64>().ok()
    };
    Some(Seen {
        cpu_seconds: (field(14)? + field(15)?) / TICKS,
        start_seconds: boot + field(22)? / TICKS,
        virtual_bytes: kibibytes("VmSize:")? * 1024,
        resident_bytes: kibibytes("VmRSS:")? * 1024,
        threads: kibibytes("Threads:")?,
    })
}

fn open_max() -> Option<i64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
