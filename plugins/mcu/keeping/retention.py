"""What is let go when it is old, by class of data: persons in messages, persons in quarantine, results of checks.

Of persons goes what `forget_author` takes, in the same places and by the same statements: every count stays.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from mcu.keeping import checksums
from mcu.landing import ledger
from mcu.landing.emptying import Forgotten, empty
from mcu.landing.forget import alone, note
from mcu.landing.load import connect
from mcu.quality import docs
from mcu.settings import Settings
from mcu.sources import columns

log = logging.getLogger(__name__)

BY = "maintain_warehouse"  # who forgot, in ops.forgotten

# So that no night holds up the loads for long; the rest goes in the next ones, the oldest first.
MOST_MESSAGES = 50_000

# When a message came to its end. ПОС closes nothing that is answered (docs/metrics.md): there it is the first answer.
SETTLED_AT = "coalesce(closed_at, case source when 'pos' then answered_at end)"

# What is old in each of these tables. A column stays announced, and the alerts that stand stay.
OLD_RESULTS = {
    "validation_result": f"validated_at < %(before)s and expectation <> '{ledger.COLUMN_IS_KNOWN}'",
    "dbt_result": "finished_at < %(before)s",
    "alert": "gone_at < %(before)s",
}


@dataclass(frozen=True)
class Persons:
    """`messages` and `quarantined` rows that lost their persons now; `left`: messages for the next nights."""

    messages: int
    quarantined: int
    left: int


def let_go_of_persons(dsn: str, settings: Settings, now: datetime, run_id: str, dry_run: bool = False) -> Persons:
    """Empty what tells of persons in messages closed, and in rows put into quarantine, longer ago than they are kept.

    In one transaction; waits for running loads. Raises BuildIsRunningError while the marts are being built. Without a
    limit for any source it does nothing.
    """
    if not settings.keep_pii_days and not settings.keep_quarantine_days:
        return Persons(0, 0, 0)
    with alone(dsn) as cursor:
        left = _find_messages(cursor, _limits(settings.keep_pii_days, now))
        _find_rows(cursor, _limits(settings.keep_quarantine_days, now))
        done = empty(cursor)
        if dry_run:
            cursor.connection.rollback()
        elif done.messages or done.quarantined:
            _note(cursor, done, run_id)
            docs.clear(settings.state / "data_docs")  # before the commit: cut off in between, only pages are lost
    return Persons(done.messages, done.quarantined, left)


def _limits(days: Mapping[str, int], now: datetime) -> dict[str, datetime]:
    return {source: now - timedelta(days=number) for source, number in days.items()}


def _find_messages(cursor: Cursor, limits: Mapping[str, datetime]) -> int:
    """Fill the temporary table `found`; returns how many more there are than go at once."""
    cursor.execute(
        "create temporary table found (source text, source_key text, primary key (source, source_key)) on commit drop"
    )
    cursor.execute("select to_regclass('marts.message_current') is not null")
    if cursor.fetchall() == [(False,)]:
        return 0  # nothing was ever built, so nobody knows yet what is closed
    old = f"""
        from marts.message_current
        join unnest(%(sources)s::text[], %(limits)s::timestamptz[]) as kept (source, since) using (source)
        where
            {SETTLED_AT} < since
            and (source, source_key) not in (select source, source_key from ops.forgotten_message)
    """
    values = {"sources": list(limits), "limits": list(limits.values()), "most": MOST_MESSAGES}
    cursor.execute(f"insert into found select source, source_key {old} order by {SETTLED_AT} limit %(most)s", values)
    cursor.execute(f"select count(*) - (select count(*) from found) {old}", values)
    ((left,),) = cursor.fetchall()
    return int(left)


def _find_rows(cursor: Cursor, limits: Mapping[str, datetime]) -> None:
    """The temporary table `found_row`: rows in quarantine of those messages, and the old ones of any."""
    cursor.execute(
        """
        create temporary table found_row on commit drop as
        select load_id, row_number, source
        from ops.quarantine
        left join unnest(%s::text[], %s::timestamptz[]) as kept (source, since) using (source)
        where emptied_at is null and ((source, source_key) in (table found) or quarantined_at < since)
        """,
        (list(limits), list(limits.values())),
    )


def _note(cursor: Cursor, done: Forgotten, run_id: str) -> None:
    note(cursor, done, None, BY, run_id)
    cursor.execute(
        "update ops.quarantine as q set emptied_at = clock_timestamp() from found_row"
        " where q.load_id = found_row.load_id and q.row_number = found_row.row_number"
    )


def drop_orphans(dsn: str) -> int:
    """Drop what killed loads have left in `stage`; returns how many tables. Waits for running loads."""
    dropped = 0
    with closing(connect(dsn)) as connection:
        for source in columns.SOURCES:
            with connection, connection.cursor() as cursor:
                before = _stage_tables(cursor, source)
            with ledger.only_run(connection, source), connection, connection.cursor() as cursor:
                dropped += len(before - (before & _stage_tables(cursor, source)))
    return dropped


def _stage_tables(cursor: Cursor, source: str) -> set[str]:
    cursor.execute(
        "select tablename from pg_tables where schemaname = 'stage' and tablename ~ %s", (f"^{source}_[0-9]+$",)
    )
    return {name for (name,) in cursor.fetchall()}


def delete_results(dsn: str, state: Path, before: datetime, dry_run: bool = False) -> dict[str, int]:
    """Delete results of checks, of dbt and alerts that are gone, from before; returns how many, by table.

    `data_docs`: results whose pages are removed, none in a dry run.
    """
    deleted = {}
    with closing(connect(dsn)) as connection, connection, connection.cursor() as cursor:
        for table, is_old in OLD_RESULTS.items():
            cursor.execute(f"delete from ops.{table} where {is_old}", {"before": before})
            deleted[table] = cursor.rowcount
        if dry_run:
            connection.rollback()
    return deleted | {"data_docs": 0 if dry_run else docs.trim(state / "data_docs", before)}


def vacuum(dsn: str) -> None:
    """Vacuum and analyze every table of raw, ops, pii and marts, one after the other.

    While a build runs, its own schemas are left to the next night: its swap would wait for the table that is at work.
    """
    with closing(connect(dsn)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute("select exists (select from ops.mart_build where status = 'running')")
            ((is_building,),) = cursor.fetchall()
            schemas = {*checksums.TABLES_OF} - ({"marts", "pii"} if is_building else set())
            tables = [name for name in checksums.relations(cursor) if name.split(".")[0] in schemas]
        connection.autocommit = True
        with connection.cursor() as cursor:
            for name in tables:
                cursor.execute(sql.SQL("vacuum (analyze) {}").format(checksums.identifier(name)))
    log.info("vacuumed %d tables", len(tables))
