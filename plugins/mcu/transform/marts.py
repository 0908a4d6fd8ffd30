"""Write, audit, publish: dbt builds the marts aside in `marts_build`; once they are checked, one transaction puts them
into `marts`. A full build is swapped in whole, of a delta the rows replace those that they stand for (ADR 1 and 7).
A build that fails leaves yesterday's numbers in place."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.errors import InvalidTableDefinition, LockNotAvailable
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

log = logging.getLogger(__name__)

LOCK_TIMEOUT_SECONDS = 5
LOCK_ATTEMPTS = 20

# More new row versions than this, and a full build is the quicker one.
MOST_ROWS_OF_A_DELTA = 300_000

# Mart → what tells which of its rows a delta replaces, and by which columns. A mart that is not named here is small
# and made anew by every build.
REPLACED = {
    "message_current": ("staging.stg_ops__changed_message", ("message_id",)),
    "message_overdue": ("staging.stg_ops__changed_message", ("message_id",)),
    "message_unmapped": ("staging.stg_ops__changed_message", ("message_id",)),
    "fct_message_event": ("staging.stg_ops__changed_message", ("message_id",)),
    "message_person": ("staging.stg_ops__changed_message", ("message_id",)),
    "municipality_daily": ("intermediate.int_municipality_daily", ("date", "oktmo", "source", "topic_group")),
    "rpt_daily_summary": ("intermediate.int_changed_date", ("date",)),
    "rpt_weekly_region": ("intermediate.int_changed_week", ("week_start",)),
    "rpt_weekly_municipality": ("intermediate.int_changed_week", ("week_start",)),
    "rpt_weekly_authority": ("intermediate.int_changed_week", ("week_start",)),
    "rpt_weekly_topic": ("intermediate.int_changed_topic_week", ("week_start", "oktmo")),
    "rpt_answer_quality": ("intermediate.int_answer_week", ("week_start",)),
    "rpt_hotspot": ("intermediate.int_signal_date", ("date",)),
    "rpt_emerging_topic": ("intermediate.int_signal_week", ("week_start",)),
}

# Marts that the others are made of; readers see them through `fct_…` and `rpt_…` alone.
STATE = ("message_current", "message_overdue", "message_unmapped", "municipality_daily")


class BuildNotReadyError(Exception):
    """There is nothing to publish: the build was closed, or its tables were swapped in already."""


@dataclass(frozen=True)
class Build:
    """A row of `ops.mart_build`. `full_because`: why everything is made anew; None: it is a delta."""

    build_id: int
    full_because: str | None

    @property
    def is_delta(self) -> bool:
        """Whether the build holds only what the new loads can have changed."""
        return self.full_because is None


def begin(
    connection: Connection, run_id: str, sources: tuple[str, ...], fingerprint: str, full_refresh: bool = False
) -> Build:
    """Open a build in `ops.mart_build`. `fingerprint`: of everything but the loads that decides what the marts hold.

    Waits for loads that are being published right now, so that the build holds every load whose `finished_at` lies
    before its `started_at`. A build that was left `running` was killed on the way and becomes `failed`; what a build
    before this one left aside is dropped.
    """
    with connection, connection.cursor() as cursor:
        for source in sorted(sources):
            cursor.execute("select pg_advisory_xact_lock(hashtext('mcu.load.' || %s))", (source,))
        cursor.execute("update ops.mart_build set status = 'failed' where status = 'running'")
        _drop_what_is_aside(cursor)
        reason = "asked for" if full_refresh else _reason_for_a_full_build(cursor, sources, fingerprint)
        cursor.execute(
            "insert into ops.mart_build (run_id, status, fingerprint, full_because) values (%s, 'running', %s, %s)"
            " returning build_id",
            (run_id, fingerprint, reason),
        )
        ((build_id,),) = cursor.fetchall()
        log.info("build %s is %s", build_id, f"full: {reason}" if reason else "a delta")
        return Build(int(build_id), reason)


def _reason_for_a_full_build(cursor: Cursor, sources: tuple[str, ...], fingerprint: str) -> str | None:
    cursor.execute(
        "select started_at, fingerprint from ops.mart_build where status = 'published' order by build_id desc limit 1"
    )
    published = cursor.fetchone()
    if published is None or not {*REPLACED, "dim_source"} <= {
        *_relations(cursor, "marts", "r"),
        *_relations(cursor, "pii", "r"),
    }:
        return "nothing is published yet"
    if published[1] != fingerprint:
        return "models, seeds or settings differ from those of the published build"
    cursor.execute(
        """
        select
            coalesce(sum(load.rows_new + load.rows_changed), 0),
            bool_or(load.source = any(%s) and dim_source.first_date is null)
        from ops.load
        left join marts.dim_source on dim_source.source = load.source
        where load.status = 'published' and load.finished_at >= %s
        """,
        (list(sources), published[0]),
    )
    ((rows, is_first_load),) = cursor.fetchall()
    if is_first_load:
        return "a source begins"
    return f"{rows} new row versions" if rows > MOST_ROWS_OF_A_DELTA else None


def get(connection: Connection, build_id: int) -> Build:
    """The build as `ops.mart_build` tells of it."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select full_because from ops.mart_build where build_id = %s", (build_id,))
        ((reason,),) = cursor.fetchall()
        return Build(build_id, reason)


def is_first_day_moved(connection: Connection) -> bool:
    """Whether a source begins on another day than the marts do: the dense marts then change from their first row on.

    To be asked when the layer `intermediate` of a delta is built.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select exists (
                select from intermediate.int_source_period as period
                join marts.dim_source as published using (source)
                where period.first_date is distinct from published.first_date
            )
            """
        )
        ((is_moved,),) = cursor.fetchall()
        return bool(is_moved)


def make_full(connection: Connection, build_id: int, reason: str) -> Build:
    """Turn a running delta into a full build: all layers have to be built anew."""
    with connection, connection.cursor() as cursor:
        cursor.execute("update ops.mart_build set full_because = %s where build_id = %s", (reason, build_id))
        _drop_what_is_aside(cursor)
    log.info("build %s becomes full: %s", build_id, reason)
    return Build(build_id, reason)


def fail(connection: Connection, build_id: int) -> None:
    """Mark the build as failed."""
    with connection, connection.cursor() as cursor:
        cursor.execute("update ops.mart_build set status = 'failed' where build_id = %s", (build_id,))


def publish(connection: Connection, build_id: int) -> list[str]:
    """Put what `marts_build` holds into `marts`; returns the names of the marts that readers see.

    A reader's long query delays the swap of a full build, and the swap never makes other readers queue for long: it
    gives up after LOCK_TIMEOUT_SECONDS and tries again. A delta waits for no reader. Raises LockNotAvailable after
    LOCK_ATTEMPTS, BuildNotReadyError for a build that is not running or has built nothing.
    """
    for attempt in range(1, LOCK_ATTEMPTS + 1):
        try:
            with connection, connection.cursor() as cursor:
                return _publish(cursor, build_id)
        except LockNotAvailable:
            if attempt == LOCK_ATTEMPTS:
                raise
            log.warning("a reader holds the marts, attempt %s of %s", attempt, LOCK_ATTEMPTS)
            time.sleep(LOCK_TIMEOUT_SECONDS)
    raise AssertionError("unreachable")


def _publish(cursor: Cursor, build_id: int) -> list[str]:
    cursor.execute("select set_config('lock_timeout', %s, true)", (f"{LOCK_TIMEOUT_SECONDS}s",))
    cursor.execute(
        "update ops.mart_build set status = 'published', published_at = clock_timestamp()"
        " where build_id = %s and status = 'running' returning full_because is null",
        (build_id,),
    )
    running = cursor.fetchone()
    tables, views = (_relations(cursor, "marts_build", kind) for kind in ("r", "v"))
    if not running or not tables:
        raise BuildNotReadyError(f"Build {build_id} is not running, or has built nothing: start a new build_marts run.")
    cursor.execute("create schema if not exists marts")
    _note_restated_days(cursor, build_id, is_delta=running[0])
    # Personal data goes the same way, but to a schema and a role of its own, without views.
    tables_of_persons = _relations(cursor, "pii_build", "r")
    if running[0]:
        for schema, names in (("marts", tables), ("pii", tables_of_persons)):
            for table in names:
                _replace_rows(cursor, schema, table)
    else:
        _swap(cursor, tables, views)
        for table in tables_of_persons:
            _swap_table_of_persons(cursor, table)
    _drop_what_is_aside(cursor)
    return sorted({*tables, *views} - {*STATE})


def _drop_what_is_aside(cursor: Cursor) -> None:
    cursor.execute("drop schema if exists marts_build, pii_build cascade")


def _relations(cursor: Cursor, schema: str, kind: str) -> list[str]:
    """Names of the tables (`r`) or views (`v`) of a schema."""
    cursor.execute(
        "select relname from pg_class where relnamespace = to_regnamespace(%s) and relkind = %s order by relname",
        (schema, kind),
    )
    return [name for (name,) in cursor.fetchall()]


def _note_restated_days(cursor: Cursor, build_id: int, is_delta: bool) -> None:
    """Keep in `ops.restated_day` what late data change on days that readers could have asked for already."""
    if "municipality_daily" not in _relations(cursor, "marts", "r"):
        return
    replaced, keys = REPLACED["municipality_daily"]
    only_replaced = f"where ({', '.join(keys)}) in (select {', '.join(keys)} from {replaced})" if is_delta else ""
    cursor.execute(
        f"""
        with before as (
            select * from marts.municipality_daily {only_replaced}
        ),

        counted as (
            select source, oktmo, date, count.name, -count.number as before, 0 as after
            from before
            cross join lateral {_COUNTS} as count (name, number)
            union all
            select source, oktmo, date, count.name, 0 as before, count.number as after
            from marts_build.municipality_daily
            cross join lateral {_COUNTS} as count (name, number)
        )

        insert into ops.restated_day (build_id, source, oktmo, date, count, before, after)
        select %s, source, oktmo, counted.date, counted.name, -sum(counted.before), sum(counted.after)
        from counted
        join marts.dim_source as published using (source)
        where counted.date <= published.last_date
        group by source, oktmo, counted.date, counted.name
        having sum(counted.before) + sum(counted.after) <> 0
        """,
        (build_id,),
    )


_COUNTS = """(
                values ('received', received), ('answered', answered), ('answered_on_time', answered_on_time),
                ('became_overdue', became_overdue), ('open_at_end', open_at_end), ('overdue_at_end', overdue_at_end)
            )"""


def _replace_rows(cursor: Cursor, schema: str, table: str) -> None:
    names = {"old": sql.Identifier(schema, table), "new": sql.Identifier(f"{schema}_build", table)}
    if table in REPLACED:
        replaced, keys = REPLACED[table]
        condition = sql.SQL(" and ").join(
            sql.SQL("old.{key} = replaced.{key}").format(key=sql.Identifier(key)) for key in keys
        )
        names["replaced"] = sql.Identifier(*replaced.split("."))
        cursor.execute(
            sql.SQL("delete from {old} as old using {replaced} as replaced where ").format(**names) + condition
        )
    else:
        cursor.execute(sql.SQL("delete from {old}").format(**names))
    cursor.execute(sql.SQL("insert into {old} select * from {new}").format(**names))


def _swap(cursor: Cursor, tables: list[str], views: list[str]) -> None:
    """Turn the views of `bi` over to the new marts and these into the place of the old ones."""
    built = {*tables, *views}
    for mart in sorted(built - {*STATE}):
        _turn_view(cursor, mart)
    for mart in set(_relations(cursor, "bi", "v")) - built:
        cursor.execute(sql.SQL("drop view {}").format(sql.Identifier("bi", mart)))
    for kind, names in (("view", _relations(cursor, "marts", "v")), ("table", _relations(cursor, "marts", "r"))):
        for name in names:
            # Views of the layer `intermediate` lie on them; those of readers have been turned.
            cursor.execute(sql.SQL(f"drop {kind} if exists {{}} cascade").format(sql.Identifier("marts", name)))
    for kind, names in (("table", tables), ("view", views)):
        for name in names:
            cursor.execute(sql.SQL(f"alter {kind} {{}} set schema marts").format(sql.Identifier("marts_build", name)))


def _swap_table_of_persons(cursor: Cursor, table: str) -> None:
    new = sql.Identifier("pii_build", table)
    cursor.execute(sql.SQL("drop table if exists {}").format(sql.Identifier("pii", table)))
    cursor.execute(sql.SQL("grant select on {} to pii_reader").format(new))
    cursor.execute(sql.SQL("alter table {} set schema pii").format(new))


def _turn_view(cursor: Cursor, mart: str) -> None:
    """Point the view at the new mart. Replacing keeps its grants; one that lost a column is made anew."""
    view = sql.Identifier("bi", mart)
    select = sql.SQL("view {} as select * from {}").format(view, sql.Identifier("marts_build", mart))
    cursor.execute("savepoint view")
    try:
        cursor.execute(sql.SQL("create or replace ") + select)
    except InvalidTableDefinition:
        cursor.execute("rollback to savepoint view")
        cursor.execute(sql.SQL("drop view {}").format(view))
        cursor.execute(sql.SQL("create ") + select)
    cursor.execute(sql.SQL("grant select on {} to bi_reader").format(view))
    _comment_view(cursor, mart)


def _comment_view(cursor: Cursor, mart: str) -> None:
    """Say of the view and its columns what is said of the mart's: BI tools show the comments of what they read."""
    cursor.execute(
        """
        with mart as (
            select oid, relname from pg_class where relnamespace = 'marts_build'::regnamespace and relname = %s
        )

        select format('comment on view bi.%%I is %%L', relname, obj_description(oid, 'pg_class')) from mart
        union all
        select format('comment on column bi.%%I.%%I is %%L', relname, attname, col_description(oid, attnum))
        from mart
        join pg_attribute on attrelid = oid
        where attnum > 0 and not attisdropped
        """,
        (mart,),
    )
    cursor.execute(";\n".join(statement for (statement,) in cursor.fetchall()))
