//! Deletes old jobs from the ledger: every minute, one worker at a time, in batches that are too small to hold up others.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection as _, PgConnection, Row as _};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::dialler::Dialler;
use super::failure::Fault;
use crate::ledger::Error;

const EVERY: Duration = Duration::from_secs(60);
/// The most rows that one statement deletes.
const BATCH: i64 = 1_000;
/// The key of the advisory lock in PostgreSQL under which one process at a time deletes old jobs.
const FORGETTING: i64 = 0x5343_5249_5054_0002;

const LOCK: &str = "select pg_try_advisory_lock($1)";

/// Finds jobs by their first claim. Jobs that were claimed or recorded within the retention stay.
const FORGET: &str = "
delete from scriptmill_ledger where ctid = any(array(
    select ctid from scriptmill_ledger
    where first_at < now() - $1 * interval '1 millisecond'
        and last_at < now() - $1 * interval '1 millisecond'
        and (recorded_at is not null or lease_until is null or lease_until < now())
    order by first_at limit $2 for update skip locked
))";

/// Deletes jobs that are older than `retention`, every minute.
pub(super) async fn keep(dialler: Arc<Dialler>, retention: Duration) {
    let mut ticks = interval_at(Instant::now() + EVERY, EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match forget(&dialler, retention).await {
            Ok(0) => {}
            Ok(jobs) => tracing::debug!(jobs, "the ledger forgot jobs that are past its retention"),
            Err(error) => tracing::warn!(%error, "the ledger could not forget jobs that are past its retention"),
        }
    }
}

/// Deletes all jobs that are older than `retention`, unless another process is doing so, and returns how many.
pub(super) async fn forget(dialler: &Dialler, retention: Duration) -> Result<u64, Error> {
    let mut connection = dialler.dial().await?;
    let mut forgotten = 0;
    let ended = loop {
        let silent = |_| Error::Silent { what: "a deletion", waited: dialler.timeout() };
        match timeout(dialler.timeout(), forget_some(&mut connection, retention)).await.map_err(silent) {
            Ok(Ok(Some(more))) => forgotten += more,
            Ok(Ok(None)) => break Ok(forgotten),
            Ok(Err(fault)) => break Err(fault.into()),
            Err(error) => break Err(error),
        }
    };
    // The connection ends in any case, and its lock with it.
    _ = timeout(dialler.timeout(), connection.close()).await;
    ended
}

/// Deletes one batch. Returns `None` when there is no more to do.
async fn forget_some(connection: &mut PgConnection, retention: Duration) -> Result<Option<u64>, Fault> {
    if !sqlx::query(LOCK).bind(FORGETTING).fetch_one(&mut *connection).await?.try_get(0)? {
        return Ok(None);
    }
    let retention = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
    let deleted = sqlx::query(FORGET).bind(retention).bind(BATCH).execute(connection).await?.rows_affected();
    Ok((deleted > 0).then_some(deleted))
}
