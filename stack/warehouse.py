"""What the main job asks the warehouse, and the schema and subscriptions that it puts there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection

from mcu.landing import inbox, ledger
from mcu.reports import subscriptions
from mcu.sources.columns import SOURCES
from stack.environment import PSEUDONYM_SECRET, process_environment
from stack.paths import REPOSITORY, StackError
from stack.postgres import MIN_VERSION

SUBSCRIPTIONS = REPOSITORY / "demo" / "subscriptions.csv"


@dataclass(frozen=True)
class Warehouse:
    """The warehouse of `dsn`. Every call raises StackError when it cannot be reached."""

    dsn: str

    def has_pseudonym_key(self) -> bool:
        """Whether it was given the secret of its pseudonyms already."""
        if self._value("select to_regclass('pii.pseudonym_key')") is None:
            return False
        return bool(self._value("select exists (select from pii.pseudonym_key)"))

    def apply_schema(self, pseudonym_secret: str | None) -> None:
        """Create or extend what dbt does not build. `pseudonym_secret`: what it makes pseudonyms of persons with."""
        with self._cursor() as cursor:
            if cursor.connection.server_version < MIN_VERSION * 10000:
                raise StackError(f"The warehouse is older than PostgreSQL {MIN_VERSION}.")
        settings = {"WAREHOUSE_DSN": self.dsn} | ({PSEUDONYM_SECRET: pseudonym_secret} if pseudonym_secret else {})
        env = process_environment({**settings, "PYTHONPATH": str(REPOSITORY / "plugins")})
        if subprocess.run([sys.executable, "-m", "mcu.landing.schema"], env=env, cwd="/", check=False).returncode:
            raise StackError("The schema of the warehouse could not be applied: see above.")

    def subscribe_demo_readers(self) -> None:
        """Subscribe the demo's addresses, unless somebody was ever subscribed."""
        if not self.has_subscriptions():
            with self._connection() as connection:
                subscriptions.load(connection, SUBSCRIPTIONS)

    def has_subscriptions(self) -> bool:
        """Whether anybody was ever subscribed to a report."""
        return bool(self._value("select exists (select from ops.report_subscription)"))

    def uris(self) -> set[str]:
        """Of all files that were ever published, relative to their inbox. Empty without a schema."""
        if self._value("select to_regclass('ops.load')") is None:
            return set()
        return {uri for (uri,) in self._rows("select uri from ops.load where status = 'published'")}

    def newest_load_id(self) -> int:
        """Zero when nothing was ever loaded."""
        return int(self._value("select coalesce(max(load_id), 0) from ops.load"))

    def published_since(self, load_id: int) -> tuple[int, int]:
        """How many files were published after that load, and the rows in them."""
        files, rows = self._rows(
            "select count(*), coalesce(sum(rows_read), 0) from ops.load where status = 'published' and load_id > %s",
            load_id,
        )[0]
        return int(files), int(rows)

    def marts_are_behind(self) -> bool:
        """Whether a load was published that no published build of the marts holds."""
        with self._connection() as connection:
            return any(ledger.has_news(connection, source) for source in SOURCES)

    def newest_periods(self) -> dict[str, date | None]:
        """The start of the newest day and week that the marts hold for all sources together, by report; None: none."""
        return {
            "daily": self._value("select max(date) from bi.rpt_daily_summary where source = 'all'"),
            "weekly": self._value("select max(week_start) from bi.rpt_weekly_region where source = 'all'"),
        }

    def loads(self) -> list[tuple[Any, ...]]:
        """By source, of all that was ever published: source, files, rows read, new, changed, unchanged, quarantined."""
        return self._rows(
            """
            select
                source, count(*) filter (where not is_replay), coalesce(sum(rows_read) filter (where not is_replay), 0),
                sum(rows_new), sum(rows_changed), sum(rows_unchanged),
                sum(rows_quarantined) - coalesce(sum(rows_read) filter (where is_replay), 0)
            from (select *, replay_of is not null as is_replay from ops.load where status = 'published') as published
            group by source order by source
            """
        )

    def unpublished(self) -> list[tuple[Any, ...]]:
        """Files whose newest load was refused or failed: uri, status, error."""
        return self._rows(
            """
            select uri, status, error
            from (select distinct on (uri) uri, status, error from ops.load order by uri, load_id desc) as newest
            where status in ('refused', 'failed') order by uri
            """
        )

    def undelivered(self, report: str, period_start: date) -> int:
        """How many of today's subscriptions have no mail of the period yet that came to its end, good or bad."""
        return int(
            self._value(
                """
                select count(distinct (scope, recipient))
                from ops.report_subscription as subscription
                where report = %s and current_date between valid_from and coalesce(valid_to, 'infinity')
                    and not exists (
                        select from ops.delivery
                        where report = subscription.report and period_start = %s
                            and scope = subscription.scope and recipient = subscription.recipient
                            and state in ('sent', 'refused', 'unknown')
                    )
                """,
                report,
                period_start,
            )
        )

    def deliveries(self, report: str, period_start: date) -> dict[str, int]:
        """How many mails of the report stand in each state."""
        return dict(
            self._rows(
                """
                select state, count(*) from ops.delivery
                where report = %s and period_start = %s group by state order by state
                """,
                report,
                period_start,
            )
        )

    def _value(self, query: str, *parameters: object) -> Any:
        return self._rows(query, *parameters)[0][0]

    def _rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self._cursor() as cursor:
            cursor.execute(query, parameters or None)
            return list(cursor.fetchall())

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        with self._connection() as connection, connection, connection.cursor() as cursor:
            yield cursor

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        try:
            connection = psycopg2.connect(self.dsn, connect_timeout=10)
        except psycopg2.OperationalError as error:
            raise StackError(f"The warehouse cannot be reached: {error}") from error
        try:
            yield connection
        finally:
            connection.close()


def workbooks(folder: Path) -> set[str]:
    """The exports in a folder at any depth, relative to it; none if there is no such folder yet."""
    return inbox.workbooks(folder) if folder.is_dir() else set()
