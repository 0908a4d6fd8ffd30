"""The variable `citus`: what is sharded by which column, on a PostgreSQL whose Citus functions only note the calls."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from psycopg2.extensions import connection as Connection

from mcu.settings import Settings
from mcu.transform import dbt
from mcu.transform.build import build_marts
from tests.integration.transform.rendered import render
from tests.integration.transform.test_publish_marts import fetch

pytestmark = pytest.mark.postgres

SWITCH = "citus: false"
BY_MUNICIPALITY = {
    "marts_build.message_current", "marts_build.message_overdue", "marts_build.municipality_daily",
    "marts_build.rpt_daily_summary", "marts_build.rpt_emerging_topic", "marts_build.rpt_hotspot",
    "marts_build.rpt_weekly_municipality", "marts_build.rpt_weekly_topic",
}  # fmt: skip
BY_MESSAGE = {"marts_build.fct_message_event", "marts_build.message_unmapped", "pii_build.message_person"}
WHOLE = {
    "marts_build.dim_authority", "marts_build.dim_calendar", "marts_build.dim_channel", "marts_build.dim_municipality",
    "marts_build.dim_source", "marts_build.dim_topic", "marts_build.rpt_answer_quality",
    "marts_build.rpt_data_quality", "marts_build.rpt_unmapped", "marts_build.rpt_weekly_authority",
    "marts_build.rpt_weekly_region",
}  # fmt: skip

# As Citus refuses it: a key that does not hold the column of the shards, a table that is not there.
STUBS = """
    create table public.citus_call (place serial, statement text);

    create function public.create_distributed_table(name regclass, shard_column text) returns void
    language plpgsql as $$
    begin
        if not exists (select from pg_attribute where attrelid = name and attname = shard_column) then
            raise 'no column % in %', shard_column, name;
        elsif exists (
            select from pg_index
            where indrelid = name and indisunique and not exists (
                select from pg_attribute
                where attrelid = name and attname = shard_column and attnum = any(indkey)
            )
        ) then
            raise 'a unique index of % lacks %', name, shard_column;
        end if;
        insert into public.citus_call (statement) values (format('%s by %s', name, shard_column));
    end $$;

    create function public.create_reference_table(name regclass) returns void language sql as $$
        insert into public.citus_call (statement) values (format('%s whole', name))
    $$;
"""


def test_switched_off_nothing_is_emitted() -> None:
    assert SWITCH in (dbt.DBT_PROJECT / "dbt_project.yml").read_text(encoding="utf-8")
    assert render("{{ distribute() }}").strip() == ""


@pytest.fixture
def switched_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "dbt_project"
    shutil.copytree(dbt.DBT_PROJECT, copy)
    text = (copy / "dbt_project.yml").read_text(encoding="utf-8")
    (copy / "dbt_project.yml").write_text(text.replace(SWITCH, "citus: true"), encoding="utf-8")
    monkeypatch.setattr(dbt, "DBT_PROJECT", copy)


@pytest.mark.usefixtures("switched_on")
def test_every_published_table_is_sharded_or_whole(
    built: Connection, built_dsn: str, settings: Settings, tmp_path: Path
) -> None:
    with built, built.cursor() as cursor:
        cursor.execute(STUBS)

    build_marts(built_dsn, settings, tmp_path / "target")  # full, for the project is another one

    calls = [statement for (statement,) in fetch(built, "select statement from public.citus_call order by statement")]
    assert calls == sorted(
        [f"{table} by oktmo" for table in BY_MUNICIPALITY]
        + [f"{table} by message_id" for table in BY_MESSAGE]
        + [f"{table} whole" for table in WHOLE]
    )
    published = fetch(
        built,
        "select format('%s_build.%s', schemaname, tablename) from pg_tables where schemaname in ('marts', 'pii')"
        " and tablename <> 'pseudonym_key'",
    )
    assert {table for (table,) in published} == BY_MUNICIPALITY | BY_MESSAGE | WHOLE
    sharded = {**dict.fromkeys(BY_MUNICIPALITY, "oktmo"), **dict.fromkeys(BY_MESSAGE, "message_id")}
    for table, column in sharded.items():
        keys = fetch(built, KEY_COLUMNS.format(table.replace("_build", "")))
        assert all(column in names for (names,) in keys), table


KEY_COLUMNS = """
    select array_agg(attname::text) from pg_index join pg_attribute on attrelid = indrelid and attnum = any(indkey)
    where indrelid = '{}'::regclass and indisunique group by indexrelid
"""
