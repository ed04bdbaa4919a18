//! A connection to the broker that takes larger frames than the broker announced.
//!
//! All headers of a message are in one frame, however large they are. RabbitMQ takes headers that fill a frame to the
//! last byte, and its quorum queues add `x-delivery-count` to them when they deliver. The frame is then larger than the
//! agreed size. lapin closes the connection, as AMQP demands, and the message goes back to the head of its queue, where
//! the next connection meets it. Both sides agree on the size in `connection.tune` and `connection.tune-ok`. This relay
//! between them announces a somewhat larger size to lapin, and tells the broker the size that the broker announced.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use futures_util::{AsyncRead, AsyncWrite};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::compat::FuturesAsyncReadCompatExt as _;

/// How much larger than announced a frame may be: several times what brokers add to a message.
const MORE: u32 = 64 << 10;
/// Bytes of a frame before its payload: its type, its channel and the payload's length.
const HEAD: usize = 7;
/// Bytes of a frame after its payload: the one that ends it.
const END: usize = 1;
/// The longest payload before and in `connection.tune`.
const HANDSHAKE_BYTES_MAX: u32 = 64 << 10;
/// `AMQP` and the version, which the client sends before any frame.
const PROTOCOL_HEADER: usize = 8;
/// The class and method of `connection.tune` and of `connection.tune-ok`.
const TUNE: [u8; 4] = [0, 10, 0, 30];
const TUNE_OK: [u8; 4] = [0, 10, 0, 31];
/// The position of the largest frame's size in the payload of both, after the class, the method and the number of channels.
const FRAME_MAX: std::ops::Range<usize> = 6..10;

/// Relays between the broker and the client that connects to the returned address, until either side ends.
pub(super) async fn wide(broker: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let relayed = async {
            let (client, _) = listener.accept().await?;
            client.set_nodelay(true)?;
            relay(broker.compat(), client).await
        };
        if let Err(error) = relayed.await {
            tracing::debug!(%error, "the relay to the broker ended");
        }
    });
    Ok(address)
}

async fn relay(
    mut broker: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    mut client: TcpStream,
) -> io::Result<()> {
    let mut header = [0; PROTOCOL_HEADER];
    client.read_exact(&mut header).await?;
    broker.write_all(&header).await?;
    broker.flush().await?;
    // The two sides send one frame each in turn.
    let announced = loop {
        let mut frame = read(&mut broker).await?;
        let announced = frame_max(&mut frame, TUNE).map(|frame_max| {
            let announced = u32::from_be_bytes(*frame_max);
            *frame_max = announced.saturating_add(MORE).to_be_bytes();
            announced
        });
        client.write_all(&frame).await?;
        if let Some(announced) = announced {
            break announced;
        }
        let frame = read(&mut client).await?;
        broker.write_all(&frame).await?;
        broker.flush().await?;
    };
    let mut frame = read(&mut client).await?;
    if let Some(frame_max) = frame_max(&mut frame, TUNE_OK) {
        *frame_max = announced.to_be_bytes();
    }
    broker.write_all(&frame).await?;
    broker.flush().await?;
    copy_bidirectional(&mut broker, &mut client).await.map(drop)
}

/// Reads a frame of the handshake.
async fn read(from: &mut (impl tokio::io::AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; HEAD];
    from.read_exact(&mut frame).await?;
    let payload = frame[3..].try_into().map_or(u32::MAX, u32::from_be_bytes);
    if payload > HANDSHAKE_BYTES_MAX {
        return Err(io::Error::other("a frame of the handshake is too large"));
    }
    frame.resize(HEAD + payload as usize + END, 0);
    from.read_exact(&mut frame[HEAD..]).await?;
    Ok(frame)
}

/// The bytes of a frame of this method that say how large a frame may be. Returns `None` for any other method.
fn frame_max(frame: &mut [u8], method: [u8; 4]) -> Option<&mut [u8; 4]> {
    let payload = frame.get_mut(HEAD..)?;
    if payload.get(..4)? != method {
        return None;
    }
    payload.get_mut(FRAME_MAX)?.try_into().ok()
}
