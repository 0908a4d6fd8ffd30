"""Tables in schema `bi` with the columns that the reports read, filled with made-up numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from mcu.reports.query import NEWEST, QUALITY

COUNTS = ("received", "answered", "answered_on_time", "became_overdue", "open_at_end", "overdue_at_end")
_SIX = ", ".join(f"{column} bigint" for column in COUNTS)
_CHANGE = "received_prev bigint, received_delta bigint, received_delta_pct double precision"
_ANSWERS = (
    "on_time_share double precision, median_first_answer_minutes double precision,"
    " p90_first_answer_minutes double precision, rated bigint, satisfied bigint, satisfied_share double precision"
)
_WEEK = (
    f"{_SIX}, closed_unanswered bigint, {_ANSWERS}, reconsidered bigint,"
    f" received_per_10k double precision, {_CHANGE}, zone text"
)
_DAY = ", ".join(f"{c} bigint, {c}_prev_day bigint, {c}_prev_week bigint" for c in COUNTS)

TABLES = {
    "dim_municipality": "oktmo text, name text, type text, population bigint, has_mcu boolean",
    "dim_source": "source text, name_ru text, is_enabled boolean, newest_exported_at timestamptz",
    "rpt_data_quality": "source text, rows_read bigint, rows_quarantined bigint, messages bigint,"
    " mapped_to_oblast bigint, unmapped bigint, stale_open bigint, rows_in_newest_exports bigint,"
    " rows_unexplained bigint, newest_created_on date, newest_held_created_on date",
    "rpt_weekly_region": f"week_start date, source text, {_WEEK}",
    "rpt_weekly_municipality": f"week_start date, oktmo text, source text, {_WEEK}",
    "rpt_weekly_topic": f"week_start date, oktmo text, topic_group text, topic text, {_SIX}, {_CHANGE},"
    " share_of_received double precision",
    "rpt_weekly_authority": f"week_start date, authority text, {_SIX}, {_ANSWERS}, is_ranked boolean",
    "rpt_daily_summary": f"date date, oktmo text, source text, {_DAY}",
    "rpt_daily_overdue": "date date, message_id text, source text, oktmo text, topic_group text, topic text,"
    " authority text, created_at timestamptz, due_at timestamptz, overdue_working_minutes bigint",
    "fct_municipality_daily": f"date date, oktmo text, source text, topic_group text, {_SIX}",
    "dim_channel": "channel text, name_ru text",
    "fct_message": "message_id text, source text, channel text, oktmo text, created_at timestamptz,"
    " is_fast_track boolean, is_formal_59fz boolean",
    "rpt_hotspot": "date date, oktmo text, topic_group text, window_days integer, received bigint,"
    " expected double precision, is_strongest_window boolean, rank_in_day bigint",
    "rpt_emerging_topic": "week_start date, oktmo text, topic_group text, topic text, received bigint,"
    " expected double precision, is_new boolean, weeks_growing bigint, rank_in_week bigint",
    "rpt_answer_quality": "week_start date, authority text, answered bigint, rated bigint,"
    " satisfied_share double precision, satisfied_share_high double precision, with_outcome bigint,"
    " not_solved_share double precision",
}

SOURCES = ("all", "pos", "incident")
CHANNELS = {"gosuslugi": "Госуслуги (ПОС)", "vk": "ВКонтакте", "telegram": "Телеграм"}
OBLAST_OKTMO = "60000000"


@dataclass(frozen=True)
class World:
    """`municipalities`: (oktmo, name, weight); a weight of 0 has no messages. `topics`: (group, topic)."""

    week: date
    municipalities: Sequence[tuple[str, str, int]]
    topics: Sequence[tuple[str, str]]
    authorities: Sequence[str]
    weeks: int = 12
    channels: Mapping[str, str] = field(default_factory=lambda: CHANNELS)
    sources: Mapping[str, str] = field(default_factory=lambda: {"pos": "ПОС", "incident": "Инцидент Менеджмент"})


def build(connection: Connection, world: World) -> None:
    """Create and fill all tables; the marts then hold the world's week and its last day. Commits."""
    random = Random(20261116)
    with connection.cursor() as cursor:
        for table, columns in TABLES.items():
            cursor.execute(f"create table bi.{table} ({columns})")
    for table, rows in _rows(world, random).items():
        _insert(connection, table, rows)
    connection.commit()


def _rows(world: World, random: Random) -> dict[str, list[Mapping[str, Any]]]:
    newest = datetime.combine(world.week + timedelta(days=7), datetime.min.time(), UTC) + timedelta(hours=3)
    places = [*world.municipalities, (OBLAST_OKTMO, "Ростовская область (без муниципалитета)", 2)]
    rows: dict[str, list[Mapping[str, Any]]] = {table: [] for table in TABLES}
    for oktmo, name, weight in places:
        kind = "oblast" if oktmo == OBLAST_OKTMO else "urban_okrug"
        rows["dim_municipality"].append({"oktmo": oktmo, "name": name, "type": kind, "population": weight * 1000})
    for source, name in world.sources.items():
        dimension = {"source": source, "name_ru": name, "is_enabled": True, "newest_exported_at": newest}
        quality = {column: random.randrange(40_000) for column in QUALITY} | dict.fromkeys(NEWEST, newest.date())
        rows["dim_source"].append(dimension)
        rows["rpt_data_quality"].append(quality | {"source": source})
    _weeks(world, places, random, rows)
    _days(world, places, random, rows)
    _topics(world, places, random, rows)
    rows["rpt_weekly_authority"] = [
        {"week_start": world.week, "authority": name, "is_ranked": number != 0} | _answers(random, 40, has_time=True)
        for number, name in enumerate(world.authorities)
    ]
    rows["dim_channel"] = [{"channel": channel, "name_ru": name} for channel, name in world.channels.items()]
    rows["rpt_answer_quality"] = [
        {"week_start": world.week, "authority": name} | _taken(random) for name in world.authorities
    ]
    _messages(world, places, random, rows)
    _signals(world, random, rows)
    return rows


def _messages(world: World, places: Sequence[Any], random: Random, rows: dict[str, list[Mapping[str, Any]]]) -> None:
    """A few messages of each place, from the day before the week to the day after it."""
    begins_at = datetime.combine(world.week, datetime.min.time(), UTC) - timedelta(hours=3)
    for oktmo, _, weight in places:
        for number in range(weight):
            channel = random.choice(list(CHANNELS))
            rows["fct_message"].append(
                {
                    "message_id": f"{channel}:{oktmo}{number:03}",
                    "source": "pos" if channel == "gosuslugi" else "incident",
                    "channel": channel,
                    "oktmo": oktmo,
                    "created_at": begins_at + timedelta(minutes=random.randrange(-1440, 8 * 1440)),
                    "is_fast_track": channel == "gosuslugi" and random.random() < 0.3,
                    "is_formal_59fz": channel == "gosuslugi" and random.random() < 0.2,
                }
            )


def _signals(world: World, random: Random, rows: dict[str, list[Mapping[str, Any]]]) -> None:
    """Of the whole oblast and of each place with messages: a hot spot in each window, an emerging topic."""
    scopes = ["all", *(oktmo for oktmo, _, weight in world.municipalities if weight)]
    for rank, oktmo in enumerate(scopes, start=1):
        group, topic = random.choice(world.topics)
        signal = {"oktmo": oktmo, "topic_group": group, "expected": random.uniform(0, 9)}
        for days in (1, 2, 7):
            rows["rpt_hotspot"].append(
                signal
                | {"date": world.week + timedelta(days=6), "window_days": days, "received": random.randint(10, 90)}
                | {"is_strongest_window": days == 2, "rank_in_day": rank}
            )
        rows["rpt_emerging_topic"].append(
            signal
            | {"week_start": world.week, "topic": topic, "received": random.randint(10, 90)}
            | {"is_new": rank == 1, "weeks_growing": rank, "rank_in_week": rank}
        )


def _taken(random: Random) -> dict[str, Any]:
    rated, with_outcome = random.randint(0, 40), random.randint(0, 40)
    share = random.random() if rated else None
    return {
        "answered": 80,
        "rated": rated,
        "satisfied_share": share,
        "satisfied_share_high": None if share is None else (share + 1) / 2,
        "with_outcome": with_outcome,
        "not_solved_share": random.random() if with_outcome else None,
    }


def _weeks(world: World, places: Sequence[Any], random: Random, rows: dict[str, list[Mapping[str, Any]]]) -> None:
    scopes = [("all", sum(weight for *_, weight in places)), *((oktmo, weight) for oktmo, _, weight in places)]
    for scope, weight in scopes:
        for source in SOURCES:
            previous = None
            for week in range(world.weeks):
                row = _answers(random, weight * 2, has_time=source != "pos") | {
                    "week_start": world.week - timedelta(weeks=world.weeks - 1 - week),
                    "source": source,
                    "closed_unanswered": random.randrange(4),
                    "reconsidered": random.randrange(4),
                    "received_per_10k": None if scope == OBLAST_OKTMO else random.uniform(0, 30),
                }
                row |= _change(row["received"], previous)
                previous = row["received"]
                if scope == "all":
                    rows["rpt_weekly_region"].append(row)
                else:
                    rows["rpt_weekly_municipality"].append(row | {"oktmo": scope})


def _days(world: World, places: Sequence[Any], random: Random, rows: dict[str, list[Mapping[str, Any]]]) -> None:
    last = world.week + timedelta(days=6)
    for oktmo, weight in (("all", sum(weight for *_, weight in places)), *((o, w) for o, _, w in places)):
        for source in SOURCES:
            for day in range(14):
                row: dict[str, Any] = {"date": last - timedelta(days=13 - day), "oktmo": oktmo, "source": source}
                for column in COUNTS:
                    for ending in ("", "_prev_day", "_prev_week"):
                        row[column + ending] = random.randrange(weight // 2 + 1)
                rows["rpt_daily_summary"].append(row)
    for oktmo, _, weight in places:
        for group in sorted({group for group, _ in world.topics}):
            for source in SOURCES[1:]:
                counts = _answers(random, weight, has_time=False)
                key = {"date": last, "oktmo": oktmo, "source": source, "topic_group": group}
                rows["fct_municipality_daily"].append({c: counts[c] for c in COUNTS} | key)
        for number in range(min(weight, 20)):
            rows["rpt_daily_overdue"].append(_overdue(world, random, oktmo, number, last))


def _overdue(world: World, random: Random, oktmo: str, number: int, day: date) -> Mapping[str, Any]:
    group, topic = random.choice(world.topics)
    due_at = datetime.combine(day, datetime.min.time(), UTC) - timedelta(hours=random.randrange(9, 400))
    return {
        "date": day,
        "message_id": f"incident:{oktmo}{number:03}",
        "source": "incident",
        "oktmo": oktmo,
        "topic_group": group,
        "topic": topic,
        "authority": random.choice(world.authorities),
        "created_at": due_at - timedelta(days=2),
        "due_at": due_at,
        "overdue_working_minutes": random.randrange(1, 9000),
    }


def _topics(world: World, places: Sequence[Any], random: Random, rows: dict[str, list[Mapping[str, Any]]]) -> None:
    for oktmo, weight in (("all", sum(weight for *_, weight in places)), *((o, w) for o, _, w in places)):
        for number, (group, topic) in enumerate(world.topics):
            row = _answers(random, weight * 2 // (number + 1), has_time=False)
            if not row["received"]:
                continue
            share = {"share_of_received": row["received"] / (weight * 3)}
            key = {"week_start": world.week, "oktmo": oktmo, "topic_group": group, "topic": topic}
            counts = {column: row[column] for column in COUNTS}
            rows["rpt_weekly_topic"].append(
                key | counts | share | _change(row["received"], random.randrange(row["received"] * 2))
            )


def _answers(random: Random, size: int, *, has_time: bool) -> dict[str, Any]:
    """Six counts and the ratios that go with them; all null or 0 for a size of 0."""
    received = random.randint(size * 2 // 3, size)
    answered = random.randint(received * 2 // 3, received)
    on_time = random.randint(answered * 7 // 10, answered)
    overdue = random.randint(0, answered - on_time)
    rated = answered // 5
    satisfied = random.randint(0, rated)
    decided = on_time + overdue
    share = on_time / decided if decided else None
    return {
        "received": received,
        "answered": answered,
        "answered_on_time": on_time,
        "became_overdue": overdue,
        "open_at_end": random.randint(0, size // 2),
        "overdue_at_end": random.randint(0, size // 5),
        "on_time_share": share,
        "median_first_answer_minutes": random.uniform(5, 500) if has_time and answered else None,
        "p90_first_answer_minutes": random.uniform(500, 5000) if has_time and answered else None,
        "rated": rated,
        "satisfied": satisfied,
        "satisfied_share": satisfied / rated if rated else None,
        "zone": _zone(share, answered),
    }


def _zone(share: float | None, answered: int) -> str | None:
    if share is None:
        return None
    if answered < 5:
        return "few"
    return "green" if share >= 0.95 else "yellow" if share >= 0.8 else "red"


def _change(received: int, previous: int | None) -> dict[str, Any]:
    if previous is None:
        return {"received_prev": None, "received_delta": None, "received_delta_pct": None}
    percent = (received - previous) / previous * 100 if previous >= 20 else None
    return {"received_prev": previous, "received_delta": received - previous, "received_delta_pct": percent}


def _insert(connection: Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    columns = [part.strip().split(" ", 1)[0] for part in TABLES[table].split(",")]
    with connection.cursor() as cursor:
        values = [[row.get(column) for column in columns] for row in rows]
        execute_values(cursor, f"insert into bi.{table} ({', '.join(columns)}) values %s", values)
