"""docker/databases.sql on a server of its own: who may do what there, and that a second start changes nothing."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.errors import InsufficientPrivilege
from sqlalchemy import create_engine, inspect

from mcu.keeping.backup import back_up
from mcu.keeping.restore import restore
from mcu.landing import schema
from stack.paths import REPOSITORY
from stack.ports import free_port
from stack.postgres import SUPERUSER, Cluster

pytestmark = pytest.mark.postgres

SCRIPT = REPOSITORY / "docker" / "databases.sql"
PASSWORDS = {"airflow": "of airflow's owner", "warehouse": "of the warehouse's", "bi_reader": "of the BI tool"}
VIEW = "create view bi.loads as select load_id, source from ops.load; grant select on bi.loads to bi_reader"


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A server after two starts, with the warehouse's schema and a view of `bi` in it."""
    folder = REPOSITORY / ".local" / "test" / "databases"
    cluster = Cluster(folder / "postgres", folder / "secrets", durable=False)
    cluster.stop()  # of a run that was killed
    shutil.rmtree(folder, ignore_errors=True)
    cluster.start(free_port())
    try:
        secrets = folder / "given"
        secrets.mkdir()
        for name, file in (("airflow", "airflow_db"), ("warehouse", "warehouse_db"), ("bi_reader", "bi_reader")):
            (secrets / f"{file}_password").write_text(PASSWORDS[name])
        for _ in range(2):
            run_script(cluster, secrets)
        with closing(connect(cluster, "warehouse")) as owner:
            schema.apply(owner)
            with owner, owner.cursor() as cursor:
                cursor.execute(VIEW)
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder)


@pytest.fixture
def reader(server: Cluster) -> Iterator[Any]:
    with closing(connect(server, "bi_reader", "warehouse")) as connection:
        connection.autocommit = True
        yield connection.cursor()


def run_script(cluster: Cluster, secrets: Path) -> None:
    psql = shutil.which("psql")
    if psql is None:
        pytest.skip("psql is not installed here")
    done = subprocess.run(
        [psql, "--no-psqlrc", "-q", cluster.dsn("postgres", SUPERUSER), "-v", f"secrets={secrets}", "-f", SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        env={"MCU_TIMEZONE": "Asia/Omsk", "PATH": "/usr/bin:/bin"},
    )
    assert (done.returncode, done.stderr) == (0, "")


def connect(cluster: Cluster, role: str, database: str = "") -> Any:
    return psycopg2.connect(
        host="127.0.0.1", port=cluster.port(), user=role, password=PASSWORDS[role], dbname=database or role
    )


def fetch(cursor: Any, query: str) -> list[tuple[Any, ...]]:
    cursor.execute(query)
    return list(cursor.fetchall())


def test_the_reader_reads_bi_and_no_other_table(reader: Any) -> None:
    assert fetch(reader, "select * from bi.loads") == []
    relations = """
        select relnamespace::regnamespace::text || '.' || relname, has_table_privilege(oid, 'select') from pg_class
        where relkind in ('r', 'v', 'm', 'p', 'S') and relnamespace::regnamespace::text !~ '^pg_|^information_schema$'
    """
    found = dict(fetch(reader, relations))
    assert [name for name, may_read in found.items() if may_read] == ["bi.loads"]
    assert {"raw.incident", "ops.load", "pii.pseudonym_key"} <= found.keys()


@pytest.mark.parametrize(
    "statement",
    [
        "select * from ops.load",
        "insert into bi.loads (source) values ('pos')",
        "create table bi.mine (id integer)",
        "create table public.mine (id integer)",
        "create temporary table mine (id integer)",
        "create schema mine",
        "create role mine",
        "select ops.to_local_date('01.01.2026')",
        "select definition from pg_views where schemaname = 'ops'",
        "select pg_get_viewdef('ops.health'::regclass)",
        "select ev_action from pg_rewrite",
        "select prosrc from pg_proc",
        "select pg_get_functiondef(oid) from pg_proc where proname = 'to_local_date'",
        "select pg_read_file('/etc/passwd')",
        "copy (select 1) to program 'true'",
    ],
)
def test_the_reader_may_not(reader: Any, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        reader.execute(statement)


def test_the_readers_catalogue_names_bi_alone(reader: Any) -> None:
    for view in ("tables", "columns", "views"):
        foreign = f"select distinct table_schema from information_schema.{view}"
        assert {name for (name,) in fetch(reader, foreign)} - {"pg_catalog", "information_schema"} == {"bi"}


def test_a_bi_tool_finds_its_way(server: Cluster) -> None:
    engine = create_engine("postgresql+psycopg2://", creator=lambda: connect(server, "bi_reader", "warehouse"))
    found = inspect(engine)
    assert found.get_view_names("bi") == ["loads"]
    assert [column["name"] for column in found.get_columns("loads", "bi")] == ["load_id", "source"]
    engine.dispose()


def test_the_readers_day_is_the_regions(reader: Any) -> None:
    assert fetch(reader, "show timezone") == [("Asia/Omsk",)]


@pytest.mark.parametrize(
    ("role", "database"),
    [("bi_reader", "airflow"), ("bi_reader", "postgres"), ("airflow", "warehouse"), ("warehouse", "airflow")],
)
def test_nobody_connects_to_a_database_that_is_not_his(server: Cluster, role: str, database: str) -> None:
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        connect(server, role, database)


def test_an_owner_owns_his_database_and_makes_no_roles(server: Cluster) -> None:
    for role in ("airflow", "warehouse"):
        with closing(connect(server, role)) as connection, connection.cursor() as cursor:
            assert fetch(cursor, f"select rolsuper, rolcreaterole from pg_roles where rolname = '{role}'") == [
                (False, False)
            ]
            cursor.execute("create schema mine")
            with pytest.raises(InsufficientPrivilege):
                cursor.execute("create role mine")


def test_the_owner_backs_up_and_restores_into_a_new_installation(server: Cluster, tmp_path: Path) -> None:
    """As docs/keeping.md has it: the volume of PostgreSQL is gone, the secrets are kept."""
    dsn = f"postgresql://warehouse:of%20the%20warehouse%27s@127.0.0.1:{server.port()}/warehouse"
    dump = back_up(dsn, tmp_path / "backups", tmp_path / "no archive", datetime.now(UTC))
    with server.superuser() as connection, connection.cursor() as cursor:
        cursor.execute("alter database warehouse rename to warehouse_before")
    run_script(server, server.folder.parent / "given")
    restored = restore(dsn, dump, tmp_path / "archive")
    assert {"bi.loads", "ops.load"} <= restored.relations.keys()
    with closing(connect(server, "bi_reader", "warehouse")) as reader, reader.cursor() as cursor:
        assert fetch(cursor, "select * from bi.loads") == []
        with pytest.raises(InsufficientPrivilege):
            cursor.execute("select prosrc from pg_proc")
