-- Everything of the warehouse that dbt does not build. Safe to run again at any time.
-- The field columns of raw.* come from the column maps (see schema.py).

do $$
begin
    if not exists (select from pg_roles where rolname = 'bi_reader') then
        create role bi_reader nologin;
    end if;
    if not exists (select from pg_roles where rolname = 'pii_reader') then
        create role pii_reader nologin;
    end if;
exception
    when duplicate_object or unique_violation then null;  -- two set-ups at once
end $$;

create schema if not exists stage;
create schema if not exists raw;
create schema if not exists ops;
create schema if not exists pii;
create schema if not exists bi;

revoke all on schema public from public;
grant usage on schema bi to bi_reader;
grant usage on schema pii to pii_reader;

-- Ledger ---------------------------------------------------------------------------------------

create table if not exists ops.load (
    load_id bigint generated always as identity primary key,
    source text not null,
    uri text not null,
    sha256 text not null,
    exported_at timestamptz,
    exported_at_from text check (exported_at_from in ('file_name', 'document', 'modified_time')),
    rows_read bigint not null default 0,
    rows_new bigint not null default 0,
    rows_changed bigint not null default 0,
    rows_unchanged bigint not null default 0,
    rows_quarantined bigint not null default 0,
    status text not null check (status in ('running', 'published', 'refused', 'failed')),
    error text,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    check (status <> 'published' or rows_read = rows_new + rows_changed + rows_unchanged + rows_quarantined)
);
create index if not exists load_sha256_idx on ops.load (sha256);
create index if not exists load_source_status_idx on ops.load (source, status, exported_at);

comment on table ops.load is 'One row a file that was taken: what was in it and what became of it.';
comment on column ops.load.status is
'running: now, or killed on the way; published; refused: tried again only when the content changes; failed: tried again.';

-- Freshness is kept per cabinet: a cabinet that stopped exporting must not hide behind another one.
create table if not exists ops.load_cabinet (
    load_id bigint not null references ops.load,
    cabinet text not null,
    rows_read bigint not null,
    primary key (load_id, cabinet)
);

create table if not exists ops.quarantine (
    load_id bigint not null references ops.load,
    source text not null,
    row_number bigint not null,
    source_key text,
    payload jsonb not null,
    reasons text[] not null,
    quarantined_at timestamptz not null default clock_timestamp(),
    replayed_by_load_id bigint references ops.load,
    primary key (load_id, row_number)
);

-- Sightings ------------------------------------------------------------------------------------
-- raw.<source> holds a row only where a row's content changed. These two tables hold the rest of what
-- the exports said, so that an older export that arrives late still ends in the same facts.

create table if not exists raw.unchanged_sighting (
    load_id bigint primary key references ops.load,
    source_keys text[] not null
);
comment on table raw.unchanged_sighting is
'Keys that a load showed with the content already known at its exported_at.';

create table if not exists raw.last_seen (
    source text not null,
    source_key text not null,
    last_seen_exported_at timestamptz not null,
    primary key (source, source_key)
) with (fillfactor = 70);

-- Checks and builds ----------------------------------------------------------------------------

create table if not exists ops.validation_result (
    result_id bigint generated always as identity primary key,
    suite text not null,
    batch text not null,
    load_id bigint references ops.load,
    expectation text not null,
    column_name text,
    severity text not null check (severity in ('critical', 'warning', 'info')),
    dimension text not null,
    sentence text not null,
    is_passed boolean not null,
    rows_checked bigint,
    rows_failed bigint,
    observed jsonb,
    validated_at timestamptz not null default clock_timestamp()
);
create index if not exists validation_result_load_idx on ops.validation_result (load_id);

create table if not exists ops.mart_build (
    build_id bigint generated always as identity primary key,
    run_id text not null,
    started_at timestamptz not null default clock_timestamp(),
    published_at timestamptz,
    status text not null check (status in ('running', 'published', 'failed'))
);
comment on table ops.mart_build is
'One row a build of the marts. It holds all loads that were published before started_at.';

create table if not exists ops.dbt_result (
    build_id bigint references ops.mart_build,
    invocation_id text not null,
    node_id text not null,
    resource_type text not null,
    status text not null,
    rows_affected bigint,
    failures bigint,
    execution_seconds double precision,
    message text,
    finished_at timestamptz not null default clock_timestamp(),
    primary key (invocation_id, node_id)
);

-- Reports --------------------------------------------------------------------------------------

create table if not exists ops.report_subscription (
    recipient text not null,
    report text not null check (report in ('daily', 'weekly')),
    scope text not null check (scope = 'oblast' or scope ~ '^[0-9]{8}$'),
    valid_from date not null default current_date,
    valid_to date,
    primary key (recipient, report, scope, valid_from)
);
comment on column ops.report_subscription.scope is '«oblast» or the ОКТМО of a municipality.';

create table if not exists ops.delivery (
    delivery_id bigint generated always as identity primary key,
    report text not null check (report in ('daily', 'weekly')),
    period_start date not null,
    scope text not null,
    recipient text not null,
    revision integer not null default 1,
    state text not null check (state in ('planned', 'sending', 'sent', 'refused', 'unknown')),
    message_id text not null unique,
    subject text not null,
    data_as_of timestamptz not null,
    server_response text,
    planned_at timestamptz not null default clock_timestamp(),
    sending_at timestamptz,
    finished_at timestamptz,
    unique (report, period_start, scope, recipient, revision)
);
