//! The explanation as a page, for whoever is woken by an alert.

mod hour;

use std::error::Error;
use std::fmt::Write as _;

use scriptmill_scaling::{Asked, Policy, State, Term, rounded_up};

use crate::page::words::{count, number, percent, seconds, within};
use crate::page::{document, escaped, outlooks};
use crate::scale::{Explanation, Number, Quantiles};

/// Makes the page reload by itself every ten seconds.
const AGAIN: &str = "<meta http-equiv=\"refresh\" content=\"10\">\n";

/// The page of a group whose number is known or not.
///
/// # Errors
/// A curve cannot be drawn.
pub(super) fn explained(explanation: &Explanation) -> Result<String, Box<dyn Error>> {
    let Explanation { group, at, number, error, policy, waits, services, last_hour } = explanation;
    let mut out = String::new();
    match number {
        Some(number) => known(&mut out, number, policy),
        None => unknown(&mut out, error.as_deref().unwrap_or("the number is unknown")),
    }
    out.push_str("<h2>The last hour</h2>\n");
    hour::draw(&mut out, last_hour, policy)?;
    if let Some(number) = number {
        fleet(&mut out, number);
    }
    durations(&mut out, waits, services);
    promised(&mut out, policy);
    let (at, query) = (escaped(at), escaped(group));
    _ = writeln!(
        out,
        "<p class=\"faint\">As of {at}; this page looks again every ten seconds. \
         <a href=\"?format=json&amp;group={query}\">The same as JSON</a>; in a terminal: <code>scriptmill scaler explain</code>.</p>"
    );
    Ok(document(format_args!("Why this many workers? Group {group}"), AGAIN, &out))
}

/// The page if there is nothing to explain.
pub(super) fn refused(problem: &str, groups: &[String]) -> String {
    let mut body = format!("<p class=\"box\">{}</p>\n<p>Groups that this process knows:</p>\n<ul>\n", escaped(problem));
    for group in groups {
        let group = escaped(group);
        _ = writeln!(body, "<li><a href=\"?group={group}\">{group}</a></li>");
    }
    body.push_str("</ul>\n");
    document("Nothing to explain", "", &body)
}

fn known(out: &mut String, known: &Number, policy: &Policy) {
    let Number { replicas, state, sentence, age_seconds, observed, .. } = known;
    let class = if *state == State::Ok { "good" } else { "bad" };
    let (workers, state) = (count(f64::from(*replicas), "worker"), escaped(state.name()));
    _ = writeln!(out, "<p class=\"number\">{workers} <span class=\"state {class}\">{state}</span></p>");
    _ = writeln!(out, "<p>{}</p>", escaped(sentence));
    let leaving = if observed.leaving > 0 { format!(", and {} are leaving", observed.leaving) } else { String::new() };
    let (there, age) = (count(observed.workers.into(), "worker"), seconds(*age_seconds));
    _ = writeln!(out, "<p class=\"faint\">{there} there now{leaving}. Computed {age} ago.</p>");
    terms(out, known);
    one_more(out, known, policy);
}

fn unknown(out: &mut String, why: &str) {
    _ = writeln!(
        out,
        "<p class=\"number bad\">Unknown</p>\n<div class=\"box\"><p>{}.</p>\n<p>No number is given, and never 0 instead of one, \
         so an autoscaler keeps the workers there are. The number comes back within seconds once the cause is gone: look at \
         the broker first, then at the workers' logs.</p></div>",
        escaped(why)
    );
}

/// A table. Numbers stand in the columns from `numbers` on; a marked row stands out.
fn table(out: &mut String, header: &[&str], numbers: usize, rows: &[(bool, Vec<String>)]) {
    let class = |column: usize| if column >= numbers { " class=\"n\"" } else { "" };
    out.push_str("<table>\n<tr>");
    for (column, name) in header.iter().enumerate() {
        _ = write!(out, "<th{}>{}</th>", class(column), escaped(name));
    }
    for (is_marked, cells) in rows {
        out.push_str(if *is_marked { "</tr>\n<tr class=\"mark\">" } else { "</tr>\n<tr>" });
        for (column, cell) in cells.iter().enumerate() {
            _ = write!(out, "<td{}>{}</td>", class(column), escaped(cell));
        }
    }
    out.push_str("</tr>\n</table>\n");
}

fn terms(out: &mut String, known: &Number) {
    out.push_str("<h2>How it adds up</h2>\n");
    let rows: Vec<_> = known
        .terms
        .iter()
        .map(|Asked { term, slots, replicas }| {
            let is_largest = *term == known.needed.term;
            let what = match term {
                Term::Load => "the expected load, with the reserve that the policy wants",
                Term::Promise => "so that jobs wait no longer than promised",
                Term::Drain => "to work off the jobs that wait",
                Term::Places => "places for jobs that wait on the host",
                _ => "for the jobs that run now",
            };
            let slots = slots.map_or(String::new(), rounded_up);
            let mark = if is_largest { "the largest" } else { "" };
            (is_largest, vec![term.name().to_owned(), what.to_owned(), mark.to_owned(), slots, rounded_up(*replicas)])
        })
        .collect();
    table(out, &["term", "what it is for", "", "slots", "workers"], 3, &rows);
    _ = writeln!(out, "<pre>{}</pre>", escaped(known.arithmetic.join("\n")));
}

fn one_more(out: &mut String, known: &Number, policy: &Policy) {
    out.push_str("<h2>One more, one fewer</h2>\n");
    let header = outlooks::header(policy);
    table(out, &header.each_ref().map(String::as_str), 2, &outlooks::rows(known));
    let allowed = percent(1.0 - policy.promise.share);
    _ = writeln!(
        out,
        "<p class=\"faint\">Promised are at most {allowed} of jobs over {:?}. Use and waits are for the load that is expected, \
         the backlog for the load at present.</p>",
        policy.promise.wait
    );
}

fn fleet(out: &mut String, known: &Number) {
    let seen = &known.observed;
    let row = |name: &str, value: String| (false, vec![name.to_owned(), value]);
    let backlog = match seen.slots > 0.0 {
        true => format!(
            "{}, {} of work",
            count(seen.backlog, "job"),
            seconds(seen.backlog * seen.service_seconds / seen.slots)
        ),
        false => count(seen.backlog, "job"),
    };
    out.push_str("<h2>The fleet as it is seen</h2>\n");
    let rows = [
        row("workers that take jobs", seen.workers.to_string()),
        row("workers that are leaving", seen.leaving.to_string()),
        row("slots", format!("{}, {} each", number(seen.slots), number(seen.slots_per_worker))),
        row("slots in use", number(seen.busy)),
        row("jobs that wait for a slot", backlog),
        row("jobs that arrive", format!("{} a second", number(seen.arrivals_per_second))),
        row("slot time of a job, in the mean", seconds(seen.service_seconds)),
        row("spread of slot times (squared coefficient of variation)", number(seen.service_variation)),
        row("slots that the arriving jobs take", number(seen.offered_load)),
        row("window that this load follows from", seconds(seen.window_seconds)),
        row("from a worker's start to its first job", seconds(seen.boot_seconds)),
    ];
    table(out, &["", ""], 1, &rows);
}

fn durations(out: &mut String, waits: &Quantiles, services: &Quantiles) {
    out.push_str("<h2>Jobs of the last minute</h2>\n");
    let row = |name: &str, seen: &Quantiles| {
        let of = |quantile| within(seen.count, quantile);
        (false, vec![name.to_owned(), seen.count.to_string(), of(seen.p50), of(seen.p90), of(seen.p99)])
    };
    let rows = [row("wait at a worker for a slot", waits), row("slot time", services)];
    table(out, &["", "jobs", "half of them", "90 %", "99 %"], 1, &rows);
    out.push_str("<p class=\"faint\">The time that a job spent in the queue before a worker received it is not in its wait.</p>\n");
}

fn promised(out: &mut String, policy: &Policy) {
    let Policy { promise, target_load, min, max, drain_time, hold, certainty } = policy;
    out.push_str("<h2>The policy</h2>\n");
    let row = |key: &str, value: String| (false, vec![format!("scaling.{key}"), value]);
    let rows = [
        row("promise", format!("{} of jobs get a slot within {:?}", percent(promise.share), promise.wait)),
        row("target_load", percent(*target_load)),
        row("min, max", format!("{min} to {max} workers")),
        row("drain_time", format!("{drain_time:?}")),
        row("hold", format!("{hold:?}")),
        row("certainty", format!("{certainty} standard deviations")),
    ];
    table(out, &["setting", ""], 1, &rows);
}
