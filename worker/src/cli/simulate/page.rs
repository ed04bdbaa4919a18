//! The simulator's report as one HTML file: the tables, and for each trace its load and the replicas as drawn curves.

use std::fmt::{Display, Write as _};

use anyhow::anyhow;
use plotters::prelude::{
    ChartBuilder, Color as _, IntoDrawingArea as _, LineSeries, PathElement, RGBColor, SVGBackend, SeriesLabelPosition,
    WHITE,
};
use scriptmill_scaling::Policy;
use scriptmill_scaling::simulate::compare::Runs;
use scriptmill_scaling::simulate::{Point, Score};

/// The size of one drawing, in CSS pixels.
const SIZE: (u32, u32) = (1_040, 340);
/// The scales end above the curves, so that the legend hides none.
const HEADROOM: f64 = 1.6;
/// Colours that are told apart without seeing red from green.
const OURS: RGBColor = RGBColor(0, 114, 178);
const OMNISCIENT: RGBColor = RGBColor(230, 159, 0);
const LOAD: RGBColor = RGBColor(150, 150, 150);
const QUEUE: RGBColor = RGBColor(204, 121, 167);

const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>Scriptmill: simulated scaling</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem; color: #222; background: #fff }
pre { overflow-x: auto; font-size: 13px; line-height: 1.35 }
svg { width: 100%; height: auto }
h2 { margin: 2rem 0 0 }
</style>
<h1>Simulated scaling</h1>
";

/// The report.
///
/// # Errors
/// A curve cannot be drawn.
pub(super) fn report(runs: &[Runs], policy: &Policy, slots: u32) -> anyhow::Result<String> {
    let mut out = HEAD.to_owned();
    _ = writeln!(out, "<pre>{}</pre>", escaped(&super::table::report(runs, policy)));
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
    out.push_str("</html>\n");
    Ok(out)
}

fn escaped(text: &impl Display) -> String {
    text.to_string().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Replicas of ours and of the omniscient one, with the slots in use as replicas' worth, and the queue on a scale of its own.
fn drawn(ours: &Score, omniscient: &Score, slots: f64) -> Result<String, Box<dyn std::error::Error>> {
    let mut svg = String::new();
    let most = |points: &[Point], what: fn(&Point) -> f64| points.iter().map(what).fold(0.0, f64::max);
    let minutes = ours.curve.last().map_or(1.0, |point| point.at / 60.0);
    let replicas =
        most(&ours.curve, |point| point.replicas).max(most(&omniscient.curve, |point| point.replicas)).max(1.0);
    let queue = most(&ours.curve, |point| point.queued).max(10.0);
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(48)
            .right_y_label_area_size(64)
            .build_cartesian_2d(0.0..minutes, 0.0..replicas * HEADROOM)?
            .set_secondary_coord(0.0..minutes, 0.0..queue * HEADROOM);
        chart.configure_mesh().disable_mesh().x_desc("minutes").y_desc("replicas").draw()?;
        chart.configure_secondary_axes().y_desc("jobs in the queue").draw()?;
        let series = |points: &[Point], value: fn(&Point) -> f64| -> Vec<(f64, f64)> {
            points.iter().map(|point| (point.at / 60.0, value(point))).collect()
        };
        let busy = series(&ours.curve, |point| point.busy);
        let curves = [
            ("slots in use, in replicas", LOAD, busy.into_iter().map(|(at, busy)| (at, busy / slots)).collect()),
            ("replicas of one who knows the future", OMNISCIENT, series(&omniscient.curve, |point| point.replicas)),
            ("replicas", OURS, series(&ours.curve, |point| point.replicas)),
        ];
        for (name, color, line) in curves {
            chart
                .draw_series(LineSeries::new(line, color.stroke_width(2)))?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
        }
        let queued = ours.curve.iter().map(|point| (point.at / 60.0, point.queued));
        let series = chart.draw_secondary_series(LineSeries::new(queued, QUEUE.stroke_width(1)))?;
        series
            .label("jobs in the queue")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], QUEUE.stroke_width(1)));
        let mut labels = chart.configure_series_labels();
        labels.position(SeriesLabelPosition::UpperLeft).background_style(WHITE.mix(0.8)).draw()?;
        area.present()?;
    }
    Ok(svg)
}
