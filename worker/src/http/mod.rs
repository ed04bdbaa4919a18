//! The admin server: liveness, readiness, metrics, and why there should be that many workers, over HTTP, for operators.
//!
//! Nothing here waits for a script: guests run on executor threads, so these answers come from tokio alone and stay
//! quick under full load.

mod explain;
mod exposition;
mod listen;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::scale::Explainer;

pub use listen::{ListenAddress, Options};

/// Says why the worker takes no jobs at the moment; `None` when it takes them.
pub type NotReady = dyn Fn() -> Option<String> + Send + Sync;

/// What the server shows.
#[derive(Clone)]
pub struct Admin {
    /// Whether the worker takes jobs.
    pub not_ready: Arc<NotReady>,
    /// The one registry of metrics.
    pub metrics: Arc<Registry>,
    /// Why there should be that many workers.
    pub explainer: Arc<Explainer>,
}

/// The server, bound to its address but not yet answering.
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

/// Binds the address, so that a taken port is known before the first job is.
///
/// # Errors
/// The address cannot be bound.
pub async fn bind(address: SocketAddr) -> anyhow::Result<Bound> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("http.address: {address} cannot be bound; name another with --http, or off"))?;
    let address = listener.local_addr().context("the bound address cannot be read")?;
    Ok(Bound { listener, address })
}

/// Binds the address if there is to be one.
///
/// # Errors
/// The address cannot be bound.
pub async fn bind_if_on(address: ListenAddress) -> anyhow::Result<Option<Bound>> {
    match address {
        ListenAddress::Off => Ok(None),
        ListenAddress::At(address) => bind(address).await.map(Some),
    }
}

impl Bound {
    /// The address in use: where port 0 was asked for, the one given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until told to stop, and ends what was being answered.
    ///
    /// # Errors
    /// The socket failed.
    pub async fn serve(self, admin: Admin, stop: CancellationToken) -> std::io::Result<()> {
        axum::serve(self.listener, router(admin)).with_graceful_shutdown(stop.cancelled_owned()).await
    }
}

fn router(admin: Admin) -> Router {
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/health", get(ready))
        .route("/metrics", get(metrics))
        .with_state(admin.clone())
        .merge(explain::router(admin.explainer))
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
