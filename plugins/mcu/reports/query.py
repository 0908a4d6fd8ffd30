"""What all editions of one period need, read from schema `bi` once, by a fixed number of queries, from one build.

No number is computed in Python: each value stands in a mart and keeps its address (`Row.path`) up to the mail. What
no mart holds as one value is a sum, a count or a median of one, taken in SQL: see DAY_TOPICS and the names below it.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from psycopg2.errors import LockNotAvailable
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from mcu.reports.format import one_line
from mcu.reports.period import Period, Report

OBLAST = "oblast"
ALL = "all"
TREND_WEEKS = 12
TREND_DAYS = 14
OVERDUE_SHOWN = 15
USUAL_WEEKS, LEAST_USUAL_WEEKS = 8, 4
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
HOTSPOT = ("received", "expected", "is_strongest_window", "rank_in_day")
EMERGING = ("received", "expected", "is_new", "weeks_growing", "rank_in_week")
TAKEN = ("answered", "rated", "satisfied_share", "satisfied_share_high", "with_outcome", "not_solved_share")
COUNTS_OF_CHANNEL = ("received", "fast_track", "formal_59fz")

# Medians of a municipality's own weeks, and of all municipalities where answers are enough to speak of.
OF_ANSWERS = (*FIRST_ANSWER, "satisfied_share")
USUAL = (*COUNTS, *OF_ANSWERS, "closed_unanswered", "reconsidered", "received_per_10k")
TYPICAL = (*OF_ANSWERS, "received_per_10k")

# The `table` of rows that are no row of a view, but taken from several of one.
DAY_TOPICS, WEEK_TOPICS = "topics_of_day", "topics_of_week"
CHANNELS, OWN_MEDIAN, MEDIAN_OF_PLACES = "messages_by_channel", "median_of_weeks", "median_of_municipalities"
COMMON_VIEWS = (
    *("dim_channel", "dim_municipality", "dim_source"),
    *("fct_message", "fct_municipality_daily", "rpt_daily_overdue", "rpt_data_quality", "rpt_hotspot"),
)
WEEKLY_VIEWS = (
    *("rpt_weekly_region", "rpt_weekly_municipality", "rpt_weekly_topic", "rpt_weekly_authority"),
    *("rpt_emerging_topic", "rpt_answer_quality"),
)
DAILY_VIEWS = ("rpt_daily_summary",)

# MJML writes other characters of an attribute in its own way, or fails over them.
_ODD = re.compile(r"[%/\\]|[^ -~Ѐ-ҁҊ-ӿ«»№–—]")


def views_of(report: Report) -> tuple[str, ...]:
    """What a report reads of `bi`."""
    return (*COMMON_VIEWS, *(WEEKLY_VIEWS if report == "weekly" else DAILY_VIEWS))


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


Scoped = Mapping[str, Sequence[Row]]
"""Rows by scope: the oblast or an ОКТМО."""

Dated = Mapping[tuple[str, str], Sequence[Row]]
"""Rows by (scope, source), oldest first, the last is the period's if that source has it."""


@dataclass(frozen=True)
class Common:
    """What both reports show: `as_of` is the oldest of the enabled sources' newest exports.

    `hotspots` of the period's last day, `overdue` at its end, `by_channel` of the messages that came in it.
    """

    region: str
    as_of: datetime
    municipalities: Mapping[str, Row]
    sources: Sequence[Row]
    channels: Mapping[str, Row]
    quality: Mapping[str, Row]
    by_channel: Scoped
    hotspots: Scoped
    overdue: Scoped

    def name(self, scope: str) -> str:
        """The name of the oblast or of a municipality, one line; KeyError if there is no such ОКТМО."""
        return one_line(self.region if scope == OBLAST else self.municipalities[scope]["name"])

    def has(self, scope: str) -> bool:
        return scope == OBLAST or scope in self.municipalities


@dataclass(frozen=True)
class WeeklyData:
    """`weeks`: up to twelve. `total`: the source whose rows are the headline, ALL unless an enabled source lacks the
    period. `usual`: medians of the weeks before by scope; `typical`: of the municipalities; `heat`: by municipality and
    topic group."""

    period: Period
    common: Common
    total: str
    weeks: Dated
    topics: Scoped
    authorities: Sequence[Row]
    usual: Mapping[str, Row]
    typical: Row | None
    emerging: Scoped
    answer_quality: Sequence[Row]
    heat: Sequence[Row]


@dataclass(frozen=True)
class DailyData:
    """`days`: up to fourteen; `total` as in WeeklyData."""

    period: Period
    common: Common
    total: str
    days: Dated
    topics: Scoped


def read(connection: Connection, period: Period, region: str, timezone: ZoneInfo) -> WeeklyData | DailyData:
    """Everything about `period`, in one transaction that no publishing of the marts can come between.

    If some enabled source has no export that reaches the period's end, what the others have. Raises LockNotAvailable
    if the marts stay locked, PeriodNotInMartsError if no source has the period.
    """
    for attempt in range(1, LOCK_ATTEMPTS + 1):
        try:
            return _read(connection, period, region, timezone)
        except LockNotAvailable:
            if attempt == LOCK_ATTEMPTS:
                raise
            time.sleep(1)
    raise AssertionError("unreachable")


def _read(connection: Connection, period: Period, region: str, timezone: ZoneInfo) -> WeeklyData | DailyData:
    with connection, connection.cursor() as cursor:
        cursor.execute("set transaction isolation level repeatable read read only")
        # Not waiting keeps this from a deadlock with the publishing, which takes the same views in its own order.
        views = ", ".join(f"bi.{view}" for view in views_of(period.report))
        cursor.execute(f"lock table {views} in access share mode nowait")
        common = _common(cursor, period, region, timezone)
        return _weekly(cursor, period, common) if period.report == "weekly" else _daily(cursor, period, common)


def _common(cursor: Cursor, period: Period, region: str, timezone: ZoneInfo) -> Common:
    columns = ("name_ru", "newest_exported_at")
    sources = _rows(cursor, "dim_source", ("source",), columns, "where is_enabled order by name_ru")
    municipalities = _rows(cursor, "dim_municipality", ("oktmo",), ("name", "type"), "order by name")
    keys = ("date", "oktmo", "topic_group", "window_days")
    hotspots = _rows(cursor, "rpt_hotspot", keys, HOTSPOT, "where date = %s order by rank_in_day", [period.last_day])
    return Common(
        region=region,
        as_of=min(source["newest_exported_at"] for source in sources),
        municipalities=_by_key(municipalities),
        sources=sources,
        channels=_by_key(_rows(cursor, "dim_channel", ("channel",), ("name_ru",))),
        quality=_by_key(_rows(cursor, "rpt_data_quality", ("source",), (*QUALITY, *NEWEST))),
        by_channel=_by_scope(_channels(cursor, period, timezone)),
        hotspots=_by_scope(hotspots),
        overdue=_overdue(cursor, period),
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
    total = _total(by_scope, period, common)

    def of_week(view: str, keys: Sequence[str], columns: Sequence[str]) -> list[Row]:
        return _rows(cursor, view, ("week_start", *keys), columns, "where week_start = %s", [period.start])

    topic = ("oktmo", "topic_group", "topic")
    return WeeklyData(
        period=period,
        common=common,
        total=total,
        weeks=by_scope,
        topics=_by_scope(of_week("rpt_weekly_topic", topic, (*COUNTS, *CHANGE, "share_of_received"))),
        authorities=of_week("rpt_weekly_authority", ("authority",), (*COUNTS, *FIRST_ANSWER, *RATING, "is_ranked")),
        usual={_scope(row.key[1]): row for row in _usual(cursor, period, total)},
        typical=_typical(cursor, period, total),
        emerging=_by_scope(of_week("rpt_emerging_topic", topic, EMERGING)),
        answer_quality=of_week("rpt_answer_quality", ("authority",), TAKEN),
        heat=_heat(cursor, period),
    )


def _daily(cursor: Cursor, period: Period, common: Common) -> DailyData:
    bounds = [period.start - timedelta(days=TREND_DAYS - 1), period.start]
    days = "where date between %s and %s order by date"
    by_scope: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in _rows(cursor, "rpt_daily_summary", ("date", "oktmo", "source"), DAY, days, bounds):
        by_scope[_scope(row.key[1]), row.key[2]].append(row)
    total = _total(by_scope, period, common)
    return DailyData(period, common, total, by_scope, _by_scope(_daily_topics(cursor, period)))


def _daily_topics(cursor: Cursor, period: Period) -> list[Row]:
    sums = ", ".join(f"sum({column})::bigint as {column}" for column in COUNTS)
    cursor.execute(
        f"select date, coalesce(oktmo, 'all') as oktmo, topic_group, {sums} from bi.fct_municipality_daily"
        " where date = %s group by grouping sets ((date, oktmo, topic_group), (date, topic_group))",
        [period.start],
    )
    return _fetched(cursor, DAY_TOPICS, 3)


def _heat(cursor: Cursor, period: Period) -> list[Row]:
    """What came in the week, by municipality and topic group."""
    cursor.execute(
        "select %(start)s::date, oktmo, topic_group, sum(received)::bigint as received,"
        " sum(received)::double precision / population * 10000 as received_per_10k"
        " from bi.fct_municipality_daily join bi.dim_municipality using (oktmo)"
        " where date >= %(start)s and date < %(end)s and population > 0"
        " group by oktmo, topic_group, population having sum(received) > 0 order by oktmo, topic_group",
        {"start": period.start, "end": period.end},
    )
    return _fetched(cursor, WEEK_TOPICS, 3)


def _channels(cursor: Cursor, period: Period, timezone: ZoneInfo) -> list[Row]:
    cursor.execute(
        "select %(day)s::date, coalesce(oktmo, 'all') as oktmo, source, channel, count(*) as received,"
        " count(*) filter (where is_fast_track) as fast_track, count(*) filter (where is_formal_59fz) as formal_59fz"
        " from bi.fct_message where created_at >= %(start)s and created_at < %(end)s"
        " group by grouping sets ((oktmo, source, channel), (source, channel))",
        {"day": period.start, "start": period.begins_at(timezone), "end": period.ends_at(timezone)},
    )
    return _fetched(cursor, CHANNELS, 4)


def _usual(cursor: Cursor, period: Period, source: str) -> list[Row]:
    """The median of each number over the weeks before, where enough of them are known: the oblast's is `all`."""
    medians = ", ".join(f"percentile_cont(0.5) within group (order by {column}) as {column}" for column in USUAL)
    columns = ", ".join(USUAL)
    cursor.execute(
        f"select %(start)s::date, oktmo, %(source)s::text, {medians} from ("
        f"  select oktmo, source, week_start, {columns} from bi.rpt_weekly_municipality"
        f"  union all select 'all', source, week_start, {columns} from bi.rpt_weekly_region) as weeks"
        " where source = %(source)s and week_start >= %(first)s and week_start < %(start)s"
        " group by oktmo having count(*) >= %(least)s",
        {
            "start": period.start,
            "first": period.start - timedelta(weeks=USUAL_WEEKS),
            "source": source,
            "least": LEAST_USUAL_WEEKS,
        },
    )
    return _fetched(cursor, OWN_MEDIAN, 3)


def _typical(cursor: Cursor, period: Period, source: str) -> Row | None:
    """The median municipality; of answers, only those with enough of them (`zone` is not «few»)."""
    enough = "filter (where zone is distinct from 'few')"
    medians = ", ".join(
        f"percentile_cont(0.5) within group (order by {column}) {enough if column in OF_ANSWERS else ''} as {column}"
        for column in TYPICAL
    )
    cursor.execute(
        f"select %(start)s::date, %(source)s::text, {medians} from bi.rpt_weekly_municipality"
        " join bi.dim_municipality using (oktmo)"
        " where week_start = %(start)s and source = %(source)s and dim_municipality.type <> 'oblast'",
        {"start": period.start, "source": source},
    )
    return next(iter(_fetched(cursor, MEDIAN_OF_PLACES, 2)), None)


def _overdue(cursor: Cursor, period: Period) -> dict[str, list[Row]]:
    """The longest overdue messages of the oblast and of each municipality, longest first."""
    cursor.execute(
        f"select date, message_id, {', '.join(OVERDUE)}, rank_in_oblast from ("
        "  select *, row_number() over (order by overdue_working_minutes desc, message_id) as rank_in_oblast,"
        "    row_number() over (partition by oktmo order by overdue_working_minutes desc, message_id) as rank_in_place"
        "  from bi.rpt_daily_overdue where date = %s) as ranked"
        " where least(rank_in_oblast, rank_in_place) <= %s order by rank_in_oblast",
        [period.last_day, OVERDUE_SHOWN],
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
    return quote(character[0], safe="")


def _scope(oktmo: str) -> str:
    return OBLAST if oktmo == ALL else oktmo


def _by_key(rows: Iterable[Row]) -> dict[str, Row]:
    return {row.key[0]: row for row in rows}


def _total(rows: Dated, period: Period, common: Common) -> str:
    """ALL if every enabled source has the period, else the first that has it."""
    for source in (ALL, *(row.key[0] for row in common.sources)):
        if has_period(rows, OBLAST, source, period):
            return source
    raise PeriodNotInMartsError(f"bi has no row of the whole oblast for {period.report} {period.start:%Y-%m-%d}")


def has_period(rows: Dated, scope: str, source: str, period: Period) -> bool:
    """Whether the marts hold the period for this source: its last row is the period's."""
    of_source = rows.get((scope, source), ())
    return bool(of_source) and of_source[-1].key[0] == period.start.isoformat()
