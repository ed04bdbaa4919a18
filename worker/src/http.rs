//! The doors for operators: liveness, readiness and metrics over HTTP.
//!
//! Nothing here waits for a script: guests run on executor threads, so these answers come from tokio alone and stay
//! quick under full load.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Says why the worker takes no jobs at the moment; `None` when it takes them.
pub type NotReady = dyn Fn() -> Option<String> + Send + Sync;

/// What the doors show.
#[derive(Clone)]
pub struct Doors {
    /// Whether the worker takes jobs.
    pub not_ready: Arc<NotReady>,
    /// The one registry of metrics.
    pub metrics: Arc<Registry>,
}

/// The doors, bound to their address but not yet served.
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
    let address = listener.local_addr().context("the bound address cannot be told")?;
    Ok(Bound { listener, address })
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
    pub async fn serve(self, doors: Doors, stop: CancellationToken) -> std::io::Result<()> {
        axum::serve(self.listener, router(doors)).with_graceful_shutdown(stop.cancelled_owned()).await
    }
}

fn router(doors: Doors) -> Router {
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/health", get(ready))
        .route("/metrics", get(metrics))
        .with_state(doors)
}

async fn ready(State(doors): State<Doors>) -> Response {
    match (doors.not_ready)() {
        None => "ready\n".into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")).into_response(),
    }
}

async fn metrics(State(doors): State<Doors>) -> Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let mut text = String::new();
    match encode(&mut text, &doors.metrics) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("the metrics cannot be written: {error}\n")).into_response()
        }
    }
}
