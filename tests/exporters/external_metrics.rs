//! `external.metrics.k8s.io`, asked as Kubernetes' API server asks.

use std::sync::Arc;
use std::time::Duration;

use scriptmill::exporters::{Access, Delegated, ExternalMetrics, Files};
use serde_json::{Value, json};
use tokio_rustls::rustls::ClientConfig;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Told;
use super::authority::{Authority, SERVER, call, connect};
use super::cluster::{Cluster, Said, known_by};
use super::support::soon;

const ROOT: &str = "GET /apis/external.metrics.k8s.io/v1beta1";
const VALUES: &str = "GET /apis/external.metrics.k8s.io/v1beta1/namespaces/shop/scriptmill_desired_replicas";
const ALPN: &[u8] = b"http/1.1";

/// An exporter that answers until it is dropped.
struct Exporter {
    address: String,
    _serving: DropGuard,
}

impl Exporter {
    async fn new(files: &Files, signal: Arc<Told>, access: Access) -> Self {
        let exporter = ExternalMetrics::bind("127.0.0.1:0".parse().unwrap(), files, access).await.unwrap();
        let (address, stop) = (exporter.address().to_string(), CancellationToken::new());
        tokio::spawn(exporter.serve(signal, stop.clone()));
        Self { address, _serving: stop.drop_guard() }
    }

    /// The status of the answer, and what it says.
    async fn asked(&self, client: &Arc<ClientConfig>, path: &str, headers: &[&str]) -> (u16, String) {
        let (code, object) = call(&self.address, client, path, headers).await;
        if code == 200 {
            return (code, object.to_string());
        }
        assert_eq!((&object["kind"], &object["apiVersion"]), (&json!("Status"), &json!("v1")), "{object}");
        assert_eq!((&object["status"], &object["code"]), (&json!("Failure"), &json!(code)), "{object}");
        let text = |key: &str| object[key].as_str().unwrap_or_else(|| panic!("{object}")).to_owned();
        (code, format!("{}: {}", text("reason"), text("message")))
    }
}

fn value(group: &str, replicas: &str) -> Value {
    json!({
        "metricName": "scriptmill_desired_replicas",
        "metricLabels": {"group": group},
        "timestamp": "2001-09-09T01:46:40Z",
        "window": 32,
        "value": replicas,
    })
}

fn list(items: &[Value]) -> Value {
    json!({
        "kind": "ExternalMetricValueList",
        "apiVersion": "external.metrics.k8s.io/v1beta1",
        "metadata": {},
        "items": items,
    })
}

#[tokio::test]
async fn the_metric_is_said_as_an_hpa_reads_it() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let files = authority.sign(SERVER).lay(folder.path());
    let signal = Told::new(&[("default", Ok(7)), ("nightly", Ok(0))]);
    let exporter = Exporter::new(&files, signal, Access::Anyone).await;
    let client = authority.client(None, ALPN);
    let resources = json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": "external.metrics.k8s.io/v1beta1",
        "resources": [{
            "name": "scriptmill_desired_replicas",
            "singularName": "",
            "namespaced": true,
            "kind": "ExternalMetricValueList",
            "verbs": ["get"],
        }],
    });
    let (one, other) = (value("default", "7"), value("nightly", "0"));
    for (path, expected) in [
        (ROOT.to_owned(), resources),
        (format!("{VALUES}?labelSelector=group%3Ddefault"), list(std::slice::from_ref(&one))),
        (format!("{VALUES}?labelSelector=group+in+%28nightly%2Cx%29&limit=5"), list(std::slice::from_ref(&other))),
        (VALUES.to_owned(), list(&[one, other])),
    ] {
        let accept = ["Accept: application/vnd.kubernetes.protobuf, */*"];
        assert_eq!(call(&exporter.address, &client, &path, &accept).await, (200, expected), "{path}");
    }
}

#[tokio::test]
async fn what_cannot_be_said_is_a_status_and_never_a_number() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let files = authority.sign(SERVER).lay(folder.path());
    let signal = Told::new(&[("default", Ok(7)), ("nightly", Err("no broker is connected"))]);
    let exporter = Exporter::new(&files, signal, Access::Anyone).await;
    let client = authority.client(None, ALPN);
    let other = VALUES.replace("scriptmill_desired_replicas", "queue_length");
    for (path, code, says) in [
        (
            format!("{VALUES}?labelSelector=group%3Dnightly"),
            503,
            "ServiceUnavailable: the load of worker group nightly is unknown: no broker is connected",
        ),
        // The HPA adds the items up, so a part of them would be too little.
        (VALUES.to_owned(), 503, "ServiceUnavailable: the load of worker group nightly"),
        (
            format!("{VALUES}?labelSelector=group%3Dweekly"),
            404,
            "NotFound: `group=weekly` selects no worker group; there are: default, nightly",
        ),
        (format!("{VALUES}?labelSelector=group%3D"), 404, "NotFound: `group=` selects no worker group"),
        (format!("{VALUES}?labelSelector=group+within+x"), 400, "BadRequest: `group within x` is no label selector: "),
        (format!("{VALUES}?labelSelector=a&labelSelector=b"), 400, "BadRequest: "),
        (other, 404, "NotFound: there is no external metric queue_length; there is scriptmill_desired_replicas"),
        (VALUES.replace("GET", "DELETE"), 405, "MethodNotAllowed: "),
        ("GET /apis".to_owned(), 404, "NotFound: there is no /apis here"),
        ("GET /openapi/v2".to_owned(), 404, "NotFound: "),
        ("GET /openapi/v3".to_owned(), 404, "NotFound: "),
        (VALUES.replace("v1beta1", "v1"), 404, "NotFound: "),
        (VALUES.replace("shop", "%ff"), 400, "BadRequest: "),
    ] {
        let (got, said) = exporter.asked(&client, &path, &[]).await;
        assert_eq!(got, code, "{path}: {said}");
        assert!(said.starts_with(says), "{path}: {said}");
    }
}

/// A user, as the API server names it.
const HPA: &str = "X-Remote-User: system:serviceaccount:kube-system:horizontal-pod-autoscaler";
const HPA_NAME: &str = "system:serviceaccount:kube-system:horizontal-pod-autoscaler";

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_alone_says_who_asks_and_whether_they_may() {
    let (own, proxies, folder) = (Authority::new(), Authority::new(), tempfile::tempdir().unwrap());
    let files = own.sign(SERVER).lay(folder.path());
    let config_map = known_by(&proxies.pem, r#"["front-proxy-client"]"#);
    let cluster = Cluster::new(Said { config_map, allowed: HPA_NAME, ..Said::default() }).await;
    let access = Access::Delegated(Delegated::new(cluster.client(), Duration::from_secs(60)));
    let exporter = Exporter::new(&files, Told::new(&[("default", Ok(7))]), access).await;
    let api_server = own.client(Some(&proxies.sign("front-proxy-client")), ALPN);
    let known = async { while exporter.asked(&api_server, VALUES, &[HPA]).await.0 == 503 {} };
    soon("what the API server says of itself", known).await;
    let first = cluster.reviews().len();
    let strangers = [
        (None, "Unauthorized: Unauthorized: there is no client certificate"),
        (
            Some(Authority::new().sign("front-proxy-client")),
            "Unauthorized: Unauthorized: the client certificate does not",
        ),
        (Some(own.sign("front-proxy-client")), "Unauthorized: Unauthorized: the client certificate does not count"),
        (
            Some(proxies.sign("somebody")),
            "Unauthorized: Unauthorized: the client certificate is that of `somebody`, which is none of front-proxy-client",
        ),
    ];
    for (certificate, says) in strangers {
        let client = own.client(certificate.as_ref(), ALPN);
        for path in [ROOT, VALUES, "GET /nowhere", &VALUES.replace("GET", "DELETE")] {
            let (code, said) = exporter.asked(&client, path, &[HPA]).await;
            assert_eq!(code, 401, "{path}: {said}");
            assert!(said.starts_with(says), "{path}: {said}");
        }
    }
    let (code, said) = exporter.asked(&api_server, VALUES, &[]).await;
    assert_eq!((code, said.as_str()), (401, "Unauthorized: Unauthorized: the API server names no user"));
    // Strangers cost the API server nothing.
    assert_eq!(cluster.reviews().len(), first);

    let eve = "X-Remote-User: eve";
    for (path, headers, code, says) in [
        (VALUES, [HPA], 200, "\"value\":\"7\""),
        (ROOT, [HPA], 200, "APIResourceList"),
        ("GET /apis", [HPA], 404, "NotFound"),
        (
            VALUES,
            [eve],
            403,
            "Forbidden: User \"eve\" cannot list resource \"scriptmill_desired_replicas\" in API group \
             \"external.metrics.k8s.io\" in the namespace \"shop\": no rule of RBAC allows it",
        ),
        (ROOT, [eve], 403, "Forbidden: User \"eve\" cannot get path \"/apis/external.metrics.k8s.io/v1beta1\""),
        ("GET /nowhere", [eve], 403, "Forbidden"),
    ] {
        let (got, said) = exporter.asked(&api_server, path, &headers).await;
        assert_eq!(got, code, "{path}: {said}");
        assert!(said.contains(says), "{path}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_is_asked_once_for_all_that_it_said_of_a_user() {
    let (own, proxies, folder) = (Authority::new(), Authority::new(), tempfile::tempdir().unwrap());
    let files = own.sign(SERVER).lay(folder.path());
    let cluster =
        Cluster::new(Said { config_map: known_by(&proxies.pem, "[]"), allowed: "me", ..Said::default() }).await;
    let access = Access::Delegated(Delegated::new(cluster.client(), Duration::from_secs(60)));
    let exporter = Exporter::new(&files, Told::new(&[("default", Ok(7))]), access).await;
    // If no names are given, any certificate of the authority counts.
    let api_server = own.client(Some(&proxies.sign("any")), ALPN);
    let headers = [
        "X-Remote-User: me",
        "X-Remote-Group: a",
        "x-remote-group: b",
        "X-Remote-Extra-Example.com%2fPod: worker-1",
        "X-Remote-Extra-Scopes: read",
        "X-Remote-Extra-Scopes: write",
        "X-Other: nothing",
    ];
    let known = async { while exporter.asked(&api_server, VALUES, &headers).await.0 != 200 {} };
    soon("what the API server says of itself", known).await;
    assert_eq!(exporter.asked(&api_server, &format!("{VALUES}?labelSelector=group"), &headers).await.0, 200);
    assert_eq!(exporter.asked(&api_server, ROOT, &headers).await.0, 200);
    let user = |attributes: (&str, Value)| {
        let mut asked = json!({
            "user": "me",
            "groups": ["a", "b", "system:authenticated"],
            "extra": {"example.com/pod": ["worker-1"], "scopes": ["read", "write"]},
        });
        asked[attributes.0] = attributes.1;
        asked
    };
    let metric = json!({
        "group": "external.metrics.k8s.io",
        "version": "v1beta1",
        "namespace": "shop",
        "resource": "scriptmill_desired_replicas",
        "verb": "list",
    });
    let discovery = json!({"path": "/apis/external.metrics.k8s.io/v1beta1", "verb": "get"});
    let expected = [user(("resourceAttributes", metric)), user(("nonResourceAttributes", discovery))];
    assert_eq!(cluster.reviews(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_api_server_nobody_is_told_anything() {
    let (own, proxies, folder) = (Authority::new(), Authority::new(), tempfile::tempdir().unwrap());
    let files = own.sign(SERVER).lay(folder.path());
    let api_server = own.client(Some(&proxies.sign("any")), ALPN);
    let mut cluster = Cluster::new(Said { allowed: HPA_NAME, ..Said::default() }).await;
    let access = Access::Delegated(Delegated::new(cluster.client(), Duration::from_millis(100)));
    let exporter = Exporter::new(&files, Told::new(&[("default", Ok(7))]), access).await;
    let says = async |code: u16, what: &str| {
        let waiting = async {
            loop {
                let (got, said) = exporter.asked(&api_server, VALUES, &[HPA]).await;
                if got == code && said.contains(what) {
                    return;
                }
                assert_ne!(got, 200, "{said}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        soon(what, waiting).await;
    };
    says(
        503,
        "ServiceUnavailable: it is not known who may ask: ConfigMap kube-system/extension-apiserver-authentication",
    )
    .await;
    says(503, "no right; the scaler's ServiceAccount needs the Role extension-apiserver-authentication-reader").await;
    cluster.said.lock().unwrap().config_map = Some([].into());
    says(503, "it has no requestheader-client-ca-file").await;
    cluster.said.lock().unwrap().config_map = known_by("no PEM", "[]");
    says(503, "requestheader-client-ca-file: ").await;
    cluster.said.lock().unwrap().refuses = true;
    // Another authority takes the place of the first, and counts once the ConfigMap is read again.
    cluster.said.lock().unwrap().config_map = known_by(&Authority::new().pem, "[]");
    says(401, "the client certificate does not count").await;
    cluster.said.lock().unwrap().config_map = known_by(&proxies.pem, "[]");
    says(500, "InternalError: Kubernetes' API server refuses to say who may read the metric: no right; ").await;
    cluster = Cluster::new(Said::default()).await;
    says(503, "ServiceUnavailable: Kubernetes' API server cannot be asked who may read the metric: ").await;
    drop(cluster);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_certificate_is_shown_and_a_broken_one_is_not() {
    let (first, second, folder) = (Authority::new(), Authority::new(), tempfile::tempdir().unwrap());
    let files = first.sign(SERVER).lay(folder.path());
    let exporter = Exporter::new(&files, Told::new(&[("default", Ok(7))]), Access::Anyone).await;
    let trusts = async |authority: &Authority| connect(&exporter.address, authority.client(None, ALPN)).await.is_ok();
    assert!(trusts(&first).await && !trusts(&second).await);

    // Half replaced: the key is not that of the certificate.
    let key = std::fs::read(&files.key).unwrap();
    second.sign(SERVER).lay(folder.path());
    std::fs::write(&files.key, key).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(trusts(&first).await);

    second.sign(SERVER).lay(folder.path());
    let changed = async {
        while !trusts(&second).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    soon("the new certificate", changed).await;
    assert!(!trusts(&first).await);
}
