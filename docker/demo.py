"""What the demo profile does before the scheduler starts: exports into the inbox, subscriptions, one report ordered.

An inbox that holds exports is left as it is. Extracts, marts and the weekly report need no order: they are scheduled.
The daily one of the schedule is yesterday's, and the generated exports end on a Sunday.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import psycopg2
from mcu.settings import PROJECT, Settings


def main() -> None:
    """Raises CalledProcessError when a step fails; the next start takes it from there."""
    settings = Settings.from_env()
    subscribe(os.environ["WAREHOUSE_DSN"], PROJECT / "demo" / "subscriptions.csv")
    if not any(settings.inbox.rglob("*.xlsx")):
        today = datetime.now(settings.timezone).date()
        sunday = today - timedelta(days=today.isoweekday())
        order_daily_report(sunday)  # first: files are what makes the next start skip both
        fill(settings.inbox, sunday)


def subscribe(dsn: str, subscriptions: Path) -> None:
    """Subscribe the demo's readers, unless somebody is subscribed already."""
    with subscriptions.open(encoding="utf-8") as source:
        rows = [(row["recipient"], row["report"], row["scope"]) for row in csv.DictReader(source)]
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute("select from ops.report_subscription limit 1")
        if cursor.rowcount == 0:
            cursor.executemany(
                "insert into ops.report_subscription (recipient, report, scope) values (%s, %s, %s)", rows
            )
    connection.close()


def fill(inbox: Path, until: date) -> None:
    """Generate the exports of the weeks up to the Sunday `until`."""
    command = [sys.executable, "-m", "demo", "--out", str(inbox), "--until", str(until)]
    subprocess.run(command, cwd=PROJECT, check=True)


def order_daily_report(day: date) -> None:
    """Queue a run of `report_daily` for `day`; it waits until the marts hold it."""
    conf = json.dumps({"period_start": str(day)})
    subprocess.run(["airflow", "dags", "trigger", "report_daily", "--conf", conf], check=True)


if __name__ == "__main__":
    main()
