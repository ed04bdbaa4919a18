//! The statements for batches. Each takes its arguments as arrays, with one element for each job.
//!
//! All times are `now()`, the server's time when the statement began: no worker's clock counts.

/// Claims the jobs that nobody holds and that have no outcome. Returns the tokens of the granted claims. A claim that is asked for
/// again is granted again and counts once.
pub(super) const CLAIM: &str = "
insert into scriptmill_ledger as job (
    tenant, job_id, generation, body_hash, script_name, script_hash, worker, token, lease_until, claims, attempts
)
select tenant, job_id, generation, body_hash, script_name, script_hash, worker, token,
    now() + $9 * interval '1 millisecond', 1,
    jsonb_build_array(jsonb_build_object(
        'worker', worker, 'attempt', attempt, 'claimed_ms', floor(extract(epoch from now()) * 1000)::bigint
    ))
from unnest($1::text[], $2::text[], $3::int[], $4::bytea[], $5::text[], $6::bytea[], $7::text[], $8::uuid[], $10::int[])
    as asked (tenant, job_id, generation, body_hash, script_name, script_hash, worker, token, attempt)
on conflict (tenant, job_id, generation) do update set
    worker = excluded.worker,
    token = excluded.token,
    lease_until = excluded.lease_until,
    last_at = now(),
    claims = job.claims + (job.token is distinct from excluded.token)::int,
    attempts = case
        when job.token is not distinct from excluded.token then job.attempts
        when jsonb_array_length(job.attempts) >= $11 then (job.attempts - 1) || excluded.attempts
        else job.attempts || excluded.attempts
    end
where job.recorded_at is null
    and job.body_hash = excluded.body_hash
    and (job.lease_until is null or job.lease_until <= now() or job.token = excluded.token)
returning token";

/// What stands in the way of the claims that were not granted or the outcomes that were not recorded: one row for each, in their order.
/// `$6` says whether an outcome that was recorded with the same token is wanted too.
pub(super) const IN_THE_WAY: &str = "
select asked.place - 1,
    coalesce(job.body_hash = asked.body_hash, true),
    job.recorded_at is not null,
    coalesce(job.token = asked.token, false),
    case when job.body_hash = asked.body_hash then job.status end,
    case when job.body_hash = asked.body_hash then job.code end,
    case when job.body_hash = asked.body_hash and ($6 or job.token is distinct from asked.token) then job.outcome end,
    greatest(0, coalesce(extract(epoch from job.lease_until - now()) * 1000, 0))::bigint
from unnest($1::text[], $2::text[], $3::int[], $4::bytea[], $5::uuid[])
    with ordinality as asked (tenant, job_id, generation, body_hash, token, place)
left join scriptmill_ledger as job using (tenant, job_id, generation)
order by asked.place";

/// Records the outcomes of jobs that have none. Returns the tokens of the recorded outcomes.
pub(super) const RECORD: &str = "
insert into scriptmill_ledger as job (
    tenant, job_id, generation, body_hash, script_name, script_hash, worker, token, claims, attempts,
    status, code, outcome, recorded_at
)
select tenant, job_id, generation, body_hash, script_name, script_hash, worker, token, 0, '[]', status, code, outcome, now()
from unnest(
    $1::text[], $2::text[], $3::int[], $4::bytea[], $5::text[], $6::bytea[], $7::text[], $8::uuid[],
    $9::text[], $10::text[], $11::bytea[]
) as asked (tenant, job_id, generation, body_hash, script_name, script_hash, worker, token, status, code, outcome)
on conflict (tenant, job_id, generation) do update set
    worker = excluded.worker,
    token = excluded.token,
    last_at = now(),
    status = excluded.status,
    code = excluded.code,
    outcome = excluded.outcome,
    recorded_at = now()
where job.recorded_at is null and job.body_hash = excluded.body_hash
returning token";

/// Extends the leases of claims that still hold. Returns their tokens.
pub(super) const EXTEND: &str = "
update scriptmill_ledger as job
set lease_until = now() + $5 * interval '1 millisecond', last_at = now()
from unnest($1::text[], $2::text[], $3::int[], $4::uuid[]) as asked (tenant, job_id, generation, token)
where (job.tenant, job.job_id, job.generation) = (asked.tenant, asked.job_id, asked.generation)
    and job.token = asked.token and job.recorded_at is null and job.lease_until is not null
returning job.token";

/// Gives back the claims that still hold.
pub(super) const RELEASE: &str = "
update scriptmill_ledger as job
set token = null, lease_until = null,
    attempts = jsonb_set(job.attempts, '{-1,released_ms}', to_jsonb(floor(extract(epoch from now()) * 1000)::bigint))
from unnest($1::text[], $2::text[], $3::int[], $4::uuid[]) as asked (tenant, job_id, generation, token)
where (job.tenant, job.job_id, job.generation) = (asked.tenant, asked.job_id, asked.generation)
    and job.token = asked.token and job.recorded_at is null and job.lease_until is not null";
