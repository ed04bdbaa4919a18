//! `external.metrics.k8s.io/v1beta1`, as Kubernetes' API server asks for it on behalf of a HorizontalPodAutoscaler.
//!
//! One metric, `scriptmill_desired_replicas`, with one label, `group`. Discovery by `/apis` and OpenAPI is left to the API
//! server, which is content with a 404 for them.

mod access;
#[cfg(feature = "kube")]
mod delegated;
#[cfg(feature = "kube")]
mod front_proxy;
mod refusal;
mod selector;
#[cfg(feature = "kube")]
mod unchecked;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::certificate::Files;
use crate::http::server::{Bound, Protocol};
use crate::scale::{METRIC, Reading, Signal};

pub use access::Access;
#[cfg(feature = "kube")]
pub use delegated::Delegated;
use refusal::Refusal;
use selector::{Malformed, Selector};

const GROUP_VERSION: &str = "external.metrics.k8s.io/v1beta1";
const DISCOVERY: &str = "/apis/external.metrics.k8s.io/v1beta1";
const VALUES: &str = "/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{metric}";
/// The one label of the metric.
const LABEL: &str = "group";

/// The exporter for Kubernetes, bound to its address and not yet answering.
pub struct ExternalMetrics {
    bound: Bound,
    access: Access,
}

impl ExternalMetrics {
    /// Binds the address. Call it within a tokio runtime.
    ///
    /// # Errors
    /// The address cannot be bound, or the certificate cannot be used.
    pub async fn bind(address: SocketAddr, certificate: &Files, access: Access) -> anyhow::Result<Self> {
        let tls = certificate.serve(Protocol::Http1, access.clients())?;
        let bound = Bound::new("scaler.external_metrics_address", address, Protocol::Http1, Some(tls)).await?;
        Ok(Self { bound, access })
    }

    /// The address in use. If port 0 was asked for, it has the port that was given.
    pub fn address(&self) -> SocketAddr {
        self.bound.address()
    }

    /// Answers until told to stop.
    pub async fn serve(self, signal: Arc<dyn Signal>, stop: CancellationToken) {
        self.bound.serve(router(signal, self.access), stop).await;
    }
}

fn router(signal: Arc<dyn Signal>, access: Access) -> Router {
    Router::new()
        .route(DISCOVERY, get(resources))
        .route(VALUES, get(values))
        .method_not_allowed_fallback(async || {
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "nothing but GET is answered")
        })
        .fallback(async |uri: Uri| Refusal::new(StatusCode::NOT_FOUND, format!("there is no {} here", uri.path())))
        .layer(middleware::from_fn_with_state(Arc::new(access), access::admit))
        .with_state(signal)
}

fn answer(object: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], object.to_string()).into_response()
}

/// The APIResourceList, by which the API server also sees that this server answers.
async fn resources() -> Response {
    answer(&json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": GROUP_VERSION,
        "resources": [{
            "name": METRIC,
            "singularName": "",
            "namespaced": true,
            "kind": "ExternalMetricValueList",
            "verbs": ["get"],
        }],
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[serde(default)]
    label_selector: String,
}

/// The ExternalMetricValueList: one item for each group that is asked for. The HPA adds the items up, so a group without a number
/// makes the whole an error.
async fn values(
    State(signal): State<Arc<dyn Signal>>,
    path: Result<Path<(String, String)>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refusal> {
    let bad_request = |why: String| Refusal::new(StatusCode::BAD_REQUEST, why);
    let Path((_, metric)) = path.map_err(|error| bad_request(error.body_text()))?;
    if metric != METRIC {
        let message = format!("there is no external metric {metric}; there is {METRIC}");
        return Err(Refusal::new(StatusCode::NOT_FOUND, message));
    }
    let Query(Asked { label_selector }) = asked.map_err(|error| bad_request(error.body_text()))?;
    let selector: Selector = label_selector.parse().map_err(|error: Malformed| bad_request(error.to_string()))?;
    let groups = signal.groups();
    let asked_for: Vec<_> = groups.iter().filter(|group| selector.selects(LABEL, group)).collect();
    if asked_for.is_empty() {
        let message = format!("`{label_selector}` selects no worker group; there are: {}", groups.join(", "));
        return Err(Refusal::new(StatusCode::NOT_FOUND, message));
    }
    let items =
        asked_for.into_iter().map(|group| Ok(item(group, &signal.read(group)?))).collect::<Result<Value, Refusal>>()?;
    Ok(answer(&json!({
        "kind": "ExternalMetricValueList",
        "apiVersion": GROUP_VERSION,
        "metadata": {},
        "items": items,
    })))
}

fn item(group: &str, Reading { demand, computed, .. }: &Reading) -> Value {
    let mut item = json!({
        "metricName": METRIC,
        "metricLabels": {LABEL: group},
        "timestamp": humantime_serde::re::humantime::format_rfc3339_seconds(*computed).to_string(),
        "value": demand.replicas.to_string(),
    });
    let window = demand.observed.window_seconds;
    if window.is_finite() && window > 0.0 {
        item["window"] = json!(window.ceil() as i64);
    }
    item
}
