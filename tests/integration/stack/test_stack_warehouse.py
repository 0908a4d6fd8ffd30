"""What the main job asks and writes in a warehouse."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg2.extensions import connection as Connection

from stack.local import LocalStack
from stack.progress import Progress
from stack.run import subscribe
from stack.warehouse import Warehouse

pytestmark = pytest.mark.postgres

SUBSCRIPTIONS = 34


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    return Progress(LocalStack(tmp_path))


def execute(connection: Connection, statement: str) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)


def recipients(connection: Connection) -> list[str]:
    with connection, connection.cursor() as cursor:
        cursor.execute("select recipient from ops.report_subscription")
        return [recipient for (recipient,) in cursor.fetchall()]


def test_the_demos_readers_are_subscribed_once(warehouse: Connection, warehouse_dsn: str, progress: Progress) -> None:
    for _ in range(2):
        subscribe(Warehouse(warehouse_dsn), False, progress)

    assert len(recipients(warehouse)) == SUBSCRIPTIONS


def test_whoever_is_subscribed_stays_alone(warehouse: Connection, warehouse_dsn: str, progress: Progress) -> None:
    execute(
        warehouse,
        "insert into ops.report_subscription (recipient, report, scope) values ('a@mcu.example', 'daily', 'oblast')",
    )

    subscribe(Warehouse(warehouse_dsn), False, progress)

    assert recipients(warehouse) == ["a@mcu.example"]


def test_nobody_is_subscribed_in_the_users_own_warehouse(
    warehouse: Connection, warehouse_dsn: str, progress: Progress, capsys: pytest.CaptureFixture[str]
) -> None:
    subscribe(Warehouse(warehouse_dsn), True, progress)

    assert recipients(warehouse) == []
    assert "python -m mcu.reports.subscriptions FILE" in capsys.readouterr().out


def test_the_marts_are_behind_until_a_build_that_began_after_the_load_is_published(
    warehouse: Connection, warehouse_dsn: str
) -> None:
    asked = Warehouse(warehouse_dsn)
    assert not asked.marts_are_behind()
    execute(
        warehouse,
        """
        insert into ops.load (source, uri, sha256, exported_at, exported_at_from, run_id, status, finished_at)
        values ('incident', 'a.xlsx', 'x', now(), 'file_name', 'by hand', 'published', clock_timestamp())
        """,
    )
    assert asked.marts_are_behind()
    execute(warehouse, "insert into ops.mart_build (run_id, status) values ('by hand', 'failed')")
    assert asked.marts_are_behind()
    execute(warehouse, "insert into ops.mart_build (run_id, status) values ('by hand', 'published')")
    assert not asked.marts_are_behind()
