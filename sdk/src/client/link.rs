//! Keeps a connection: opens it, serves it until it ends, and begins again. The client has one to publish and one for outcomes,
//! since RabbitMQ reads nothing more from a connection whose publishing it holds back, acknowledgements included.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::Address;
use crate::connect::{Brokers, Error};
use crate::retry::{self, Retry};

/// Whether a connection can be used.
pub(super) enum Link<H> {
    /// Not now, with the reason of the last failure.
    Connecting(Error),
    /// Yes.
    Up(H),
    /// Never again.
    Closed,
}

/// What a connection is for, with all that is needed to open it.
pub(super) trait Purpose: Send + Sync + 'static {
    /// The connection with all that is open on it.
    type Open: Send;
    /// What other tasks need of the connection.
    type Handle: Clone + Send + Sync + 'static;

    /// The brokers to connect to.
    fn brokers(&self) -> &Brokers;

    /// Makes one attempt to connect, to the address of this turn.
    fn open(&self, turn: usize) -> impl Future<Output = Result<Self::Open, Error>> + Send;

    /// What other tasks need of the connection.
    fn handle(open: &Self::Open) -> Self::Handle;

    /// Uses the connection for its purpose until it ends, and returns why it ended.
    fn serve(&self, open: &mut Self::Open) -> impl Future<Output = Error> + Send;

    /// Closes the connection in order.
    fn leave(&self, open: Self::Open) -> impl Future<Output = ()> + Send;
}

/// Opens the connection at the first address that can be used, from this turn on. Each address has a timeout of its
/// own, and a refusal at one of them does not end the search.
pub(super) async fn open_first<P: Purpose>(purpose: &P, first: usize) -> Result<(usize, P::Open), Error> {
    let addresses: &[Address] = &purpose.brokers().addresses;
    let mut answers = Vec::new();
    for turn in first..first.saturating_add(addresses.len()) {
        match purpose.open(turn).await {
            Ok(open) => return Ok((turn, open)),
            Err(error) if error.is_of_every_address() => return Err(error),
            Err(error) => {
                let error = purpose.brokers().refused(turn, error).await;
                tracing::warn!(%error, "no connection to the broker");
                answers.push((addresses[turn % addresses.len()].clone(), error));
            }
        }
    }
    Err(Error::of_all(answers))
}

/// Keeps a connection until `stop` is cancelled, and opens it again when it is lost. It was opened at the address of this turn.
pub(super) fn keep<P: Purpose>(
    purpose: P,
    longest_pause: Duration,
    (turn, open): (usize, P::Open),
    stop: CancellationToken,
) -> (watch::Receiver<Link<P::Handle>>, JoinHandle<()>) {
    let (announce, link) = watch::channel(Link::Up(P::handle(&open)));
    let keeper = Keeper { purpose, announce, stop, turn, retry: Retry::up_to(longest_pause) };
    (link, tokio::spawn(keeper.run(open)))
}

struct Keeper<P: Purpose> {
    purpose: P,
    announce: watch::Sender<Link<P::Handle>>,
    stop: CancellationToken,
    turn: usize,
    retry: Retry,
}

impl<P: Purpose> Keeper<P> {
    async fn run(mut self, mut open: P::Open) {
        loop {
            let lost = tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    self.announce.send_replace(Link::Closed);
                    return self.purpose.leave(open).await;
                }
                lost = self.purpose.serve(&mut open) => lost,
            };
            tracing::warn!(error = %lost, "a connection to the broker was lost");
            drop(open);
            match self.reopen(lost).await {
                Some(again) => open = again,
                None => break,
            }
            self.announce.send_replace(Link::Up(P::handle(&open)));
        }
        self.announce.send_replace(Link::Closed);
    }

    /// Connects again. Returns `None` when `stop` is cancelled.
    async fn reopen(&mut self, lost: Error) -> Option<P::Open> {
        let mut error = lost;
        loop {
            self.announce.send_replace(Link::Connecting(error));
            self.turn = self.turn.wrapping_add(1);
            // Every address has its chance before the first pause.
            let is_all = self.turn.is_multiple_of(self.purpose.brokers().addresses.len().max(1));
            if is_all && retry::wait(self.retry.next_pause(), self.stop.cancelled()).await.is_break() {
                return None;
            }
            let attempt = tokio::select! {
                biased;
                () = self.stop.cancelled() => return None,
                attempt = self.purpose.open(self.turn) => attempt,
            };
            match attempt {
                Ok(open) => {
                    self.retry.reset();
                    tracing::info!("connected to the broker again");
                    return Some(open);
                }
                Err(failed) => {
                    let failed = self.purpose.brokers().refused(self.turn, failed).await;
                    tracing::warn!(error = %failed, "no connection to the broker");
                    error = failed;
                }
            }
        }
    }
}
