"""Rows of `ops` as loads, builds and deliveries leave them, each of one line in a test; and a webhook on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from psycopg2.extensions import connection as Connection

from mcu.settings import Settings
from tests import posts

SETTINGS = Settings.from_env({"MCU_ALERT_RECIPIENTS": "a@mcu.example,b@mcu.example"})
MONDAY_9 = datetime(2026, 11, 23, 9, tzinfo=SETTINGS.timezone)
HOUR = timedelta(hours=1)


@dataclass
class World:
    """Writes rows, each committed. Loads are of `pos` unless said otherwise."""

    connection: Connection

    def do(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(query, values or None)
            return cursor.fetchall() if cursor.description else []

    def load(
        self,
        uri: str,
        status: str,
        at: datetime,
        error: str | None = None,
        *,
        sha256: str | None = None,
        source: str = "pos",
        rows: int = 0,
        quarantined: int = 0,
    ) -> int:
        """A load that began and ended at this moment; its export was made then."""
        ((load_id,),) = self.do(
            "insert into ops.load (source, uri, sha256, exported_at, exported_at_from, status, error, started_at,"
            " finished_at, rows_read, rows_new, rows_quarantined)"
            " values (%s, %s, %s, %s, 'file_name', %s, %s, %s, %s, %s, %s, %s) returning load_id",
            *(source, uri, sha256 or uri, at, status, error, at, at, rows, rows - quarantined, quarantined),
        )
        self.do(
            "insert into ops.quarantine (load_id, source, row_number, payload, reasons)"
            " select %s, %s, number, '{}', '{}' from generate_series(1, %s) as number",
            *(load_id, source, quarantined),
        )
        return int(load_id)

    def fresh(self, at: datetime) -> None:
        """Exports of both sources and a build that holds them: nothing is wrong then."""
        for source in ("pos", "incident"):
            self.load(f"{source} {at:%d %H-%M}.xlsx", "published", at, source=source)
        self.build("published", at + timedelta(minutes=1))

    def build(self, status: str, at: datetime) -> int:
        ((build_id,),) = self.do(
            "insert into ops.mart_build (run_id, status, started_at) values ('run', %s, %s) returning build_id",
            *(status, at),
        )
        return int(build_id)

    def dbt_result(self, build_id: int, node_id: str, status: str, at: datetime, failures: int | None = None) -> None:
        self.do(
            "insert into ops.dbt_result (build_id, invocation_id, node_id, resource_type, status, failures, message,"
            " finished_at) values (%s, %s, %s, 'test', %s, %s, 'Key (author)=(Иванов) exists', %s)",
            *(build_id, f"{at}", node_id, status, failures, at),
        )

    def subscribe(self, recipient: str, report: str = "daily", since: str = "2026-01-01") -> None:
        self.do("insert into ops.report_subscription values (%s, %s, 'oblast', %s)", recipient, report, since)

    def delivery(
        self, recipient: str, state: str, at: datetime, *, report: str = "daily", day: str = "2026-11-22"
    ) -> int:
        ((delivery_id,),) = self.do(
            "insert into ops.delivery (report, period_start, scope, recipient, state, message_id, subject, data_as_of,"
            " server_response, planned_at, sending_at, finished_at)"
            " values (%s, %s, 'oblast', %s, %s, %s, '', %s, %s, %s, %s, %s) returning delivery_id",
            *(report, day, recipient, state, f"{report} {day} {recipient}", at),
            *(f"550 5.1.1 <{recipient}> no such user", at, at, None if state in ("planned", "sending") else at),
        )
        return int(delivery_id)


@dataclass
class Hook:
    """`bodies`: what came, by POST; `status`: what is answered."""

    url: str = ""
    status: int = 200
    paths: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def hook() -> Iterator[Hook]:
    taken = Hook()

    def take(path: str, body: bytes, _: str | None) -> int:
        taken.paths.append(path)
        taken.bodies.append(json.loads(body))
        return taken.status

    with posts.server(take) as address:
        taken.url = f"{address}/hooks"
        yield taken
