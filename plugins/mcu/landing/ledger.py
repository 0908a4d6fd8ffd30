"""ops.load: one row a file that was taken, and who may take files now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from mcu.landing import rules, stage
from mcu.landing.memory import InboxFile

UNKNOWN = rules.UNKNOWN
COLUMN_IS_KNOWN = "column_is_known"  # the check that announces a column nobody knows
ENOUGH_HISTORY = 3  # loads


@contextmanager
def only_run(connection: Connection, source: str) -> Iterator[None]:
    """Be the only run that loads `source`; waits for another one. What a killed run left is tidied up first."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(hashtext('mcu.run.' || %s))", (source,))
    try:
        stage.drop_orphans(connection, source)
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "update ops.load set status = 'failed', error = 'прервано', finished_at = clock_timestamp() "
                "where source = %s and status = 'running'",
                (source,),
            )
        yield
    finally:
        if not connection.closed:
            connection.rollback()
            with connection, connection.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock(hashtext('mcu.run.' || %s))", (source,))


def start(connection: Connection, source: str, file: InboxFile, run_id: str, sheet: str) -> int:
    """Write the row of a load that begins, commit, return its load_id."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into ops.load (source, uri, sheet, sha256, exported_at, exported_at_from, run_id, rules, status) "
            "values (%s, %s, %s, %s, %s, %s, %s, %s, 'running') returning load_id",
            (source, file.uri, sheet, file.sha256, *file.exported_at, run_id, rules.digest(source)),
        )
        (load_id,) = cursor.fetchone() or (0,)
        return int(load_id)


def start_replay(connection: Connection, source: str, load_id: int, run_id: str) -> int:
    """Write the row of a load that brings back quarantined rows of the load `load_id`, commit, return its load_id."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            insert into ops.load
                (source, uri, sheet, sha256, exported_at, exported_at_from, run_id, rules, replay_of, status)
            select source, uri, sheet, sha256, exported_at, exported_at_from, %s, %s, load_id, 'running'
            from ops.load
            where load_id = %s
            returning load_id
            """,
            (run_id, rules.digest(source), load_id),
        )
        ((replay_id,),) = cursor.fetchall()
        return int(replay_id)


def forget(connection: Connection, load_id: int) -> None:
    """Take back the row of a replay that brings nothing back; its stage table goes."""
    with connection, connection.cursor() as cursor:
        cursor.execute("delete from ops.load where load_id = %s and replay_of is not null returning source", (load_id,))
        ((source,),) = cursor.fetchall()
        stage.drop(cursor, source, load_id)


def close(connection: Connection, load_id: int, status: str, error: str) -> None:
    """Close the row of a load that was not published, as `failed` or `refused`; its stage table goes."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "update ops.load set status = %s, error = %s, finished_at = clock_timestamp() "
            "where load_id = %s returning source",
            (status, error, load_id),
        )
        ((source,),) = cursor.fetchall()
        stage.drop(cursor, source, load_id)


def refuse(connection: Connection, source: str, file: InboxFile, run_id: str, error: str) -> None:
    """Write that the file is not taken until its content or the rules change; once, though two runs may meet it."""
    ruled = rules.digest(source)
    with connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('mcu.refuse'))")
        cursor.execute(
            """
            insert into ops.load
                (source, uri, sha256, exported_at, exported_at_from, run_id, rules, error, status, finished_at)
            select %s, %s, %s, %s, %s, %s, %s, %s, 'refused', clock_timestamp()
            where not exists (select from ops.load where sha256 = %s and rules = %s and status = 'refused')
            """,
            (source, file.uri, file.sha256, *file.exported_at, run_id, ruled, error, file.sha256, ruled),
        )


def usual(connection: Connection, source: str, exported_at: dt.datetime) -> dict[str, Any]:
    """What the last ten loads of a source lead one to expect of the next, exported at this local time.

    `rows_at_least`, `rows_at_most`: half and twice their median of rows. `newest_at_least`: the day that its newest
    message was created on, if the source lags no more than a day behind the slowest of them. None: too few loads.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select
                count(*), percentile_cont(0.5) within group (order by rows_read),
                max((exported_at at time zone %(timezone)s)::date - newest)
            from (
                select rows_read, exported_at, (
                    select max(created_on) from ops.load_day where load_day.load_id = load.load_id
                ) as newest
                from ops.load
                where source = %(source)s and status = 'published' and replay_of is null
                order by load_id desc
                limit 10
            ) as last_loads
            """,
            {"source": source, "timezone": str(exported_at.tzinfo)},
        )
        ((loads, median, lag),) = cursor.fetchall()
    if loads < ENOUGH_HISTORY:
        return dict.fromkeys(("rows_at_least", "rows_at_most", "newest_at_least"))
    return {
        "rows_at_least": int(median / 2),
        "rows_at_most": int(median * 2),
        "newest_at_least": exported_at.date() - dt.timedelta(days=(lag or 0) + 1),
    }


def note_days(cursor: Cursor, load_id: int, days: Mapping[dt.date | None, int]) -> None:
    """Write how many rows of each day of creation the reader counted in the file."""
    execute_values(
        cursor,
        "insert into ops.load_day (load_id, created_on, rows_read) values %s",
        [(load_id, day, rows) for day, rows in days.items()],
    )


def announced_columns(connection: Connection, source: str) -> set[str]:
    """Headers of unknown columns that an earlier load has told of."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select distinct column_name from ops.validation_result where suite = %s and expectation = %s",
            (source, COLUMN_IS_KNOWN),
        )
        return {header for (header,) in cursor.fetchall()}


def refusals(connection: Connection, run_id: str) -> list[str]:
    """Why each file that the run refused was refused."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select error from ops.load where run_id = %s and status = 'refused' order by load_id", (run_id,)
        )
        return [error for (error,) in cursor.fetchall()]


def has_news(connection: Connection, source: str) -> bool:
    """Whether a load of the source was published that no published build of the marts holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select exists (
                select from ops.load
                where source = %s and status = 'published' and finished_at > coalesce(
                    (select max(started_at) from ops.mart_build where status = 'published'), '-infinity'
                )
            )
            """,
            (source,),
        )
        ((has_news,),) = cursor.fetchall()
        return bool(has_news)
