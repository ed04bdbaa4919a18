//! A proxy to the broker that can be cut, fall silent, and say that the broker holds publishing back.

use std::net::{Ipv4Addr, SocketAddr};

use scriptmill_sdk::Address;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::rig::broker;

/// The class and method of `basic.publish`, as a frame begins with them.
const PUBLISH: [u8; 4] = [0, 60, 0, 40];
/// The frames of `connection.blocked`, with an empty reason, and of `connection.unblocked`.
const BLOCKED: [u8; 13] = [1, 0, 0, 0, 0, 0, 5, 0, 10, 0, 60, 0, 0xCE];
const UNBLOCKED: [u8; 12] = [1, 0, 0, 0, 0, 0, 4, 0, 10, 0, 61, 0xCE];

/// What the proxy does with connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mode {
    /// Nothing that the broker says is passed on.
    is_silent: bool,
    /// All connections end, and no new ones begin.
    is_cut: bool,
    /// Connections on which something was published are told that the broker is short of memory.
    is_blocked: bool,
}

/// A proxy to the broker.
pub(crate) struct Proxy {
    port: u16,
    mode: watch::Sender<Mode>,
}

impl Proxy {
    pub(crate) async fn start(to: Address) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().map(|address: SocketAddr| address.port()).unwrap();
        let (mode, modes) = watch::channel(Mode::default());
        let authority = to.uri().authority.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if !modes.borrow().is_cut {
                    let broker = TcpStream::connect((authority.host.as_str(), authority.port)).await.unwrap();
                    tokio::spawn(pass(client, broker, modes.clone()));
                }
            }
        });
        Self { port, mode }
    }

    pub(crate) fn address(&self) -> Address {
        let mut uri = broker().uri().clone();
        uri.authority.host = Ipv4Addr::LOCALHOST.to_string();
        uri.authority.port = self.port;
        uri.to_string().parse().unwrap()
    }

    pub(crate) fn cut(&self) {
        self.mode.send_modify(|mode| mode.is_cut = true);
    }

    pub(crate) fn mend(&self) {
        self.mode.send_modify(|mode| mode.is_cut = false);
    }

    pub(crate) fn hold_answers(&self, hold: bool) {
        self.mode.send_modify(|mode| mode.is_silent = hold);
    }

    /// Call it while the broker says nothing: the frame must not come within another.
    pub(crate) fn block(&self, block: bool) {
        self.mode.send_modify(|mode| mode.is_blocked = block);
    }
}

async fn pass(client: TcpStream, broker: TcpStream, mut modes: watch::Receiver<Mode>) {
    let (from_client, to_client) = client.into_split();
    let (from_broker, to_broker) = broker.into_split();
    let (published, publishes) = watch::channel(false);
    let answers = answer(from_broker, to_client, modes.clone(), publishes);
    tokio::select! {
        () = ask(from_client, to_broker, published) => {}
        () = answers => {}
        _ = modes.wait_for(|mode| mode.is_cut) => {}
    }
}

async fn ask(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, published: watch::Sender<bool>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if buffer[..length].windows(PUBLISH.len()).any(|bytes| bytes == PUBLISH) {
            published.send_replace(true);
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

async fn answer(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut modes: watch::Receiver<Mode>,
    mut publishes: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 1 << 16];
    let mut told = false;
    loop {
        let mode = *modes.borrow_and_update();
        let is_blocked = mode.is_blocked && *publishes.borrow_and_update();
        if std::mem::replace(&mut told, is_blocked) != is_blocked {
            let frame: &[u8] = if is_blocked { &BLOCKED } else { &UNBLOCKED };
            to.write_all(frame).await.unwrap();
        }
        tokio::select! {
            Ok(()) = modes.changed() => {}
            Ok(()) = publishes.changed() => {}
            read = from.read(&mut buffer), if !mode.is_silent => {
                let length = read.unwrap_or_default();
                if length == 0 || to.write_all(&buffer[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
