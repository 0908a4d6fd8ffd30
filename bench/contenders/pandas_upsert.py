"""What most people write: pandas.read_excel, then INSERT … ON CONFLICT of every row."""

from __future__ import annotations

from pathlib import Path

import openpyxl  # noqa: F401  pandas imports it where it reads
import pandas as pd
import psycopg2
from psycopg2.extras import execute_values

from mcu.sources import columns

TABLE, KEY = "incident", "im_id"
ROWS_A_STATEMENT = 1000


def load(dsn: str, path: Path) -> None:
    frame = pd.read_excel(path, engine="openpyxl", dtype=str)
    frame = frame.rename(columns={column.header: column.field for column in columns.load("incident").columns})
    frame = frame.astype(object).where(frame.notna(), None)
    fields = list(frame.columns)
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        definitions = ", ".join(f"{field} text" for field in fields)
        cursor.execute(f"create table if not exists {TABLE} ({definitions}, primary key ({KEY}))")
        changes = ", ".join(f"{field} = excluded.{field}" for field in fields if field != KEY)
        execute_values(
            cursor,
            f"insert into {TABLE} ({', '.join(fields)}) values %s on conflict ({KEY}) do update set {changes}",
            frame.itertuples(index=False, name=None),
            page_size=ROWS_A_STATEMENT,
        )
    connection.close()
