//! The requests that go to the server in batches: claims, extensions, releases and records.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::StreamExt as _;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::columns::{Claims, Keys};
use super::failure::Fault;
use super::lane::{Item, KEY_BYTES};
use super::statements::{CLAIM, EXTEND, IN_THE_WAY, RECORD, RELEASE};
use crate::ledger::history::ATTEMPTS_MAX;
use crate::ledger::{Claim, Claimed, Key, Record, Recorded};

type Answers<'a, T> = &'a mut (dyn FnMut(usize, T) + Send);

/// A claim to be granted for the time `lease`.
pub(super) struct Claiming {
    pub(super) claim: Arc<Claim>,
    pub(super) lease: Duration,
}

impl Item for Claiming {
    type Answer = Claimed;
    const WHAT: &'static str = "a claim";

    fn key(&self) -> &Key {
        &self.claim.key
    }

    fn ask<'a>(
        items: &'a [&'a Self],
        connection: &'a mut PgConnection,
        answer: Answers<'a, Claimed>,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            let claims = Claims::of(items.iter().map(|item| &*item.claim));
            let lease = items.first().map_or(Duration::ZERO, |item| item.lease);
            let asked = sqlx::query(CLAIM)
                .bind(&claims.keys.tenants)
                .bind(&claims.keys.job_ids)
                .bind(&claims.keys.generations)
                .bind(&claims.body_hashes)
                .bind(&claims.script_names)
                .bind(&claims.script_hashes)
                .bind(&claims.workers)
                .bind(&claims.tokens)
                .bind(millis(lease))
                .bind(&claims.attempts)
                .bind(i32::try_from(ATTEMPTS_MAX).unwrap_or(i32::MAX));
            let granted = tokens(asked.fetch_all(&mut *connection).await?)?;
            let others = split(&claims.tokens, &granted, |index| answer(index, Claimed::Granted));
            let claims: Vec<_> = items.iter().map(|item| &item.claim).collect();
            in_the_way(&claims, &others, true, connection, |index, found| {
                answer(
                    index,
                    match found {
                        InTheWay { is_same_body: false, .. } => Claimed::OtherBody,
                        InTheWay { record: Some(record), .. } => Claimed::Recorded(record),
                        InTheWay { left, .. } => Claimed::Held { left },
                    },
                );
            })
            .await
        }
        .boxed()
    }
}

/// An outcome to be recorded.
pub(super) struct Recording {
    pub(super) claim: Arc<Claim>,
    pub(super) record: Record,
}

impl Item for Recording {
    type Answer = Recorded;
    const WHAT: &'static str = "a record";

    fn key(&self) -> &Key {
        &self.claim.key
    }

    fn bytes(&self) -> usize {
        KEY_BYTES + self.record.body.len()
    }

    fn ask<'a>(
        items: &'a [&'a Self],
        connection: &'a mut PgConnection,
        answer: Answers<'a, Recorded>,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            let claims = Claims::of(items.iter().map(|item| &*item.claim));
            let statuses: Vec<_> = items.iter().map(|item| item.record.status.as_str()).collect();
            let codes: Vec<_> = items.iter().map(|item| item.record.code.as_deref()).collect();
            let outcomes: Vec<_> = items.iter().map(|item| &*item.record.body).collect();
            let asked = sqlx::query(RECORD)
                .bind(&claims.keys.tenants)
                .bind(&claims.keys.job_ids)
                .bind(&claims.keys.generations)
                .bind(&claims.body_hashes)
                .bind(&claims.script_names)
                .bind(&claims.script_hashes)
                .bind(&claims.workers)
                .bind(&claims.tokens)
                .bind(statuses)
                .bind(codes)
                .bind(outcomes);
            let first = tokens(asked.fetch_all(&mut *connection).await?)?;
            let others = split(&claims.tokens, &first, |index| answer(index, Recorded::First));
            let claims: Vec<_> = items.iter().map(|item| &item.claim).collect();
            in_the_way(&claims, &others, false, connection, |index, found| {
                answer(
                    index,
                    match found {
                        InTheWay { is_same_body: false, .. } => Recorded::OtherBody,
                        // An earlier attempt recorded it, and the answer was lost.
                        InTheWay { is_own: true, .. } => Recorded::First,
                        InTheWay { record: Some(record), .. } => Recorded::Earlier(record),
                        // The job was forgotten just now; the next attempt gets an answer.
                        InTheWay { .. } => return,
                    },
                );
            })
            .await
        }
        .boxed()
    }
}

/// A claim whose lease is to be extended by the time `lease` from now. The answer says whether the claim still held.
pub(super) struct Extending {
    pub(super) claim: Arc<Claim>,
    pub(super) lease: Duration,
}

impl Item for Extending {
    type Answer = bool;
    const WHAT: &'static str = "an extension";

    fn key(&self) -> &Key {
        &self.claim.key
    }

    fn ask<'a>(
        items: &'a [&'a Self],
        connection: &'a mut PgConnection,
        answer: Answers<'a, bool>,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            let keys = Keys::of(items.iter().map(|item| item.key()));
            let asked: Vec<_> = items.iter().map(|item| item.claim.token).collect();
            let lease = items.first().map_or(Duration::ZERO, |item| item.lease);
            let statement = sqlx::query(EXTEND)
                .bind(&keys.tenants)
                .bind(&keys.job_ids)
                .bind(&keys.generations)
                .bind(&asked)
                .bind(millis(lease));
            let extended = tokens(statement.fetch_all(connection).await?)?;
            let others = split(&asked, &extended, |index| answer(index, true));
            others.into_iter().for_each(|index| answer(index, false));
            Ok(())
        }
        .boxed()
    }
}

/// A claim that is given back.
pub(super) struct Releasing {
    pub(super) claim: Arc<Claim>,
}

impl Item for Releasing {
    type Answer = ();
    const WHAT: &'static str = "a release";

    fn key(&self) -> &Key {
        &self.claim.key
    }

    fn ask<'a>(
        items: &'a [&'a Self],
        connection: &'a mut PgConnection,
        answer: Answers<'a, ()>,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            let keys = Keys::of(items.iter().map(|item| item.key()));
            let asked: Vec<_> = items.iter().map(|item| item.claim.token).collect();
            let statement =
                sqlx::query(RELEASE).bind(&keys.tenants).bind(&keys.job_ids).bind(&keys.generations).bind(&asked);
            statement.execute(connection).await?;
            (0..items.len()).for_each(|index| answer(index, ()));
            Ok(())
        }
        .boxed()
    }
}

/// Why a claim was not granted, or an outcome not recorded.
struct InTheWay {
    is_same_body: bool,
    /// The outcome was recorded with the same token.
    is_own: bool,
    record: Option<Record>,
    /// How long the lease of another claim still lasts.
    left: Duration,
}

/// Looks up what stands in the way of the `others`, and passes the findings to `say` one by one, since the outcomes may be large.
async fn in_the_way(
    claims: &[&Arc<Claim>],
    others: &[usize],
    own_too: bool,
    connection: &mut PgConnection,
    mut say: impl FnMut(usize, InTheWay),
) -> Result<(), Fault> {
    if others.is_empty() {
        return Ok(());
    }
    let columns = Claims::of(others.iter().filter_map(|index| claims.get(*index)).map(|claim| &***claim));
    let asked = sqlx::query(IN_THE_WAY)
        .bind(&columns.keys.tenants)
        .bind(&columns.keys.job_ids)
        .bind(&columns.keys.generations)
        .bind(&columns.body_hashes)
        .bind(&columns.tokens)
        .bind(own_too);
    let mut rows = asked.fetch(connection);
    while let Some(row) = rows.next().await {
        let row = row?;
        let place: i64 = row.try_get(0)?;
        let (is_recorded, is_own): (bool, bool) = (row.try_get(2)?, row.try_get(3)?);
        let found = InTheWay {
            is_same_body: row.try_get(1)?,
            is_own: is_recorded && is_own,
            record: record(&row)?,
            left: Duration::from_millis(u64::try_from(row.try_get::<i64, _>(7)?).unwrap_or(0)),
        };
        if let Some(index) = usize::try_from(place).ok().and_then(|place| others.get(place)) {
            say(*index, found);
        }
    }
    Ok(())
}

/// The outcome in a row of [`IN_THE_WAY`], if there is one.
fn record(row: &PgRow) -> Result<Option<Record>, Fault> {
    let (status, code): (Option<String>, Option<String>) = (row.try_get(4)?, row.try_get(5)?);
    let body: Option<&[u8]> = row.try_get(6)?;
    Ok(match (status, body) {
        (Some(status), Some(body)) => Some(Record { status, code, body: Bytes::copy_from_slice(body) }),
        _ => None,
    })
}

/// The first column of all rows.
fn tokens(rows: Vec<PgRow>) -> Result<HashSet<Uuid>, Fault> {
    Ok(rows.into_iter().map(|row| row.try_get(0)).collect::<Result<_, sqlx::Error>>()?)
}

/// Calls `say` with the index of each token that is among `found`, and returns the other indices.
fn split(asked: &[Uuid], found: &HashSet<Uuid>, mut say: impl FnMut(usize)) -> Vec<usize> {
    let (is, others): (Vec<_>, Vec<_>) = (0..asked.len()).partition(|index| found.contains(&asked[*index]));
    is.into_iter().for_each(&mut say);
    others
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
