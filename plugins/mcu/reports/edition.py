"""Selects and sorts, out of the data of a period, what one edition (one scope) shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mcu.reports.period import Period
from mcu.reports.query import ALL, OBLAST, Common, DailyData, Row, WeeklyData

TOP_TOPICS = 10
TOP_RISERS = 5
TOP_AUTHORITIES = 5
NOT_NAMED = "(не указано)"  # messages without an authority: no body that could be ranked
LEAST_RISE = 3  # below it a change is noise

RANKED_ZONES = ("red", "yellow", "green")
ZONE_ORDER = (*RANKED_ZONES, "few", None)


@dataclass(frozen=True)
class Riser:
    """A topic that grew, and the row of the same topic in the municipality where it grew most (oblast only)."""

    topic: Row
    place: Row | None


@dataclass(frozen=True)
class WeeklyEdition:
    """`region` is the oblast's week beside a municipality's own; the last three are empty outside the oblast."""

    period: Period
    common: Common
    scope: str
    name: str
    now: Row
    before: Row | None
    region: Row | None
    by_source: Sequence[tuple[str, Row]]
    trend: Sequence[Row]
    topics: Sequence[Row]
    risers: Sequence[Riser]
    municipalities: Sequence[Row]
    fastest: Sequence[Row]
    slowest: Sequence[Row]


@dataclass(frozen=True)
class DailyEdition:
    """One day of one scope; `overdue` are the longest overdue messages at the day's end."""

    period: Period
    common: Common
    scope: str
    name: str
    now: Row
    by_source: Sequence[tuple[str, Row]]
    trend: Sequence[Row]
    topics: Sequence[Row]
    overdue: Sequence[Row]


Edition = WeeklyEdition | DailyEdition


def make(data: WeeklyData | DailyData, scope: str) -> Edition:
    """The edition for `scope`, the oblast or an ОКТМО that `data.common` has."""
    return _weekly(data, scope) if isinstance(data, WeeklyData) else _daily(data, scope)


def _weekly(data: WeeklyData, scope: str) -> WeeklyEdition:
    trend = data.weeks[scope, ALL]
    topics = data.topics.get(scope, [])
    is_oblast = scope == OBLAST
    fastest, slowest = _fastest_and_slowest(data.authorities) if is_oblast else ([], [])
    return WeeklyEdition(
        period=data.period,
        common=data.common,
        scope=scope,
        name=data.common.name(scope),
        now=trend[-1],
        before=trend[-2] if len(trend) > 1 else None,
        region=None if is_oblast else data.weeks[OBLAST, ALL][-1],
        by_source=_by_source(data.weeks, data.common, scope),
        trend=trend,
        topics=_most(topics, "received", TOP_TOPICS),
        risers=_risers(topics, data.topics if is_oblast else {}),
        municipalities=_by_zone(data) if is_oblast else [],
        fastest=fastest,
        slowest=slowest,
    )


def _daily(data: DailyData, scope: str) -> DailyEdition:
    trend = data.days[scope, ALL]
    return DailyEdition(
        period=data.period,
        common=data.common,
        scope=scope,
        name=data.common.name(scope),
        now=trend[-1],
        by_source=_by_source(data.days, data.common, scope),
        trend=trend,
        topics=_most(data.topics.get(scope, []), "received", TOP_TOPICS),
        overdue=data.overdue.get(scope, []),
    )


def _by_source(rows: Mapping[tuple[str, str], Sequence[Row]], common: Common, scope: str) -> list[tuple[str, Row]]:
    """(name of the source, its row of the period)."""
    return [(source["name_ru"], rows[scope, source.key[0]][-1]) for source in common.sources]


def _most(rows: Iterable[Row], column: str, count: int) -> list[Row]:
    """The `count` rows with the greatest positive `column`; equal ones in the order of their keys."""
    positive = [row for row in rows if (row[column] or 0) > 0]
    return sorted(positive, key=lambda row: (-row[column], row.key))[:count]


def _risers(topics: Sequence[Row], all_topics: Mapping[str, Sequence[Row]]) -> list[Riser]:
    risen = [row for row in _most(topics, "received_delta", TOP_RISERS) if row["received_delta"] >= LEAST_RISE]
    return [Riser(row, _where_it_rose(row, all_topics)) for row in risen]


def _where_it_rose(topic: Row, all_topics: Mapping[str, Sequence[Row]]) -> Row | None:
    same = (
        row for scope, rows in all_topics.items() if scope != OBLAST for row in rows if row.key[2:] == topic.key[2:]
    )
    return next(iter(_most(same, "received_delta", 1)), None)


def _by_zone(data: WeeklyData) -> list[Row]:
    """By zone, the worst first; inside a zone by share, then by messages. What is of no municipality comes last."""
    rows = [data.weeks[oktmo, ALL][-1] for oktmo in data.common.municipalities]

    def order(row: Row) -> tuple[bool, int, float, int, str]:
        place = data.common.municipalities[row.key[1]]
        share = row["on_time_share"] if row["zone"] in RANKED_ZONES else 0.0
        return place["type"] == "oblast", ZONE_ORDER.index(row["zone"]), share, -row["received"], place["name"]

    return sorted(rows, key=order)


def _fastest_and_slowest(authorities: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """By median time to the first answer, of those with enough answers; nobody is in both lists."""
    named = (row for row in authorities if row["is_ranked"] and row.key[1] != NOT_NAMED)
    ranked = sorted(
        (row for row in named if row["median_first_answer_minutes"] is not None),
        key=lambda row: (row["median_first_answer_minutes"], row.key),
    )
    fastest = ranked[:TOP_AUTHORITIES]
    return fastest, ranked[len(fastest) :][: -TOP_AUTHORITIES - 1 : -1]
