"""ops.load: one row a file that was taken, and who may take files now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2.extensions import connection as Connection

from mcu.landing import stage
from mcu.landing.inbox import InboxFile

UNKNOWN = "unknown"  # the source of what cannot be told apart: not a workbook, no known headers
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


def is_known(connection: Connection, file: InboxFile) -> bool:
    """Whether this content has been published as of the same moment, or refused.

    The modification time of a copy says nothing, so that such a file is known at any moment.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select from ops.load
            where sha256 = %(sha256)s and (
                status = 'refused'
                or status = 'published' and (exported_at = %(moment)s or %(told_by)s = 'modified_time')
            )
            limit 1
            """,
            {"sha256": file.sha256, "moment": file.exported_at.moment, "told_by": file.exported_at.told_by},
        )
        return cursor.rowcount > 0


def start(connection: Connection, source: str, file: InboxFile, run_id: str) -> int:
    """Write the row of a load that begins, commit, return its load_id."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into ops.load (source, uri, sha256, exported_at, exported_at_from, run_id, status) "
            "values (%s, %s, %s, %s, %s, %s, 'running') returning load_id",
            (source, file.uri, file.sha256, *file.exported_at, run_id),
        )
        (load_id,) = cursor.fetchone() or (0,)
        return int(load_id)


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
    """Write that the file is not taken until its content changes; once, though two runs may meet it."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('mcu.refuse'))")
        cursor.execute(
            """
            insert into ops.load
                (source, uri, sha256, exported_at, exported_at_from, run_id, status, error, finished_at)
            select %s, %s, %s, %s, %s, %s, 'refused', %s, clock_timestamp()
            where not exists (select from ops.load where sha256 = %s and status = 'refused')
            """,
            (source, file.uri, file.sha256, *file.exported_at, run_id, error, file.sha256),
        )


def usual_rows(connection: Connection, source: str) -> dict[str, int]:
    """Between how many rows the loads of a source usually have: half and twice the median of the last ten."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select count(*), percentile_cont(0.5) within group (order by rows_read)
            from (
                select rows_read from ops.load
                where source = %s and status = 'published'
                order by load_id desc
                limit 10
            ) as last_loads
            """,
            (source,),
        )
        ((loads, median),) = cursor.fetchall()
    if loads < ENOUGH_HISTORY:
        return {"rows_at_least": 0, "rows_at_most": 10**12}
    return {"rows_at_least": int(median / 2), "rows_at_most": int(median * 2)}


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
