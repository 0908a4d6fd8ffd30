"""fastexcel → polars → COPY of only those rows whose (key, hash) is not there yet."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import psycopg2

from bench import fast_reader
from bench.contenders.polars_copy_all import KEY, TABLE, copy_and_merge, make_table, with_hash

__all__ = ["KEY", "TABLE", "load"]


def load(dsn: str, path: Path) -> None:
    frame = with_hash(fast_reader.read(path))
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        make_table(cursor, frame)
        cursor.execute(f"select {KEY}, content_hash from version")
        known = pl.DataFrame(cursor.fetchall(), {KEY: pl.String, "content_hash": pl.Int64}, orient="row")
        copy_and_merge(cursor, frame.join(known, on=[KEY, "content_hash"], how="anti"))
    connection.close()
