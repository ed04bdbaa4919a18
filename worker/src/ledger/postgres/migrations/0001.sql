-- Jobs, claimed and recorded. Only columns without an index change after a row was written.
create table scriptmill_ledger (
    tenant text not null,
    job_id text not null,
    generation integer not null,
    -- SHA-256 of the job's message.
    body_hash bytea not null,
    script_name text not null,
    script_hash bytea not null,
    -- Who claimed it last, or recorded its outcome.
    worker text not null,
    -- The claim that holds it, or whose outcome was recorded.
    token uuid,
    -- Until when it is claimed. Nobody holds it where this is null.
    lease_until timestamptz,
    claims integer not null,
    -- [{"worker", "attempt", "claimed_ms", "released_ms"?}, …]: the first one and the latest.
    attempts jsonb not null,
    first_at timestamptz not null default now(),
    last_at timestamptz not null default now(),
    status text,
    code text,
    -- As it is published.
    outcome bytea,
    recorded_at timestamptz,
    primary key (tenant, job_id, generation)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

create index scriptmill_ledger_first_at on scriptmill_ledger (first_at);
create index scriptmill_ledger_tenant_first_at on scriptmill_ledger (tenant, first_at);
