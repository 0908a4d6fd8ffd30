"""Selects and sorts, out of the data of a period, what one edition (one scope) shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcu.reports.period import Period
from mcu.reports.query import OBLAST, Common, DailyData, Dated, Row, Scoped, WeeklyData, has_period

TOP_TOPICS = 10
TOP_RISERS = 5
TOP_AUTHORITIES = 5
TOP_SIGNALS = 5
NOT_NAMED = "(не указано)"  # messages without an authority: no body that could be ranked
LEAST_RISE = 3  # below it a change is noise
LEAST_RATED = 5  # as with answers, fewer marks tell nothing of who gave them

RANKED_ZONES = ("red", "yellow", "green")
ZONE_ORDER = (*RANKED_ZONES, "few", None)


@dataclass(frozen=True)
class Riser:
    """A topic that grew, and the row of the same topic in the municipality where it grew most (oblast only)."""

    topic: Row
    place: Row | None


@dataclass(frozen=True)
class Heat:
    """Messages by municipality and topic group: `rows` by (ОКТМО, group); the most come first in both lists."""

    places: Sequence[str]
    groups: Sequence[str]
    rows: Mapping[tuple[str, str], Row]


@dataclass(frozen=True)
class Shared:
    """What both reports say of a scope.

    `by_source`: (name, row of the period or None where the source lacks it); `missing`: names of those sources;
    `hotspots` and `overdue` as of the period's end, `by_channel` most messages first.
    """

    period: Period
    common: Common
    scope: str
    name: str
    now: Row
    by_source: Sequence[tuple[str, Row | None]]
    missing: Sequence[str]
    trend: Sequence[Row]
    topics: Sequence[Row]
    hotspots: Sequence[Row]
    overdue: Sequence[Row]
    by_channel: Sequence[Row]

    @property
    def is_oblast(self) -> bool:
        return self.scope == OBLAST

    @property
    def pos_channel(self) -> Row | None:
        """The messages of ПОС by their kinds."""
        return next((row for row in self.by_channel if row.key[2] == "pos"), None)


@dataclass(frozen=True)
class WeeklyEdition(Shared):
    """`usual`: the median of the scope's weeks before; `typical`: of the municipalities, beside one of them;
    `pos`: the week of ПОС. From `municipalities` on all is empty outside the oblast."""

    before: Row | None
    usual: Row | None
    typical: Row | None
    pos: Row | None
    risers: Sequence[Riser]
    emerging: Sequence[Row]
    municipalities: Sequence[Row]
    heat: Heat | None
    fastest: Sequence[Row]
    slowest: Sequence[Row]
    least_satisfied: Sequence[Row]


@dataclass(frozen=True)
class DailyEdition(Shared):
    """One day of one scope; `overdue` are the longest overdue messages at the day's end."""


Edition = WeeklyEdition | DailyEdition


def make(data: WeeklyData | DailyData, scope: str) -> Edition:
    """The edition for `scope`, the oblast or an ОКТМО that `data.common` has."""
    return _weekly(data, scope) if isinstance(data, WeeklyData) else _daily(data, scope)


def _weekly(data: WeeklyData, scope: str) -> WeeklyEdition:
    topics = data.topics.get(scope, [])
    is_oblast = scope == OBLAST
    fastest, slowest = _fastest_and_slowest(data.authorities) if is_oblast else ([], [])
    trend = data.weeks[scope, data.total]
    return WeeklyEdition(
        **_shared(data, data.weeks, scope),
        topics=_most(topics, "received", TOP_TOPICS),
        hotspots=_signals(_only(data.common.hotspots, lambda row: row.key[3] == "7"), scope, "rank_in_day"),
        before=trend[-2] if len(trend) > 1 else None,
        usual=data.usual.get(scope),
        typical=None if is_oblast else data.typical,
        pos=_of_period(data.weeks, scope, "pos", data.period),
        risers=_risers(topics, data.topics if is_oblast else {}),
        emerging=_signals(data.emerging, scope, "rank_in_week"),
        municipalities=_by_zone(data) if is_oblast else [],
        heat=_heat(data.heat) if is_oblast and data.heat else None,
        fastest=fastest,
        slowest=slowest,
        least_satisfied=_least_satisfied(data.answer_quality) if is_oblast else [],
    )


def _daily(data: DailyData, scope: str) -> DailyEdition:
    return DailyEdition(
        **_shared(data, data.days, scope),
        topics=_most(data.topics.get(scope, []), "received", TOP_TOPICS),
        hotspots=_signals(
            _only(data.common.hotspots, lambda row: bool(row["is_strongest_window"])), scope, "rank_in_day"
        ),
    )


def _shared(data: WeeklyData | DailyData, rows: Dated, scope: str) -> dict[str, Any]:
    """What both editions take from the data alike, by the name of the field."""
    common = data.common
    by_source = [(one["name_ru"], _of_period(rows, scope, one.key[0], data.period)) for one in common.sources]
    return {
        "period": data.period,
        "common": common,
        "scope": scope,
        "name": common.name(scope),
        "now": rows[scope, data.total][-1],
        "by_source": by_source,
        "missing": [name for name, row in by_source if row is None],
        "trend": rows[scope, data.total],
        "overdue": common.overdue.get(scope, []),
        "by_channel": _most(common.by_channel.get(scope, []), "received", len(common.channels)),
    }


def _of_period(rows: Dated, scope: str, source: str, period: Period) -> Row | None:
    return rows[scope, source][-1] if has_period(rows, scope, source, period) else None


def _only(by_scope: Scoped, is_wanted: Callable[[Row], bool]) -> Scoped:
    return {scope: [row for row in rows if is_wanted(row)] for scope, rows in by_scope.items()}


def _signals(by_scope: Scoped, scope: str, rank: str) -> list[Row]:
    """The least probable first: a municipality's own; for the oblast those of all of it, then those of its places."""
    own = sorted(by_scope.get(scope, []), key=lambda row: row[rank])[:TOP_SIGNALS]
    if scope != OBLAST:
        return own
    of_places = [row for place, rows in by_scope.items() if place != OBLAST for row in rows]
    return [*own, *sorted(of_places, key=lambda row: (row[rank], row.key))[:TOP_SIGNALS]]


def _most(rows: Iterable[Row], column: str, count: int) -> list[Row]:
    """The `count` rows with the greatest positive `column`; equal ones in the order of their keys."""
    positive = [row for row in rows if (row[column] or 0) > 0]
    return sorted(positive, key=lambda row: (-row[column], row.key))[:count]


def _risers(topics: Sequence[Row], all_topics: Scoped) -> list[Riser]:
    risen = [row for row in _most(topics, "received_delta", TOP_RISERS) if row["received_delta"] >= LEAST_RISE]
    return [Riser(row, _where_it_rose(row, all_topics)) for row in risen]


def _where_it_rose(topic: Row, all_topics: Scoped) -> Row | None:
    same = (
        row for scope, rows in all_topics.items() if scope != OBLAST for row in rows if row.key[2:] == topic.key[2:]
    )
    return next(iter(_most(same, "received_delta", 1)), None)


def _by_zone(data: WeeklyData) -> list[Row]:
    """By zone, the worst first; inside a zone by share, then by messages. What is of no municipality comes last."""
    rows = [data.weeks[oktmo, data.total][-1] for oktmo in data.common.municipalities]

    def order(row: Row) -> tuple[bool, int, float, int, str]:
        place = data.common.municipalities[row.key[1]]
        share = row["on_time_share"] if row["zone"] in RANKED_ZONES else 0.0
        return place["type"] == "oblast", ZONE_ORDER.index(row["zone"]), share, -row["received"], place["name"]

    return sorted(rows, key=order)


def _heat(rows: Sequence[Row]) -> Heat:
    by_group: dict[str, int] = defaultdict(int)
    by_place: dict[str, float] = defaultdict(float)
    for row in rows:
        by_group[row.key[2]] += row["received"]
        by_place[row.key[1]] += row["received_per_10k"]
    return Heat(
        places=sorted(by_place, key=lambda place: (-by_place[place], place)),
        groups=sorted(by_group, key=lambda group: (-by_group[group], group)),
        rows={(row.key[1], row.key[2]): row for row in rows},
    )


def _fastest_and_slowest(authorities: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """By median time to the first answer, of those with enough answers; nobody is in both lists."""
    named = (row for row in authorities if row["is_ranked"] and row.key[1] != NOT_NAMED)
    ranked = sorted(
        (row for row in named if row["median_first_answer_minutes"] is not None),
        key=lambda row: (row["median_first_answer_minutes"], row.key),
    )
    fastest = ranked[:TOP_AUTHORITIES]
    return fastest, ranked[len(fastest) :][: -TOP_AUTHORITIES - 1 : -1]


def _least_satisfied(rows: Iterable[Row]) -> list[Row]:
    """By the upper end of the interval of satisfaction: who is surely low, not who has few marks."""
    rated = [row for row in rows if row["rated"] >= LEAST_RATED and row.key[1] != NOT_NAMED]
    return sorted(rated, key=lambda row: (row["satisfied_share_high"], row.key))[:TOP_AUTHORITIES]
