//! The admin server: liveness, readiness and metrics over HTTP, for operators.
//!
//! Nothing here waits for a script: guests run on executor threads, so these answers come from tokio alone and stay
//! quick under full load.

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
        .with_state(admin)
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
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::atomic::{AtomicBool, Ordering};

    use prometheus_client::metrics::counter::Counter;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    async fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn each_path_says_what_it_is_for() {
        let ready = Arc::new(AtomicBool::new(false));
        let mut registry = Registry::with_prefix("scriptmill");
        let jobs = Counter::<u64>::default();
        registry.register("jobs", "Jobs settled", jobs.clone());
        jobs.inc_by(7);
        let bound = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let (address, stop) = (bound.address(), CancellationToken::new());
        let seen = ready.clone();
        let not_ready = move || (!seen.load(Ordering::Relaxed)).then(|| "no broker is connected".to_owned());
        let admin = Admin { not_ready: Arc::new(not_ready), metrics: Arc::new(registry) };
        let served = tokio::spawn(bound.serve(admin, stop.clone()));

        for (now, path, status, text) in [
            (false, "/livez", "200", "ok"),
            (false, "/readyz", "503", "not ready: no broker is connected"),
            (false, "/health", "503", "no broker is connected"),
            (true, "/readyz", "200", "ready"),
            (true, "/health", "200", "ready"),
            (true, "/metrics", "200", "scriptmill_jobs_total 7"),
            (true, "/elsewhere", "404", ""),
        ] {
            ready.store(now, Ordering::Relaxed);
            let answer = get(address, path).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
            assert!(answer.contains(text), "{path}: {answer}");
        }
        stop.cancel();
        served.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_taken_port_is_told_before_anything_begins() {
        let first = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let message = format!("{:#}", bind(first.address()).await.err().unwrap());
        assert!(message.contains("http.address: ") && message.contains("in use"), "{message}");
    }
}
