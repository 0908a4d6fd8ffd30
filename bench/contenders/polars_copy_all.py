"""fastexcel → polars → COPY of all rows → merge by hash."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import polars as pl
import psycopg2
from psycopg2.extensions import cursor as Cursor

from bench import fast_reader

TABLE, KEY = "version", "im_id"


def load(dsn: str, path: Path) -> None:
    frame = with_hash(fast_reader.read(path))
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        make_table(cursor, frame)
        copy_and_merge(cursor, frame)
    connection.close()


def with_hash(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(content_hash=frame.hash_rows(seed=0).reinterpret(signed=True))


def make_table(cursor: Cursor, frame: pl.DataFrame) -> None:
    fields = ", ".join(f"{name} text" for name in frame.columns if name != "content_hash")
    cursor.execute(
        f"create table if not exists version ({fields}, content_hash bigint, loaded_at timestamptz default now(), "
        f"primary key ({KEY}, content_hash))"
    )


def copy_and_merge(cursor: Cursor, frame: pl.DataFrame) -> None:
    """Store the rows whose (key, hash) is not there yet."""
    names = ", ".join(frame.columns)
    cursor.execute(f"create temporary table news on commit drop as select {names} from version limit 0")
    content = BytesIO()
    frame.write_csv(content, include_header=False)
    content.seek(0)
    cursor.copy_expert(f"copy news ({names}) from stdin (format csv)", content)
    cursor.execute(
        f"insert into version ({names}) select {names} from news where not exists ("
        f"select from version where version.{KEY} = news.{KEY} and version.content_hash = news.content_hash)"
    )
