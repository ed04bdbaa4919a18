//! `scriptmill simulate`: what the scaling signal would do, beside what people would pick instead.

mod page;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, bail};
use clap::Args;
use scriptmill_scaling::Policy;
use scriptmill_scaling::simulate::compare::{Runs, mean, runs};
use scriptmill_scaling::simulate::{NAMES, Setting, Trace, named};

use super::text::say;

const EXAMPLES: &str = "\
Examples:
  scriptmill simulate
  scriptmill simulate --trace burst --trace import --html report.html
  scriptmill simulate --arrivals yesterday.csv --slots 16 --max 40
  scriptmill simulate --wait 10s --seed 7 --seed 8

The demand code is the one that workers run. It is simulated behind an HPA and acting directly, beside eight other ways to
scale, each tried with many settings, and beside the fewest replicas of one who knows the future. All 17 traces take some
minutes for each seed.

A CSV file of arrivals has lines of seconds,service[,wait]: when a job arrived, how long it took a slot and how long it then
waited on the host, all in seconds.

Exit code: 0, or 2 for a wrong call or file.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A trace to run; more than one may be named [default: all]
    #[arg(long, value_name = "NAME")]
    trace: Vec<String>,
    /// A CSV file of arrivals to run instead; more than one may be named
    #[arg(long, value_name = "FILE")]
    arrivals: Vec<PathBuf>,
    /// A seed of the traces' random numbers; with more than one, each trace counts by its mean over them
    #[arg(long, default_values_t = [1], value_name = "NUMBER")]
    seed: Vec<u64>,
    /// The promised wait for a slot
    #[arg(long, default_value = "1s", value_name = "TIME")]
    wait: humantime_serde::re::humantime::Duration,
    /// Slots of one worker
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    slots: u32,
    /// The fewest replicas
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    min: u32,
    /// The most replicas
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    max: u32,
    /// Jobs that a worker takes beyond its slots
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    prefetch_margin: u32,
    /// Write the report with drawn curves to this file too
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

pub(crate) fn simulate(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut policy = Policy { min: arguments.min, max: arguments.max, ..Policy::default() };
    policy.promise.wait = *arguments.wait;
    if let Some(broken) = policy.check().first() {
        bail!("{} {}", broken.key, broken.message);
    }
    let setting = Setting {
        slots: arguments.slots,
        places: arguments.slots.saturating_mul(8),
        margin: arguments.prefetch_margin,
        min: arguments.min,
        max: arguments.max,
        wait: arguments.wait.as_secs_f64(),
        ..Setting::default()
    };
    let loads = loads(&arguments)?;
    let runs = all(&loads, |load| load.runs(&arguments.seed, &setting, &policy));
    say(table::report(&runs, &policy))?;
    if let Some(path) = arguments.html {
        let text = page::report(&runs, &policy, setting.slots).context("the curves cannot be drawn")?;
        std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
        say(format_args!("\nwith drawn curves: {}\n", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A trace that is to be run. A named trace is made only when its turn comes, since each takes tens of megabytes.
enum Load {
    Named(&'static str),
    Read(Box<Trace>),
}

impl Load {
    fn runs(&self, seeds: &[u64], setting: &Setting, policy: &Policy) -> Option<Runs> {
        match self {
            Self::Named(name) => {
                let traces = seeds.iter().filter_map(|seed| named(name, *seed));
                mean(&traces.map(|trace| runs(&trace, setting, policy)).collect::<Vec<_>>())
            }
            Self::Read(trace) => Some(runs(trace, setting, policy)),
        }
    }
}

fn loads(arguments: &Arguments) -> anyhow::Result<Vec<Load>> {
    let mut loads = Vec::new();
    for path in &arguments.arrivals {
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let name = path.file_stem().map_or_else(|| "arrivals".into(), |name| name.to_string_lossy());
        let trace =
            Trace::from_csv(&name, &text).with_context(|| format!("{} is no list of arrivals", path.display()))?;
        loads.push(Load::Read(Box::new(trace)));
    }
    for name in &arguments.trace {
        let Some(known) = NAMES.iter().find(|known| *known == name) else {
            bail!("there is no trace {name}; there are: {}", NAMES.join(", "));
        };
        loads.push(Load::Named(known));
    }
    if loads.is_empty() {
        loads.extend(NAMES.map(Load::Named));
    }
    Ok(loads)
}

/// Runs all loads, on as many threads as there are processors; the results are in the loads' order.
fn all(loads: &[Load], run: impl Fn(&Load) -> Option<Runs> + Sync) -> Vec<Runs> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(loads.len());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(load) = loads.get(index) else { break };
                    let runs = run(load);
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((index, runs));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().filter_map(|(_, runs)| runs).collect()
}
