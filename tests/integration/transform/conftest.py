"""A warehouse with a few messages of three weeks, built and published once; each test gets a copy."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from mcu.landing.load import Loader
from mcu.settings import Settings
from mcu.transform.build import build_marts
from stack.manifest import Manifest
from stack.postgres import Cluster
from tests import workbooks

BUILT = "transform_built"
_numbers = count(1)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("transform")
    return Settings.from_env({"MCU_INBOX": str(folder / "inbox"), "MCU_STATE": str(folder / "state")})


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """What dbt knows of the project as it is."""
    return Manifest.parse(tmp_path_factory.mktemp("manifest"))


@pytest.fixture(scope="session")
def _built(postgres_server: Cluster, _template: str, settings: Settings) -> Iterator[str]:
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    write_exports(Path(settings.inbox))
    with postgres_server.superuser() as connection, connection.cursor() as cursor:
        cursor.execute(f"create database {BUILT} template {_template} owner mcu")
        dsn = postgres_server.dsn(BUILT)
        for source in settings.sources:
            assert Loader(dsn, source, settings, "test").run().published
        build_marts(dsn, settings, settings.state / "dbt")
        # A database is copied only when nobody is in it; Great Expectations keeps its sessions.
        cursor.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (BUILT,))
        yield BUILT
        cursor.execute(f"drop database {BUILT} with (force)")


@pytest.fixture
def built_database(postgres_server: Cluster, _built: str) -> Iterator[str]:
    """Name of a copy of the built warehouse."""
    name = f"transform_{next(_numbers)}"
    with postgres_server.superuser() as connection, connection.cursor() as cursor:
        cursor.execute(f"create database {name} template {_built} owner mcu")
        yield name
        cursor.execute(f"drop database {name} with (force)")


@pytest.fixture
def built_dsn(postgres_server: Cluster, built_database: str) -> str:
    return postgres_server.dsn(built_database)


@pytest.fixture
def built(built_dsn: str) -> Iterator[Connection]:
    with closing(psycopg2.connect(built_dsn)) as connection:
        yield connection


def write_exports(inbox: Path) -> None:
    """Answered, late, open and rated messages in the weeks of 2, 9 and 16 February 2026."""
    inbox.mkdir()
    weeks = [f"2026-02-{day:02}" for day in (2, 9, 16)]
    incidents = [
        {
            "im_id": 1000 * week + number,
            "created_at": f"{monday} 10:{number:02}:00",
            "first_answer_at": f"{monday} 12:{number:02}:00" if number % 4 else None,
            "first_answer_elapsed_working": 2 / 24 if number % 3 else 11 / 24,
            "closed_at": None,
            "closing_reason": "5" if number % 2 else None,
            "municipality": "Азов г.о." if number % 2 else "Азовский район",
        }
        for week, monday in enumerate(weeks, 1)
        for number in range(24)
    ]
    appeals = [
        {
            "pos_number": str(327440000 + number),
            "received_date": f"{2 + number:02}.02.2026",
            "planned_date": f"{5 + number:02}.02.2026",
            "completed_date": f"{4 + number:02}.02.2026",
            "rating": 4,
            "is_reconsidered": "Да" if number == 5 else "-",
        }
        for number in range(18)
    ]
    workbooks.write_incidents(inbox / "incidents_2026-02-23_01-00.xlsx", incidents)
    workbooks.write_pos(inbox / "pos_2026-02-23_01-00.xlsx", appeals)
    _write_earlier_exports(inbox, incidents, appeals)


def _write_earlier_exports(
    inbox: Path, incidents: Sequence[workbooks.Cells], appeals: Sequence[workbooks.Cells]
) -> None:
    """Some messages as they looked three days before: elsewhere, closed, with another mark; moderated; completed."""
    elsewhere = {"topic": "Лифт неисправен или отключен", "department": "Минтранс РО", "municipality": "Шахты г.о."}
    closed = {"closed_at": "2026-02-18 13:00:00", "closing_reason": "2"}
    earlier = [{**row, **change} for row, change in zip(incidents, ({}, elsewhere, closed), strict=False)]
    workbooks.write_incidents(inbox / "incidents_2026-02-20_01-00.xlsx", earlier)
    moderated = {"stage": "Модерация", "completed_date": "-", "rating": "-"}
    completed = {"completed_date": "06.02.2026", "stage": "Завершено"}
    open_again = {"stage": "Исполнение", "completed_date": "-", "is_reconsidered": "Да"}
    workbooks.write_pos(inbox / "pos_2026-02-19_01-00.xlsx", [{**appeals[0], **moderated}, {**appeals[1], **completed}])
    workbooks.write_pos(
        inbox / "pos_2026-02-20_01-00.xlsx", [{**appeals[0], **open_again}, {**appeals[1], **open_again}]
    )
