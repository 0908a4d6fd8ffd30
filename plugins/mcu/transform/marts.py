"""Write, audit, publish: dbt builds the marts aside in `marts_build`; once they are checked, one transaction swaps
them into `marts` and turns the views of `bi` over to them. A build that fails leaves yesterday's numbers in place."""

from __future__ import annotations

import logging
import time

from psycopg2 import sql
from psycopg2.errors import InvalidTableDefinition, LockNotAvailable
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

log = logging.getLogger(__name__)

LOCK_TIMEOUT_SECONDS = 5
LOCK_ATTEMPTS = 20


class BuildNotReadyError(Exception):
    """There is nothing to publish: the build was closed, or its tables were swapped in already."""


def begin(connection: Connection, run_id: str, sources: tuple[str, ...]) -> int:
    """Open a build in `ops.mart_build` and return its id.

    Waits for loads that are being published right now, so that the build holds every load whose `finished_at` lies
    before its `started_at`. A build that was left `running` was killed on the way and becomes `failed`.
    """
    with connection, connection.cursor() as cursor:
        for source in sorted(sources):
            cursor.execute("select pg_advisory_xact_lock(hashtext('mcu.load.' || %s))", (source,))
        cursor.execute("update ops.mart_build set status = 'failed' where status = 'running'")
        cursor.execute(
            "insert into ops.mart_build (run_id, status) values (%s, 'running') returning build_id", (run_id,)
        )
        ((build_id,),) = cursor.fetchall()
        return int(build_id)


def fail(connection: Connection, build_id: int) -> None:
    """Mark the build as failed."""
    with connection, connection.cursor() as cursor:
        cursor.execute("update ops.mart_build set status = 'failed' where build_id = %s", (build_id,))


def publish(connection: Connection, build_id: int) -> list[str]:
    """Swap the tables of `marts_build` in and return their names.

    A reader's long query delays the swap, and the swap never makes other readers queue for long: it gives up after
    LOCK_TIMEOUT_SECONDS and tries again. Raises LockNotAvailable after LOCK_ATTEMPTS, BuildNotReadyError for a build
    that is not running or has built nothing.
    """
    for attempt in range(1, LOCK_ATTEMPTS + 1):
        try:
            with connection, connection.cursor() as cursor:
                return _swap(cursor, build_id)
        except LockNotAvailable:
            if attempt == LOCK_ATTEMPTS:
                raise
            log.warning("a reader holds the marts, attempt %s of %s", attempt, LOCK_ATTEMPTS)
            time.sleep(LOCK_TIMEOUT_SECONDS)
    raise AssertionError("unreachable")


def _swap(cursor: Cursor, build_id: int) -> list[str]:
    cursor.execute("select set_config('lock_timeout', %s, true)", (f"{LOCK_TIMEOUT_SECONDS}s",))
    cursor.execute(
        "update ops.mart_build set status = 'published', published_at = clock_timestamp()"
        " where build_id = %s and status = 'running'",
        (build_id,),
    )
    is_running = cursor.rowcount == 1
    built = _tables(cursor, "marts_build")
    if not is_running or not built:
        raise BuildNotReadyError(f"Build {build_id} is not running, or has built nothing: start a new build_marts run.")
    cursor.execute("create schema if not exists marts")
    for table in built:
        _turn_view(cursor, table)
        cursor.execute(sql.SQL("drop table if exists {}").format(sql.Identifier("marts", table)))
        cursor.execute(sql.SQL("alter table {} set schema marts").format(sql.Identifier("marts_build", table)))
    return built


def _tables(cursor: Cursor, schema: str) -> list[str]:
    cursor.execute("select tablename from pg_tables where schemaname = %s order by tablename", (schema,))
    return [name for (name,) in cursor.fetchall()]


def _turn_view(cursor: Cursor, table: str) -> None:
    """Point the view at the new table. Replacing keeps its grants; one that lost a column is made anew."""
    view = sql.Identifier("bi", table)
    select = sql.SQL("view {} as select * from {}").format(view, sql.Identifier("marts_build", table))
    cursor.execute("savepoint view")
    try:
        cursor.execute(sql.SQL("create or replace ") + select)
    except InvalidTableDefinition:
        cursor.execute("rollback to savepoint view")
        cursor.execute(sql.SQL("drop view {}").format(view))
        cursor.execute(sql.SQL("create ") + select)
    cursor.execute(sql.SQL("grant select on {} to bi_reader").format(view))
