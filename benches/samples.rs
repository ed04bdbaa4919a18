//! Criterion's reports on samples that a benchmark takes in rounds of its own. In these rounds the cases alternate,
//! which criterion can't do. Plots and the comparison with the last run are in `target/criterion`.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode};

/// Criterion draws nothing from fewer samples.
pub(crate) const MIN: usize = 10;

/// What was measured, a sample for each round.
pub(crate) struct Samples {
    pub(crate) name: String,
    /// Nanoseconds.
    pub(crate) samples: Vec<f64>,
}

impl Samples {
    pub(crate) fn median(&self) -> f64 {
        let mut samples = self.samples.clone();
        samples.sort_by(f64::total_cmp);
        samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

pub(crate) fn has(flag: &str) -> bool {
    std::env::args().any(|argument| argument == flag)
}

/// Whether a rough measurement is enough: it was asked for, or this runs as a test.
pub(crate) fn quick() -> bool {
    has("--quick") || has("--test") || !has("--bench")
}

/// The text that names of cases must hold: the first argument that is neither an option nor the name of a baseline.
pub(crate) fn wanted() -> String {
    let arguments: Vec<_> = std::env::args().collect();
    let wanted = arguments.windows(2).find(|pair| !pair[1].starts_with('-') && !pair[0].contains("baseline"));
    wanted.map(|pair| pair[1].clone()).unwrap_or_default()
}

/// Has criterion report on all of `measured`, of which each has [`MIN`] samples or more.
pub(crate) fn report(group: &str, measured: &[Samples]) {
    // Criterion refuses arguments that it doesn't know, and its own quick mode goes on until a call takes long enough.
    let ours = has("--no-pagemap-scan") || has("--quick");
    let mut criterion =
        if ours { Criterion::default().with_filter(wanted()) } else { Criterion::default().configure_from_args() };
    let mut group = criterion.benchmark_group(group);
    // The samples exist already: nothing needs to warm up, and each call returns one of them.
    group.sampling_mode(SamplingMode::Flat).warm_up_time(Duration::from_nanos(1));
    for measured in measured {
        let mut samples = measured.samples.iter().cycle();
        group.sample_size(measured.samples.len().max(MIN));
        group.bench_function(BenchmarkId::from_parameter(&measured.name), |bencher| {
            bencher.iter_custom(|calls| {
                let sample = samples.next().copied().unwrap_or_default();
                #[allow(clippy::cast_precision_loss, reason = "a number of calls")]
                Duration::from_secs_f64(sample * calls as f64 / 1e9)
            });
        });
    }
    group.finish();
    criterion.final_summary();
}
