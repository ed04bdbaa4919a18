//! Metrics as text, in the format that is asked for.

use std::collections::HashSet;

use axum::http::{HeaderMap, header};

/// Content type of OpenMetrics 1.0.
pub(super) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Content type of Prometheus' older format.
pub(super) const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether the caller takes OpenMetrics, as Prometheus does; `promtool check metrics` and people with `curl` don't say so.
pub(super) fn takes_open_metrics(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|kind| kind.trim().starts_with("application/openmetrics-text"))
}

/// Turns OpenMetrics into Prometheus' older format. There a counter's family is named like its samples, and there are no lines
/// for units and for the end.
pub(super) fn plain(open: &str) -> String {
    let type_of = |line: &'_ str| line.strip_prefix("# TYPE ")?.strip_suffix(" counter").map(str::to_owned);
    let counters: HashSet<_> = open.lines().filter_map(type_of).collect();
    let mut text = String::with_capacity(open.len());
    for line in open.lines() {
        if line == "# EOF" || line.starts_with("# UNIT ") {
            continue;
        }
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(kind @ ("HELP" | "TYPE")), Some(name), Some(rest)) if counters.contains(name) => {
                text.extend(["# ", kind, " ", name, "_total ", rest]);
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_named_like_its_samples() {
        let open = "# HELP a_jobs Jobs settled.\n# TYPE a_jobs counter\na_jobs_total{code=\"\"} 7\n\
                    # HELP a_wait_seconds Waits.\n# TYPE a_wait_seconds gauge\n# UNIT a_wait_seconds seconds\n\
                    a_wait_seconds 0.5\n# EOF\n";
        let expected = "# HELP a_jobs_total Jobs settled.\n# TYPE a_jobs_total counter\na_jobs_total{code=\"\"} 7\n\
                        # HELP a_wait_seconds Waits.\n# TYPE a_wait_seconds gauge\na_wait_seconds 0.5\n";
        assert_eq!(plain(open), expected);
    }
}
