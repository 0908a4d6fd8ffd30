"""Who gets which report: CSV → ops.report_subscription. Loading a file twice changes nothing.

`python -m mcu.reports.subscriptions FILE` takes the warehouse from $WAREHOUSE_DSN or its _FILE. The columns are
recipient, report, scope and, if wanted, valid_from and valid_to: the first and the last day of the subscription, as
2026-12-31. What is not in the file stays as it is.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from mcu.settings import ADDRESS, warehouse_dsn

COLUMNS = ("recipient", "report", "scope")

_DAYS = ("valid_from", "valid_to")
_FORMS = {
    "recipient": (ADDRESS, "one mail address like user@example.org"),
    "report": (re.compile("daily|weekly"), "daily or weekly"),
    "scope": (re.compile("oblast|[0-9]{8}"), "oblast or an ОКТМО of eight digits"),
}


@dataclass(frozen=True)
class Subscription:
    """One line of the file; an empty date is None. `where` is «file, line 7»."""

    recipient: str
    report: str
    scope: str
    valid_from: date | None
    valid_to: date | None
    where: str

    @property
    def key(self) -> tuple[str, str, str]:
        """Whom it is about."""
        return self.recipient, self.report, self.scope


@dataclass(frozen=True)
class Loaded:
    """How many subscriptions are new, and how many end on another day than before."""

    added: int
    changed: int


class SubscriptionError(ValueError):
    """A line that cannot be taken: names the file, the line, the column, and what to write instead."""


def read(path: Path) -> list[Subscription]:
    """The lines of the file; raises SubscriptionError for the first that is wrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise SubscriptionError(
                    f"{path}, line 1: no column {', '.join(missing)}; the first line is {','.join(COLUMNS)},"
                    " with commas, and valid_from,valid_to if wanted"
                )
            found = [_subscription(row, f"{path}, line {reader.line_num}") for row in reader]
    except UnicodeDecodeError as error:
        raise SubscriptionError(f"{path}: not in UTF-8; save it as «CSV UTF-8»") from error
    _check_repeated(found)
    return found


def load(connection: Connection, path: Path) -> Loaded:
    """Take the lines of `path` over, all or none. Commits. Raises SubscriptionError.

    A line without valid_from is about the newest subscription of its recipient, report and scope, or begins one today;
    one without valid_to leaves its end as it is.
    """
    # The older first: where one ends for the next to begin, its end comes first.
    lines = sorted(read(path), key=lambda line: line.valid_from or date.min)
    with connection, connection.cursor() as cursor:
        results = [_take(cursor, line) for line in lines]
    return Loaded(added=results.count("added"), changed=results.count("changed"))


def _subscription(row: Mapping[str | None, str | Sequence[str] | None], where: str) -> Subscription:
    if None in row:
        raise SubscriptionError(f"{where}: more cells than line 1 has columns; remove what is too much")
    cells = {name: str(value or "").strip() for name, value in row.items()}
    for column, (form, description) in _FORMS.items():
        if not form.fullmatch(cells[column]):
            raise SubscriptionError(f"{where}, column {column}: write {description}, not {cells[column]!r}")
    valid_from, valid_to = (_day(cells.get(column, ""), f"{where}, column {column}") for column in _DAYS)
    line = Subscription(cells["recipient"], cells["report"], cells["scope"], valid_from, valid_to, where)
    _check_order(line, valid_from)
    return line


def _day(cell: str, where: str) -> date | None:
    if not cell:
        return None
    try:
        return date.fromisoformat(cell)
    except ValueError as error:
        raise SubscriptionError(f"{where}: write a day as 2026-12-31 or nothing, not {cell!r}") from error


def _check_order(line: Subscription, valid_from: date | None) -> None:
    if valid_from and line.valid_to and line.valid_to < valid_from:
        raise SubscriptionError(
            f"{line.where}, column valid_to: write a day from {valid_from} on, when the subscription begins,"
            f" not {line.valid_to}"
        )


def _check_repeated(lines: Sequence[Subscription]) -> None:
    """Lines about the same must each say which subscription they mean."""
    seen: dict[tuple[str, str, str], list[Subscription]] = {}
    for line in lines:
        before = seen.setdefault(line.key, [])
        if any(other.valid_from in (None, line.valid_from) or line.valid_from is None for other in before):
            raise SubscriptionError(
                f"{line.where}, column valid_from: recipient, report and scope stand in {before[0].where}, too;"
                " remove one of the lines, or give each its own valid_from"
            )
        before.append(line)


def _take(cursor: Cursor, line: Subscription) -> str:
    """«added», «changed», or «» if the warehouse says so already."""
    cursor.execute(
        "select valid_from, valid_to from ops.report_subscription"
        " where (recipient, report, scope) = (%s, %s, %s) order by valid_from desc",
        line.key,
    )
    there: dict[date, date | None] = dict(cursor.fetchall())
    valid_from = line.valid_from or next(iter(there), None) or _today(cursor)
    _check_order(line, valid_from)
    if valid_from not in there:
        _check_apart(line, valid_from, there)
        cursor.execute(
            "insert into ops.report_subscription (recipient, report, scope, valid_from, valid_to)"
            " values (%s, %s, %s, %s, %s)",
            [*line.key, valid_from, line.valid_to],
        )
        return "added"
    if line.valid_to in (None, there[valid_from]):
        return ""
    cursor.execute(
        "update ops.report_subscription set valid_to = %s"
        " where (recipient, report, scope, valid_from) = (%s, %s, %s, %s)",
        [line.valid_to, *line.key, valid_from],
    )
    return "changed"


def _check_apart(line: Subscription, valid_from: date, there: Mapping[date, date | None]) -> None:
    """Of two subscriptions to the same, the end of one would end nothing."""
    for other_from, other_to in there.items():
        if other_from <= (line.valid_to or date.max) and valid_from <= (other_to or date.max):
            raise SubscriptionError(
                f"{line.where}, column valid_from: there is a subscription from {other_from}"
                f" to {other_to or 'no end'} already; leave valid_from empty or write {other_from} to change that one"
            )


def _today(cursor: Cursor) -> date:
    cursor.execute("select current_date")
    ((today,),) = cursor.fetchall()
    assert isinstance(today, date)
    return today


def main() -> None:
    """Load the file named on the command line."""
    path = Path(sys.argv[1])
    try:
        with closing(psycopg2.connect(warehouse_dsn())) as connection:
            loaded = load(connection, path)
    except SubscriptionError as error:
        sys.exit(f"nothing changed: {error}")
    print(f"{path}: {loaded.added} new subscriptions, {loaded.changed} with another end")


if __name__ == "__main__":
    main()
