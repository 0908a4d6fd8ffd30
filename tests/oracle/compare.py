"""Cell by cell: the tables that the product published against the oracle's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from tests.oracle.exports import REGION_ZONE
from tests.oracle.tables import KEYS, Table, Tables, Value

TOLERANCE = 1e-9


def published_tables(connection: Connection) -> Tables:
    """The tables as `bi` shows them, moments as naive local ones; raises ValueError if a grain is not unique."""
    return {name: published_table(connection, name) for name in KEYS}


def differences(ours: Tables, oracle: Tables) -> list[str]:
    """A line a cell, row or column that differs: table, key, column, our value, the oracle's."""
    return [line for name in KEYS for line in table_differences(name, ours[name], oracle[name])]


def published_table(connection: Connection, name: str) -> Table:
    """One table as `bi` shows it."""
    table: Table = {}
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("select * from bi.{}").format(sql.Identifier(name)))
        columns = [column.name for column in cursor.description or ()]
        for values in cursor:
            row = {column: _local(value) for column, value in zip(columns, values, strict=True)}
            row_key = tuple(row.pop(column) for column in KEYS[name])
            if row_key in table:
                raise ValueError(f"{name} has two rows of {row_key}")
            table[row_key] = row
    return table


def _local(value: Value) -> Value:
    return value.astimezone(REGION_ZONE).replace(tzinfo=None) if isinstance(value, datetime) else value


def table_differences(name: str, ours: Table, oracle: Table) -> Iterator[str]:
    """The lines of one table."""
    for key in sorted(ours.keys() | oracle.keys(), key=str):
        place = f"{name} ({', '.join(str(part) for part in key)})"
        if key not in ours:
            yield f"{place}: row missing, oracle: {oracle[key]}"
        elif key not in oracle:
            yield f"{place}: row too many: {ours[key]}"
        else:
            for column in [*oracle[key], *(c for c in ours[key] if c not in oracle[key])]:
                mine, other = (row[key].get(column, "(no such column)") for row in (ours, oracle))
                if not _equal(mine, other):
                    yield f"{place} {column}: ours {mine!r}, oracle {other!r}"


def _equal(mine: Value, other: Value) -> bool:
    if type(mine) is not type(other):
        return False
    if isinstance(mine, float) and isinstance(other, float):
        return math.isclose(mine, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return mine == other
