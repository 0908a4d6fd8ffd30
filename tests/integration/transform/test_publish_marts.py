"""The swap: what readers see before, during and after a build."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.errors import InsufficientPrivilege, LockNotAvailable
from psycopg2.extensions import connection as Connection

from mcu.settings import Settings
from mcu.transform import build, checks, dbt, marts
from stack.postgres import READER, Cluster

pytestmark = pytest.mark.postgres

MARTS = [
    "dim_authority",
    "dim_calendar",
    "dim_channel",
    "dim_municipality",
    "dim_source",
    "dim_topic",
    "fct_message",
    "fct_message_event",
    "fct_municipality_daily",
    "rpt_answer_quality",
    "rpt_daily_overdue",
    "rpt_daily_summary",
    "rpt_data_quality",
    "rpt_emerging_topic",
    "rpt_hotspot",
    "rpt_unmapped",
    "rpt_weekly_authority",
    "rpt_weekly_municipality",
    "rpt_weekly_region",
    "rpt_weekly_topic",
]
SIGNALS = ("rpt_emerging_topic", "rpt_hotspot")  # three weeks are too few to be compared with


def fetch(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    with connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def run(connection: Connection, *statements: str) -> None:
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def begin(connection: Connection, sources: tuple[str, ...] = ("incident", "pos"), full_refresh: bool = True) -> int:
    """Id of a new build, by the same models as the published one."""
    ((fingerprint,),) = fetch(connection, "select fingerprint from ops.mart_build order by build_id limit 1")
    return marts.begin(connection, "test", sources, fingerprint, full_refresh).build_id


def build_copy(connection: Connection, *changes: str) -> None:
    """Stand-in for a full build by dbt: the published marts once more in `marts_build`, with `changes`."""
    relations = fetch(
        connection,
        "select relname, relkind, case relkind when 'v' then pg_get_viewdef(oid) end from pg_class"
        " where relnamespace = 'marts'::regnamespace and relkind in ('r', 'v') order by relkind, relname",
    )
    run(
        connection,
        "create schema if not exists marts_build",
        *[
            f"create table marts_build.{name} as table marts.{name}"
            if kind == "r"
            else f"create view marts_build.{name} as {str(query).replace('marts.', 'marts_build.')}"
            for name, kind, query in relations
        ],
        *changes,
    )


def test_every_mart_is_published_and_has_rows(built: Connection) -> None:
    views = fetch(built, "select viewname from pg_views where schemaname = 'bi' order by 1")
    assert [name for (name,) in views] == MARTS
    for mart in MARTS:
        assert (fetch(built, f"select count(*) from bi.{mart}")[0][0] > 0) is (mart not in SIGNALS), mart
    assert fetch(built, "select status from ops.mart_build") == [("published",)]
    assert fetch(built, "select count(*) from ops.dbt_result where resource_type = 'model'")[0][0] >= len(MARTS)


def test_a_reader_sees_bi_and_nothing_else(postgres_server: Cluster, built_database: str, built: Connection) -> None:
    schemas = ["ops", "raw", "stage", "staging", "intermediate", "marts", "pii"]
    others = fetch(
        built,
        f"select schemaname || '.' || tablename from pg_tables where schemaname = any(array{schemas})"
        f" union all select schemaname || '.' || viewname from pg_views where schemaname = any(array{schemas})",
    )
    assert len(others) > 30
    with closing(psycopg2.connect(postgres_server.dsn(built_database, READER))) as reader:
        for mart in MARTS:
            assert fetch(reader, f"select count(*) from bi.{mart}")[0][0] >= (mart not in SIGNALS)
        assert fetch(reader, "select bi.working_minutes('2026-02-06 17:00+03', '2026-02-09 09:00+03')") == [(60,)]
        assert fetch(reader, "show timezone") == [("Europe/Moscow",)]
        for (name,) in others:
            with pytest.raises(InsufficientPrivilege):
                fetch(reader, f"select * from {name}")
        for statement in (
            "delete from bi.dim_source",
            "create table bi.mine (a integer)",
            "create table public.mine (a integer)",
            "create schema mine",
        ):
            with pytest.raises(InsufficientPrivilege):
                run(reader, statement)


def test_grants_of_others_and_their_views_survive_a_build(built: Connection) -> None:
    run(
        built,
        "grant select on bi.dim_source to pii_reader",
        "create view ops.mine as select source from bi.dim_source",
    )
    build_id = begin(built)
    build_copy(built, "alter table marts_build.dim_source add column note text default 'new'")
    marts.publish(built, build_id)
    assert fetch(built, "select has_table_privilege('pii_reader', 'bi.dim_source', 'select')") == [(True,)]
    assert fetch(built, "select has_table_privilege('bi_reader', 'bi.dim_source', 'select')") == [(True,)]
    assert fetch(built, "select distinct note from bi.dim_source") == [("new",)]
    assert len(fetch(built, "select * from ops.mine")) == 3


def test_a_mart_that_lost_a_column_is_served_without_it(built: Connection) -> None:
    build_id = begin(built)
    build_copy(built, "alter table marts_build.dim_topic drop column is_fast_track")
    marts.publish(built, build_id)
    names = fetch(
        built,
        "select column_name from information_schema.columns where table_schema = 'bi' and table_name = 'dim_topic'",
    )
    assert ("is_fast_track",) not in names
    assert ("topic",) in names
    assert fetch(built, "select has_table_privilege('bi_reader', 'bi.dim_topic', 'select')") == [(True,)]


def test_a_long_query_delays_the_swap_and_is_not_broken(
    built: Connection, built_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marts, "LOCK_TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(marts, "LOCK_ATTEMPTS", 2)
    build_id = begin(built)
    build_copy(built)
    with closing(psycopg2.connect(built_dsn)) as reader, reader.cursor() as cursor:
        cursor.execute("select count(*) from bi.fct_message")
        with pytest.raises(LockNotAvailable):
            marts.publish(built, build_id)
        cursor.execute("select count(*) from bi.fct_message")
        reader.rollback()
        assert marts.publish(built, build_id) == MARTS


def test_a_build_waits_for_a_load_that_is_being_published(built: Connection, built_dsn: str) -> None:
    with closing(psycopg2.connect(built_dsn)) as load, load.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('mcu.load.pos'))")
        with built, built.cursor() as waiting:
            waiting.execute("set lock_timeout = '200ms'")
        with pytest.raises(LockNotAvailable):
            begin(built)
        load.rollback()
    assert begin(built)


def test_a_build_is_published_once(built: Connection) -> None:
    build_id = begin(built)
    build_copy(built)
    assert marts.publish(built, build_id) == MARTS
    with pytest.raises(marts.BuildNotReadyError):
        marts.publish(built, build_id)
    with pytest.raises(marts.BuildNotReadyError):  # nothing was built
        marts.publish(built, begin(built))
    assert fetch(built, "select count(*) from bi.fct_message")[0][0] > 0


def test_a_killed_build_is_closed_by_the_next_one(built: Connection) -> None:
    killed = begin(built)
    begin(built)
    assert fetch(built, f"select status from ops.mart_build where build_id = {killed}") == [("failed",)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("update marts_build.rpt_weekly_region set on_time_share = 1.7", "Доля «в срок»"),
        ("delete from marts_build.rpt_weekly_municipality where oktmo = '60704000'", "не все муниципалитеты"),
    ],
)
def test_a_mart_that_breaks_its_suite_is_not_published(
    built: Connection, built_dsn: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, change: str, reason: str
) -> None:
    before = fetch(built, "select * from bi.rpt_weekly_region order by 1, 2")

    def build_broken(*_: object, is_delta: bool) -> dbt.DbtBuild:
        build_copy(built, change)
        return dbt.DbtBuild(0, {}, settings.state)

    monkeypatch.setattr(dbt, "build", build_broken)
    with pytest.raises(build.BuildError, match=reason):
        build.build_marts(built_dsn, settings, settings.state / "dbt", full_refresh=True)
    assert fetch(built, "select * from bi.rpt_weekly_region order by 1, 2") == before
    assert fetch(built, "select status from ops.mart_build order by build_id desc limit 1") == [("failed",)]
    failed = "select count(*) from ops.validation_result where batch like 'marts_build.%' and not is_passed"
    assert fetch(built, failed)[0][0] > 0


def test_sound_marts_pass_their_suites(built: Connection, built_dsn: str, tmp_path: Path) -> None:
    build_copy(built)
    assert checks.check_marts(built_dsn, built, tmp_path) == []
    assert "rpt_weekly_region" in (tmp_path / "data_docs" / "index.html").read_text(encoding="utf-8")


def test_a_load_published_during_a_build_belongs_to_the_next_one(built: Connection) -> None:
    versions = "select count(*) from staging.stg_ops__published_load"
    before = fetch(built, versions)
    begin(built)
    run(
        built,
        "insert into ops.load (source, uri, sha256, exported_at, status, finished_at) values"
        " ('incident', 'late.xlsx', 'x', '2026-02-24', 'published', clock_timestamp())",
        "insert into raw.incident (source_key, content_hash, exported_at, load_id)"
        " select 'late', repeat('f', 32), exported_at, load_id from ops.load where uri = 'late.xlsx'",
    )
    assert fetch(built, versions) == before
    begin(built)
    assert fetch(built, versions) == [(before[0][0] + 1,)]
