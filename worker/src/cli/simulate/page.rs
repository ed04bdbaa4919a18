//! The simulator's report as one HTML file: the tables, and for each trace its load and the replicas as drawn curves.

use std::fmt::Write as _;

use anyhow::anyhow;
use plotters::style::RGBColor;
use scriptmill::page::{BLUE, Chart, Curve, GREY, ORANGE, PINK, document, escaped};
use scriptmill_scaling::Policy;
use scriptmill_scaling::simulate::compare::Runs;
use scriptmill_scaling::simulate::{Point, Score};

/// The report.
///
/// # Errors
/// A curve cannot be drawn.
pub(super) fn report(runs: &[Runs], policy: &Policy, slots: u32) -> anyhow::Result<String> {
    let mut out = String::new();
    _ = writeln!(out, "<pre>{}</pre>", escaped(super::table::report(runs, policy)));
    for runs in runs {
        let Runs { trace, omniscient, ours, .. } = runs;
        _ = writeln!(out, "<h2>{}</h2>", escaped(trace));
        _ = writeln!(
            out,
            "<p>{:.2} % of promises broken with {:.2} replica-hours; one who knows the future: {:.2} % with {:.2}.</p>",
            100.0 * ours.broken,
            ours.replica_hours,
            100.0 * omniscient.broken,
            omniscient.replica_hours
        );
        out.push_str(&drawn(ours, omniscient, slots.into()).map_err(|error| anyhow!("{error}"))?);
    }
    Ok(document("Simulated scaling", "", &out))
}

/// A chart of our replicas and of the omniscient one's, with the slots in use counted in replicas, and the queue on a scale
/// of its own.
fn drawn(ours: &Score, omniscient: &Score, slots: f64) -> Result<String, Box<dyn std::error::Error>> {
    let minutes = ours.curve.last().map_or(1.0, |point| point.at / 60.0);
    let curve = |name: &str, color: RGBColor, width, points: &[Point], value: &dyn Fn(&Point) -> f64| {
        let line = points.iter().map(|point| (point.at / 60.0, value(point))).collect();
        Curve { name: name.to_owned(), color, width, lines: vec![line] }
    };
    let known = "replicas of one who knows the future";
    let curves = [
        curve("slots in use, in replicas", GREY, 2, &ours.curve, &|point| point.busy / slots),
        curve(known, ORANGE, 2, &omniscient.curve, &|point| point.replicas),
        curve("replicas", BLUE, 2, &ours.curve, &|point| point.replicas),
    ];
    let queue = [curve("jobs in the queue (right)", PINK, 1, &ours.curve, &|point| point.queued)];
    let chart = Chart {
        title: "Replicas and load",
        time: (0.0, minutes),
        time_label: &|minutes| format!("{minutes:.0}"),
        time_unit: "minutes",
        unit: "replicas",
        curves: &curves,
        right: Some(("jobs in the queue", &queue)),
        height: 340,
    };
    chart.markup()
}
