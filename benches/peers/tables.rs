//! What was measured, and the tables that show it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use hdrhistogram::Histogram;

use crate::cases::{BATCH, Case};
use crate::process::{Peer, Work};

/// Memory of a worker, in bytes.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) idle: u64,
    /// What each waiting sandbox adds; 0 for the echo worker, which has none.
    pub(crate) per_sandbox: u64,
}

pub(crate) struct Results {
    peers: Vec<&'static str>,
    cases: Vec<&'static str>,
    work: BTreeMap<(&'static str, &'static str), Vec<Work>>,
    latency: BTreeMap<(&'static str, &'static str), Vec<Histogram<u64>>>,
    starts: BTreeMap<&'static str, Vec<Duration>>,
    memory: BTreeMap<&'static str, Memory>,
    batches: Vec<Work>,
}

impl Results {
    pub(crate) fn new(peers: &[Peer], cases: &[Case]) -> Self {
        Self {
            peers: peers.iter().map(|peer| peer.name).collect(),
            cases: cases.iter().map(|case| case.name).collect(),
            work: BTreeMap::new(),
            latency: BTreeMap::new(),
            starts: BTreeMap::new(),
            memory: BTreeMap::new(),
            batches: Vec::new(),
        }
    }

    pub(crate) fn load(&mut self, peer: &Peer, case: &Case, work: Work) {
        self.work.entry((peer.name, case.name)).or_default().push(work);
    }

    pub(crate) fn batch(&mut self, work: Work) {
        self.batches.push(work);
    }

    /// Results of batches a second.
    pub(crate) fn batch_results_per_second(&self) -> f64 {
        median(self.batches.iter().map(|work| work.jobs_per_second)) * BATCH as f64
    }

    pub(crate) fn latency(&mut self, peer: &Peer, case: &Case, latencies: Histogram<u64>) {
        self.latency.entry((peer.name, case.name)).or_default().push(latencies);
    }

    pub(crate) fn start(&mut self, peer: &Peer, first_outcome: Duration) {
        self.starts.entry(peer.name).or_default().push(first_outcome);
    }

    pub(crate) fn memory(&mut self, peer: &Peer, memory: Memory) {
        self.memory.insert(peer.name, memory);
    }

    pub(crate) fn jobs_per_second(&self, peer: &str, case: &str) -> f64 {
        self.median_work(peer, case, |work| work.jobs_per_second)
    }

    pub(crate) fn cpu_us(&self, peer: &str, case: &str) -> f64 {
        self.median_work(peer, case, |work| work.cpu_us)
    }

    pub(crate) fn start_ms(&self, peer: &str) -> f64 {
        median(self.starts.get(peer).into_iter().flatten().map(|start| start.as_secs_f64() * 1e3))
    }

    pub(crate) fn memory_of(&self, peer: &str) -> Option<Memory> {
        self.memory.get(peer).copied()
    }

    fn latency_us(&self, peer: &str, case: &str, quantile: f64) -> f64 {
        let rounds = self.latency.iter().find(|((p, c), _)| *p == peer && *c == case).map(|(_, rounds)| rounds);
        median(rounds.into_iter().flatten().map(|round| round.value_at_quantile(quantile) as f64))
    }

    fn median_work(&self, peer: &str, case: &str, of: impl Fn(&Work) -> f64) -> f64 {
        let rounds = self.work.iter().find(|((p, c), _)| *p == peer && *c == case).map(|(_, rounds)| rounds);
        median(rounds.into_iter().flatten().map(of))
    }

    /// A table with a row for each worker and a column for each case, each figure beside its ratio to the echo worker's.
    fn table(&self, what: &str, cases: &[&str], figure: impl Fn(&str, &str) -> f64) -> Table {
        let mut table = Table::new();
        table.load_preset(ASCII_MARKDOWN);
        table.set_header(std::iter::once(what).chain(cases.iter().copied()));
        for peer in &self.peers {
            let cell = |case: &&str| {
                let (own, echo) = (figure(peer, case), figure("echo", case));
                format!("{own:.0} ({:.2} ×)", own / echo)
            };
            table.add_row(std::iter::once((*peer).to_owned()).chain(cases.iter().map(cell)));
        }
        table
    }
}

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "In parentheses, each figure over the echo worker's.\n")?;
        writeln!(f, "{}\n", self.table("jobs/s", &self.cases, |peer, case| self.jobs_per_second(peer, case)))?;
        writeln!(f, "{}\n", self.table("CPU µs a job", &self.cases, |peer, case| self.cpu_us(peer, case)))?;
        let interactive: Vec<&str> = self
            .cases
            .iter()
            .copied()
            .filter(|case| self.latency.keys().any(|(_, measured)| measured == case))
            .collect();
        for (name, quantile) in [("p50 µs", 0.5), ("p99 µs", 0.99)] {
            writeln!(f, "{}\n", self.table(name, &interactive, |peer, case| self.latency_us(peer, case, quantile)))?;
        }
        let mut table = Table::new();
        table.load_preset(ASCII_MARKDOWN);
        table.set_header(["worker", "start to first outcome ms", "idle MB", "after load MB", "a waiting sandbox KiB"]);
        for peer in &self.peers {
            let memory = self.memory_of(peer).unwrap_or(Memory { idle: 0, per_sandbox: 0 });
            let loaded = median(
                self.cases.last().into_iter().map(|case| self.median_work(peer, case, |work| work.resident as f64)),
            );
            let per_sandbox =
                if memory.per_sandbox == 0 { "–".to_owned() } else { (memory.per_sandbox >> 10).to_string() };
            table.add_row([
                (*peer).to_owned(),
                format!("{:.0} ({:.2} ×)", self.start_ms(peer), self.start_ms(peer) / self.start_ms("echo")),
                format!("{:.0}", memory.idle as f64 / 1e6),
                format!("{:.0}", loaded / 1e6),
                per_sandbox,
            ]);
        }
        writeln!(f, "{table}\n")
    }
}

fn median(samples: impl Iterator<Item = f64>) -> f64 {
    let mut samples: Vec<f64> = samples.collect();
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}
