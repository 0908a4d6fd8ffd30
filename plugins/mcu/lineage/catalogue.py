"""Which columns the tables and views of the warehouse have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg2.extensions import connection as Connection

# (schema, table or view) → names in their order.
Columns = Mapping[tuple[str, str], Sequence[str]]

COLUMNS = """
    select relnamespace::regnamespace::text, relname, array_agg(attname order by attnum)
    from pg_class
    join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
    where relkind in ('r', 'v', 'p')
        and relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema', 'pg_toast')
    group by 1, 2
    order by 1, 2
"""


def columns(connection: Connection) -> Columns:
    """Of every schema but PostgreSQL's own."""
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        return {(schema, table): names for schema, table, names in cursor.fetchall()}
