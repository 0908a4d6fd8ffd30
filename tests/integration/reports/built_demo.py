"""A warehouse whose marts the product has built from exports of the demo: ten weeks up to 15 March 2026."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from demo.__main__ import make_messages
from demo.exports import plan_exports, write_workbook
from mcu.landing.load import Loader
from mcu.reports.period import Period
from mcu.settings import Settings
from mcu.transform.build import build_marts
from stack.postgres import Cluster

DATABASE = "demo_built"
LAST_SUNDAY = date(2026, 3, 15)
WEEK = Period("weekly", LAST_SUNDAY - timedelta(days=6))
SUNDAY = Period("daily", LAST_SUNDAY)
WEEKS, MONTHLY = 10, 2_000
# The newest exports and those of five weeks before: together they hold all weeks, as far as exports look back.
KEPT_DAYS = (LAST_SUNDAY - timedelta(weeks=5), LAST_SUNDAY)


@contextmanager
def built(cluster: Cluster, template: str, folder: Path) -> Iterator[str]:
    """The owner's DSN; the database goes at the end."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    settings = Settings.from_env({"MCU_INBOX": str(folder / "inbox"), "MCU_STATE": str(folder / "state")})
    _write_exports(folder / "inbox")
    with cluster.superuser() as connection, connection.cursor() as cursor:
        cursor.execute(f"create database {DATABASE} template {template} owner mcu")
        dsn = cluster.dsn(DATABASE)
        for source in settings.sources:
            assert Loader(dsn, source, settings, "test").run().published
        build_marts(dsn, settings, settings.state / "dbt")
        yield dsn
        cursor.execute(f"drop database {DATABASE} with (force)")


def _write_exports(inbox: Path) -> None:
    messages = make_messages(WEEKS, MONTHLY, 1, LAST_SUNDAY)
    for export in plan_exports(WEEKS, LAST_SUNDAY):
        if export.exported_at.date() - timedelta(days=1) in KEPT_DAYS:
            path = inbox / export.path
            path.parent.mkdir(parents=True, exist_ok=True)
            write_workbook(path, export, export.rows(messages, seed=1))
