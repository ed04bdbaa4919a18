//! The overlays, and how fields of their objects are read.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// The overlays; `scales` names the kind that owns the number of workers.
pub(crate) const OVERLAYS: &[Overlay] = &[
    Overlay { name: "hpa-external", scales: Some("HorizontalPodAutoscaler") },
    Overlay { name: "hpa-prometheus", scales: Some("HorizontalPodAutoscaler") },
    Overlay { name: "keda", scales: Some("ScaledObject") },
    Overlay { name: "static", scales: None },
];

pub(crate) struct Overlay {
    pub(crate) name: &'static str,
    pub(crate) scales: Option<&'static str>,
}

pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The objects of an overlay.
pub(crate) fn render(overlay: &str) -> Vec<Value> {
    let folder = repository().join("deploy/overlays").join(overlay);
    let output = Command::new("kubectl")
        .arg("kustomize")
        .arg(&folder)
        .output()
        .expect("kubectl is on PATH; `cargo xtask test` says how to come by it");
    assert!(output.status.success(), "{overlay}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    serde_saphyr::from_multiple(&text).unwrap()
}

/// How messages name an object: `Deployment scriptmill-worker`.
pub(crate) fn name(object: &Value) -> String {
    format!("{} {}", text(object, "/kind"), text(object, "/metadata/name"))
}

pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
