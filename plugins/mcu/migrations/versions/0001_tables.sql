-- The tables as they were when the first revision was made. A warehouse that was set up before there were revisions has
-- them all or some of them, by any earlier form of these statements: each may run where it has run before.

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

-- Pseudonyms and forgetting -------------------------------------------------------------------

create table if not exists pii.pseudonym_key (
    is_only boolean primary key default true check (is_only),
    inner_pad bytea not null check (length(inner_pad) = 64),
    outer_pad bytea not null check (length(outer_pad) = 64),
    set_at timestamptz not null default clock_timestamp()
);
comment on table pii.pseudonym_key is
'What HMAC-SHA256 needs of MCU_PSEUDONYM_SECRET: the key xored with 0x36 and with 0x5c. For the owner alone.';

create table if not exists ops.forgotten (
    forgotten_id bigint generated always as identity primary key,
    author text,
    forgotten_at timestamptz not null default clock_timestamp(),
    forgotten_by text not null,
    run_id text not null,
    messages bigint not null,
    versions bigint not null,
    quarantined bigint not null,
    results bigint not null,
    errors bigint not null
);
create index if not exists forgotten_author_idx on ops.forgotten (author) where author is not null;
comment on table ops.forgotten is 'One row a request to forget: who did it, when, and in how many places. Never the person.';
comment on column ops.forgotten.author is 'Pseudonym of the author; null: single messages were forgotten.';
comment on column ops.forgotten.results is 'Results of Great Expectations that showed a value of these messages.';
comment on column ops.forgotten.errors is 'Error texts of loads and builds that showed a value of these messages.';

create table if not exists ops.forgotten_message (
    source text not null,
    source_key text not null,
    forgotten_id bigint not null references ops.forgotten,
    primary key (source, source_key)
);
comment on table ops.forgotten_message is 'Messages that come without the person from now on, whatever export shows them.';
