//! `scriptmill scale` and `autoscale` as a person calls them, against a stand-in for Kubernetes' API.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use support::{soon, start_command, with_rabbit};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";
const HPAS: &str = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers";
const PODS: &str = "/api/v1/namespaces/shop/pods/";
const SCALED_OBJECTS: &str = "/apis/keda.sh/v1alpha1/namespaces/shop/scaledobjects";

/// What the cluster has, and what was changed in it.
#[derive(Default)]
struct Cluster {
    deployments: Vec<Value>,
    hpas: Vec<Value>,
    /// `None` if KEDA is not installed.
    scaled_objects: Option<Vec<Value>>,
    /// Refuses every change with this status.
    refuses: Option<u16>,
    changes: Mutex<Vec<String>>,
}

/// Deployment `workers`, of the group `default`.
fn one_group() -> Cluster {
    Cluster { deployments: vec![json!({"metadata": {"name": "workers"}, "spec": spec()})], ..Cluster::default() }
}

fn spec() -> Value {
    json!({"selector": {}, "template": {}})
}

fn hpa(name: &str, target: &str, metric: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {
        "maxReplicas": 9,
        "scaleTargetRef": {"kind": "Deployment", "name": target, "apiVersion": "apps/v1"},
        "metrics": [{"type": "External", "external": {"metric": {"name": metric}, "target": {"type": "AverageValue"}}}],
    }})
}

fn scaled_object(target: Value) -> Value {
    json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "by-keda"},
        "spec": {"scaleTargetRef": target}})
}

fn answer(status: u16, body: &Value) -> Response {
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap()
}

fn status(code: u16, message: &str) -> Response {
    answer(code, &json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message}))
}

async fn serve(State(cluster): State<Arc<Cluster>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
    let (path, query) = (parts.uri.path().to_owned(), parts.uri.query().unwrap_or_default().to_owned());
    if parts.method != Method::GET {
        cluster.changes.lock().unwrap().push(format!("{} {path}?{query} {body}", parts.method));
        if let Some(code) = cluster.refuses {
            return status(code, "somebody else manages it");
        }
    }
    let list = |items: &[Value]| answer(200, &json!({"metadata": {}, "items": items}));
    let scale = |replicas: u64| json!({"metadata": {"name": "workers"}, "spec": {"replicas": replicas}});
    match (parts.method.as_str(), path.as_str()) {
        ("GET", DEPLOYMENTS) if query.contains("labelSelector=scriptmill.dev%2Fgroup%3Ddefault") => {
            list(&cluster.deployments)
        }
        ("GET", DEPLOYMENTS) => list(&[]),
        ("GET", HPAS) => list(&cluster.hpas),
        ("GET", SCALED_OBJECTS) => match &cluster.scaled_objects {
            Some(objects) => list(objects),
            None => status(404, "page not found"),
        },
        ("GET", path) if path.ends_with("/workers/scale") => answer(200, &scale(2)),
        ("PATCH", path) if path.ends_with("/workers/scale") => {
            let patch: Value = serde_json::from_str(&body).unwrap();
            answer(200, &scale(patch["spec"]["replicas"].as_u64().unwrap()))
        }
        ("PATCH", path) if path.starts_with(HPAS) => answer(200, &serde_json::from_str(&body).unwrap()),
        ("PATCH", path) if path.starts_with(PODS) => answer(200, &serde_json::from_str(&body).unwrap()),
        ("DELETE", path) if path.starts_with(HPAS) => answer(200, &json!({"kind": "Status", "status": "Success"})),
        _ => status(404, "not found"),
    }
}

/// Calls the binary with a kubeconfig for the server at this address.
fn scriptmill(address: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_scriptmill"));
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
        command.env_remove(proxy);
    }
    command.args(arguments).env("KUBECONFIG", kubeconfig(folder.path(), address)).output().unwrap()
}

/// The path of a kubeconfig for the server at this address.
fn kubeconfig(folder: &Path, address: &str) -> String {
    let path = folder.join("config");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": format!("http://{address}")}}],
        "users": [{"name": "test", "user": {}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": "shop"}}],
    });
    std::fs::write(&path, config.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Begins to serve a cluster, and says where.
async fn open(cluster: &Arc<Cluster>) -> (String, JoinHandle<std::io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let app = Router::new().fallback(serve).with_state(Arc::clone(cluster));
    (address, tokio::spawn(async move { axum::serve(listener, app).await }))
}

/// A call, and what it should do.
struct Case {
    cluster: Cluster,
    arguments: &'static str,
    exit: i32,
    /// Part of what is said: on standard output where it succeeds, else on standard error.
    says: &'static str,
    /// How the only change begins. `None` if nothing may be changed.
    changes: Option<&'static str>,
}

async fn hold(cases: Vec<Case>) {
    for Case { cluster, arguments, exit, says, changes } in cases {
        let cluster = Arc::new(cluster);
        let (address, server) = open(&cluster).await;
        let call = move || scriptmill(&address, &arguments.split(' ').collect::<Vec<_>>());
        let output = tokio::task::spawn_blocking(call).await.unwrap();
        server.abort();
        let said = String::from_utf8(if exit == 0 { output.stdout } else { output.stderr }).unwrap();
        assert_eq!(output.status.code(), Some(exit), "{arguments}: {said}");
        assert!(said.contains(says), "{arguments}: {said}");
        let changed = cluster.changes.lock().unwrap();
        assert_eq!(changed.len(), usize::from(changes.is_some()), "{arguments}: {changed:?}");
        let begins = changed.iter().zip(changes).all(|(changed, expected)| changed.starts_with(expected));
        assert!(begins, "{arguments}: {changed:?}");
    }
}

const OURS: &str = "scriptmill_desired_replicas";

#[tokio::test]
async fn scale_sets_what_nobody_else_sets() {
    let others = || Cluster {
        hpas: vec![hpa("web", "web", "cpu")],
        scaled_objects: Some(vec![
            scaled_object(json!({"name": "web"})),
            scaled_object(json!({"name": "workers", "kind": "StatefulSet"})),
        ]),
        ..one_group()
    };
    let owned = || Cluster { hpas: vec![hpa("by-hpa", "workers", "cpu")], ..one_group() };
    let by_keda = Cluster {
        hpas: vec![hpa("keda-hpa-by-keda", "workers", "s0")],
        scaled_objects: Some(vec![scaled_object(json!({"name": "workers"}))]),
        ..one_group()
    };
    let twice = Cluster {
        deployments: vec![
            json!({"metadata": {"name": "a"}, "spec": spec()}),
            json!({"metadata": {"name": "b"}, "spec": spec()}),
        ],
        ..Cluster::default()
    };
    let set = Some(
        "PATCH /apis/apps/v1/namespaces/shop/deployments/workers/scale?&fieldManager=scriptmill {\"spec\":{\"replicas\":5}}",
    );
    let refuses = Cluster { refuses: Some(403), ..one_group() };
    let case = |cluster, arguments, exit, says, changes| Case { cluster, arguments, exit, says, changes };
    hold(vec![
        case(one_group(), "scale default 5", 0, "Deployment workers: 2 → 5 replicas", set),
        case(others(), "scale default 5", 0, "2 → 5", set),
        case(
            owned(),
            "scale default 5",
            1,
            "SM4304: HorizontalPodAutoscaler by-hpa sets the replicas of Deployment workers",
            None,
        ),
        case(by_keda, "scale default 5", 1, "SM4304: ScaledObject by-keda of KEDA sets", None),
        case(
            one_group(),
            "scale nightly 5",
            1,
            "SM4303: no Deployment in namespace shop has the label scriptmill.dev/group=nightly",
            None,
        ),
        case(
            one_group(),
            "scale default 5 -n other",
            1,
            "SM4302: Kubernetes refuses to list Deployments in namespace other: not found",
            None,
        ),
        case(twice, "scale default 5", 1, "such as a and b", None),
        case(
            refuses,
            "scale default 5",
            1,
            "SM4302: Kubernetes refuses to scale the Deployment in namespace shop: somebody else manages it",
            set,
        ),
        case(one_group(), "scale default -1", 2, "unexpected argument", None),
        case(one_group(), "scale a,b 1", 2, "letters, digits", None),
    ])
    .await;
}

#[tokio::test]
async fn autoscale_makes_changes_and_ends_its_own_autoscaler() {
    let ours = || Cluster { hpas: vec![hpa("workers", "workers", OURS)], ..one_group() };
    let foreign = || Cluster { hpas: vec![hpa("workers", "workers", "cpu")], ..one_group() };
    let conflict = Cluster { refuses: Some(409), ..ours() };
    let apply =
        Some("PATCH /apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/workers?&fieldManager=scriptmill {");
    let delete = Some("DELETE /apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/workers?");
    let case = |cluster, arguments, exit, says, changes| Case { cluster, arguments, exit, says, changes };
    hold(vec![
        case(one_group(), "autoscale default --min 2 --max 60", 0, "HorizontalPodAutoscaler workers: 2 to 60", apply),
        case(ours(), "autoscale default --min 2 --max 60", 0, "2 to 60 replicas", apply),
        case(foreign(), "autoscale default --min 2 --max 60", 1, "SM4304: HorizontalPodAutoscaler workers sets", None),
        case(conflict, "autoscale default --min 2 --max 60", 1, "SM4302: Kubernetes refuses to apply", apply),
        case(one_group(), "autoscale default --min 9 --max 3", 2, "SM4001: --min 9 is above --max 3", None),
        case(one_group(), "autoscale default --min 0 --max 3", 2, "0 is not in 1..=10000", None),
        case(one_group(), "autoscale default", 2, "--min <N>", None),
        case(ours(), "autoscale default --off", 0, "HorizontalPodAutoscaler workers is deleted", delete),
        case(one_group(), "autoscale default --off", 0, "no autoscaler scales group default", None),
        case(foreign(), "autoscale default --off", 1, "SM4304", None),
    ])
    .await;
}

#[tokio::test]
async fn the_autoscaler_is_that_of_the_manifests() {
    let cluster = Arc::new(one_group());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let app = Router::new().fallback(serve).with_state(Arc::clone(&cluster));
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let call = move || scriptmill(&address, &["autoscale", "default", "--min", "2", "--max", "60"]);
    tokio::task::spawn_blocking(call).await.unwrap();
    server.abort();
    let sent = cluster.changes.lock().unwrap().remove(0);
    let sent: Value = serde_json::from_str(&sent[sent.find('{').unwrap()..]).unwrap();
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/components/hpa/hpa.yaml");
    let manifest: Value = serde_saphyr::from_str(&std::fs::read_to_string(manifest).unwrap()).unwrap();
    let mut expected = manifest["spec"].clone();
    expected["scaleTargetRef"]["name"] = json!("workers");
    assert_eq!(sent["spec"], expected);
}

#[test]
fn a_server_that_is_away_is_said_so() {
    // Bound and dropped: nobody listens there.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let output = scriptmill(&address, &["scale", "default", "5"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("error: SM4301: Kubernetes' API cannot be reached, so nothing was changed"), "{said}");
    assert!(said.contains("Connection refused"), "{said}");
    assert!(said.contains("scriptmill explain SM4301"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scaler_sets_replicas_and_deletion_costs_where_that_is_chosen() {
    with_rabbit(async |rabbit| {
        let cluster = Arc::new(one_group());
        let (address, server) = open(&cluster).await;
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = kubeconfig(folder.path(), &address);
        let min = ("SCRIPTMILL_SCALING__MIN", "3");
        let (_worker, _) = start_command("work", &[min, ("SCRIPTMILL_SCALING__POD", "workers-1")], rabbit).await;
        let settings = [
            ("KUBECONFIG", kubeconfig.as_str()),
            min,
            ("SCRIPTMILL_SCALER__SETS_REPLICAS", "true"),
            ("SCRIPTMILL_SCALER__POD_DELETION_COST", "true"),
        ];
        let (_scaler, _) = start_command("scaler", &settings, rabbit).await;
        let scaled = "PATCH /apis/apps/v1/namespaces/shop/deployments/workers/scale?&fieldManager=scriptmill {\"spec\":{\"replicas\":3}}";
        let cost = "PATCH /api/v1/namespaces/shop/pods/workers-1? {\"metadata\":{\"annotations\":{\"controller.kubernetes.io/pod-deletion-cost\":\"0\"}}}";
        let changed = async {
            while [scaled, cost].iter().any(|change| !cluster.changes.lock().unwrap().iter().any(|made| made == change)) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        soon("both changes", changed).await;
        // The number stays, so nothing more is written within a few beats.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let changes = cluster.changes.lock().unwrap();
        assert_eq!(changes.len(), 2, "{changes:?}");
        server.abort();
    })
    .await;
}
