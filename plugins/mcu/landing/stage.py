"""One unlogged table a load, in schema `stage`, filled by COPY while the workbook is read."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import islice
from typing import TextIO, cast
from zoneinfo import ZoneInfo

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from mcu.settings import FIRST_YEAR
from mcu.sources import columns
from mcu.sources.workbook import Row

PARSERS = {"date": "to_local_date", "timestamp": "to_local_timestamp", "duration": "to_milliseconds"}
ROWS_A_CHUNK = 500

# An older date is a slip, and would make dense marts of a hundred thousand days.
CALENDAR_FROM = dt.date(FIRST_YEAR, 1, 1)


def table(source: str, load_id: int) -> sql.Identifier:
    return sql.Identifier("stage", f"{source}_{load_id}")


def query(source: str, load_id: int) -> str:
    """What the gate asks about: the table, and whether each date, timestamp and duration that is there can be read."""
    readable = (
        f"({field} is null or {field}_parsed is not null) as {field}_is_readable"
        for field, kind in columns.load(source).types.items()
        if kind in PARSERS
    )
    return f"select *, {', '.join(readable)} from stage.{source}_{load_id}"


def create(
    connection: Connection, source: str, load_id: int, rows: Iterable[Row], exported_at: dt.datetime, timezone: ZoneInfo
) -> int:
    """Create the table of a load, copy `rows` into it, commit; returns how many rows it took.

    Beside the fields it has what the gate asks about: `<field>_parsed` (date, timestamp or milliseconds, null where
    unreadable), `exported_on` and `created_before` (the latest day and moment a row can have been created, local
    time) and `is_key_conflict` (its key stands in the file with other content too).
    """
    types = columns.load(source).types
    with connection, connection.cursor() as cursor:
        cursor.execute(_ddl(table(source, load_id), types, exported_at.astimezone(timezone).replace(tzinfo=None)))
        copied = ["row_number", "source_key", "content_hash", *types, "extra"]
        command = sql.SQL("copy {} ({}) from stdin (format csv)").format(
            table(source, load_id), sql.SQL(", ").join(map(sql.Identifier, copied))
        )
        cursor.copy_expert(command, cast("TextIO", _CsvStream(rows)))
        rows_read: int = cursor.rowcount
        cursor.execute(_MARK_KEY_CONFLICTS.format(table=table(source, load_id)))
        cursor.execute(sql.SQL("analyze {} (row_number, source_key)").format(table(source, load_id)))
    return rows_read


def drop(cursor: Cursor, source: str, load_id: int) -> None:
    """Drop the table of a load, if it has come to one."""
    cursor.execute(sql.SQL("drop table if exists {}").format(table(source, load_id)))


def drop_orphans(connection: Connection, source: str) -> None:
    """Drop what killed loads of the source have left; the caller holds the source's lock."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select substring(tablename from '[0-9]+$')::bigint from pg_tables "
            "where schemaname = 'stage' and tablename ~ %s",
            (f"^{source}_[0-9]+$",),
        )
        for (load_id,) in cursor.fetchall():
            drop(cursor, source, load_id)


_MARK_KEY_CONFLICTS = sql.SQL(
    """
    update {table} set is_key_conflict = true
    where source_key in (
        select source_key from {table} group by source_key having min(content_hash) <> max(content_hash)
    )
    """
)


def _ddl(name: sql.Identifier, types: dict[str, str], exported_at: dt.datetime) -> sql.Composable:
    fields = [sql.SQL("{} text").format(sql.Identifier(field)) for field in types]
    parsed = [
        sql.SQL("{} {} generated always as (ops.{}({})) stored").format(
            sql.Identifier(f"{field}_parsed"),
            sql.SQL({"date": "date", "timestamp": "timestamp", "duration": "bigint"}[kind]),
            sql.Identifier(PARSERS[kind]),
            sql.Identifier(field),
        )
        for field, kind in types.items()
        if kind in PARSERS
    ]
    return sql.SQL(
        """
        create unlogged table {} (
            row_number bigint not null,
            source_key text,
            content_hash text collate "C" not null,
            extra jsonb,
            is_key_conflict boolean not null default false,
            exported_on date not null default {},
            created_before timestamp not null default {},
            calendar_from date not null default {},
            {}
        )
        """
    ).format(
        name,
        sql.Literal(exported_at.date()),
        sql.Literal(exported_at + dt.timedelta(minutes=1)),
        sql.Literal(CALENDAR_FROM),
        sql.SQL(", ").join([*fields, *parsed]),
    )


class _CsvStream:
    """Rows as the CSV that COPY reads: what is not quoted and empty is null."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = iter(rows)

    def read(self, _size: int) -> str:
        buffer = StringIO()
        # With "\r\n" as the line's end both characters are quoted inside a field.
        csv.writer(buffer, lineterminator="\r\n").writerows(self._lines())
        return buffer.getvalue()

    def _lines(self) -> Iterator[Sequence[object]]:
        for row in islice(self._rows, ROWS_A_CHUNK):
            extra = json.dumps(row.extra, ensure_ascii=False) if row.extra else None
            yield row.row_number, row.source_key, row.content_hash, *row.values, extra
