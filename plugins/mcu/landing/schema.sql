-- What the tables stand in, and who may enter. Safe to run again at any time. The tables themselves: mcu/migrations; the
-- field columns of raw.*: the column maps (see schema.py).

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
