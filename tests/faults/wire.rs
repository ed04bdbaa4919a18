//! The proxy does what the laboratory counts on.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::support::frames::{is_cancel, length, whole, without};
use crate::support::proxy::{End, Proxy, Trouble, Way};
use crate::support::soon;

/// How long a test watches for what must not come.
const SHORT: Duration = Duration::from_millis(200);

/// A frame for a channel.
fn frame(channel: u8, payload: &[u8]) -> Vec<u8> {
    let size = u8::try_from(payload.len()).unwrap();
    [&[1, 0, channel, 0, 0, 0, size], payload, &[0xCE]].concat()
}

pub(crate) fn frames_are_told_apart() {
    let (greeting, first, second) = (b"AMQP\x00\x00\x09\x01".to_vec(), frame(0, b"A\xCE"), frame(1, b""));
    let all = [greeting.clone(), first.clone(), second.clone()].concat();
    let ends = [0, 8, 8 + first.len(), 8 + first.len() + second.len()];
    for end in 0..=all.len() {
        let expected = ends.iter().copied().filter(|whole| *whole <= end).max().unwrap();
        assert_eq!(whole(&all[..end]).unwrap(), expected, "{end} bytes");
    }
    assert_eq!(length(&first[..6]).unwrap(), None);
    assert_eq!(length(&first[..7]).unwrap(), Some(first.len()));
    // Bytes that do not end as a frame does are no frame.
    let mut broken = first;
    *broken.last_mut().unwrap() = 0;
    assert!(whole(&broken).is_err());
    let (cancel, others) = (frame(1, &[0, 60, 0, 30, 1]), [second, frame(1, &[0, 60, 0, 31, 1])]);
    let all = [others[0].clone(), cancel, others[1].clone()].concat();
    assert_eq!(without(&all, is_cancel), others.concat());
}

/// Both ends of a new connection through the proxy.
async fn connection(proxy: &Proxy, broker: &TcpListener) -> (TcpStream, TcpStream) {
    let client = TcpStream::connect(("127.0.0.1", proxy.address.uri().authority.port)).await.unwrap();
    let (broker, _) = soon("the connection", broker.accept()).await.unwrap();
    (client, broker)
}

async fn arrives(stream: &mut TcpStream, bytes: &[u8]) {
    let mut read = vec![0; bytes.len()];
    soon("what was sent", stream.read_exact(&mut read)).await.unwrap();
    assert_eq!(read, bytes);
}

async fn nothing_arrives(stream: &mut TcpStream) {
    let mut read = [0];
    assert!(timeout(SHORT, stream.read(&mut read)).await.is_err(), "something came");
}

/// All that still comes before the connection ends.
async fn rest(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut rest = Vec::new();
    soon("the end of the connection", stream.read_to_end(&mut rest)).await.map(|_| rest)
}

pub(crate) async fn what_happens_on_a_way_happens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::to(&format!("amqp://{}", listener.local_addr().unwrap()).parse().unwrap()).await;
    let sent = frame(7, b"a job");

    // A frame that is sent in pieces arrives whole.
    let (mut client, mut broker) = connection(&proxy, &listener).await;
    client.write_all(&sent[..9]).await.unwrap();
    nothing_arrives(&mut broker).await;
    client.write_all(&sent[9..]).await.unwrap();
    arrives(&mut broker, &sent).await;

    // One direction stands still and the other goes on. Later everything arrives.
    proxy.strike(Trouble::Stall, Way::ToBroker);
    client.write_all(&sent).await.unwrap();
    broker.write_all(&sent).await.unwrap();
    nothing_arrives(&mut broker).await;
    arrives(&mut client, &sent).await;
    proxy.strike(Trouble::None, Way::Both);
    arrives(&mut broker, &sent).await;

    // On a slow connection everything arrives.
    let large: Vec<u8> = (0..20).flat_map(|channel| frame(channel, &[b'x'; 200])).collect();
    proxy.strike(Trouble::Slow, Way::FromBroker);
    broker.write_all(&large).await.unwrap();
    arrives(&mut client, &large).await;

    // A half-open connection swallows what is sent, and is cut when the trouble is over. New connections are half-open meanwhile.
    proxy.strike(Trouble::Swallow, Way::Both);
    let (mut other, mut other_broker) = connection(&proxy, &listener).await;
    for (from, to) in [(&mut client, &mut broker), (&mut other, &mut other_broker)] {
        from.write_all(&sent).await.unwrap();
        nothing_arrives(to).await;
    }
    proxy.strike(Trouble::None, Way::Both);
    for stream in [&mut client, &mut broker, &mut other, &mut other_broker] {
        assert_eq!(rest(stream).await.unwrap(), b"");
    }

    // The last that arrives is half a frame.
    let (mut client, mut broker) = connection(&proxy, &listener).await;
    proxy.strike(Trouble::CutInside, Way::ToBroker);
    client.write_all(&sent).await.unwrap();
    assert_eq!(rest(&mut broker).await.unwrap(), sent[..sent.len() / 2]);
    proxy.strike(Trouble::None, Way::Both);

    for (end, is_reset) in [(End::Cut, false), (End::Reset, true)] {
        let (mut client, mut broker) = connection(&proxy, &listener).await;
        // Everything is read first: with unread bytes, any end would look like a reset.
        client.write_all(&sent).await.unwrap();
        arrives(&mut broker, &sent).await;
        proxy.end(end);
        let ended = rest(&mut client).await;
        assert_eq!(ended.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset), is_reset, "{end:?}");
    }

    // The existing connections fall silent. New ones do not.
    let (mut client, mut broker) = connection(&proxy, &listener).await;
    proxy.silence();
    client.write_all(&sent).await.unwrap();
    nothing_arrives(&mut broker).await;
    let (mut client, mut broker) = connection(&proxy, &listener).await;
    client.write_all(&sent).await.unwrap();
    arrives(&mut broker, &sent).await;
}
