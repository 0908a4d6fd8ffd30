"""What the warehouse holds as numbers that can be compared: rows and a digest a relation, and how far its ids went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

TABLES_OF = ("raw", "ops", "pii", "marts")
VIEWS_OF = ("bi",)  # what readers see of the marts

# A row as text depends on these.
TEXT_FORM = """
    set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres';
    set local bytea_output = 'hex'; set local extra_float_digits = 1
"""


@dataclass(frozen=True)
class Checksum:
    """Number of rows, and the MD5 of all of them whatever their order."""

    rows: int
    md5: str


def relations(cursor: Cursor) -> list[str]:
    """Names, with schema, of the tables and views that are compared."""
    cursor.execute(
        """
        select nspname || '.' || relname
        from pg_class
        join pg_namespace on pg_namespace.oid = relnamespace
        where (relkind in ('r', 'p') and nspname = any(%s)) or (relkind = 'v' and nspname = any(%s))
        order by 1
        """,
        (list(TABLES_OF), list(VIEWS_OF)),
    )
    return [name for (name,) in cursor.fetchall()]


def lock(cursor: Cursor, names: list[str]) -> None:
    """Keep the relations from being swapped until the transaction ends. Reading and writing go on."""
    if names:
        tables = sql.SQL(", ").join(map(identifier, names))
        cursor.execute(sql.SQL("lock table {} in access share mode").format(tables))


def of(cursor: Cursor, names: list[str]) -> dict[str, Checksum]:
    """The checksum of each relation, as the cursor's transaction sees it. Reads every row."""
    cursor.execute(TEXT_FORM)
    return {name: _checksum(cursor, name) for name in names}


def _checksum(cursor: Cursor, name: str) -> Checksum:
    # Digests of digests, by the first byte: one list of all rows would not fit a value of the database.
    cursor.execute(
        sql.SQL(
            """
            select coalesce(sum(rows), 0), md5(coalesce(string_agg(part, '' order by first_byte), ''))
            from (
                select
                    left(digest, 2) as first_byte, count(*) as rows, md5(string_agg(digest, '' order by digest)) as part
                from (select md5(row(t.*)::text) collate "C" as digest from {} as t) as each_row
                group by 1
            ) as parts
            """
        ).format(identifier(name))
    )
    ((rows, digest),) = cursor.fetchall()
    return Checksum(int(rows), digest)


def sequences(cursor: Cursor) -> dict[str, int | None]:
    """The last id that each sequence gave out, None: none yet."""
    cursor.execute(
        "select schemaname || '.' || sequencename, last_value from pg_sequences where schemaname = any(%s) order by 1",
        (list(TABLES_OF),),
    )
    return dict(cursor.fetchall())


def differences(expected: Mapping[str, object], found: Mapping[str, object]) -> list[str]:
    """A line each name whose value is missing, new or another one."""
    return [
        f"{name}: {expected.get(name, 'not in the backup')} became {found.get(name, 'nothing')}"
        for name in sorted({*expected, *found})
        if name not in expected or name not in found or expected[name] != found[name]
    ]


def identifier(name: str) -> sql.Identifier:
    """`schema.relation` quoted."""
    return sql.Identifier(*name.split(".", 1))
