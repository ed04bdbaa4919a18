//! The server under the admin server and each exporter: connections, TLS, and bounds on both.
//!
//! A client that opens connections and sends nothing does not keep others out for long: the head of a request has to come
//! within seconds, and if all connections are in use, the next one waits for these seconds at most.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_util::sync::CancellationToken;

/// Connections at one time; further ones wait.
const CONNECTIONS_MAX: usize = 256;
/// Calls at one time on a connection of HTTP/2.
const STREAMS_MAX: u32 = 64;
/// The longest TLS handshake.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How long the head of an HTTP/1.1 request may take, and so how long a connection may be idle. An HPA asks every 15 s, so it
/// connects anew each time.
const HEAD_MAX: Duration = Duration::from_secs(5);
/// How long an HTTP/1.1 connection may last. This also ends connections whose client reads nothing. Nobody needs one
/// for longer.
const CONNECTION_MAX: Duration = Duration::from_secs(60);
/// How often the client of an HTTP/2 connection is asked whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// The longest head of a request.
const HEAD_BYTES_MAX: u32 = 64 << 10;
/// The pause after a connection could not be accepted, most often because too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// The protocol that a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    #[cfg(feature = "keda")]
    Http2,
}

impl Protocol {
    /// Its name in a TLS handshake.
    pub(crate) fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            #[cfg(feature = "keda")]
            Self::Http2 => b"h2",
        }
    }
}

/// The certificates that a client showed, its own first; none without TLS. The client has the key of the first one. Nothing
/// else about them is checked yet.
#[derive(Clone, Debug)]
pub(crate) struct ClientCertificates(pub(crate) Arc<[CertificateDer<'static>]>);

/// A server that is bound to its address and does not answer yet.
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    protocol: Protocol,
    tls: Option<TlsAcceptor>,
}

impl Bound {
    /// Binds the address, which the setting `key` names. Without `tls` nothing is encrypted.
    pub(crate) async fn new(
        key: &str,
        address: SocketAddr,
        protocol: Protocol,
        tls: Option<Arc<ServerConfig>>,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("{key}: {address} cannot be bound; name another, or off"))?;
        let address = listener.local_addr().context("the bound address cannot be read")?;
        Ok(Self { listener, address, protocol, tls: tls.map(TlsAcceptor::from) })
    }

    /// The address in use: where port 0 was asked for, the one given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until told to stop; then all connections are cut.
    pub(crate) async fn serve(self, router: Router, stop: CancellationToken) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(stream, self.protocol, self.tls.clone(), router.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, address = %self.address, "a connection cannot be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
    }
}

async fn connection(stream: TcpStream, protocol: Protocol, tls: Option<TlsAcceptor>, router: Router) {
    let Some(tls) = tls else {
        return answer(stream, protocol, router.layer(Extension(ClientCertificates(Arc::default())))).await;
    };
    match timeout(HANDSHAKE_MAX, tls.accept(stream)).await {
        Ok(Ok(stream)) => {
            let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default().into();
            answer(stream, protocol, router.layer(Extension(ClientCertificates(certificates)))).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, protocol: Protocol, router: Router) {
    let (io, service) = (TokioIo::new(stream), TowerToHyperService::new(router));
    let ended = match protocol {
        Protocol::Http1 => {
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(HEAD_MAX).max_buf_size(HEAD_BYTES_MAX as usize);
            let mut connection = pin!(http.serve_connection(io, service));
            match timeout(CONNECTION_MAX, &mut connection).await {
                Ok(ended) => ended,
                Err(_) => {
                    // A request that is being answered may still be finished.
                    connection.as_mut().graceful_shutdown();
                    timeout(HEAD_MAX, connection).await.unwrap_or(Ok(()))
                }
            }
        }
        #[cfg(feature = "keda")]
        Protocol::Http2 => {
            let mut http = hyper::server::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new());
            http.timer(TokioTimer::new()).keep_alive_interval(KEEP_ALIVE);
            http.max_concurrent_streams(STREAMS_MAX).max_header_list_size(HEAD_BYTES_MAX);
            http.serve_connection(io, service).await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
