//! A stand-in for Kubernetes' API server, as far as an exporter asks it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Router, serve};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// What the stand-in answers, and what it was asked.
#[derive(Default)]
pub(crate) struct Said {
    /// What the ConfigMap holds. Without it, reading the ConfigMap is forbidden.
    pub(crate) config_map: Option<BTreeMap<String, String>>,
    /// The user who may do everything.
    pub(crate) allowed: &'static str,
    /// Whether it refuses to say who may do what.
    pub(crate) refuses: bool,
    /// The reviews that were asked for.
    pub(crate) reviews: Vec<Value>,
}

pub(crate) struct Cluster {
    pub(crate) address: String,
    pub(crate) said: Arc<Mutex<Said>>,
    _serving: DropGuard,
}

/// The ConfigMap with which an API server says how to recognise it.
pub(crate) fn known_by(authority: &str, names: &str) -> Option<BTreeMap<String, String>> {
    let said = [
        ("requestheader-client-ca-file", authority),
        ("requestheader-allowed-names", names),
        ("requestheader-username-headers", r#"["X-Remote-User"]"#),
        ("requestheader-group-headers", r#"["X-Remote-Group"]"#),
        ("requestheader-extra-headers-prefix", r#"["X-Remote-Extra-"]"#),
        ("client-ca-file", "not for us"),
    ];
    Some(said.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

impl Cluster {
    pub(crate) async fn new(said: Said) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, said) = (listener.local_addr().unwrap().to_string(), Arc::new(Mutex::new(said)));
        let app = Router::new()
            .route("/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication", get(config_map))
            .route("/apis/authorization.k8s.io/v1/subjectaccessreviews", post(review))
            .with_state(said.clone());
        let stop = CancellationToken::new();
        let serving = serve(listener, app).with_graceful_shutdown(stop.clone().cancelled_owned());
        tokio::spawn(serving.into_future());
        Self { address, said, _serving: stop.drop_guard() }
    }

    pub(crate) fn client(&self) -> kube::Client {
        kube::Config::new(format!("http://{}", self.address).parse().unwrap()).try_into().unwrap()
    }

    pub(crate) fn reviews(&self) -> Vec<Value> {
        self.said.lock().unwrap().reviews.clone()
    }
}

fn answer(object: &Value) -> Response {
    // Closes the connection, so that nothing is answered any more once the stand-in is gone.
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CONNECTION, "close")];
    (headers, object.to_string()).into_response()
}

fn forbidden() -> Response {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403, "message": "no right"});
    (StatusCode::FORBIDDEN, answer(&status)).into_response()
}

async fn config_map(State(said): State<Arc<Mutex<Said>>>) -> Response {
    match &said.lock().unwrap().config_map {
        Some(data) => answer(&json!({"metadata": {"name": "extension-apiserver-authentication"}, "data": data})),
        None => forbidden(),
    }
}

async fn review(State(said): State<Arc<Mutex<Said>>>, body: Bytes) -> Response {
    let mut review: Value = serde_json::from_slice(&body).unwrap();
    let mut said = said.lock().unwrap();
    said.reviews.push(review["spec"].clone());
    if said.refuses {
        return forbidden();
    }
    review["status"] = json!({"allowed": review["spec"]["user"] == said.allowed});
    answer(&review)
}
