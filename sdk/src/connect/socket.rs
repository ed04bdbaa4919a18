//! The socket under a connection. It is shut down when the attempt to connect is given up.
//!
//! lapin gives each connection a thread, which waits for the broker's first answer without a deadline. Nothing can end that wait: an
//! attempt that is given up would keep its thread and its socket for as long as the broker stays silent (a worker had two of them in 45 s).
//! So a second handle of the socket is kept until the connection is open. When the attempt is given up, the socket is shut down through it.

use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lapin::tcp::{AMQPUriTcpExt, AsyncTcpStream, OwnedTLSConfig};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties};

use super::error::{Error, answer};
use super::wide::wide;

/// The largest frame in bytes: RabbitMQ's own default. lapin has room for 32 frames in each direction. If it learns their size only
/// from the broker, it makes its buffers larger then and writes to all of them: 8 MB for each connection, most of which is never used.
const LARGEST_FRAME: u32 = 128 << 10;

/// How a socket is opened.
pub(super) struct Socket {
    is_wide: bool,
}

impl Socket {
    pub(super) fn plain() -> Self {
        Self { is_wide: false }
    }

    /// A socket that takes larger frames than the broker announces.
    pub(super) fn wide() -> Self {
        Self { is_wide: true }
    }

    /// Connects within `timeout`. A failed attempt leaves neither a socket nor a thread behind.
    pub(super) async fn connect(
        self,
        mut uri: AMQPUri,
        properties: ConnectionProperties,
        tls: OwnedTLSConfig,
        timeout: Duration,
    ) -> Result<Connection, Error> {
        let runtime = lapin::runtime::default_runtime().map_err(|error| Error::Lost(error.to_string()))?;
        let attempt = Attempt::default();
        let state = attempt.0.clone();
        let Self { is_wide } = self;
        if !is_wide {
            uri.query.frame_max.get_or_insert(LARGEST_FRAME);
        }
        let connecting = Connection::connector(
            uri,
            runtime,
            async move |uri: AMQPUri, runtime| {
                quiet();
                let (host, scheme) = (uri.authority.host.clone(), uri.scheme.clone());
                // Looking up the name and the TCP handshake may take the whole `timeout`.
                let tcp = AMQPUri { scheme: AMQPScheme::AMQP, ..uri };
                let opened = tcp.connect_async(&runtime);
                let stream = tokio::time::timeout(timeout, opened).await.map_err(std::io::Error::from)??;
                if let AsyncTcpStream::Plain(stream) = &stream {
                    state.opened(stream.get_ref().as_fd())?;
                }
                let stream = match scheme {
                    AMQPScheme::AMQP => stream,
                    AMQPScheme::AMQPS => stream.into_tls(&host, tls.as_ref()).await?,
                };
                if !is_wide {
                    return Ok(stream);
                }
                let near = tcp_to(wide(stream).await?);
                Ok(near.connect_async(&runtime).await?)
            },
            properties,
        );
        let connected = answer("connection.open", timeout, connecting).await;
        if connected.is_ok() {
            attempt.succeeds();
        }
        connected
    }
}

/// Keeps what lapin's own thread logs out of the log. lapin logs a returned message as a whole, which may be somebody's
/// outcome or job. It logs a connection as given up that is to be opened again, and it logs each error that it also
/// returns. The owner of the connection logs what matters of all that.
fn quiet() {
    let is_own = std::thread::current().name() == Some("lapin-io-loop");
    if is_own {
        // The guard is forgotten, so that this holds for as long as the thread lives.
        std::mem::forget(tracing::subscriber::set_default(tracing::subscriber::NoSubscriber::default()));
    }
}

/// An address of which only the host and the port matter.
fn tcp_to(address: std::net::SocketAddr) -> AMQPUri {
    let mut uri = AMQPUri::default();
    uri.authority.host = address.ip().to_string();
    uri.authority.port = address.port();
    uri
}

/// An attempt to connect. Dropping it shuts its socket down, unless it has succeeded.
#[derive(Default)]
struct Attempt(Arc<State>);

#[derive(Default)]
struct State(Mutex<Stage>);

#[derive(Default)]
enum Stage {
    #[default]
    Dialling,
    Opened(TcpStream),
    Ended,
}

impl State {
    fn opened(&self, socket: BorrowedFd<'_>) -> std::io::Result<()> {
        let mut stage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*stage, Stage::Ended) {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        *stage = Stage::Opened(TcpStream::from(socket.try_clone_to_owned()?));
        Ok(())
    }

    fn end(&self) -> Stage {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), Stage::Ended)
    }
}

impl Attempt {
    fn succeeds(self) {
        self.0.end();
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Stage::Opened(socket) = self.0.end() {
            // It may be closed already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}
