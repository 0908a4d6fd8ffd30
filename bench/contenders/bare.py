"""The floor: streamed, hashed before typing, only changes typed and sent; LZ4.

The loader's reader and nothing else: no gate, no quarantine, no ledger, no sightings of unchanged rows, no regard for
exports that arrive out of order.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import TextIO, cast

import psycopg2
from psycopg2.extensions import cursor as Cursor

from mcu.sources import columns
from mcu.sources.workbook import Export, open_export

TABLE, KEY = "version", "source_key"
FIELDS = tuple(columns.load("incident").types)
ROWS_A_CHUNK = 500


def load(dsn: str, path: Path) -> None:
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor, open_export(path) as export:
        cursor.execute("set default_toast_compression = lz4")
        _make_tables(cursor)
        cursor.execute("select row_digest from seen")
        known = {bytes.fromhex(digest.replace("-", "")) for (digest,) in cursor.fetchall()}
        stream = cast("TextIO", _Csv(_new_rows(export, known)))
        cursor.copy_expert(f"copy news (row_digest, {KEY}, {', '.join(FIELDS)}) from stdin (format csv)", stream)
        cursor.execute(f"insert into version ({KEY}, {', '.join(FIELDS)}) select {KEY}, {', '.join(FIELDS)} from news")
        cursor.execute(
            f"insert into seen select {KEY}, row_digest from news "
            f"on conflict ({KEY}) do update set row_digest = excluded.row_digest"
        )
    connection.close()


def _make_tables(cursor: Cursor) -> None:
    fields = ", ".join(f"{field} text" for field in FIELDS)
    cursor.execute(
        f"""
        create temporary table news (row_digest uuid, {KEY} text, {fields}) on commit drop;
        create table if not exists version (
            {KEY} text, loaded_at timestamptz default now(), {fields}, primary key ({KEY}, loaded_at)
        );
        create table if not exists seen ({KEY} text primary key, row_digest uuid)
        """
    )


def _new_rows(export: Export, known: set[bytes]) -> Iterator[list[str | None]]:
    for raw in export.raw_rows():
        if raw.digest not in known:
            row = export.row(raw)
            yield [raw.digest.hex(), row.source_key, *row.values]


class _Csv:
    def __init__(self, rows: Iterable[list[str | None]]) -> None:
        self._rows = iter(rows)

    def read(self, _size: int) -> str:
        buffer = StringIO()
        csv.writer(buffer, lineterminator="\r\n").writerows(islice(self._rows, ROWS_A_CHUNK))
        return buffer.getvalue()
