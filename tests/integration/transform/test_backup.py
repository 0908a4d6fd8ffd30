"""Backup and restore into an empty cluster: numbers, grants and ids are the same, work goes on, damage is seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2
import pytest
from psycopg2.errors import InsufficientPrivilege

from mcu.keeping import checksums, programs
from mcu.keeping.backup import back_up
from mcu.keeping.manifest import Manifest, digest
from mcu.keeping.programs import KeepingError
from mcu.keeping.restore import restore
from mcu.landing import schema
from mcu.settings import Settings
from mcu.transform.build import build_marts
from stack.paths import REPOSITORY
from stack.ports import free_port
from stack.postgres import PII_READER, READER, Cluster
from tests.integration.transform.test_delta_builds import load_news
from tests.integration.transform.test_publish_marts import fetch, run

pytestmark = pytest.mark.postgres

DATABASE = "restored"
NOW = datetime(2026, 11, 26, 6, 30, tzinfo=UTC)
ANALYST = "backup_analyst"
REPORT = "weekly/2026-02-16/oblast/r1/report.html"
DELIVERY = (
    "insert into ops.delivery (report, period_start, scope, recipient, state, message_id, subject, data_as_of)"
    " values ('weekly', '2026-02-16', 'oblast', 'a@mcu.example', 'sent', '<1@mcu>', '', now())"
)


class Backup(NamedTuple):
    """`expected`: the checksums of the warehouse it was made of."""

    dump: Path
    expected: dict[str, checksums.Checksum]


def sums(dsn: str) -> dict[str, checksums.Checksum]:
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        return checksums.of(cursor, checksums.relations(cursor))


@pytest.fixture(scope="module")
def backup(postgres_server: Cluster, _built: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backup]:
    """Of built marts, a sent mail, its report, a grant to somebody of the centre, a table that a load left in stage."""
    folder = tmp_path_factory.mktemp("backup")
    report = folder / "archive" / REPORT
    report.parent.mkdir(parents=True)
    report.write_text("Отчёт")
    with postgres_server.superuser() as superuser, superuser.cursor() as cursor:
        cursor.execute(f"create database backed_up template {_built} owner mcu")
        cursor.execute(f"create role {ANALYST} nologin")
        dsn = postgres_server.dsn("backed_up")
        with closing(psycopg2.connect(dsn)) as connection:
            run(connection, DELIVERY, f"grant select on bi.rpt_weekly_region to {ANALYST}")
            run(connection, "create unlogged table stage.pos_99 as select 'personal' as text")
        expected = sums(dsn)
        yield Backup(back_up(dsn, folder / "backups", folder / "archive", NOW), expected)
        cursor.execute("drop database backed_up with (force)")
        cursor.execute(f"drop role {ANALYST}")


@pytest.fixture(scope="module")
def other_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    cluster = Cluster(folder / "postgres", folder / "secrets", durable=False)
    try:
        cluster.start(free_port())
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def empty(postgres_server: Cluster) -> Iterator[str]:
    """The DSN of an empty database."""
    with postgres_server.superuser() as superuser, superuser.cursor() as cursor:
        cursor.execute("create database restore_here owner mcu")
        yield postgres_server.dsn("restore_here")
        cursor.execute("drop database restore_here with (force)")


def test_a_restored_warehouse_is_the_same_and_goes_on(
    backup: Backup, other_cluster: Cluster, settings: Settings, tmp_path: Path
) -> None:
    other_cluster.ensure_database(DATABASE)
    dsn, archive = other_cluster.dsn(DATABASE), tmp_path / "archive"
    said = restore(dsn, backup.dump, archive)

    restored = sums(dsn)
    assert restored == backup.expected == said.relations
    for relation in ("bi.rpt_weekly_region", "bi.fct_message", "raw.incident", "ops.load", "pii.pseudonym_key"):
        assert restored[relation].rows > 0
    assert (archive / REPORT).read_text() == "Отчёт"

    other_cluster.open_reader()
    with closing(psycopg2.connect(dsn)) as connection:
        assert fetch(connection, "select count(*) from stage.pos_99") == [(0,)]
        assert fetch(connection, f"select has_table_privilege('{ANALYST}', 'bi.rpt_weekly_region', 'select')") == [
            (True,)
        ]
        last = fetch(connection, "select max(load_id) from ops.load")[0][0]
        schema.apply(connection)  # as the next start does; the secret of the tests is the key's
        # A mail that went is not planned again.
        with pytest.raises(psycopg2.errors.UniqueViolation):
            run(connection, DELIVERY)
        news = load_news(dsn, settings, tmp_path / "inbox")
        assert fetch(connection, "select max(load_id) from ops.load") == [(last + 1,)]
        build_marts(dsn, news, news.state / "dbt")
        assert fetch(connection, "select status, full_because from ops.mart_build order by build_id desc limit 1") == [
            ("published", None)
        ]
        assert fetch(connection, "select count(*) from bi.fct_message where message_id = 'incident:9001'") == [(1,)]
    assert_readers_see_their_own(other_cluster)


def assert_readers_see_their_own(cluster: Cluster) -> None:
    for role, own, foreign in ((READER, "bi.fct_message", "raw.incident"), (PII_READER, "pii.message_person", "bi.x")):
        with closing(psycopg2.connect(cluster.dsn(DATABASE, role))) as connection:
            assert fetch(connection, f"select count(*) > 0 from {own}") == [(True,)]
            for table in (foreign, "ops.delivery", "pii.pseudonym_key"):
                with pytest.raises(InsufficientPrivilege):
                    fetch(connection, f"select from {table}")


def test_what_is_not_empty_is_not_touched(backup: Backup, empty: str, tmp_path: Path) -> None:
    with closing(psycopg2.connect(empty)) as connection:
        run(connection, "create table public.somebodys (a int)")
        with pytest.raises(KeepingError, match="restore_here is not empty, it holds: somebodys"):
            restore(empty, backup.dump, tmp_path / "archive")
        run(connection, "drop table public.somebodys", "create schema raw")
        with pytest.raises(KeepingError, match="it holds: raw"):
            restore(empty, backup.dump, tmp_path / "archive")
        run(connection, "drop schema raw")
        (tmp_path / "archive").mkdir()
        (tmp_path / "archive" / "index.html").touch()
        with pytest.raises(KeepingError, match="archive of reports"):
            restore(empty, backup.dump, tmp_path / "archive")
        assert fetch(connection, "select count(*) from pg_namespace where nspname in ('raw', 'bi')") == [(0,)]


def copy_of(backup: Backup, folder: Path) -> Path:
    for path in backup.dump.parent.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder / backup.dump.name


def change_manifest(dump: Path, **changes: Any) -> None:
    path = dump.with_suffix(".json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_damaged_file_is_refused_before_anything_is_restored(backup: Backup, empty: str, tmp_path: Path) -> None:
    dump = copy_of(backup, tmp_path)
    content = bytearray(dump.read_bytes())
    content[len(content) // 2] ^= 1
    dump.write_bytes(content)
    with pytest.raises(KeepingError, match=r"\.dump is damaged"):
        restore(empty, dump, tmp_path / "archive")
    # Were the sum right, pg_restore would stumble or the numbers differ; and nothing would stay behind half restored.
    change_manifest(dump, files={dump.name: digest(dump)})
    dump.write_bytes(content[: len(content) // 2])
    change_manifest(dump, files={dump.name: digest(dump)})
    with pytest.raises(KeepingError, match="pg_restore failed"):
        restore(empty, dump, tmp_path / "archive")
    with closing(psycopg2.connect(empty)) as connection:
        assert fetch(connection, "select count(*) from pg_namespace where nspname = 'raw'") == [(0,)]


def test_a_number_that_differs_is_named(backup: Backup, empty: str, tmp_path: Path) -> None:
    dump = copy_of(backup, tmp_path)
    relations = json.loads(dump.with_suffix(".json").read_text())["relations"]
    relations["bi.rpt_weekly_region"]["md5"] = "0" * 32
    change_manifest(dump, relations=relations)
    with pytest.raises(KeepingError, match=r"not the one of the backup:\nbi\.rpt_weekly_region: ") as refusal:
        restore(empty, dump, tmp_path / "archive")
    assert "marts." not in str(refusal.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": 1}'])
def test_a_damaged_manifest_is_no_manifest(backup: Backup, tmp_path: Path, text: str) -> None:
    dump = copy_of(backup, tmp_path)
    dump.with_suffix(".json").write_text(text)
    with pytest.raises(KeepingError, match="is damaged"):
        Manifest.read(dump.with_suffix(".json"))


def test_a_part_of_a_backup_is_none(backup: Backup, empty: str, tmp_path: Path) -> None:
    dump = copy_of(backup, tmp_path)
    dump.with_suffix(".reports.tar").unlink()
    with pytest.raises(KeepingError, match=r"reports\.tar is missing"):
        restore(empty, dump, tmp_path / "archive")
    dump.with_suffix(".json").unlink()
    with pytest.raises(KeepingError, match=r"\.json is missing"):
        restore(empty, dump, tmp_path / "archive")


def test_every_change_of_a_row_changes_the_sum(built_dsn: str) -> None:
    before = sums(built_dsn)
    with closing(psycopg2.connect(built_dsn)) as connection:
        run(connection, "update marts.rpt_weekly_region set received = received where true")
        assert sums(built_dsn) == before
        run(connection, "update marts.rpt_weekly_region set received = received + 1 where source = 'all'")
    changed = {name for name, found in sums(built_dsn).items() if found != before[name]}
    assert changed == {"marts.rpt_weekly_region", "bi.rpt_weekly_region"}


def test_the_files_are_the_owners_alone(backup: Backup) -> None:
    assert {path.stat().st_mode & 0o077 for path in backup.dump.parent.iterdir()} == {0}
    assert b"personal" not in backup.dump.read_bytes()


def test_the_commands_say_what_they_did(backup: Backup, empty: str, tmp_path: Path) -> None:
    env = {
        **os.environ,
        "WAREHOUSE_DSN": empty,
        "MCU_ARCHIVE": str(tmp_path / "archive"),
        "PYTHONPATH": str(REPOSITORY / "plugins"),
    }

    def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mcu.keeping", *arguments]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    assert "every checksum the same" in call("restore", backup.dump).stdout
    again = call("restore", backup.dump)
    assert (again.returncode, "is not empty" in again.stderr) == (1, True)
    made = Path(call("backup", tmp_path / "second").stdout.strip())
    assert Manifest.read(made.with_suffix(".json")).relations == backup.expected
    assert call("backup").returncode == 2


def test_too_old_programs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_BIN", str(tmp_path))
    for name in ("pg_dump", "pg_restore"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 16.1'\n")
        (tmp_path / name).chmod(0o755)
    assert programs.find("pg_dump", 15) == tmp_path / "pg_dump"
    with pytest.raises(KeepingError, match="pg_dump of PostgreSQL 17 or newer is not found"):
        programs.find("pg_dump", 17)
