"""Applies the warehouse's own schema. `python -m mcu.landing.schema` does it to $WAREHOUSE_DSN or its _FILE."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from mcu import settings
from mcu.landing import pseudonym
from mcu.sources import columns

TABLES = {"pos": "pos_message", "incident": "incident"}
# What has no state of its own, applied at every start: after the tables that it reads.
SCRIPTS = ("functions.sql", "reconciliation.sql", "health.sql", "pii.sql")


def raw_table(source: str) -> sql.Identifier:
    return sql.Identifier("raw", TABLES[source])


def apply(connection: Connection, secret: str | None = None) -> None:
    """Bring all that dbt does not build to what the code says, in one transaction. Two at once wait for each other.

    `connection`: without a transaction of its own; it stays open. `secret`: of the pseudonyms, without one
    $MCU_PSEUDONYM_SECRET or its _FILE. Raises migrations.NewerWarehouseError, and pseudonym.SecretError if the
    warehouse needs a secret or has another one; then nothing has changed.
    """
    from mcu import migrations  # here: it takes a second, and loads take only the names of tables from this module

    secret = secret or settings.secret(pseudonym.VARIABLE)
    with migrations.transaction(connection) as transaction, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('mcu.schema'))")
        cursor.execute(_script("schema.sql"))
        migrations.upgrade(transaction)
        for source in columns.SOURCES:
            cursor.execute(_raw_ddl(source))
        for script in SCRIPTS:
            cursor.execute(_script(script))
        pseudonym.keep_key(cursor, secret)


def _script(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _raw_ddl(source: str) -> sql.Composable:
    """The table of row versions; fields that the column map got later are added to it."""
    fields = [
        sql.SQL("alter table {} add column if not exists {} text;").format(raw_table(source), sql.Identifier(field))
        for field in columns.load(source).types
    ]
    create = sql.SQL(
        """
        create table if not exists {table} (
            source_key text not null,
            content_hash text collate "C" not null check (length(content_hash) = 32),
            exported_at timestamptz not null,
            load_id bigint not null references ops.load,
            row_number bigint,
            extra jsonb,
            primary key (source_key, exported_at, content_hash)
        );
        comment on table {table} is 'Row versions: a row is stored when its content differs from what was known.';
        create index if not exists {index} on {table} (load_id);
        """
    ).format(table=raw_table(source), index=sql.Identifier(f"{TABLES[source]}_load_id_idx"))
    return sql.SQL("\n").join([create, *fields])


def _main() -> None:
    from mcu.migrations import NewerWarehouseError

    with closing(psycopg2.connect(settings.warehouse_dsn())) as connection:
        try:
            apply(connection)
        except (pseudonym.SecretError, NewerWarehouseError) as error:
            sys.exit(str(error))


if __name__ == "__main__":
    _main()
