//! The manifests under `deploy/`, as `kubectl` renders them: Kubernetes knows every field, and every overlay has what
//! the worker counts on.
#![allow(clippy::unwrap_used, reason = "tests")]

mod invariants;
mod manifests;
mod monitoring;
mod schemas;
mod settings;

use serde_json::Value;

use manifests::{OVERLAYS, Overlay, render};

/// Runs a check on all overlays. The check returns what is wrong; there may be nothing.
fn hold(check: impl Fn(&Overlay, &[Value]) -> Vec<String>) {
    let mistakes: Vec<_> = OVERLAYS
        .iter()
        .flat_map(|overlay| {
            let found = check(overlay, &render(overlay.name));
            found.into_iter().map(|mistake| format!("{}: {mistake}", overlay.name))
        })
        .collect();
    assert!(mistakes.is_empty(), "\n{}", mistakes.join("\n"));
}

#[test]
fn kubernetes_knows_every_field() {
    hold(|_, objects| objects.iter().filter_map(schemas::mistake).collect());
}

#[test]
fn what_is_named_is_there() {
    hold(|_, objects| invariants::dangling(objects));
}

#[test]
fn pods_are_confined_and_end_in_time() {
    hold(|_, objects| invariants::of_pods(objects));
}

#[test]
fn one_thing_sets_the_number_of_workers() {
    hold(|overlay, objects| invariants::of_scaling(overlay.scales, objects));
}

#[test]
fn the_commands_take_the_settings_of_their_pods() {
    hold(|_, objects| settings::refused(objects));
}

#[test]
fn pods_have_the_memory_that_their_workers_take() {
    hold(|_, objects| settings::too_small(objects));
}

#[test]
fn exporters_are_reached_and_may_ask_what_they_must() {
    hold(|_, objects| invariants::of_exporters(objects));
}
