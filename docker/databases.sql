-- At every start, by the superuser: a database with an owner of its own for Airflow and for the warehouse, the roles of
-- the readers, and the passwords as they stand in the folder that the variable secrets names.
\set ON_ERROR_STOP on
\set airflow_password `cat :'secrets'/airflow_db_password`
\set warehouse_password `cat :'secrets'/warehouse_db_password`
\set reader_password `cat :'secrets'/bi_reader_password`

select format('create role %I login', name) from unnest(array['airflow', 'warehouse', 'bi_reader']) as name
where to_regrole(name) is null \gexec
-- The warehouse's schema would make them: its owner need not have the right to.
select format('create role %I', name) from unnest(array['pii_reader', 'ops_reader']) as name
where to_regrole(name) is null \gexec

alter role airflow password :'airflow_password' nocreaterole;
alter role warehouse password :'warehouse_password' nocreaterole;
alter role bi_reader password :'reader_password' login connection limit 50;

select format('create database %1$I owner %1$I', name) from unnest(array['airflow', 'warehouse']) as name
where not exists (select from pg_database where datname = name) \gexec

-- Where the region's day begins: for what a BI tool calls today.
\getenv timezone MCU_TIMEZONE
alter role bi_reader set timezone = :'timezone';

-- Who is not named here does not even connect.
revoke all on database airflow, warehouse, postgres, template1 from public;
grant connect on database warehouse to bi_reader, pii_reader, ops_reader;

\connect warehouse
-- PostgreSQL shows the text of every view and function to everybody: here to the warehouse's owner alone.
revoke select on pg_rewrite, pg_proc from public;
select format('grant select (%s) on pg_proc to public', string_agg(quote_ident(attname), ', '))
from pg_attribute
where attrelid = 'pg_proc'::regclass and attnum > 0 and attname not in ('prosrc', 'prosqlbody') \gexec
grant select on pg_rewrite, pg_proc to warehouse;
select format('revoke execute on function %s from public; grant execute on function %1$s to warehouse', oid::regprocedure)
from pg_proc
where proname in ('pg_get_viewdef', 'pg_get_ruledef', 'pg_get_functiondef', 'pg_get_function_sqlbody') \gexec
