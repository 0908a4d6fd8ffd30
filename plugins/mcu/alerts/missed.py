"""ops.missed_deadline: runs of DAGs that passed their deadline and go on. Airflow knows them, the alerts ask `ops`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from psycopg2.extensions import connection as Connection


def note(connection: Connection, dag_id: str, run_id: str, deadline_at: datetime) -> None:
    """Write that the run still went on at `deadline_at`; a second miss of a run that was cleared takes its place."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into ops.missed_deadline (dag_id, run_id, deadline_at) values (%s, %s, %s)"
            " on conflict (dag_id, run_id) do update set deadline_at = excluded.deadline_at",
            (dag_id, run_id, deadline_at),
        )


def forget_ended(connection: Connection, is_active: Callable[[str, str], bool]) -> None:
    """Remove the runs that go on no longer, as `is_active(dag_id, run_id)` tells."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select dag_id, run_id from ops.missed_deadline")
        runs = cursor.fetchall()
    ended = [run for run in runs if not is_active(*run)]
    with connection, connection.cursor() as cursor:
        for run in ended:
            cursor.execute("delete from ops.missed_deadline where (dag_id, run_id) = (%s, %s)", run)
