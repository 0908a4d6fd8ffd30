"""Which period a report is of, and whether the marts hold it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from psycopg2.extensions import connection as Connection

Report = Literal["daily", "weekly"]
LENGTH = {"daily": timedelta(days=1), "weekly": timedelta(weeks=1)}


@dataclass(frozen=True)
class Period:
    """`report` and the first local day of its period; a week begins on Monday (else ValueError)."""

    report: Report
    start: date

    def __post_init__(self) -> None:
        if self.report == "weekly" and self.start.weekday() != 0:
            raise ValueError(f"a week begins on Monday, {self.start:%Y-%m-%d} is none")

    @property
    def end(self) -> date:
        """First local day after the period."""
        return self.start + LENGTH[self.report]

    @property
    def last_day(self) -> date:
        """Last local day of the period."""
        return self.end - timedelta(days=1)

    def begins_at(self, timezone: ZoneInfo) -> datetime:
        """The moment the period begins: local midnight."""
        return datetime.combine(self.start, time(), timezone)

    def ends_at(self, timezone: ZoneInfo) -> datetime:
        """The moment the period ends: local midnight."""
        return datetime.combine(self.end, time(), timezone)


def due_period(report: Report, moment: datetime, timezone: ZoneInfo, requested: str | None) -> Period:
    """The `requested` period (YYYY-MM-DD, its first day), else the last whole one before `moment`.

    Raises ValueError if `requested` is no date or not the first day of a period.
    """
    if requested is not None:
        return Period(report, date.fromisoformat(requested))
    today = moment.astimezone(timezone).date()
    period_end = today if report == "daily" else today - timedelta(days=today.weekday())
    return Period(report, period_end - LENGTH[report])


@dataclass(frozen=True)
class Holding:
    """How many of the `enabled` sources the marts hold a moment of; none before a first build."""

    held: int
    enabled: int

    @property
    def is_whole(self) -> bool:
        """Whether each source has it."""
        return self.held == self.enabled > 0


def holding(connection: Connection, moment: datetime) -> Holding:
    """Which enabled sources' newest exports in the marts are of `moment` or later."""
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('bi.dim_source') is not null")
        if cursor.fetchone() != (True,):
            return Holding(0, 0)
        cursor.execute(
            "select count(*) filter (where newest_exported_at >= %s), count(*) from bi.dim_source where is_enabled",
            [moment],
        )
        ((held, enabled),) = cursor.fetchall()
        return Holding(held, enabled)
