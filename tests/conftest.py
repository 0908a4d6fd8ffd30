"""A throw-away PostgreSQL cluster a test process, and a fresh warehouse a test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from stack.environment import AIRFLOW, NO_TELEMETRY
from stack.paths import REPOSITORY
from stack.ports import free_port
from stack.postgres import READER, Cluster

CLUSTERS = REPOSITORY / ".local" / "test"
TEMPLATE = "warehouse_template"
_numbers = count(1)

# Before any test imports Airflow: it reads its settings then, and would make a folder in the user's home.
os.environ.update({**NO_TELEMETRY, **AIRFLOW, "AIRFLOW_HOME": str(CLUSTERS / "airflow")})
# All warehouses of the tests have it, so that the oracle knows their pseudonyms.
os.environ["MCU_PSEUDONYM_SECRET"] = "the pseudonyms of the tests"


@pytest.fixture(scope="session", autouse=True)
def _two_looks_at_once() -> None:
    """Files that a test has just written are looked at twice, but without the pause between the looks."""
    from mcu.landing import inbox

    inbox.PAUSE_SECONDS = 0


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Cluster]:
    """A running server of this test process alone (each xdist worker has its own)."""
    _remove_clusters_of_killed_tests()
    cluster = _cluster(CLUSTERS / str(os.getpid()))
    try:
        cluster.start(free_port())
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(cluster.folder.parent)


@pytest.fixture(scope="session")
def _template(postgres_server: Cluster) -> str:
    from mcu.landing import schema

    postgres_server.ensure_database(TEMPLATE)
    connection = psycopg2.connect(postgres_server.dsn(TEMPLATE))
    schema.apply(connection)
    connection.commit()
    connection.close()
    postgres_server.open_reader()
    return TEMPLATE


@pytest.fixture
def warehouse_dsn(postgres_server: Cluster, _template: str) -> Iterator[str]:
    """The owner's DSN of a fresh database with the warehouse's schema."""
    name = f"warehouse_{next(_numbers)}"
    with postgres_server.superuser() as connection, connection.cursor() as cursor:
        cursor.execute(f"create database {name} template {_template} owner mcu")
        yield postgres_server.dsn(name)
        cursor.execute(f"drop database {name} with (force)")


@pytest.fixture
def reader_dsn(postgres_server: Cluster, warehouse_dsn: str) -> str:
    """The DSN of `bi_reader` to the same database as `warehouse_dsn`."""
    return postgres_server.dsn(warehouse_dsn.rsplit("/", 1)[1], READER)


@pytest.fixture
def warehouse(warehouse_dsn: str) -> Iterator[Connection]:
    """A connection to a fresh warehouse. What the test leaves uncommitted is lost with the database."""
    connection = psycopg2.connect(warehouse_dsn)
    yield connection
    connection.close()


def _cluster(folder: Path) -> Cluster:
    return Cluster(folder / "postgres", folder / "secrets", durable=False)


def _remove_clusters_of_killed_tests() -> None:
    for folder in CLUSTERS.glob("[0-9]*"):
        if not Path("/proc", folder.name).exists():
            _cluster(folder).stop()
            shutil.rmtree(folder)
