//! The last hour, drawn.

use std::error::Error;

use plotters::style::RGBColor;
use scriptmill_scaling::Policy;

use crate::page::words::seconds;
use crate::page::{BLUE, Chart, Curve, GREEN, GREY, ORANGE, PINK, RED};
use crate::scale::{Known, Point};

/// The shortest time that a drawing covers, in minutes: a minute over the whole width would show nothing.
const MINUTES_MIN: f64 = 10.0;
/// How long a point's values hold, in seconds.
const STEP_SECONDS: f64 = 10.0;
/// Points that are further apart than this, in seconds, have a gap between them.
const GAP_SECONDS: f64 = 25.0;

type Value = fn(&Known) -> Option<f64>;

/// Draws what is known, and says when this process began to listen.
pub(super) fn draw(out: &mut String, points: &[Point], policy: &Policy) -> Result<(), Box<dyn Error>> {
    let Some(first) = points.first() else {
        out.push_str("<p>Nothing has been heard yet.</p>\n");
        return Ok(());
    };
    if first.seconds_ago < 3_500.0 {
        let since = seconds(first.seconds_ago);
        out.push_str(&format!(
            "<p class=\"faint\">This process began to listen {since} ago, and knows nothing of before.</p>\n"
        ));
    }
    if points.iter().all(|point| point.known.is_none()) {
        out.push_str("<p>The number was not known at any time.</p>\n");
        return Ok(());
    }
    if points.iter().any(|point| point.known.is_none()) {
        out.push_str("<p class=\"faint\">Where the curves have a gap the number was unknown.</p>\n");
    }
    let of = |name: &str, color, width, value: Value| curve(points, name, color, width, value);
    let workers = [
        of("there", GREY, 7, |known| Some(known.workers.into())),
        of("asked for", BLUE, 3, |known| Some(known.replicas.into())),
        of("load", ORANGE, 2, |known| Some(known.load)),
        of("promise", GREEN, 2, |known| Some(known.promise)),
        of("drain", RED, 2, |known| Some(known.drain)),
        of("floor", PINK, 2, |known| Some(known.floor)),
    ];
    let slots = [
        of("slots there are", GREY, 3, |known| Some(known.slots)),
        of("in use", PINK, 2, |known| Some(known.busy)),
        of("offered load: what the arriving jobs take", ORANGE, 2, |known| Some(known.offered_load)),
    ];
    let backlog = [of("jobs that wait for a slot", RED, 2, |known| Some(known.backlog))];
    let promised = policy.promise.wait.as_secs_f64();
    let mut waits = vec![
        of("time to work off the backlog, with the slots there were", RED, 2, |known| known.backlog_seconds),
        of("wait at a worker for a slot, 99 % of the jobs of a minute within", BLUE, 2, |known| known.wait_p99_seconds),
    ];
    let begin = minutes(points);
    waits.insert(
        0,
        Curve {
            name: "promised".to_owned(),
            color: GREEN,
            width: 1,
            lines: vec![vec![(begin, promised), (0.0, promised)]],
        },
    );
    for (title, unit, curves, height) in [
        ("Workers, and what each term asks for", "workers", &workers[..], 300),
        ("Load", "slots", &slots, 220),
        ("Backlog", "jobs", &backlog, 180),
        ("Waits", "seconds", &waits, 220),
    ] {
        let chart = Chart {
            title,
            time: (begin, 0.0),
            time_label: &ago,
            time_unit: "minutes ago",
            unit,
            curves,
            right: None,
            height,
        };
        out.push_str(&chart.markup()?);
    }
    Ok(())
}

/// Where the drawings begin, in minutes from now; negative.
fn minutes(points: &[Point]) -> f64 {
    -points.first().map_or(0.0, |point| point.seconds_ago / 60.0).max(MINUTES_MIN)
}

fn ago(minutes: &f64) -> String {
    let text = format!("{:.1}", minutes.abs());
    if text == "0.0" {
        return "now".to_owned();
    }
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// A value over time, drawn as stairs, since each value held until the next one was known. There is a gap where the
/// value was unknown.
fn curve(points: &[Point], name: &str, color: RGBColor, width: u32, value: Value) -> Curve {
    let mut lines: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    let mut last = None;
    for point in points {
        let now = point.known.as_ref().and_then(value).map(|value| (-point.seconds_ago / 60.0, value));
        let follows = |(at, _): (f64, f64)| -point.seconds_ago / 60.0 - at <= GAP_SECONDS / 60.0;
        if !last.is_some_and(follows) || now.is_none() {
            lines.push(Vec::new());
        }
        if let (Some(line), Some((at, value))) = (lines.last_mut(), now) {
            if let Some((_, before)) = line.last().copied() {
                line.push((at, before));
            }
            line.push((at, value));
        }
        last = now;
    }
    lines.retain(|line| !line.is_empty());
    for line in &mut lines {
        line.extend(line.last().map(|(at, value)| ((at + STEP_SECONDS / 60.0).min(0.0), *value)));
    }
    Curve { name: name.to_owned(), color, width, lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_has_gaps_where_the_number_was_unknown_or_nothing_was_computed() {
        let known = |replicas| Some(Known { replicas, ..Known::default() });
        let points = [(120.0, known(2)), (110.0, known(4)), (100.0, None), (90.0, known(3)), (60.0, known(5))];
        let points = points.map(|(seconds_ago, known)| Point { seconds_ago, known });
        let curve = curve(&points, "asked for", BLUE, 1, |known| Some(known.replicas.into()));
        let at = |seconds: f64| -seconds / 60.0;
        let first = vec![(at(120.0), 2.0), (at(110.0), 2.0), (at(110.0), 4.0), (at(100.0), 4.0)];
        let rounded = |(at, value): (f64, f64)| ((at * 60.0).round() / 60.0, value);
        let lines: Vec<Vec<_>> = curve.lines.into_iter().map(|line| line.into_iter().map(rounded).collect()).collect();
        let [second, third] =
            [(90.0, 3.0), (60.0, 5.0)].map(|(seconds, value)| vec![(at(seconds), value), (at(seconds - 10.0), value)]);
        assert_eq!(lines, [first, second, third]);
        assert_eq!((ago(&-0.0), ago(&-12.5), ago(&-60.0)), ("now".to_owned(), "12.5".to_owned(), "60".to_owned()));
    }
}
