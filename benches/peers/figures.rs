//! The figures that the project holds itself to, as ratios within this run.

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;

use crate::cases::{BATCH, WEIGHED};
use crate::tables::{
    BATCHES, COLD, CPU, EACH, ECHO, FURTHER, IDLE, JOBS, MEMORY, OWN, P50, Results, START, WAITING, WARM,
};

/// The bound that a figure must keep, and the one that it aims at.
#[derive(Clone, Copy)]
enum Bounds {
    AtMost { must: f64, aim: f64 },
    AtLeast { must: f64, aim: f64 },
}
use Bounds::{AtLeast, AtMost};

impl Bounds {
    /// Both bounds as text, and the verdict.
    fn verdict(self, measured: f64) -> [String; 3] {
        let (sign, must, aim, holds): (_, _, _, fn(f64, f64) -> bool) = match self {
            AtMost { must, aim } => ("≤", must, aim, |measured, bound| measured <= bound),
            AtLeast { must, aim } => ("≥", must, aim, |measured, bound| measured >= bound),
        };
        let verdict = match () {
            () if holds(measured, aim) => "aim met",
            () if holds(measured, must) => "met",
            () => "MISSED",
        };
        [format!("{sign} {must}"), format!("{sign} {aim}"), verdict.to_owned()]
    }
}

/// Prints the figures for which everything was measured.
pub(crate) fn print(results: &Results) {
    let mut table = Table::new();
    table.load_preset(ASCII_MARKDOWN);
    table.set_header(["figure", "measured", "must", "aim", ""]);
    let figures = [many_scripts(results), one_script(results), processes(results)];
    for (name, measured, bounds) in figures.into_iter().flatten().filter(|(_, measured, _)| measured.is_finite()) {
        let [must, aim, verdict] = bounds.verdict(measured);
        table.add_row([name, format!("{measured:.3}"), must, aim, verdict]);
    }
    println!("{table}");
}

type Figures = Vec<(String, f64, Bounds)>;

/// The lowest figure of one peer, whatever its number of processes.
fn least(results: &Results, what: &str, name: &str, column: &str) -> f64 {
    let peers = results.others().filter(|peer| peer.starts_with(name));
    peers.map(|peer| results.median(what, peer, column)).fold(f64::NAN, f64::min)
}

fn many_scripts(results: &Results) -> Figures {
    let own = |what, column: &str| results.median(what, OWN, column);
    let over_echo = |what, column: &str| own(what, column) / results.median(what, ECHO, column);
    let over = |peer, column: &str| own(CPU, column) / least(results, CPU, peer, column);
    let mut figures = Vec::new();
    for job in ["trivial", "order"] {
        for (count, must, aim) in [("100", 1.25, 1.1), ("1000", 1.6, 1.25)] {
            let ratio = own(CPU, &format!("{job}, {count} scripts")) / own(CPU, job);
            figures.push((format!("{job}: CPU a job, {count} scripts / one"), ratio, AtMost { must, aim }));
        }
        let each_mb = own(EACH, &format!("{FURTHER}, {job}")) / 1e3;
        let name = format!("{job}: memory, MB, each of {WEIGHED} further scripts");
        figures.push((name, each_mb, AtMost { must: 0.15, aim: 0.08 }));
    }
    let [trivial, order] = ["trivial, 100 scripts", "order, 100 scripts"];
    figures.extend([
        ("order, 100 scripts: CPU a job / echo's".to_owned(), over_echo(CPU, order), AtMost { must: 4.0, aim: 2.6 }),
        ("order, 100 scripts: jobs/s / echo's".to_owned(), over_echo(JOBS, order), AtLeast { must: 0.6, aim: 0.8 }),
        (
            "trivial, 100 scripts: jobs/s / echo's".to_owned(),
            over_echo(JOBS, trivial),
            AtLeast { must: 0.75, aim: 0.9 },
        ),
        ("order, 100 scripts: CPU a job / bun's".to_owned(), over("bun-vm", order), AtMost { must: 0.45, aim: 0.3 }),
        (
            "order, 100 scripts: CPU a job / isolated-vm's".to_owned(),
            over("isolated-vm", order),
            AtMost { must: 0.1, aim: 0.077 },
        ),
    ]);
    figures
}

fn one_script(results: &Results) -> Figures {
    let own = |what, column: &str| results.median(what, OWN, column);
    let over_echo = |what, column: &str| own(what, column) / results.median(what, ECHO, column);
    let over = |peer| own(CPU, "order") / least(results, CPU, peer, "order");
    let batches = own(BATCHES, "trivial") * BATCH as f64 / own(JOBS, "trivial");
    let fastest = least(results, P50, "", "trivial");
    vec![
        ("order: CPU a job / echo's".to_owned(), over_echo(CPU, "order"), AtMost { must: 2.6, aim: 2.0 }),
        ("trivial: jobs/s / echo's".to_owned(), over_echo(JOBS, "trivial"), AtLeast { must: 0.75, aim: 0.9 }),
        ("order: jobs/s / echo's".to_owned(), over_echo(JOBS, "order"), AtLeast { must: 0.6, aim: 0.8 }),
        (format!("batches of {BATCH} trivial inputs: results/s / jobs/s"), batches, AtLeast { must: 4.0, aim: 8.0 }),
        ("order: CPU a job / isolated-vm's".to_owned(), over("isolated-vm"), AtMost { must: 0.111, aim: 0.077 }),
        ("order: CPU a job / bun's".to_owned(), over("bun-vm"), AtMost { must: 0.6, aim: 0.4 }),
        (
            "trivial: p50 at a steady rate / the fastest peer's".to_owned(),
            own(P50, "trivial") / fastest,
            AtMost { must: 1.1, aim: 1.0 },
        ),
    ]
}

fn processes(results: &Results) -> Figures {
    let own = |what, column: &str| results.median(what, OWN, column);
    let start = |column| own(START, column) / results.median(START, ECHO, column);
    vec![
        ("start to first outcome, empty disk / echo's".to_owned(), start(COLD), AtMost { must: 4.0, aim: 2.5 }),
        ("start to first outcome, warm / echo's".to_owned(), start(WARM), AtMost { must: 4.0, aim: 2.0 }),
        ("memory, idle, MB".to_owned(), own(MEMORY, IDLE), AtMost { must: 70.0, aim: 40.0 }),
        ("a waiting sandbox, KiB".to_owned(), own(EACH, WAITING) / 1.024, AtMost { must: 200.0, aim: 100.0 }),
    ]
}
