//! Queries about past jobs.

use std::time::Duration;

use bytes::Bytes;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

use super::failure::Fault;
use crate::ledger::{Error, Filter, Job, Line};

/// The columns of a line, in the order in which they are read.
macro_rules! line {
    ($rest:literal) => {
        concat!(
            "select tenant, job_id, generation, ",
            "case when recorded_at is not null then status ",
            "when lease_until is null then 'released' when lease_until > now() then 'claimed' else 'expired' end as state, ",
            "code, script_name, encode(script_hash, 'hex') as script, worker, claims, ",
            "floor(extract(epoch from first_at) * 1000)::bigint as first_ms, ",
            "floor(extract(epoch from recorded_at) * 1000)::bigint as recorded_ms ",
            $rest
        )
    };
}

const LINES: &str = concat!(
    "select * from (",
    line!(
        "from scriptmill_ledger where ($1::text is null or tenant = $1) \
         and ($4::bigint is null or first_at >= timestamptz 'epoch' + $4 * interval '1 millisecond') \
         and ($5::bigint is null or first_at < timestamptz 'epoch' + $5 * interval '1 millisecond') \
         order by first_at desc"
    ),
    ") as line where ($2::text is null or script_name = $2 or starts_with(script, $2)) \
     and ($3::text is null or state = $3) limit $6"
);

const JOB: &str = concat!(
    "select line.*, encode(job.body_hash, 'hex'), ",
    "case when job.recorded_at is null and job.lease_until > now() ",
    "then floor(extract(epoch from job.lease_until) * 1000)::bigint end, job.attempts::text, job.outcome from (",
    line!("from scriptmill_ledger where tenant = $1 and job_id = $2"),
    ") as line join scriptmill_ledger as job using (tenant, job_id, generation) order by generation desc"
);

/// The jobs that match the filter, the latest first.
pub(super) async fn lines(connection: &mut PgConnection, filter: &Filter) -> Result<Vec<Line>, Fault> {
    let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let rows = sqlx::query(LINES)
        .bind(&filter.tenant)
        .bind(&filter.script)
        .bind(&filter.status)
        .bind(filter.since.map(millis))
        .bind(filter.until.map(millis))
        .bind(i64::from(filter.limit))
        .fetch_all(connection)
        .await?;
    rows.iter().map(line).collect()
}

/// All that is known of one job, one entry for each generation, the latest first.
pub(super) async fn job(connection: &mut PgConnection, tenant: &str, job_id: &str) -> Result<Vec<Job>, Fault> {
    let rows = sqlx::query(JOB).bind(tenant).bind(job_id).fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let attempts: String = row.try_get(13)?;
            let unreadable = |error| Error::Lost(format!("a row cannot be read: {error}"));
            Ok(Job {
                line: line(row)?,
                body_hash: row.try_get(11)?,
                lease_ms: row.try_get::<Option<i64>, _>(12)?.map(unsigned),
                attempts: serde_json::from_str(&attempts).map_err(unreadable)?,
                outcome: row.try_get::<Option<&[u8]>, _>(14)?.map(Bytes::copy_from_slice),
            })
        })
        .collect()
}

fn line(row: &PgRow) -> Result<Line, Fault> {
    let count = |column| Ok::<_, sqlx::Error>(u32::try_from(row.try_get::<i32, _>(column)?).unwrap_or(0));
    Ok(Line {
        tenant: row.try_get(0)?,
        job_id: row.try_get(1)?,
        generation: count(2)?,
        status: row.try_get(3)?,
        code: row.try_get(4)?,
        script_name: row.try_get(5)?,
        script_hash: row.try_get(6)?,
        worker: row.try_get(7)?,
        claims: count(8)?,
        claimed_ms: unsigned(row.try_get(9)?),
        recorded_ms: row.try_get::<Option<i64>, _>(10)?.map(unsigned),
    })
}

fn unsigned(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0)
}
