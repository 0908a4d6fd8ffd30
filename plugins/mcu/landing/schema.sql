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

-- Text of raw.* to values ----------------------------------------------------------------------
-- Null for whatever is not the canonical form (see mcu.sources.cells) or no real date, never an error. One expression
-- each and not strict, so that they are inlined: a full build asks them of every row. A year of another century is a
-- slip, and would make marts of a hundred thousand days.

create or replace function ops.to_local_date(value text) returns date
language sql immutable parallel safe as $$
    select case
        when value ~ '^(0[1-9]|[12][0-9]|3[01])\.(0[1-9]|1[0-2])\.20[0-9]{2}$' and (
            value < '29' or substr(value, 1, 2)::integer <= extract(
                day from make_date(substr(value, 7, 4)::integer, substr(value, 4, 2)::integer, 1)
                + interval '1 month - 1 day'
            )
        )
            then make_date(substr(value, 7, 4)::integer, substr(value, 4, 2)::integer, substr(value, 1, 2)::integer)
    end
$$;
comment on function ops.to_local_date(text) is 'DD.MM.YYYY of the years 2000 to 2099 to date; anything else: null.';

create or replace function ops.to_local_timestamp(value text) returns timestamp
language sql immutable parallel safe as $$
    select case
        when
            value ~ '^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]) ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$'
            and (
                substr(value, 9, 2) < '29' or substr(value, 9, 2)::integer <= extract(
                    day from make_date(substr(value, 1, 4)::integer, substr(value, 6, 2)::integer, 1)
                    + interval '1 month - 1 day'
                )
            )
            then make_timestamp(
                substr(value, 1, 4)::integer, substr(value, 6, 2)::integer, substr(value, 9, 2)::integer,
                substr(value, 12, 2)::integer, substr(value, 15, 2)::integer, substr(value, 18, 2)::double precision
            )
    end
$$;
comment on function ops.to_local_timestamp(text) is 'YYYY-MM-DD HH:MM:SS of the years 2000 to 2099 to timestamp; anything else: null.';

create or replace function ops.to_milliseconds(value text) returns bigint
language sql immutable parallel safe as $$
    select case
        when value ~ '^-?[0-9]{1,9}:[0-5][0-9]:[0-5][0-9]\.[0-9]{3}$'
            then case when left(value, 1) = '-' then -1 else 1 end * (
                (abs(split_part(value, ':', 1)::bigint) * 60 + split_part(value, ':', 2)::integer) * 60000
                + replace(split_part(value, ':', 3), '.', '')::integer
            )
    end
$$;
comment on function ops.to_milliseconds(text) is '[-]H:MM:SS.mmm, hours unbounded, to milliseconds; anything else: null.';

-- How improbable a count is ----------------------------------------------------------------------
-- lgamma() is in PostgreSQL since 18 only.

create or replace function ops.log_gamma(x double precision) returns double precision
language plpgsql immutable strict parallel safe as $$
declare
    shifted double precision := x;
    product double precision := 1;
    inverse double precision;
begin
    while shifted < 15 loop  -- Stirling's series wants a large argument; Γ(x) = Γ(x + 1) / x
        product := product * shifted;
        shifted := shifted + 1;
    end loop;
    inverse := 1 / (shifted * shifted);
    return (shifted - 0.5) * ln(shifted) - shifted + 0.5 * ln(2 * pi()) - ln(product)
        + (1 - inverse * (1 - inverse * (2 - 1.5 * inverse) / 7) / 30) / (12 * shifted);
end $$;
comment on function ops.log_gamma(double precision) is 'ln Γ(x) for x > 0.';

create or replace function ops.count_tail(
    k bigint, total double precision, periods double precision, dispersion double precision
) returns double precision
language plpgsql immutable strict parallel safe as $$
declare
    -- Negative binomial of this size, whose other parameter is known from the periods before as a beta(c, b).
    size constant double precision := 1 / dispersion;
    b constant double precision := total + 0.5;
    c constant double precision := periods / dispersion;
    is_above constant boolean := k > b / periods;
    j bigint := case when k > b / periods then k else k - 1 end;
    log_first double precision;
    term double precision := 1;
    total_of_terms double precision := 1;
begin
    if k <= 0 then
        return 1;
    end if;
    log_first := ops.log_gamma(size + j) - ops.log_gamma(j + 1) - ops.log_gamma(size)
        + ops.log_gamma(c + size) + ops.log_gamma(b + j) - ops.log_gamma(c + size + b + j)
        - ops.log_gamma(c) - ops.log_gamma(b) + ops.log_gamma(c + b);
    -- Above the mean the tail itself is added up, so that a small one is as exact as a large one; below it what is left of 1.
    if is_above then
        -- The terms fall like a power, so those that are left together weigh like the last one times j / c.
        while term * (j + size + b + c) > 1e-11 * c * total_of_terms loop
            term := term * (size + j) * (b + j) / ((j + 1) * (c + size + b + j));
            total_of_terms := total_of_terms + term;
            j := j + 1;
        end loop;
        return least(exp(greatest(log_first + ln(total_of_terms), -690)), 1);  -- exp() fails where it would underflow
    end if;
    while j > 0 and term > 1e-30 * total_of_terms loop
        j := j - 1;
        term := term * (j + 1) * (c + size + b + j) / ((size + j) * (b + j));
        total_of_terms := total_of_terms + term;
    end loop;
    return greatest(1 - exp(greatest(log_first + ln(total_of_terms), -690)), 0);
end $$;
comment on function ops.count_tail(bigint, double precision, double precision, double precision) is
'P(count >= k) of a period when the counts of earlier periods sum to total; variance of a count: mean + dispersion * mean². See docs/signals.md.';

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
    run_id text,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    check (status <> 'published' or rows_read = rows_new + rows_changed + rows_unchanged + rows_quarantined)
);
alter table ops.load
add column if not exists sheet text,
add column if not exists rules text,
add column if not exists replay_of bigint references ops.load;
create index if not exists load_sha256_idx on ops.load (sha256);
create index if not exists load_source_status_idx on ops.load (source, status, exported_at);

comment on table ops.load is 'One row a file that was taken: what was in it and what became of it.';
comment on column ops.load.status is
'running: now, or killed on the way; published; refused: tried again only when the content changes; failed: tried again.';
comment on column ops.load.sheet is
'The sheet of the workbook that row_number of ops.quarantine and raw.* counts in.';
comment on column ops.load.run_id is 'The run that took the file: it answers for what it refused.';
comment on column ops.load.replay_of is 'The load whose quarantined rows this one brought back.';
comment on column ops.load.rules is
'Digest of the column maps and suites of that time: a refused file is tried again when they change.';

create table if not exists ops.inbox_file (
    inbox text not null,
    uri text not null,
    size bigint not null,
    version text not null,
    sha256 text not null,
    exported_at timestamptz not null,
    exported_at_from text not null,
    source text,
    seen_at timestamptz not null default clock_timestamp(),
    primary key (inbox, uri)
);
comment on table ops.inbox_file is 'Every file of the inbox that was read, so that a file that has not changed costs no second read.';
comment on column ops.inbox_file.version is 'What the store tells of a change: modification time or ETag.';
comment on column ops.inbox_file.source is 'Told by the headers; null: not read yet.';

-- What the reader counted in the file, and what publishing made of it: see ops.reconciliation.
create table if not exists ops.load_day (
    load_id bigint not null references ops.load,
    created_on date,
    rows_read bigint not null,
    rows_quarantined bigint not null default 0,
    rows_repeated bigint not null default 0
);
create index if not exists load_day_load_idx on ops.load_day (load_id);

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
alter table ops.quarantine
add column if not exists created_on date,
add column if not exists emptied_at timestamptz;
create index if not exists quarantine_left_idx on ops.quarantine (source, load_id) where replayed_by_load_id is null;
comment on table ops.quarantine is 'Rows that were not loaded, as they were read, with the reasons.';
comment on column ops.quarantine.created_on is 'The day the message was created on, as far as the reader could tell.';
comment on column ops.quarantine.emptied_at is
'When the row was old enough to lose what tells of a person (docs/keeping.md); null: it has it, or its author was forgotten.';
comment on column ops.quarantine.replayed_by_load_id is 'The load that brought the row back after all; null: it is still out.';

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
);
-- Each load writes almost every row anew: with room for it on the same page no index is touched.
alter table raw.last_seen
set (fillfactor = 45),
add column if not exists content_hash text collate "C",
add column if not exists row_digest uuid,
add column if not exists cabinet text,
add column if not exists created_on date;
create unique index if not exists last_seen_row_digest_idx on raw.last_seen (row_digest);
comment on table raw.last_seen is 'What the newest export that showed a key said of it.';
comment on column raw.last_seen.row_digest is
'Digest of the row as it stood in the file: a row of the same digest need not be read, checked or stored again.';

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
alter table ops.mart_build
add column if not exists fingerprint text,
add column if not exists full_because text;
comment on table ops.mart_build is
'One row a build of the marts. It holds all loads that were published before started_at.';
comment on column ops.mart_build.fingerprint is 'Of the models, seeds and settings: a build by others is full.';
comment on column ops.mart_build.full_because is
'Why everything was made anew; null: a delta, which holds what the new loads can have changed.';

-- A past day gives the same answer whenever it is asked, unless late data changed it: then it stands here.
create table if not exists ops.restated_day (
    build_id bigint not null references ops.mart_build,
    date date not null,
    source text not null,
    oktmo text not null,
    count text not null,
    before bigint not null,
    after bigint not null,
    primary key (date, source, oktmo, count, build_id)
);
comment on table ops.restated_day is
'Counts of fct_municipality_daily, all topic groups together, that a build changed on a day that was published before.';

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

create table if not exists ops.report_change (
    report text not null check (report in ('daily', 'weekly')),
    period_start date not null,
    scope text not null,
    revision integer not null,
    corrections integer not null,
    noticed_at timestamptz not null default clock_timestamp(),
    primary key (report, period_start, scope, revision)
);
comment on table ops.report_change is
'Editions that went out and read otherwise now, because late data corrected their numbers: as of the newest check.';
comment on column ops.report_change.corrections is
'How many numbers are corrected; 0: a source that was missing has come. Which ones: changes.html in the archive.';

-- Alerts ---------------------------------------------------------------------------------------

create table if not exists ops.alert (
    alert_id bigint generated always as identity primary key,
    cause text not null,
    kind text not null,
    subject text not null,
    what text not null,
    triage text not null,
    since timestamptz not null,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    gone_at timestamptz,
    told_by_mail_at timestamptz,
    told_by_webhook_at timestamptz,
    gone_told_by_mail_at timestamptz,
    gone_told_by_webhook_at timestamptz
);
create unique index if not exists alert_standing_idx on ops.alert (cause) where gone_at is null;

create table if not exists ops.missed_deadline (
    dag_id text not null,
    run_id text not null,
    deadline_at timestamptz not null,
    primary key (dag_id, run_id)
);
comment on table ops.missed_deadline is 'Runs of DAGs that passed their deadline and go on, as Airflow told of them.';
create index if not exists alert_gone_idx on ops.alert (gone_at);
comment on table ops.alert is 'What the engineers were told of, once a cause: docs/alerts.md. The causes are derived from the tables above.';
comment on column ops.alert.cause is 'The same for the same cause at every look.';
comment on column ops.alert.subject is 'Which file, build, source or report; causes of one `what` become one line.';
comment on column ops.alert.what is 'What is wrong with it, without values of cells and addresses of people.';
comment on column ops.alert.since is 'When it began; first_seen_at: when it was noticed.';
comment on column ops.alert.gone_at is
'When the cause was no longer found; null: it stands. Back within an hour it is the same alert, later a new one.';
comment on column ops.alert.told_by_mail_at is 'When the message went; null: not yet. Set by hand, it silences the alert.';
comment on column ops.alert.gone_told_by_mail_at is 'When it was told that the cause is gone.';
