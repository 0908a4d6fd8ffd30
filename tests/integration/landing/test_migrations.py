"""Revisions of the tables: once, in order, whole or not at all, under one lock, and never back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection
from sqlalchemy.exc import DataError

from mcu import migrations
from mcu.landing import pseudonym, schema
from stack.paths import REPOSITORY
from stack.postgres import Cluster
from tests.catalog import describe
from tests.integration.transform.test_publish_marts import fetch, run

pytestmark = pytest.mark.postgres

NEWEST = max(path.name[:4] for path in (migrations.FOLDER / "versions").glob("*.py"))
Revise = Callable[[str, str], None]

# Would fail the second time, and tells whether it ran once.
RENAME = """
alter table ops.report_subscription rename column recipient to address;
alter table ops.report_subscription add column language text;
update ops.report_subscription set language = 'ru';
alter table ops.report_subscription alter column language set not null;
"""
SUBSCRIBE = "insert into ops.report_subscription (recipient, report, scope) values ('a@mcu.example', 'daily', 'oblast')"


@pytest.fixture
def revise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Revise:
    """Adds 0901, 0902, … of SQL to a copy of the real revisions, which `schema.apply` takes from now on."""
    folder = tmp_path / "100 % copied" / "migrations"
    shutil.copytree(migrations.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrations, "FOLDER", folder)

    def add(revision: str, statements: str) -> None:
        before = NEWEST if revision == "0901" else f"{int(revision) - 1:04}"
        (folder / "versions" / f"{revision}_of_a_test.py").write_text(
            f"from alembic import op\n\nrevision = {revision!r}\ndown_revision = {before!r}\n\n\n"
            f"def upgrade() -> None:\n    op.execute({statements!r})\n"
        )

    return add


@pytest.fixture
def empty_dsn(postgres_server: Cluster) -> Iterator[str]:
    with postgres_server.superuser() as connection, connection.cursor() as cursor:
        cursor.execute("create database before_any_start owner mcu")
        yield postgres_server.dsn("before_any_start")
        cursor.execute("drop database before_any_start with (force)")


def revision_of(connection: Connection) -> str:
    [(revision,)] = fetch(connection, "select version_num from ops.alembic_version")
    return str(revision)


def start(dsn: str) -> subprocess.Popen[str]:
    """What `make run` and the compose file start first."""
    env = {**os.environ, "WAREHOUSE_DSN": dsn, "PYTHONPATH": str(REPOSITORY / "plugins")}
    command = [sys.executable, "-W", "error", "-m", "mcu.landing.schema"]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_new_warehouse_is_at_the_newest_revision(warehouse: Connection) -> None:
    assert revision_of(warehouse) == NEWEST


def test_a_revision_changes_rows_once(warehouse: Connection, revise: Revise) -> None:
    run(warehouse, SUBSCRIBE)
    revise("0901", RENAME)
    schema.apply(warehouse)
    assert fetch(warehouse, "select address, language from ops.report_subscription") == [("a@mcu.example", "ru")]
    assert revision_of(warehouse) == "0901"

    run(warehouse, "update ops.report_subscription set language = 'tt'")
    revise("0902", "delete from ops.report_subscription where language = 'ru'")
    schema.apply(warehouse)
    schema.apply(warehouse)
    assert fetch(warehouse, "select address, language from ops.report_subscription") == [("a@mcu.example", "tt")]
    assert revision_of(warehouse) == "0902"


def test_a_second_start_changes_nothing(warehouse: Connection) -> None:
    before = describe(warehouse)
    schema.apply(warehouse)
    assert describe(warehouse) == before


def test_two_starts_at_once_make_each_step_once(warehouse_dsn: str, revise: Revise) -> None:
    revise("0901", f"select pg_sleep(0.5); {RENAME}")

    def apply(_: int) -> str:
        with closing(psycopg2.connect(warehouse_dsn)) as connection:
            schema.apply(connection)
            return revision_of(connection)

    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(apply, range(3))) == ["0901"] * 3


def test_three_first_starts_at_once(empty_dsn: str, warehouse: Connection) -> None:
    starts = [start(empty_dsn) for _ in range(3)]
    assert [(process.communicate(timeout=120), process.returncode) for process in starts] == [(("", ""), 0)] * 3
    with closing(psycopg2.connect(empty_dsn)) as connection:
        assert describe(connection) == describe(warehouse)


def test_a_revision_that_fails_half_way_leaves_nothing(warehouse: Connection, revise: Revise) -> None:
    run(warehouse, SUBSCRIBE)
    run(warehouse, "drop view ops.health")
    before = describe(warehouse)
    revise("0901", RENAME)
    revise("0902", "delete from ops.report_subscription; select 1 / 0")
    with pytest.raises(DataError, match="division by zero"):
        schema.apply(warehouse)
    assert describe(warehouse) == before
    assert fetch(warehouse, "select recipient from ops.report_subscription") == [("a@mcu.example",)]
    assert revision_of(warehouse) == NEWEST

    revise("0902", "select 1")
    schema.apply(warehouse)
    assert fetch(warehouse, "select address from ops.report_subscription") == [("a@mcu.example",)]
    assert revision_of(warehouse) == "0902"


def test_a_wrong_secret_takes_the_revisions_back(warehouse: Connection, revise: Revise) -> None:
    revise("0901", RENAME)
    before = describe(warehouse)
    with pytest.raises(pseudonym.SecretError, match="is not the one"):
        schema.apply(warehouse, "another secret of some length")
    assert describe(warehouse) == before


def test_a_newer_warehouse_is_refused_and_left_as_it_is(warehouse: Connection, warehouse_dsn: str) -> None:
    run(warehouse, "update ops.alembic_version set version_num = '0999'")
    run(warehouse, "drop view ops.health")
    before = describe(warehouse)
    with pytest.raises(migrations.NewerWarehouseError, match=rf"revision 0999 .* up to {NEWEST} only"):
        schema.apply(warehouse)
    process = start(warehouse_dsn)
    printed, said = process.communicate(timeout=60)
    assert (process.returncode, printed, "Traceback" in said) == (1, "", False)
    assert "revision 0999" in said
    assert describe(warehouse) == before
    assert revision_of(warehouse) == "0999"


def test_a_digest_that_stood_twice_stands_nowhere(warehouse: Connection) -> None:
    """0003, on an index of before it."""
    run(warehouse, "update ops.alembic_version set version_num = '0002'")
    run(warehouse, "drop index raw.last_seen_row_digest_idx")
    run(warehouse, "create index last_seen_row_digest_idx on raw.last_seen (row_digest)")
    twice, once = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
    for key, digest in (("1", twice), ("2", twice), ("3", once)):
        run(warehouse, f"insert into raw.last_seen values ('pos', '{key}', now(), null, '{digest}')")
    schema.apply(warehouse)
    assert fetch(warehouse, "select source_key, row_digest::text from raw.last_seen order by 1") == [
        ("1", None),
        ("2", None),
        ("3", once),
    ]
    with pytest.raises(psycopg2.errors.UniqueViolation):
        run(warehouse, f"update raw.last_seen set row_digest = '{once}' where source_key = '1'")
