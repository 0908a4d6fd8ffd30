"""The warehouse as Airflow knows it: connection `warehouse`."""

from __future__ import annotations

import psycopg2
from airflow.sdk import BaseHook
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import make_dsn

CONNECTION_ID = "warehouse"


def dsn() -> str:
    """The libpq DSN, password included, for tools that make their own connection: never log it."""
    warehouse = BaseHook.get_connection(CONNECTION_ID)
    return str(
        make_dsn(
            host=warehouse.host,
            port=warehouse.port,
            user=warehouse.login,
            password=warehouse.password,
            dbname=warehouse.schema,
            **warehouse.extra_dejson,
        )
    )


def connect() -> Connection:
    """A new psycopg2 connection."""
    return psycopg2.connect(dsn())
