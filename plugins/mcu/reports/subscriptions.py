"""Who gets which report: CSV (recipient,report,scope) → ops.report_subscription. What is there already stays as it is.

`python -m mcu.reports.subscriptions FILE` takes the warehouse from $WAREHOUSE_DSN.
"""

from __future__ import annotations

import csv
import os
import re
import sys
from contextlib import closing
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from mcu.settings import ADDRESS

COLUMNS = ("recipient", "report", "scope")


def read(path: Path) -> list[tuple[str, ...]]:
    """Rows of the file in the order of COLUMNS; raises ValueError naming the line that is wrong."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if not set(COLUMNS) <= set(reader.fieldnames or ()):
            raise ValueError(f"{path}: needs the columns {', '.join(COLUMNS)}")
        rows = []
        for row in reader:
            values = tuple((row[column] or "").strip() for column in COLUMNS)
            _check(values, f"{path}, line {reader.line_num}")
            rows.append(values)
        return rows


def load(connection: Connection, path: Path) -> int:
    """Add the rows of `path` that are not subscribed yet; returns how many. Commits."""
    rows = read(path)
    with connection, connection.cursor() as cursor:
        added = execute_values(
            cursor,
            "insert into ops.report_subscription (recipient, report, scope) select new.* from (values %s) as new"
            " where not exists (select from ops.report_subscription as old"
            "   where (old.recipient, old.report, old.scope) = (new.column1, new.column2, new.column3))"
            " on conflict do nothing returning 1",
            rows,
            fetch=True,
        )
    return len(added)


def _check(values: tuple[str, ...], where: str) -> None:
    recipient, report, scope = values
    if not ADDRESS.fullmatch(recipient):
        raise ValueError(f"{where}: not a mail address: {recipient!r}")
    if report not in ("daily", "weekly"):
        raise ValueError(f"{where}: report is daily or weekly, not {report!r}")
    if scope != "oblast" and not re.fullmatch(r"[0-9]{8}", scope):
        raise ValueError(f"{where}: scope is oblast or an ОКТМО of eight digits, not {scope!r}")


def main() -> None:
    """Load the file named on the command line."""
    path = Path(sys.argv[1])
    with closing(psycopg2.connect(os.environ["WAREHOUSE_DSN"])) as connection:
        print(f"{path}: {load(connection, path)} new subscriptions")


if __name__ == "__main__":
    main()
