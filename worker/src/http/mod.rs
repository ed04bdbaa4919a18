//! The admin server: liveness, readiness, metrics, and why there should be that many workers, over HTTP, for operators.
//!
//! Nothing here waits for a script: guests run on executor threads, so these answers come from tokio alone and stay
//! quick under full load.

mod explain;
mod exposition;
mod listen;
pub(crate) mod server;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use crate::scale::Explainer;

use server::Protocol;

pub use listen::{ListenAddress, Options};
pub use server::Bound;

/// Returns why something does not hold at the moment, or `None` if it holds.
pub type WhyNot = dyn Fn() -> Option<String> + Send + Sync;

/// What the server shows.
#[derive(Clone)]
pub struct Admin {
    /// Why the process makes no progress and should be restarted.
    pub not_live: Arc<WhyNot>,
    /// Why it takes no jobs.
    pub not_ready: Arc<WhyNot>,
    /// The one registry of metrics.
    pub metrics: Arc<Registry>,
    /// Why there should be that many workers.
    pub explainer: Arc<Explainer>,
}

/// Binds the address unless it is off. A port that is taken is thus noticed before the first job comes.
///
/// # Errors
/// The address cannot be bound.
pub async fn bind(address: ListenAddress) -> anyhow::Result<Option<Bound>> {
    match address {
        ListenAddress::Off => Ok(None),
        ListenAddress::At(address) => Bound::new("http.address", address, Protocol::Http1, None).await.map(Some),
    }
}

/// Answers until told to stop.
pub async fn serve(bound: Bound, admin: Admin, stop: CancellationToken) {
    bound.serve(router(admin), stop).await;
}

fn router(admin: Admin) -> Router {
    Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/health", get(ready))
        .route("/metrics", get(metrics))
        .with_state(admin.clone())
        .merge(explain::router(admin.explainer))
}

async fn live(State(admin): State<Admin>) -> Response {
    match (admin.not_live)() {
        None => "ok\n".into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not live: {reason}\n")).into_response(),
    }
}

async fn ready(State(admin): State<Admin>) -> Response {
    match (admin.not_ready)() {
        None => "ready\n".into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")).into_response(),
    }
}

async fn metrics(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    let mut text = String::new();
    match encode(&mut text, &admin.metrics) {
        Ok(()) if exposition::takes_open_metrics(&headers) => {
            ([(header::CONTENT_TYPE, exposition::OPEN_METRICS)], text).into_response()
        }
        Ok(()) => ([(header::CONTENT_TYPE, exposition::PLAIN)], exposition::plain(&text)).into_response(),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("the metrics cannot be written: {error}\n")).into_response()
        }
    }
}

#[cfg(test)]
mod tests;
