//! The ledger's tables, and the steps that bring them up to date.

use sqlx::{Connection as _, PgConnection, Row as _};

use super::failure::{Fault, is_forbidden};
use crate::ledger::Error;

/// The steps in order. The version of the tables is the number of steps that were applied. A released step never changes.
const STEPS: [&str; 1] = [include_str!("migrations/0001.sql")];

/// The version that this program needs.
pub(super) const VERSION: i32 = STEPS.len() as i32;

/// The key of the advisory lock in PostgreSQL under which one process at a time brings the tables up to date.
const MIGRATING: i64 = 0x5343_5249_5054_0001;

const IS_THERE: &str = "select to_regclass('scriptmill_ledger_version') is not null";
const FOUND: &str = "select coalesce(max(version), 0) from scriptmill_ledger_version";
const CREATE: &str = "create table if not exists scriptmill_ledger_version \
                      (version integer primary key, applied_at timestamptz not null default now())";

/// The version of the tables; 0 if there are none.
pub(super) async fn version(connection: &mut PgConnection) -> Result<i32, Fault> {
    let is_there: bool = sqlx::query(IS_THERE).fetch_one(&mut *connection).await?.try_get(0)?;
    if !is_there {
        return Ok(0);
    }
    Ok(sqlx::query(FOUND).fetch_one(connection).await?.try_get(0)?)
}

/// Compares the tables' version with the one that this program needs, and brings them up to date if `may_migrate`. Returns the version
/// that was found.
pub(super) async fn check(connection: &mut PgConnection, may_migrate: bool) -> Result<i32, Fault> {
    let found = version(connection).await?;
    if found > VERSION {
        return Err(Error::Newer { found, known: VERSION }.into());
    }
    if found == VERSION {
        return Ok(found);
    }
    let older = |why: &str| Error::Older { found, needed: VERSION, why: why.to_owned() };
    if !may_migrate {
        return Err(older("ledger.migrate is false").into());
    }
    match migrate(connection).await {
        Ok(()) => Ok(found),
        Err(Fault::Sql(error)) if is_forbidden(&error) => {
            Err(older(&format!("this user may not change them ({error})")).into())
        }
        Err(fault) => Err(fault),
    }
}

/// Applies the missing steps in one transaction. Other processes that try meanwhile wait.
async fn migrate(connection: &mut PgConnection) -> Result<(), Fault> {
    let mut transaction = connection.begin().await?;
    sqlx::query("select pg_advisory_xact_lock($1)").bind(MIGRATING).execute(&mut *transaction).await?;
    sqlx::raw_sql(CREATE).execute(&mut *transaction).await?;
    let found: i32 = sqlx::query(FOUND).fetch_one(&mut *transaction).await?.try_get(0)?;
    if found > VERSION {
        return Err(Error::Newer { found, known: VERSION }.into());
    }
    for (step, version) in STEPS.into_iter().zip(1_i32..).filter(|(_, version)| *version > found) {
        sqlx::raw_sql(step).execute(&mut *transaction).await?;
        let taken = sqlx::query("insert into scriptmill_ledger_version (version) values ($1)").bind(version);
        taken.execute(&mut *transaction).await?;
        tracing::info!(version, "the ledger's tables were brought up to date");
    }
    transaction.commit().await?;
    Ok(())
}
