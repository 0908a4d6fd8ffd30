"""What all editions of one period need, read from schema `bi` once, by a fixed number of queries, from one build.

No number is computed here: each value stands in a mart and keeps its address (`Row.path`) up to the mail. The
one exception is the daily list of topics, which sums `fct_municipality_daily` over sources and municipalities.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from psycopg2.errors import LockNotAvailable
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from mcu.reports.format import one_line
from mcu.reports.period import Period

OBLAST = "oblast"
ALL = "all"
TREND_WEEKS = 12
TREND_DAYS = 14
OVERDUE_SHOWN = 15
LOCK_ATTEMPTS = 30  # a second apart; an exchange of the marts takes less than one

COUNTS = ("received", "answered", "answered_on_time", "became_overdue", "open_at_end", "overdue_at_end")
CHANGE = ("received_prev", "received_delta", "received_delta_pct")
FIRST_ANSWER = ("on_time_share", "median_first_answer_minutes", "p90_first_answer_minutes")
RATING = ("rated", "satisfied", "satisfied_share")
WEEK = (*COUNTS, "closed_unanswered", *FIRST_ANSWER, *RATING, "reconsidered", "received_per_10k", *CHANGE, "zone")
DAY = tuple(column + ending for column in COUNTS for ending in ("", "_prev_day", "_prev_week"))
OVERDUE = ("source", "oktmo", "topic_group", "topic", "authority", "created_at", "due_at", "overdue_working_minutes")
QUALITY = (
    *("rows_read", "rows_quarantined", "messages", "mapped_to_oblast", "unmapped", "stale_open"),
    *("rows_in_newest_exports", "rows_unexplained"),
)
NEWEST = ("newest_created_on", "newest_held_created_on")

WEEKLY_VIEWS = ("rpt_weekly_region", "rpt_weekly_municipality", "rpt_weekly_topic", "rpt_weekly_authority")
DAILY_VIEWS = ("rpt_daily_summary", "rpt_daily_overdue", "fct_municipality_daily")
COMMON_VIEWS = ("dim_municipality", "dim_source", "rpt_data_quality")


_ODD = re.compile(r"[%/\x00-\x1f\x7f]")


class PeriodNotInMartsError(LookupError):
    """The marts have no row of the whole oblast for the period, so there is nothing to report."""


@dataclass(frozen=True)
class Row:
    """One row of the view `bi.<table>`: `key` names its grain, `values` are the other columns as they came."""

    table: str
    key: tuple[str, ...]
    values: Mapping[str, Any]

    def __getitem__(self, column: str) -> Any:
        return self.values[column]

    def path(self, column: str) -> str:
        """The address of one number: «rpt_weekly_region/2026-11-16/all/received», odd characters of a key as %XX."""
        return "/".join((self.table, *(_ODD.sub(_percent, part) for part in self.key), column))


@dataclass(frozen=True)
class Common:
    """What both reports show: `as_of` is the oldest of the enabled sources' newest exports."""

    region: str
    as_of: datetime
    municipalities: Mapping[str, Row]
    sources: Sequence[Row]
    quality: Mapping[str, Row]

    def name(self, scope: str) -> str:
        """The name of the oblast or of a municipality, one line; KeyError if there is no such ОКТМО."""
        return one_line(self.region if scope == OBLAST else self.municipalities[scope]["name"])

    def has(self, scope: str) -> bool:
        return scope == OBLAST or scope in self.municipalities


@dataclass(frozen=True)
class WeeklyData:
    """`weeks` by (scope, source), oldest first, up to twelve, the last is the period's; `topics` by scope."""

    period: Period
    common: Common
    weeks: Mapping[tuple[str, str], Sequence[Row]]
    topics: Mapping[str, Sequence[Row]]
    authorities: Sequence[Row]


@dataclass(frozen=True)
class DailyData:
    """`days` by (scope, source), oldest first, up to fourteen, the last is the period's; the rest by scope."""

    period: Period
    common: Common
    days: Mapping[tuple[str, str], Sequence[Row]]
    topics: Mapping[str, Sequence[Row]]
    overdue: Mapping[str, Sequence[Row]]


def read(connection: Connection, period: Period, region: str) -> WeeklyData | DailyData:
    """Everything about `period`, in one transaction that no publishing of the marts can come between.

    Raises LockNotAvailable if the marts stay locked, PeriodNotInMartsError without data for the period.
    """
    for attempt in range(1, LOCK_ATTEMPTS + 1):
        try:
            return _read(connection, period, region)
        except LockNotAvailable:
            if attempt == LOCK_ATTEMPTS:
                raise
            time.sleep(1)
    raise AssertionError("unreachable")


def _read(connection: Connection, period: Period, region: str) -> WeeklyData | DailyData:
    views = (*COMMON_VIEWS, *(WEEKLY_VIEWS if period.report == "weekly" else DAILY_VIEWS))
    with connection, connection.cursor() as cursor:
        cursor.execute("set transaction isolation level repeatable read read only")
        # Not waiting keeps this from a deadlock with the publishing, which takes the same views in its own order.
        cursor.execute(f"lock table {', '.join(f'bi.{view}' for view in views)} in access share mode nowait")
        common = _common(cursor, region)
        return _weekly(cursor, period, common) if period.report == "weekly" else _daily(cursor, period, common)


def _common(cursor: Cursor, region: str) -> Common:
    columns = ("name_ru", "newest_exported_at")
    sources = _rows(cursor, "dim_source", ("source",), columns, "where is_enabled order by name_ru")
    municipalities = _rows(cursor, "dim_municipality", ("oktmo",), ("name", "type"), "order by name")
    return Common(
        region=region,
        as_of=min(source["newest_exported_at"] for source in sources),
        municipalities={row.key[0]: row for row in municipalities},
        sources=sources,
        quality={row.key[0]: row for row in _rows(cursor, "rpt_data_quality", ("source",), (*QUALITY, *NEWEST))},
    )


def _weekly(cursor: Cursor, period: Period, common: Common) -> WeeklyData:
    weeks = "where week_start between %s and %s order by week_start"
    bounds = [period.start - timedelta(weeks=TREND_WEEKS - 1), period.start]
    region = _rows(cursor, "rpt_weekly_region", ("week_start", "source"), WEEK, weeks, bounds)
    places = _rows(cursor, "rpt_weekly_municipality", ("week_start", "oktmo", "source"), WEEK, weeks, bounds)
    by_scope: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in region:
        by_scope[OBLAST, row.key[1]].append(row)
    for row in places:
        by_scope[row.key[1], row.key[2]].append(row)
    _require_last(by_scope[OBLAST, ALL], period)

    this_week = "where week_start = %s"
    keys = ("week_start", "oktmo", "topic_group", "topic")
    topics = _rows(cursor, "rpt_weekly_topic", keys, (*COUNTS, *CHANGE, "share_of_received"), this_week, [period.start])
    columns = (*COUNTS, *FIRST_ANSWER, *RATING, "is_ranked")
    authorities = _rows(cursor, "rpt_weekly_authority", ("week_start", "authority"), columns, this_week, [period.start])
    return WeeklyData(period, common, by_scope, _by_scope(topics), authorities)


def _daily(cursor: Cursor, period: Period, common: Common) -> DailyData:
    bounds = [period.start - timedelta(days=TREND_DAYS - 1), period.start]
    days = "where date between %s and %s order by date"
    by_scope: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in _rows(cursor, "rpt_daily_summary", ("date", "oktmo", "source"), DAY, days, bounds):
        by_scope[_scope(row.key[1]), row.key[2]].append(row)
    _require_last(by_scope[OBLAST, ALL], period)

    return DailyData(period, common, by_scope, _by_scope(_daily_topics(cursor, period)), _overdue(cursor, period))


def _daily_topics(cursor: Cursor, period: Period) -> list[Row]:
    sums = ", ".join(f"sum({column})::bigint as {column}" for column in COUNTS)
    cursor.execute(
        f"select date, coalesce(oktmo, 'all') as oktmo, topic_group, {sums} from bi.fct_municipality_daily"
        " where date = %s group by grouping sets ((date, oktmo, topic_group), (date, topic_group))",
        [period.start],
    )
    return _fetched(cursor, "fct_municipality_daily", 3)


def _overdue(cursor: Cursor, period: Period) -> dict[str, list[Row]]:
    """The longest overdue messages of the oblast and of each municipality, longest first."""
    cursor.execute(
        f"select date, message_id, {', '.join(OVERDUE)}, rank_in_oblast from ("
        "  select *, row_number() over (order by overdue_working_minutes desc, message_id) as rank_in_oblast,"
        "    row_number() over (partition by oktmo order by overdue_working_minutes desc, message_id) as rank_in_place"
        "  from bi.rpt_daily_overdue where date = %s) as ranked"
        " where least(rank_in_oblast, rank_in_place) <= %s order by rank_in_oblast",
        [period.start, OVERDUE_SHOWN],
    )
    rows = _fetched(cursor, "rpt_daily_overdue", 2)
    by_scope: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_scope[row["oktmo"]].append(row)
    by_scope[OBLAST] = [row for row in rows if row["rank_in_oblast"] <= OVERDUE_SHOWN]
    return by_scope


def _rows(
    cursor: Cursor,
    view: str,
    keys: Sequence[str],
    columns: Sequence[str],
    rest: str = "",
    parameters: Sequence[date] = (),
) -> list[Row]:
    cursor.execute(f"select {', '.join((*keys, *columns))} from bi.{view} {rest}", parameters or None)
    return _fetched(cursor, view, len(keys))


def _fetched(cursor: Cursor, view: str, key_length: int) -> list[Row]:
    names = [column.name for column in cursor.description or ()][key_length:]
    return [
        Row(view, tuple(map(str, line[:key_length])), dict(zip(names, line[key_length:], strict=True)))
        for line in cursor.fetchall()
    ]


def _by_scope(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows whose second key is an ОКТМО or «all»."""
    by_scope: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_scope[_scope(row.key[1])].append(row)
    return by_scope


def _percent(character: re.Match[str]) -> str:
    return f"%{ord(character[0]):02X}"


def _scope(oktmo: str) -> str:
    return OBLAST if oktmo == ALL else oktmo


def _require_last(rows: Sequence[Row], period: Period) -> None:
    if not rows or rows[-1].key[0] != period.start.isoformat():
        raise PeriodNotInMartsError(f"bi has no row of the whole oblast for {period.report} {period.start:%Y-%m-%d}")
