//! Alert rules, dashboard and HAProxy's example: each is valid to the tool that reads it, and names metrics that exist.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::manifests::{list, repository, text};

/// The metrics of the fleet and of scaling, as they are scraped, beside those that a worker's registry shows already.
const SCALING_METRICS: &[&str] = &[
    "scriptmill_backlog_jobs",
    "scriptmill_backlog_seconds",
    "scriptmill_desired_replicas",
    "scriptmill_fleet_arrivals_per_second",
    "scriptmill_fleet_service_seconds",
    "scriptmill_fleet_slots",
    "scriptmill_fleet_workers",
    "scriptmill_heartbeats_ignored_total",
    "scriptmill_job_service_seconds_bucket",
    "scriptmill_job_service_seconds_count",
    "scriptmill_job_service_seconds_sum",
    "scriptmill_job_wait_seconds_bucket",
    "scriptmill_job_wait_seconds_count",
    "scriptmill_job_wait_seconds_sum",
    "scriptmill_oldest_job_wait_seconds",
    "scriptmill_outcomes_unsettled",
    "scriptmill_scaling_state",
    "scriptmill_scaling_term_slots",
    "scriptmill_signal_age_seconds",
    "scriptmill_slot_utilization_ratio",
];

/// All names that may be scraped. `metrics.txt` has those that a worker's registry shows; a test in `worker/src/metrics` writes it.
fn scraped() -> BTreeSet<String> {
    let own = read("monitoring/metrics.txt");
    own.lines().chain(SCALING_METRICS.iter().copied()).map(str::to_owned).collect()
}

/// The names of metrics in an expression.
fn named(expression: &str) -> impl Iterator<Item = &str> {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    expression.split(move |c| !part_of_name(c)).filter(|word| word.starts_with("scriptmill_"))
}

fn unknown<'a>(expressions: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let scraped = scraped();
    let named: Vec<_> = expressions.into_iter().flat_map(named).collect();
    assert!(named.len() > 5, "hardly any metric is named: {named:?}");
    named.into_iter().filter(|name| !scraped.contains(*name)).collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join("deploy").join(path)).unwrap()
}

/// Runs a tool over one of the files, and expects it to succeed.
fn lint(program: &str, arguments: &[&str], file: &Path) {
    let mut command = Command::new(program);
    let output = command.args(arguments).arg(file).output().unwrap_or_else(|error| {
        panic!("{program}: {error}; `cargo xtask test` says how to come by it");
    });
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn alerts_are_rules_over_metrics_that_exist() {
    lint("promtool", &["check", "rules", "--lint-fatal"], &repository().join("deploy/monitoring/alerts.yaml"));
    let rules: Value = serde_saphyr::from_str(&read("monitoring/alerts.yaml")).unwrap();
    let expressions =
        list(&rules, "/groups").iter().flat_map(|group| list(group, "/rules")).map(|rule| text(rule, "/expr"));
    assert_eq!(unknown(expressions), Vec::<&str>::new());
}

#[test]
fn the_dashboard_shows_metrics_that_exist_in_expressions_that_parse() {
    let dashboard: Value = serde_json::from_str(&read("monitoring/dashboard.json")).unwrap();
    let panels = list(&dashboard, "/panels");
    let targets = panels.iter().flat_map(|panel| list(panel, "/targets")).map(|target| text(target, "/expr"));
    let variables = list(&dashboard, "/templating/list").iter().map(|variable| text(variable, "/query"));
    let expressions: Vec<_> = targets.collect();
    assert_eq!(unknown(expressions.iter().copied().chain(variables)), Vec::<&str>::new());
    // Grafana's own variable would not parse as a duration.
    let rules: Vec<_> = expressions
        .iter()
        .enumerate()
        .map(|(i, expression)| {
            let expr = expression.replace("$__rate_interval", "1m");
            serde_json::json!({"record": format!("panel:expression:{i}"), "expr": expr})
        })
        .collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = serde_json::json!({"groups": [{"name": "dashboard", "rules": rules}]}).to_string();
    std::fs::write(file.path(), text).unwrap();
    lint("promtool", &["check", "rules"], file.path());
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].to_string()).collect();
    assert_eq!(ids.len(), panels.len(), "two panels have one id");
}

#[test]
fn every_metric_of_the_list_is_alerted_on_or_drawn() {
    let files = read("monitoring/alerts.yaml") + &read("monitoring/dashboard.json");
    let named: BTreeSet<_> = named(&files).collect();
    let idle = SCALING_METRICS.iter().filter(|name| !name.ends_with("_sum") && !name.ends_with("_count"));
    let forgotten: Vec<_> = idle.filter(|name| !named.contains(**name)).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}

#[test]
fn the_prometheus_adapter_takes_the_largest() {
    let rules: Value = serde_saphyr::from_str(&read("overlays/hpa-prometheus/adapter-rules.yaml")).unwrap();
    let [rule] = list(&rules, "/externalRules") else { panic!("{rules}") };
    assert_eq!(unknown_in_rule(rule), Vec::<String>::new());
    assert_eq!(text(rule, "/name/as"), "scriptmill_desired_replicas");
    assert!(text(rule, "/metricsQuery").starts_with("max("), "a sum asks for a fleet of each process");
}

fn unknown_in_rule(rule: &Value) -> Vec<String> {
    let scraped = scraped();
    named(text(rule, "/seriesQuery")).filter(|name| !scraped.contains(*name)).map(str::to_owned).collect()
}

#[test]
fn haproxy_takes_its_example() {
    lint("haproxy", &["-c", "-f"], &repository().join("deploy/haproxy/haproxy.cfg"));
}
