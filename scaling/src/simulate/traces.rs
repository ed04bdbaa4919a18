//! The traces that policies are compared on.

use rand::{RngExt as _, SeedableRng as _};
use rand_distr::{Distribution as _, Exp1, LogNormal, Pareto};
use rand_pcg::Pcg64Mcg;

use super::trace::{Episode, Fault, Job, Trace};

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3_600.0;
const SHORT: Service = Service::Exponential(0.5);

/// The names of all traces.
pub const NAMES: [&str; 17] = [
    "steady",
    "step",
    "burst",
    "diurnal",
    "heavy",
    "heavier",
    "waiting",
    "downstream",
    "outage",
    "skew",
    "stall",
    "fresh stall",
    "long jobs",
    "import",
    "ramp",
    "mixture",
    "bursty",
];

/// Slot times.
#[derive(Clone, Copy)]
enum Service {
    Exponential(f64),
    /// Log-normal, with a mean and a squared coefficient of variation.
    LogNormal(f64, f64),
    /// Pareto with a mean and a tail index, no job being longer than 200 means.
    Pareto(f64, f64),
    /// Nine in ten short, nine in a hundred of two seconds, one in a hundred of half a minute.
    Mixture,
}

impl Service {
    fn draw(self, random: &mut Pcg64Mcg) -> f64 {
        let exponential = |random: &mut Pcg64Mcg| -> f64 { Exp1.sample(random) };
        match self {
            Self::Exponential(mean) => mean * exponential(random),
            Self::LogNormal(mean, variation) => {
                let sigma = (1.0 + variation).ln().sqrt();
                LogNormal::new(mean.ln() - sigma * sigma / 2.0, sigma).map_or(mean, |service| service.sample(random))
            }
            Self::Pareto(mean, index) => {
                let least = mean * (index - 1.0) / index;
                Pareto::new(least, index).map_or(mean, |service| service.sample(random)).min(200.0 * mean)
            }
            Self::Mixture => match random.random::<f64>() {
                share if share < 0.9 => 0.1 * exponential(random),
                share if share < 0.99 => 2.0 * exponential(random),
                _ => 30.0 * exponential(random),
            },
        }
    }

    fn mean(self) -> f64 {
        match self {
            Self::Exponential(mean) | Self::LogNormal(mean, _) | Self::Pareto(mean, _) => mean,
            Self::Mixture => 0.09 + 0.18 + 0.3,
        }
    }
}

/// Jobs that arrive at random, at a rate that takes `load(t)` slots in the mean.
fn arrivals(random: &mut Pcg64Mcg, seconds: f64, service: Service, wait: f64, load: impl Fn(f64) -> f64) -> Vec<Job> {
    let mut jobs = Vec::new();
    let mut at = 0.0;
    // In steps of at most half a second, so that a rate which changes is followed.
    while at < seconds {
        let rate = load(at) / service.mean();
        let exponential: f64 = Exp1.sample(random);
        let gap = exponential / rate.max(1e-9);
        if gap > 0.5 {
            at += 0.5;
            continue;
        }
        at += gap;
        let waits: f64 = if wait > 0.0 { Exp1.sample(random) } else { 0.0 };
        jobs.push(Job { at, service: service.draw(random), wait: wait * waits });
    }
    jobs.retain(|job| job.at < seconds);
    jobs
}

/// Ten times the load for 45 s, every ten minutes or so.
fn burst(random: &mut Pcg64Mcg) -> Vec<Job> {
    let starts: [f64; 6] = std::array::from_fn(|k| (5.0 + 10.0 * k as f64) * MINUTE + 60.0 * random.random::<f64>());
    let is_burst = |t: f64| starts.iter().any(|start| (*start..start + 45.0).contains(&t));
    arrivals(random, HOUR, SHORT, 0.0, |t| if is_burst(t) { 200.0 } else { 20.0 })
}

/// A day, pressed into a few hours.
fn diurnal(random: &mut Pcg64Mcg, seconds: f64) -> Vec<Job> {
    let noise = wander(random, seconds, 120.0, 0.12);
    let day = |t: f64| 45.0 - 37.0 * (std::f64::consts::TAU * t / seconds).cos();
    arrivals(random, seconds, SHORT, 0.0, |t| day(t) * noise(t))
}

/// 30,000 jobs within a second, twice.
fn import(random: &mut Pcg64Mcg) -> Vec<Job> {
    let mut jobs = arrivals(random, HOUR, SHORT, 0.0, |_| 20.0);
    for start in [15.0, 40.0] {
        for _ in 0..30_000 {
            let at = start * MINUTE + random.random::<f64>();
            jobs.push(Job { at, service: SHORT.draw(random), wait: 0.0 });
        }
    }
    jobs.sort_by(|one, other| one.at.total_cmp(&other.at));
    jobs
}

/// On for a quarter of a minute in the mean, off for half a minute.
fn bursty(random: &mut Pcg64Mcg) -> Vec<Job> {
    let switches = switches(random, HOUR, 15.0, 30.0);
    let is_on = move |t: f64| switches.partition_point(|switch| *switch <= t) % 2 == 1;
    arrivals(random, HOUR, SHORT, 0.0, |t| if is_on(t) { 90.0 } else { 30.0 })
}

/// One of the traces of [`NAMES`]; the same seed gives the same jobs.
pub fn named(name: &str, seed: u64) -> Option<Trace> {
    let index = NAMES.iter().position(|known| *known == name)? as u64;
    let random = &mut Pcg64Mcg::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(index));
    let between = |t: f64, from: f64, to: f64| (from * MINUTE..to * MINUTE).contains(&t);
    let episode = |fault, from: f64, to: f64| vec![Episode { fault, from: from * MINUTE, to: to * MINUTE }];
    let mut trace =
        Trace { name: name.to_owned(), seconds: HOUR, jobs: Vec::new(), episodes: Vec::new(), fresh_at: None };
    let step = |t: f64| if between(t, 20.0, 50.0) { 80.0 } else { 20.0 };
    let s = HOUR;
    match name {
        "steady" => trace.jobs = arrivals(random, s, SHORT, 0.0, |_| 64.0),
        "step" => {
            trace.seconds = 1.25 * HOUR;
            trace.jobs = arrivals(random, trace.seconds, SHORT, 0.0, step);
        }
        "burst" => trace.jobs = burst(random),
        "diurnal" => {
            trace.seconds = 4.0 * HOUR;
            trace.jobs = diurnal(random, trace.seconds);
        }
        "heavy" => trace.jobs = arrivals(random, s, Service::LogNormal(0.5, 10.0), 0.0, |_| 64.0),
        "heavier" => {
            trace.seconds = 1.5 * HOUR;
            trace.jobs = arrivals(random, trace.seconds, Service::Pareto(0.5, 1.5), 0.0, |_| 64.0);
        }
        "waiting" => {
            let load = |t: f64| if between(t, 20.0, 45.0) { 15.0 } else { 8.0 };
            trace.jobs = arrivals(random, s, Service::Exponential(0.1), 6.0, load);
        }
        "downstream" => {
            trace.seconds = 1.25 * HOUR;
            trace.jobs =
                arrivals(random, trace.seconds, SHORT, 0.0, |t| if between(t, 20.0, 35.0) { 75.0 } else { 40.0 });
            trace.episodes = episode(Fault::Downstream(60.0), 15.0, 45.0);
        }
        "outage" => {
            trace.jobs = arrivals(random, s, SHORT, 0.0, |_| 48.0);
            trace.episodes = episode(Fault::Outage, 30.0, 32.0);
        }
        "skew" => {
            trace.jobs = arrivals(random, s, SHORT, 0.0, |t| if between(t, 20.0, 40.0) { 90.0 } else { 30.0 });
            trace.episodes = episode(Fault::Skew(6.0), 0.0, 60.0);
        }
        "stall" | "fresh stall" => {
            trace.jobs = arrivals(random, s, SHORT, 0.0, |_| 48.0);
            trace.episodes = episode(Fault::Stall, 30.0, 33.0);
            trace.fresh_at = (name == "fresh stall").then_some(30.0 * MINUTE + 10.0);
        }
        "long jobs" => {
            trace.seconds = 4.0 * HOUR;
            let load = |t: f64| if between(t, 90.0, 150.0) { 160.0 } else { 80.0 };
            trace.jobs = arrivals(random, trace.seconds, Service::Exponential(600.0), 0.0, load);
        }
        "import" => trace.jobs = import(random),
        "ramp" => {
            trace.jobs = arrivals(random, s, SHORT, 0.0, |t| 10.0 + 150.0 * (t / HOUR));
        }
        "mixture" => {
            trace.jobs =
                arrivals(random, s, Service::Mixture, 0.0, |t| if between(t, 25.0, 45.0) { 110.0 } else { 60.0 })
        }
        _ => trace.jobs = bursty(random),
    }
    Some(trace)
}

/// A random walk around 1 that comes back within `period` seconds, with the standard deviation `spread`.
fn wander(random: &mut Pcg64Mcg, seconds: f64, period: f64, spread: f64) -> impl Fn(f64) -> f64 + use<> {
    let step = 10.0;
    let keep = (-step / period).exp();
    let mut level = 0.0;
    let mut levels = Vec::new();
    for _ in 0..=(seconds / step) as usize {
        let normal: f64 = rand_distr::StandardNormal.sample(random);
        level = level * keep + spread * (1.0 - keep * keep).sqrt() * normal;
        levels.push((1.0 + level).max(0.2));
    }
    move |t| levels.get((t / step) as usize).copied().unwrap_or(1.0)
}

/// The times at which a load that is off at first goes on and off. The stretches are exponential, with the means `on`
/// and `off`.
fn switches(random: &mut Pcg64Mcg, seconds: f64, on: f64, off: f64) -> Vec<f64> {
    let (mut at, mut is_on, mut switches) = (0.0, false, Vec::new());
    while at < seconds {
        let exponential: f64 = Exp1.sample(random);
        at += exponential * if is_on { on } else { off };
        is_on = !is_on;
        switches.push(at);
    }
    switches
}
