"""The tables of the warehouse, computed message by message and period by period as the definitions read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import date, datetime, timedelta
from math import floor, sqrt
from pathlib import Path
from statistics import NormalDist
from typing import TypeVar

from tests.oracle.events import events_of
from tests.oracle.exports import Export, read_folder
from tests.oracle.messages import Message, messages_of
from tests.oracle.places import populations
from tests.oracle.working_time import ONE_DAY, midnight, week_of, whole_minutes, working_time

Value = str | int | float | bool | date | datetime | None
Row = dict[str, Value]
Table = dict[tuple[Value, ...], Row]
Tables = dict[str, Table]
K = TypeVar("K")

KEYS = {
    "fct_message": ("message_id",),
    "fct_message_event": ("message_id", "event", "exported_at"),
    "fct_municipality_daily": ("date", "oktmo", "source", "topic_group"),
    "rpt_weekly_region": ("week_start", "source"),
    "rpt_weekly_municipality": ("week_start", "oktmo", "source"),
    "rpt_weekly_topic": ("week_start", "oktmo", "topic_group", "topic"),
    "rpt_weekly_authority": ("week_start", "authority"),
    "rpt_answer_quality": ("week_start", "authority"),
    "rpt_daily_summary": ("date", "oktmo", "source"),
    "rpt_daily_overdue": ("date", "message_id"),
}
SOURCES = ("pos", "incident")
WEEK = timedelta(days=7)
SETTLED = ("Решено", "Разъяснено")
NOT_SETTLED = {"pos": ("Не решено", "Запланировано"), "incident": ("Не решено", "Отложено")}


def compute(folder: Path) -> Tables:
    """All tables of a folder of exports."""
    exports = read_folder(folder)
    messages = messages_of(exports)
    days = _days(exports, messages)
    weeks = {source: _weeks(*span) for source, span in days.items()}
    return {
        "fct_message": {(m.message_id,): _without(asdict(m), "message_id") for m in messages},
        "fct_message_event": _message_event(exports),
        "fct_municipality_daily": _municipality_daily(messages, days),
        "rpt_weekly_region": _weekly_region(messages, weeks),
        "rpt_weekly_municipality": _weekly_municipality(messages, weeks),
        "rpt_weekly_topic": _weekly_topic(messages, weeks["all"]),
        "rpt_weekly_authority": _weekly_authority(messages, weeks["all"]),
        "rpt_answer_quality": _answer_quality(messages, weeks["all"]),
        "rpt_daily_summary": _daily_summary(messages, days),
        "rpt_daily_overdue": _daily_overdue(messages, days),
    }


def _message_event(exports: list[Export]) -> Table:
    table: Table = {}
    for event in events_of(exports):
        row = asdict(event)
        key = tuple(row.pop(column) for column in KEYS["fct_message_event"])
        if key in table:
            raise ValueError(f"two events of {key}")
        table[key] = row
    return table


# How far ----------------------------------------------------------------------------------------

Span = tuple[date, date]


def _days(exports: list[Export], messages: list[Message]) -> dict[str, Span]:
    """First and last day of each source and of `all`; a source's first day is the first on which it has a message.

    A source without a message has no days, and then `all` has none either.
    """
    spans = {}
    for source in {m.source for m in messages}:
        newest = max(e.exported_at for e in exports if e.source == source)
        first = min(m.created_at for m in messages if m.source == source)
        spans[source] = (first.date(), newest.date() - ONE_DAY)
    if spans.keys() < set(SOURCES):
        return spans | {"all": (date.max, date.min)}
    spans["all"] = (max(first for first, _ in spans.values()), min(last for _, last in spans.values()))
    return spans


def _weeks(first: date, last: date) -> list[date]:
    """Mondays of the weeks from the one that holds the first day to the last one that is over."""
    return [start for start in _range(week_of(first), last, WEEK) if start + WEEK - ONE_DAY <= last]


def _range(first: date, last: date, step: timedelta = ONE_DAY) -> Iterator[date]:
    while first <= last:
        yield first
        first += step


# Metrics of one period --------------------------------------------------------------------------


def _counts(messages: Iterable[Message], start: datetime, end: datetime) -> dict[str, int]:
    """The six counts of [start, end)."""
    messages = list(messages)

    def within(moment: datetime | None) -> bool:
        return moment is not None and start <= moment < end

    return {
        "received": sum(within(m.created_at) for m in messages),
        "answered": sum(within(m.answered_at) for m in messages),
        "answered_on_time": sum(within(m.answered_at) and m.is_answered_on_time is True for m in messages),
        "became_overdue": sum(within(m.late_since) for m in messages),
        "open_at_end": sum(m.is_open_at(end) for m in messages),
        "overdue_at_end": sum(m.is_overdue_at(end) for m in messages),
    }


def _answer_metrics(messages: Iterable[Message], start: datetime, end: datetime, counts: dict[str, int]) -> Row:
    """On-time share, percentiles of the first answer and marks of what was answered in [start, end)."""
    answered = [m for m in messages if m.answered_at and start <= m.answered_at < end]
    minutes = [m.first_answer_working_minutes for m in answered if m.source == "incident"]
    known = [float(m) for m in minutes if m is not None]
    rated = [m for m in answered if m.is_satisfied is not None]
    satisfied = [m for m in rated if m.is_satisfied]
    return {
        "on_time_share": _ratio(counts["answered_on_time"], counts["answered_on_time"] + counts["became_overdue"]),
        "median_first_answer_minutes": percentile(known, 0.5),
        "p90_first_answer_minutes": percentile(known, 0.9),
        "rated": len(rated),
        "satisfied": len(satisfied),
        "satisfied_share": _ratio(len(satisfied), len(rated)),
    }


def _change(received: int, previous: int | None) -> Row:
    if previous is None:
        return {"received_prev": None, "received_delta": None, "received_delta_pct": None}
    delta = received - previous
    return {
        "received_prev": previous,
        "received_delta": delta,
        "received_delta_pct": delta / previous * 100 if previous >= 20 else None,
    }


def _zone(share: Value, answered: int) -> str | None:
    if answered < 5:
        return "few"
    if not isinstance(share, float):
        return None
    return "green" if share >= 0.95 else "yellow" if share >= 0.80 else "red"


def percentile(values: list[float], fraction: float) -> float | None:
    """Linear interpolation between the closest ranks; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    position = fraction * (len(ordered) - 1)
    below = floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


# Weekly tables ----------------------------------------------------------------------------------


def _weekly_region(messages: list[Message], weeks: dict[str, list[date]]) -> Table:
    inhabitants = sum(p for p in populations().values() if p)
    return {
        (week, source): _weekly_row(_of(messages, source), week, weeks[source][0], inhabitants)
        for source in weeks
        for week in weeks[source]
    }


def _weekly_municipality(messages: list[Message], weeks: dict[str, list[date]]) -> Table:
    by_oktmo = _grouped(messages, lambda m: m.oktmo)
    return {
        (week, oktmo, source): _weekly_row(_of(by_oktmo[oktmo], source), week, weeks[source][0], inhabitants)
        for oktmo, inhabitants in populations().items()
        for source in weeks
        for week in weeks[source]
    }


def _weekly_row(messages: list[Message], week: date, first_week: date, inhabitants: int | None) -> Row:
    start, end = midnight(week), midnight(week + WEEK)
    counts = _counts(messages, start, end)
    answered = [m for m in messages if m.answered_at and start <= m.answered_at < end]
    metrics = _answer_metrics(messages, start, end, counts)
    previous = None if week - WEEK < first_week else _counts(messages, midnight(week - WEEK), start)["received"]
    return {
        **counts,
        "closed_unanswered": sum(
            m.answered_at is None and m.closed_at is not None and start <= m.closed_at < end for m in messages
        ),
        **metrics,
        "reconsidered": sum(m.is_reconsidered for m in answered),
        "received_per_10k": counts["received"] / inhabitants * 10_000 if inhabitants else None,
        **_change(counts["received"], previous),
        "zone": _zone(metrics["on_time_share"], counts["answered"]),
    }


def _weekly_topic(messages: list[Message], weeks: list[date]) -> Table:
    table: Table = {}
    by_oktmo = _grouped(messages, lambda m: m.oktmo) | {"all": messages}
    for oktmo, there in by_oktmo.items():
        for week in weeks:
            start, end = midnight(week), midnight(week + WEEK)
            of_all = _counts(there, start, end)["received"]
            for (group, topic), same in _grouped(there, lambda m: (m.topic_group, m.topic)).items():
                counts = _counts(same, start, end)
                known = week - WEEK >= weeks[0]
                previous = _counts(same, midnight(week - WEEK), start)["received"] if known else None
                if any(counts.values()) or previous:
                    table[week, oktmo, group, topic] = {
                        **counts,
                        **_change(counts["received"], previous),
                        "share_of_received": _ratio(counts["received"], of_all),
                    }
    return table


def _weekly_authority(messages: list[Message], weeks: list[date]) -> Table:
    table: Table = {}
    for authority, same in _grouped(messages, lambda m: m.authority).items():
        for week in weeks:
            start, end = midnight(week), midnight(week + WEEK)
            counts = _counts(same, start, end)
            if any(counts.values()):
                table[week, authority] = {
                    **counts,
                    **_answer_metrics(same, start, end, counts),
                    "is_ranked": counts["answered"] >= 5,
                }
    return table


def _answer_quality(messages: list[Message], weeks: list[date]) -> Table:
    table: Table = {}
    for authority, same in _grouped(messages, lambda m: m.authority).items():
        for week in weeks:
            answered = [m for m in same if m.answered_at and midnight(week) <= m.answered_at < midnight(week + WEEK)]
            if answered:
                rated = [m for m in answered if m.is_satisfied is not None]
                marks = [m.rating for m in answered if m.rating is not None]
                of_pos = [m for m in answered if m.source == "pos"]
                outcomes = [m.outcome for m in answered if m.outcome in SETTLED + NOT_SETTLED[m.source]]
                table[week, authority] = {
                    "answered": len(answered),
                    "rated": len(rated),
                    **_share_with_interval("satisfied", sum(m.is_satisfied is True for m in rated), len(rated)),
                    "marked": len(marks),
                    "mean_rating": _ratio(sum(marks), len(marks)),
                    "with_outcome": len(outcomes),
                    **_share_with_interval("not_solved", sum(o not in SETTLED for o in outcomes), len(outcomes)),
                    "answered_pos": len(of_pos),
                    "reconsidered": sum(m.is_reconsidered for m in of_pos),
                    "reconsidered_share": _ratio(sum(m.is_reconsidered for m in of_pos), len(of_pos)),
                    "is_ranked": len(rated) >= 5,
                }
    return table


def _share_with_interval(name: str, part: int, whole: int) -> Row:
    """Wilson's: the shares from which `part` of `whole` is no more than 1.96 standard deviations off."""
    ends: list[float | None] = [None, None]
    if whole:
        z = NormalDist().inv_cdf(0.975)
        share = part / whole
        # The roots of (share - x)² = z² x (1 - x) / whole.
        a, b, c = 1 + z * z / whole, -(2 * share + z * z / whole), share * share
        root = sqrt(max(b * b - 4 * a * c, 0))
        ends = [(-b - root) / (2 * a), (-b + root) / (2 * a)]
    return {
        name: part,
        f"{name}_share": _ratio(part, whole),
        f"{name}_share_low": ends[0],
        f"{name}_share_high": ends[1],
    }


# Daily tables -----------------------------------------------------------------------------------


def _municipality_daily(messages: list[Message], days: dict[str, Span]) -> Table:
    table: Table = {}
    for (oktmo, source, group), same in _grouped(messages, lambda m: (m.oktmo, m.source, m.topic_group)).items():
        for day in _range(*days[source]):
            counts = _counts(same, midnight(day), midnight(day + ONE_DAY))
            if any(counts.values()):
                table[day, oktmo, source, group] = dict(counts)
    return table


def _daily_summary(messages: list[Message], days: dict[str, Span]) -> Table:
    table: Table = {}
    by_oktmo = _grouped(messages, lambda m: m.oktmo)
    for oktmo in [*populations(), "all"]:
        there = messages if oktmo == "all" else by_oktmo[oktmo]
        for source, (first, last) in days.items():
            same = _of(there, source)
            by_day = {day: _counts(same, midnight(day), midnight(day + ONE_DAY)) for day in _range(first, last)}
            for day, counts in by_day.items():
                row: Row = dict(counts)
                for name in counts:
                    row[f"{name}_prev_day"] = by_day[day - ONE_DAY][name] if day - ONE_DAY in by_day else None
                    row[f"{name}_prev_week"] = by_day[day - WEEK][name] if day - WEEK in by_day else None
                table[day, oktmo, source] = row
    return table


def _daily_overdue(messages: list[Message], days: dict[str, Span]) -> Table:
    table: Table = {}
    for message in messages:
        for day in _range(*days[message.source]):
            end = midnight(day + ONE_DAY)
            if message.is_overdue_at(end):
                table[day, message.message_id] = {
                    "source": message.source,
                    "oktmo": message.oktmo,
                    "topic_group": message.topic_group,
                    "topic": message.topic,
                    "authority": message.authority,
                    "created_at": message.created_at,
                    "due_at": message.due_at,
                    "overdue_working_minutes": whole_minutes(working_time(message.due_at, end)),
                }
    return table


# Helpers ----------------------------------------------------------------------------------------


def _of(messages: list[Message], source: str) -> list[Message]:
    return messages if source == "all" else [m for m in messages if m.source == source]


def _grouped(messages: list[Message], key: Callable[[Message], K]) -> defaultdict[K, list[Message]]:
    groups: defaultdict[K, list[Message]] = defaultdict(list)
    for message in messages:
        groups[key(message)].append(message)
    return groups


def _without(row: Row, name: str) -> Row:
    return {column: value for column, value in row.items() if column != name}
