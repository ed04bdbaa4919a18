//! The simulator's report in a terminal.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};
use scriptmill_scaling::Policy;
use scriptmill_scaling::simulate::KINDS;
use scriptmill_scaling::simulate::compare::{COST_MAX, Overall, Runs, best_single, best_tuned, geometric_mean, ours};

fn table(header: &[&str], numbers: std::ops::RangeFrom<usize>, rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(header.to_vec());
    table.add_rows(rows);
    for column in table.column_iter_mut().skip(numbers.start) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt()
}

/// Everything that the simulator found.
pub(super) fn report(runs: &[Runs], policy: &Policy) -> String {
    let mut out = String::new();
    let (share, wait) = (100.0 * policy.promise.share, policy.promise.wait);
    _ = writeln!(
        out,
        "Promised: {share:.2} % of jobs wait at most {wait:?} for a slot; {} to {} replicas.\n",
        policy.min, policy.max
    );
    _ = writeln!(out, "{}\n", by_trace(runs));
    _ = writeln!(
        out,
        "Every policy at its best single setting over all traces, found by search, at no more than {COST_MAX} × our replica-hours.\n\
         Avoidable: broken promises above those of one who knows the future, in points; cost: replica-hours over theirs.\n"
    );
    _ = writeln!(out, "{}\n", single(runs));
    let tuned = best_tuned(runs);
    let rows = tuned.iter().map(|tuned| {
        vec![
            tuned.trace.clone(),
            format!("{}: {}", tuned.policy, tuned.setting),
            percent(tuned.broken),
            percent(tuned.ours),
            format!("{:.0}", tuned.turns),
            format!("{:.0}", tuned.our_turns),
        ]
    });
    _ = writeln!(
        out,
        "Against the baseline that breaks the fewest promises of each trace at no more than our replica-hours.\n"
    );
    let header = ["trace", "best baseline", "broken", "ours", "turns", "ours"];
    _ = writeln!(out, "{}\n", table(&header, 2.., rows.collect()));
    let not_worse = tuned.iter().filter(|tuned| tuned.is_ours_not_worse).count();
    _ = writeln!(
        out,
        "Ours breaks no more on {not_worse} of {}; geometric mean of the ratios of what is avoidable: {:.2}.",
        tuned.len(),
        geometric_mean(&tuned)
    );
    out
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

fn by_trace(runs: &[Runs]) -> String {
    let rows = runs.iter().map(|Runs { trace, omniscient, ours, direct, .. }| {
        let cost = |hours: f64| format!("{:.2}", hours / omniscient.replica_hours.max(1e-9));
        vec![
            trace.clone(),
            percent(omniscient.broken),
            format!("{:.2}", omniscient.replica_hours),
            percent(ours.broken),
            format!("{:.2} s", ours.p99_wait),
            cost(ours.replica_hours),
            format!("{:.0}", ours.turns),
            percent(direct.broken),
            cost(direct.replica_hours),
        ]
    });
    let header =
        ["trace", "unavoidable", "replica-hours", "ours broken", "p99 wait", "cost", "turns", "direct broken", "cost"];
    table(&header, 1.., rows.collect())
}

fn single(runs: &[Runs]) -> String {
    let row = |Overall { policy, setting, avoidable_points, cost, turns, p99_wait }: Overall| {
        let numbers =
            [format!("{avoidable_points:.2}"), format!("{cost:.2}"), format!("{turns:.1}"), format!("{p99_wait:.1} s")];
        [policy, setting].into_iter().chain(numbers).collect::<Vec<_>>()
    };
    let baselines = KINDS.into_iter().map(|kind| {
        best_single(runs, kind).map_or_else(|| vec![kind.to_string(), "none is that cheap".to_owned()], row)
    });
    let rows = ours(runs).into_iter().map(row).chain(baselines);
    table(&["policy", "setting", "avoidable", "cost", "turns", "longest p99"], 2.., rows.collect())
}
