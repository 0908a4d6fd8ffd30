"""Warehouses of earlier commits (tests/fixtures) become today's: nothing is lost, nothing differs, and work goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from mcu.landing import schema
from mcu.landing.load import Loader
from mcu.settings import Settings
from mcu.transform.build import build_marts
from stack.paths import REPOSITORY
from stack.postgres import Cluster
from tests import workbooks
from tests.catalog import describe
from tests.integration.transform.test_publish_marts import fetch, run

pytestmark = pytest.mark.postgres

FIXTURES = sorted((REPOSITORY / "tests" / "fixtures").glob("warehouse_*.sql"))
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(params=FIXTURES, ids=lambda path: path.stem)
def previous_dsn(request: pytest.FixtureRequest, postgres_server: Cluster, _template: str) -> Iterator[str]:
    """A warehouse as an earlier commit left it. (`_template`: the roles to whom it grants something.)"""
    with postgres_server.superuser() as superuser, superuser.cursor() as cursor:
        cursor.execute("create database previous owner mcu")
        dsn = postgres_server.dsn("previous")
        with closing(psycopg2.connect(dsn)) as connection:
            run(connection, request.param.read_text(encoding="utf-8"))
        yield dsn
        cursor.execute("drop database previous with (force)")


@pytest.fixture
def previous(previous_dsn: str) -> Iterator[Connection]:
    with closing(psycopg2.connect(previous_dsn)) as connection:
        yield connection


def rows(connection: Connection) -> Rows:
    """Every row of every table, by table."""
    tables = fetch(
        connection,
        "select schemaname, tablename from pg_tables where schemaname in ('raw', 'ops', 'pii') order by 1, 2",
    )
    query = sql.SQL("select to_jsonb(t) from {} as t order by to_jsonb(t)::text")
    found = {}
    for table in tables:
        found[".".join(table)] = [
            row for (row,) in fetch(connection, query.format(sql.Identifier(*table)).as_string(connection))
        ]
    return found


def as_it_was(now: Rows, before: Rows) -> Rows:
    """The tables and columns that there were before."""
    return {
        table: [{column: row[column] for column in before[table][0]} for row in now[table]] if before[table] else []
        for table in before
    }


def test_an_earlier_warehouse_becomes_the_same_as_a_new_one(previous: Connection, warehouse: Connection) -> None:
    before = rows(previous)
    assert sum(map(len, before.values())) > 50
    assert describe(previous) != describe(warehouse)
    schema.apply(previous)
    assert describe(previous) == describe(warehouse)
    now = rows(previous)
    assert sorted(now) == sorted(rows(warehouse))
    # Rows are put in order by their text, which new columns can change.
    for table, kept in as_it_was(now, before).items():
        assert sorted(map(repr, kept)) == sorted(map(repr, before[table])), table


def test_loads_and_builds_go_on(previous: Connection, previous_dsn: str, settings: Settings, tmp_path: Path) -> None:
    schema.apply(previous)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    # 1001 and 327440001 are known, one of them has changed; 1004 is new.
    workbooks.write_incidents(
        inbox / "incidents_2026-02-22_01-00.xlsx", [{"im_id": 1001}, {"im_id": 1002}, {"im_id": 1004}]
    )
    workbooks.write_pos(inbox / "pos_2026-02-22_01-00.xlsx", [{"pos_number": "327440001", "rating": 5}])
    settings = Settings.from_env({"MCU_INBOX": str(inbox), "MCU_STATE": str(tmp_path / "state")})
    for source in settings.sources:
        assert Loader(previous_dsn, source, settings, "test").run().published
    assert fetch(
        previous, "select load_id, rows_new, rows_changed, rows_unchanged from ops.load where load_id > 3 order by 1"
    ) == [(4, 0, 1, 0), (5, 1, 0, 2)]
    build_marts(previous_dsn, settings, settings.state / "dbt")
    assert fetch(previous, "select status from ops.mart_build order by build_id desc limit 1") == [("published",)]
    assert fetch(previous, "select message_id from bi.fct_message order by 1") == [
        ("incident:1001",),
        ("incident:1002",),
        ("incident:1004",),
        ("pos:327440001",),
    ]
