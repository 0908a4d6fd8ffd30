"""One unlogged table a load, in schema `stage`, filled by COPY while the workbook is read."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from io import StringIO
from itertools import islice
from typing import TextIO, cast
from zoneinfo import ZoneInfo

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from mcu.landing import stripped
from mcu.landing.known import KnownRow
from mcu.landing.schema import raw_table
from mcu.settings import FIRST_YEAR
from mcu.sources import columns
from mcu.sources.workbook import Row

PARSERS = {"date": "to_local_date", "timestamp": "to_local_timestamp", "duration": "to_milliseconds"}
ROWS_A_CHUNK = 500

Line = tuple[object, ...] | str  # one row of a stage table, in the order that `create` copies it; or its CSV
QUOTED = re.compile(r'[",\r\n]')

# An older date is a slip, and would make dense marts of a hundred thousand days.
CALENDAR_FROM = dt.date(FIRST_YEAR, 1, 1)


def table(source: str, load_id: int) -> sql.Identifier:
    return sql.Identifier("stage", f"{source}_{load_id}")


def query(source: str, load_id: int) -> str:
    """What the gate asks about each row that is not known to be sound.

    The table, and whether each date, timestamp and duration that is there can be read.
    """
    readable = (
        f"({field} is null or {field}_parsed is not null) as {field}_is_readable"
        for field, kind in columns.load(source).types.items()
        if kind in PARSERS
    )
    return f"select *, {', '.join(readable)} from stage.{source}_{load_id} where not is_known"


def query_all(source: str, load_id: int) -> str:
    """What the gate asks about the load as a whole: number and day of creation of every row."""
    return f"select row_number, {created_on(source)} as created_on from stage.{source}_{load_id}"


def created_on(source: str) -> str:
    """SQL for the local day a row of a stage table was created."""
    return f"coalesce(created_on, {columns.CREATED[source]}_parsed::date)"


def new_line(row: Row, digest: bytes | None = None, created_on: dt.date | None = None) -> Line:
    """The line of a row that is to be checked and stored; `created_on`: as the reader saw it."""
    extra = json.dumps(row.extra, ensure_ascii=False) if row.extra else None
    digest_hex = digest.hex() if digest else None
    return row.row_number, row.source_key, row.content_hash, digest_hex, False, created_on, extra, *row.values


def known_line(source: str, row_number: int, digest: bytes, known: KnownRow) -> Line:
    """The line of a row that the warehouse holds as it is: its fields stay where they are."""
    key = _quoted(known.source_key)
    fields = _fields_of_a_known_row(source, known.cabinet)
    # As text: most rows of an export are such, and a general writer looks at each of their empty fields.
    return f"{row_number},{key},{known.content_hash},{digest.hex()},t,{known.created_on or ''},,{fields}\r\n"


@cache
def _fields_of_a_known_row(source: str, cabinet: str | None) -> str:
    types = columns.load(source).types.values()
    return ",".join(_quoted(cabinet) if kind == "cabinet" and cabinet else "" for kind in types)


def _quoted(value: str) -> str:
    """A value in CSV."""
    return '"' + value.replace('"', '""') + '"' if QUOTED.search(value) else value


def create(
    connection: Connection,
    source: str,
    load_id: int,
    lines: Iterable[Line],
    exported_at: dt.datetime,
    timezone: ZoneInfo,
) -> int:
    """Create the table of a load, copy `lines` into it, commit; returns how many rows it took.

    What drawing the lines raises comes through.

    Beside the fields it has what the gate asks about: `<field>_parsed` (date, timestamp or milliseconds, null where
    unreadable), `exported_on` and `created_before` (the latest day and moment a row can have been created, local
    time) and `is_key_conflict` (its key stands in the file with other content too).
    """
    types = columns.load(source).types
    with connection, connection.cursor() as cursor:
        cursor.execute(_ddl(table(source, load_id), types, exported_at.astimezone(timezone).replace(tzinfo=None)))
        copied = ["row_number", "source_key", "content_hash", "row_digest", "is_known", "created_on", "extra", *types]
        command = sql.SQL("copy {} ({}) from stdin (format csv)").format(
            table(source, load_id), sql.SQL(", ").join(map(sql.Identifier, copied))
        )
        stream = _CsvStream(lines)
        try:
            cursor.copy_expert(command, cast("TextIO", stream))
        except psycopg2.Error as failure:
            raise stream.error or failure from failure  # what the reader raised, the driver hides
        rows_read: int = cursor.rowcount
        _forget(cursor, source, load_id)
        _mark_key_conflicts(cursor, source, load_id)
        cursor.execute(sql.SQL("create index on {} (row_number) where not is_known").format(table(source, load_id)))
        cursor.execute(sql.SQL("analyze {} (row_number, source_key, is_known)").format(table(source, load_id)))
    return rows_read


def leave_out(cursor: Cursor, source: str, load_id: int, row_numbers: Sequence[int]) -> None:
    """Take rows out of the table of a load."""
    cursor.execute(
        sql.SQL("delete from {} where row_number = any(%s)").format(table(source, load_id)), (list(row_numbers),)
    )


def drop(cursor: Cursor, source: str, load_id: int) -> None:
    """Drop the table of a load, if it has come to one, and what a killed gate left on it."""
    cursor.execute(sql.SQL("drop table if exists {} cascade").format(table(source, load_id)))


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


def _forget(cursor: Cursor, source: str, load_id: int) -> None:
    """Take from the rows of forgotten messages what tells of a person, before anybody sees it.

    A message that comes first now is forgotten too, if its author was forgotten on its day of creation or later: an old
    export brings nobody back.
    """
    cursor.execute("select exists (select from ops.forgotten)")
    if cursor.fetchall() == [(False,)]:
        return
    names = {"stage": table(source, load_id), "created_on": sql.SQL(created_on(source))}
    is_forgotten: sql.Composable = sql.SQL(
        "source_key in (select source_key from ops.forgotten_message where source = %(source)s)"
    )
    if "author_url" in columns.load(source).types:
        cursor.execute(
            sql.SQL(
                """
                create temporary table forgotten_row on commit drop as
                select row_number, source_key, forgotten_id
                from {stage}
                join ops.forgotten
                    on
                        author = pii.author_pseudonym(author_url)
                        and coalesce({created_on}, '-infinity') <= forgotten_at::date
                """
            ).format(**names)
        )
        cursor.execute(
            """
            insert into ops.forgotten_message (source, source_key, forgotten_id)
            select %s, source_key, min(forgotten_id)
            from forgotten_row
            where source_key is not null
            group by source_key
            on conflict do nothing
            """,
            (source,),
        )
        is_forgotten += sql.SQL(" or row_number in (select row_number from forgotten_row)")
    cursor.execute(
        sql.SQL("update {stage} as s set {assignments} where not is_known and ({is_forgotten})").format(
            **names, assignments=stripped.assignments(source, "s"), is_forgotten=is_forgotten
        ),
        {"source": source},
    )


def _mark_key_conflicts(cursor: Cursor, source: str, load_id: int) -> None:
    """Mark the rows whose key stands there with other content too, and give the known ones of them their fields."""
    names = {"stage": table(source, load_id), "raw": raw_table(source)}
    cursor.execute(
        sql.SQL(
            """
            update {stage} set is_key_conflict = true
            where source_key in (
                select source_key from {stage}
                where source_key in (select source_key from {stage} where not is_known)
                group by source_key
                having min(content_hash) <> max(content_hash)
            )
            """
        ).format(**names)
    )
    if cursor.rowcount:
        # «Кабинет» is no part of the content: the stage has that of this very row.
        types = columns.load(source).types
        fields = [*(field for field, kind in types.items() if kind != "cabinet"), "extra"]
        given = (sql.SQL("{} = {}").format(sql.Identifier(field), sql.Identifier("held", field)) for field in fields)
        cursor.execute(
            sql.SQL(
                """
                update {stage} as s set is_known = false, {fields}
                from (
                    select distinct on (source_key) version.*
                    from {raw} as version
                    join {stage} as known using (source_key, content_hash)
                    where known.is_known and known.is_key_conflict
                    order by source_key
                ) as held
                where s.is_known and s.is_key_conflict and s.source_key = held.source_key
                """
            ).format(**names, fields=sql.SQL(", ").join(given))
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
            row_digest uuid,
            is_known boolean not null,
            created_on date,
            extra jsonb,
            is_key_conflict boolean not null default false,
            exported_on date not null default {},
            created_before timestamp not null default {},
            calendar_from date not null default {},
            {}
        ) with (autovacuum_enabled = false)
        """
    ).format(
        name,
        sql.Literal(exported_at.date()),
        sql.Literal(exported_at + dt.timedelta(minutes=1)),
        sql.Literal(CALENDAR_FROM),
        sql.SQL(", ").join([*fields, *parsed]),
    )


class _CsvStream:
    """Lines as the CSV that COPY reads: what is not quoted and empty is null."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = iter(lines)
        self.error: Exception | None = None  # what drawing a line has raised

    def read(self, _size: int) -> str:
        buffer = StringIO()
        # With "\r\n" as the line's end both characters are quoted inside a field.
        writer = csv.writer(buffer, lineterminator="\r\n")
        try:
            for line in islice(self._lines, ROWS_A_CHUNK):
                if isinstance(line, str):
                    buffer.write(line)
                else:
                    writer.writerow(line)
        except Exception as error:
            self.error = error
            raise
        return buffer.getvalue()
