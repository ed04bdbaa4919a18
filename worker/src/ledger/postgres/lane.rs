//! A lane: one connection, on which the requests of many callers go in batches, one statement for each batch.
//!
//! Requests that come while a statement is on its way are collected and go with the next one, so batches grow with the load. While no
//! server answers, each request fails at once, and the lane goes on trying to connect.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use scriptmill_sdk::retry::Retry;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::dialler::Dialler;
use super::failure::{Fault, is_collision};
use crate::ledger::{Error, Key, STATEMENT_BYTES};

/// The most requests in one statement. More would not be faster, and all answers would wait for the last one.
const BATCH_MAX: usize = 256;
/// What a job's key and what stands beside it take in a statement, in bytes: about as much as was seen where ids are UUIDs.
pub(super) const KEY_BYTES: usize = 128;
/// The most requests that wait for their statement; beyond that callers wait to hand theirs in.
const WAITING_MAX: usize = 1_024;
/// How often a statement is repeated after it collided with another one.
const COLLISIONS_MAX: usize = 3;
/// The longest pause between two attempts to connect.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// One request. Sending it twice has the same effect and answer as sending it once.
pub(super) trait Item: Sized + Send + Sync + 'static {
    /// What the ledger answers.
    type Answer: Send + 'static;
    /// The request's name in the message of [`Error::Silent`].
    const WHAT: &'static str;

    /// The key of the request's job. One statement has each job only once.
    fn key(&self) -> &Key;

    /// The request's approximate size in its statement, in bytes.
    fn bytes(&self) -> usize {
        KEY_BYTES
    }

    /// Sends all requests, which are in the order of their keys, and calls `answer` with the index and the answer of each.
    fn ask<'a>(
        items: &'a [&'a Self],
        connection: &'a mut PgConnection,
        answer: &'a mut (dyn FnMut(usize, Self::Answer) + Send),
    ) -> BoxFuture<'a, Result<(), Fault>>;
}

/// Sends requests of one kind.
pub(super) struct Lane<T: Item> {
    sender: mpsc::Sender<Asked<T>>,
    down: Down,
    patience: Duration,
}

/// Why the ledger does not answer. `None` while it answers.
#[derive(Clone, Default)]
pub(super) struct Down(Arc<Mutex<Option<Error>>>);

struct Asked<T: Item> {
    item: T,
    answer: oneshot::Sender<Result<T::Answer, Error>>,
}

impl<T: Item> Lane<T> {
    /// A lane with a connection of its own, until `closing` is cancelled.
    pub(super) fn new(dialler: &Arc<Dialler>, closing: &CancellationToken, tasks: &mut JoinSet<()>) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let down = Down::default();
        // A request may have to wait for the statement before its own, and for a connection.
        let patience = 3 * dialler.timeout();
        let (dialler, closing) = (dialler.clone(), closing.clone());
        let mut writer = Writer { dialler, receiver, down: down.clone(), later: Vec::new(), connection: None };
        tasks.spawn(async move {
            if closing.run_until_cancelled(writer.run()).await.is_none() {
                writer.close().await;
            }
        });
        Self { sender, down, patience }
    }

    /// Sends a request and waits for the answer.
    pub(super) async fn ask(&self, item: T) -> Result<T::Answer, Error> {
        let (answer, answered) = oneshot::channel();
        let asked = async {
            let closed = || Error::Lost("the ledger is closed".to_owned());
            self.sender.send(Asked { item, answer }).await.map_err(|_| closed())?;
            answered.await.unwrap_or_else(|_| Err(closed()))
        };
        let silent = |_| Error::Silent { what: T::WHAT, waited: self.patience };
        timeout(self.patience, asked).await.map_err(silent)?
    }

    /// Why the lane does not answer now. Returns `None` while it answers.
    pub(super) fn down(&self) -> Option<Error> {
        self.down.get()
    }
}

impl Down {
    fn get(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, error: Option<Error>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }
}

impl<T: Item> Asked<T> {
    fn fail(self, error: &Error) {
        // The caller may have stopped waiting.
        _ = self.answer.send(Err(error.clone()));
    }
}

struct Writer<T: Item> {
    dialler: Arc<Dialler>,
    receiver: mpsc::Receiver<Asked<T>>,
    down: Down,
    /// Requests that wait for the next statement, since this one has their job already.
    later: Vec<Asked<T>>,
    connection: Option<PgConnection>,
}

impl<T: Item> Writer<T> {
    /// Sends batches until there are no more callers.
    async fn run(&mut self) {
        while let Some(mut batch) = self.take().await {
            // A connection that was idle may have ended unnoticed, so a new one is tried once.
            let was_idle = self.connection.is_some();
            let mut written = self.write(&mut batch).await;
            if was_idle && written.as_ref().is_err_and(Error::is_transient) {
                written = self.write(&mut batch).await;
            }
            if written.as_ref().is_err_and(|error| !error.is_transient()) && batch.len() > 1 {
                // The server may refuse only one of the requests, and the others must not fail with it.
                written = self.write_each(&mut batch).await;
            }
            if let Err(error) = written {
                tracing::debug!(%error, what = T::WHAT, count = batch.len(), "the ledger did not answer");
                self.down.set(Some(error.clone()));
                batch.into_iter().for_each(|asked| asked.fail(&error));
                if self.connection.is_none() {
                    self.reconnect(error).await;
                }
            }
        }
    }

    async fn close(mut self) {
        if let Some(connection) = self.connection.take() {
            // The connection ends in any case.
            _ = timeout(self.dialler.timeout(), connection.close()).await;
        }
    }

    /// The requests for the next statement, in the order of their keys, so that the statements of several workers lock rows in the same
    /// order.
    async fn take(&mut self) -> Option<Vec<Asked<T>>> {
        let mut waiting = std::mem::take(&mut self.later);
        if waiting.is_empty() {
            waiting.push(self.receiver.recv().await?);
        }
        let (mut batch, mut keys, mut bytes) = (Vec::new(), HashSet::new(), 0);
        let mut waiting = waiting.into_iter();
        while batch.len() < BATCH_MAX && bytes < STATEMENT_BYTES {
            let Some(asked) = waiting.next().or_else(|| self.receiver.try_recv().ok()) else {
                break;
            };
            if asked.answer.is_closed() {
                continue;
            }
            if keys.insert(asked.item.key().clone()) {
                bytes += asked.item.bytes();
                batch.push(asked);
            } else {
                self.later.push(asked);
                if self.later.len() >= BATCH_MAX {
                    break;
                }
            }
        }
        self.later.extend(waiting);
        batch.sort_by(|one, other| one.item.key().cmp(other.item.key()));
        Some(batch)
    }

    /// Sends the requests of the batch, and removes those that are answered.
    async fn write(&mut self, batch: &mut Vec<Asked<T>>) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.dialler.dial().await?,
        };
        let mut answers: Vec<_> = batch.iter().map(|_| None).collect();
        let written = {
            let items: Vec<_> = batch.iter().map(|asked| &asked.item).collect();
            let mut answer = |index: usize, answer: T::Answer| {
                if let Some(place) = answers.get_mut(index) {
                    *place = Some(answer);
                }
            };
            timeout(self.dialler.timeout(), write(&items, &mut connection, &mut answer)).await
        };
        let mut unanswered = Vec::new();
        for (asked, answer) in batch.drain(..).zip(answers) {
            match answer {
                Some(answer) => _ = asked.answer.send(Ok(answer)),
                None => unanswered.push(asked),
            }
        }
        *batch = unanswered;
        match written {
            Ok(Ok(())) if batch.is_empty() => {
                self.down.set(None);
                self.connection = Some(connection);
                Ok(())
            }
            Ok(Ok(())) => Err(Error::Lost("it left out an answer".to_owned())),
            Ok(Err(error)) => {
                if !error.is_transient() {
                    self.connection = Some(connection);
                }
                Err(error)
            }
            Err(_) => Err(Error::Silent { what: T::WHAT, waited: self.dialler.timeout() }),
        }
    }

    /// Sends each request of the batch on its own, and removes those that are answered.
    async fn write_each(&mut self, batch: &mut Vec<Asked<T>>) -> Result<(), Error> {
        let mut written = Ok(());
        for asked in std::mem::take(batch) {
            let mut alone = vec![asked];
            if let Err(error) = self.write(&mut alone).await {
                written = Err(error);
            }
            batch.extend(alone);
        }
        written
    }

    /// Tries until there is a connection. Meanwhile each request fails with the latest error, at first `error`.
    async fn reconnect(&mut self, mut error: Error) {
        let mut retry = Retry::up_to(PAUSE_MAX);
        loop {
            self.down.set(Some(error.clone()));
            let dialler = self.dialler.clone();
            let dialled = async {
                sleep(retry.next_pause()).await;
                dialler.dial().await
            };
            let mut dialled = pin!(dialled);
            let dialled = loop {
                tokio::select! {
                    dialled = &mut dialled => break dialled,
                    asked = self.receiver.recv() => match asked {
                        Some(asked) => asked.fail(&error),
                        None => return,
                    },
                }
            };
            self.later.drain(..).for_each(|asked| asked.fail(&error));
            match dialled {
                Ok(connection) => {
                    tracing::info!(what = T::WHAT, "the ledger answers again");
                    self.down.set(None);
                    self.connection = Some(connection);
                    return;
                }
                Err(again) => {
                    tracing::warn!(error = %again, what = T::WHAT, "the ledger does not answer; trying again after a pause");
                    error = again;
                }
            }
        }
    }
}

async fn write<T: Item>(
    items: &[&T],
    connection: &mut PgConnection,
    answer: &mut (dyn FnMut(usize, T::Answer) + Send),
) -> Result<(), Error> {
    let mut collisions = 0;
    loop {
        match T::ask(items, connection, answer).await {
            Err(Fault::Sql(error)) if is_collision(&error) && collisions < COLLISIONS_MAX => collisions += 1,
            asked => return asked.map_err(Error::from),
        }
    }
}
