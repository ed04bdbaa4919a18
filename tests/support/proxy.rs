//! A proxy to the broker that can make everything happen that happens on networks, while it is in use.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use lapin::uri::AMQPScheme;
use scriptmill::broker::Address;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::frames;

/// What a slow connection lets through at a time, and how often.
const PIECE: usize = 512;
const PIECE_EVERY: Duration = Duration::from_millis(20);

/// What the proxy does with what is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trouble {
    /// It arrives.
    #[default]
    None,
    /// It stands still, and arrives later.
    Stall,
    /// It arrives at 25 KiB a second.
    Slow,
    /// The connection is half open: it accepts what is sent, and delivers none of it. When this is over, it is cut.
    Swallow,
    /// The next frame arrives up to its middle, and then the connection is cut.
    CutInside,
    /// Everything arrives except for the notices that a consumer is cancelled.
    HideCancels,
    /// Everything arrives, and before it the notice that the broker is short of memory and takes no publications.
    Block,
}

/// Which way something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    ToBroker,
    FromBroker,
    Both,
}

impl Way {
    fn includes(self, way: Self) -> bool {
        self == Self::Both || self == way
    }
}

/// How connections end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Closed by us.
    Cut,
    /// Reset: the other side hears of it at once, and what was under way is lost.
    Reset,
}

/// The state that all connections watch. Connections are numbered in the order in which they open.
#[derive(Clone, Copy, Debug)]
struct State {
    trouble: Trouble,
    way: Way,
    /// Connections with a lower number have the trouble.
    until: u64,
    /// Connections with a lower number end.
    over: u64,
    end: End,
}

impl State {
    fn of(&self, way: Way, number: u64) -> Trouble {
        if number < self.until && self.way.includes(way) { self.trouble } else { Trouble::None }
    }
}

/// A proxy to the broker.
pub struct Proxy {
    pub address: Address,
    state: watch::Sender<State>,
    opened: Arc<AtomicU64>,
    is_gone: Arc<AtomicBool>,
    listener: JoinHandle<()>,
}

impl Proxy {
    /// A proxy to the broker at this address.
    pub async fn to(target: &Address) -> Self {
        let mut uri = target.uri().clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let local = listener.local_addr().unwrap();
        let upstream = (uri.authority.host.clone(), uri.authority.port);
        uri.authority.host = local.ip().to_string();
        uri.authority.port = local.port();
        let (trouble, way) = (Trouble::None, Way::Both);
        let (state, seen) = watch::channel(State { trouble, way, until: 0, over: 0, end: End::Cut });
        let (opened, is_gone) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (numbers, gone) = (opened.clone(), is_gone.clone());
        let has_frames = uri.scheme == AMQPScheme::AMQP;
        let listener = tokio::spawn(async move {
            while let Ok((down, _)) = listener.accept().await {
                if !gone.load(Ordering::SeqCst) {
                    let number = numbers.fetch_add(1, Ordering::SeqCst);
                    tokio::spawn(carry(down, upstream.clone(), number, seen.clone(), has_frames));
                }
            }
        });
        Self { address: uri.to_string().parse().unwrap(), state, opened, is_gone, listener }
    }

    /// Puts all connections, present and future, into this trouble. [`Trouble::None`] ends it.
    pub fn strike(&self, trouble: Trouble, way: Way) {
        self.state.send_modify(|state| (state.trouble, state.way, state.until) = (trouble, way, u64::MAX));
    }

    /// Lets nothing more through on the existing connections, and leaves them open. New ones are let through.
    pub fn silence(&self) {
        let until = self.opened.load(Ordering::SeqCst);
        self.state.send_modify(|state| (state.trouble, state.way, state.until) = (Trouble::Stall, Way::Both, until));
    }

    /// Tells the clients of the existing connections that the broker is short of memory. Connections over TLS cannot be told.
    pub fn blocks(&self) {
        let until = self.opened.load(Ordering::SeqCst);
        self.state
            .send_modify(|state| (state.trouble, state.way, state.until) = (Trouble::Block, Way::FromBroker, until));
    }

    /// If the broker is gone, all connections are cut, and new ones too. Otherwise it is back.
    pub fn goes(&self, is_gone: bool) {
        self.is_gone.store(is_gone, Ordering::SeqCst);
        if is_gone {
            self.cut();
        }
    }

    /// Cuts all connections; new ones are let through.
    pub fn cut(&self) {
        self.end(End::Cut);
    }

    /// Ends all connections; new ones are let through.
    pub fn end(&self, end: End) {
        let over = self.opened.load(Ordering::SeqCst);
        self.state.send_modify(|state| (state.over, state.end) = (over, end));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Connections end when the state that they watch is dropped.
        self.listener.abort();
    }
}

async fn carry(down: TcpStream, upstream: (String, u16), number: u64, state: watch::Receiver<State>, has_frames: bool) {
    let Ok(up) = TcpStream::connect(upstream).await else { return };
    // Frames go out as they come in.
    let _ = (down.set_nodelay(true), up.set_nodelay(true));
    let ((down_read, down_write), (up_read, up_write)) = (down.into_split(), up.into_split());
    let mut to_broker = Pump::new(Way::ToBroker, down_read, up_write, number, &state, has_frames);
    let mut from_broker = Pump::new(Way::FromBroker, up_read, down_write, number, &state, has_frames);
    let mut seen = state;
    let ended = async {
        let over = seen.wait_for(|state| number < state.over).await;
        over.map_or(End::Cut, |state| state.end)
    };
    let end = tokio::select! {
        end = ended => end,
        end = async { tokio::try_join!(to_broker.run(), from_broker.run()) } => end.err().unwrap_or(End::Cut),
    };
    let halves = [(to_broker.from, from_broker.to), (from_broker.from, to_broker.to)];
    for stream in halves.into_iter().filter_map(|(read, write)| read.reunite(write).ok()) {
        if end == End::Reset {
            let _ = stream.set_zero_linger();
        }
    }
}

/// One direction of a connection.
struct Pump {
    way: Way,
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    number: u64,
    state: watch::Receiver<State>,
    has_frames: bool,
    has_swallowed: bool,
    has_blocked: bool,
    held: BytesMut,
}

impl Pump {
    fn new(
        way: Way,
        from: OwnedReadHalf,
        to: OwnedWriteHalf,
        number: u64,
        state: &watch::Receiver<State>,
        has_frames: bool,
    ) -> Self {
        let held = BytesMut::new();
        let (state, has_swallowed, has_blocked) = (state.clone(), false, false);
        Self { way, from, to, number, state, has_frames, has_swallowed, has_blocked, held }
    }

    /// Carries bytes until the sender is done. An error says how both directions end.
    async fn run(&mut self) -> Result<(), End> {
        loop {
            let trouble = self.state.borrow_and_update().of(self.way, self.number);
            if self.has_swallowed && trouble != Trouble::Swallow {
                return Err(End::Cut);
            }
            if trouble == Trouble::Block && self.has_frames && !self.has_blocked {
                self.has_blocked = true;
                // What was passed on ends with a frame.
                self.to.write_all(frames::BLOCKED).await.map_err(|_| End::Cut)?;
            }
            tokio::select! {
                biased;
                changed = self.state.changed() => changed.map_err(|_| End::Cut)?,
                read = self.from.read_buf(&mut self.held), if trouble != Trouble::Stall => match read {
                    Ok(0) | Err(_) => return self.close().await,
                    Ok(_) => self.pass(trouble).await?,
                },
            }
        }
    }

    /// Passes on the end of the sender. What it sent before still arrives.
    async fn close(&mut self) -> Result<(), End> {
        let _ = self.to.shutdown().await;
        Ok(())
    }

    /// Passes on all whole frames.
    async fn pass(&mut self, trouble: Trouble) -> Result<(), End> {
        let whole = if self.has_frames { frames::whole(&self.held) } else { Ok(self.held.len()) };
        let whole = whole.map_err(|_| End::Cut)?;
        if whole == 0 {
            return Ok(());
        }
        let passed = match trouble {
            Trouble::None | Trouble::Stall | Trouble::Block => self.write(whole).await,
            Trouble::Slow => self.write_slowly(whole).await,
            Trouble::HideCancels => {
                let shown = frames::without(&self.held.split_to(whole), frames::is_cancel);
                self.to.write_all(&shown).await
            }
            Trouble::Swallow => {
                self.has_swallowed = true;
                self.held.advance(whole);
                Ok(())
            }
            Trouble::CutInside => {
                let first = if self.has_frames { frames::length(&self.held).ok().flatten() } else { None };
                // A peer that is gone already is no concern of the proxy.
                let _ = self.write(first.unwrap_or(whole) / 2).await;
                return Err(End::Cut);
            }
        };
        passed.map_err(|_| End::Cut)
    }

    async fn write(&mut self, length: usize) -> io::Result<()> {
        let bytes = self.held.split_to(length);
        self.to.write_all(&bytes).await
    }

    async fn write_slowly(&mut self, length: usize) -> io::Result<()> {
        let mut rest = length;
        while rest > 0 && self.state.borrow().of(self.way, self.number) == Trouble::Slow {
            let piece = rest.min(PIECE);
            self.write(piece).await?;
            rest -= piece;
            sleep(PIECE_EVERY).await;
        }
        self.write(rest).await
    }
}
