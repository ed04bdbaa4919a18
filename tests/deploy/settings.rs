//! The settings of the pods, checked by the commands that read them.

use std::fs;
use std::path::Path;
use std::process::Command;

use scriptmill::config::{Available, Config, Sources};
use serde_json::Value;

use super::invariants::settings;
use super::manifests::{list, name, text};

/// The pods whose settings their commands refuse.
pub(crate) fn refused(objects: &[Value]) -> Vec<String> {
    objects.iter().filter(|object| object["kind"] == "Deployment").filter_map(|pod| refusal(objects, pod)).collect()
}

fn refusal(objects: &[Value], deployment: &Value) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let container = deployment.pointer("/spec/template/spec/containers/0").unwrap();
    for mount in list(container, "/volumeMounts") {
        lay(&folder.path().join(text(mount, "/mountPath").trim_start_matches('/')));
    }
    let settings = settings(objects, text(deployment, "/metadata/name"));
    let settings = settings.as_object().unwrap().iter().map(|(name, value)| {
        let value = value.as_str().unwrap();
        // Files are below the temporary folder, at the paths that they have in the pod.
        let moved =
            if name.ends_with("_FILE") { format!("{}{value}", folder.path().display()) } else { value.to_owned() };
        (name, moved)
    });
    let mut command = Command::new(env!("CARGO_BIN_EXE_scriptmill"));
    let command = command.arg(text(container, "/args/0")).arg("--check-config").env_clear().envs(settings);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    (!output.status.success()).then(|| format!("{}: {said}", name(deployment)))
}

/// Workers whose pods may use less memory than the worker takes, which therefore would not start.
pub(crate) fn too_small(objects: &[Value]) -> Vec<String> {
    let workers = objects.iter().filter(|object| {
        object["kind"] == "Deployment"
            && object.pointer("/spec/template/spec/containers/0/args/0") == Some(&"work".into())
    });
    let shortage = |deployment: &Value| {
        let settings = settings(objects, text(deployment, "/metadata/name"));
        // The files of secrets exist only in the cluster.
        let environment = settings.as_object().unwrap().iter().filter(|(name, _)| !name.ends_with("_FILE"));
        let environment = environment.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
        let config = Config::load(Sources { environment, ..Sources::default() }).unwrap();
        let limit = text(deployment, "/spec/template/spec/containers/0/resources/limits/memory");
        let bytes = limit.strip_suffix("Mi").unwrap().parse::<u64>().unwrap() << 20;
        let refused = config.fits(&Available { bytes, source: "resources.limits.memory".into() }).err();
        refused.map(|mistakes| format!("{}: {mistakes}", name(deployment)))
    };
    workers.filter_map(shortage).collect()
}

/// Writes the files of a Secret into the folder where it is mounted.
fn lay(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    if folder.ends_with("broker") {
        fs::write(folder.join("username"), "scriptmill").unwrap();
        fs::write(folder.join("password"), "secret").unwrap();
    }
    if folder.ends_with("tls") {
        let made = rcgen::generate_simple_self_signed(["scriptmill-scaler.scriptmill.svc".to_owned()]).unwrap();
        fs::write(folder.join("tls.crt"), made.cert.pem()).unwrap();
        fs::write(folder.join("tls.key"), made.signing_key.serialize_pem()).unwrap();
    }
}
