"""Data of a week and of a day without a database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from mcu.reports import query
from mcu.reports.period import Period
from mcu.reports.query import ALL, OBLAST, Common, DailyData, Row, WeeklyData

WEEK = Period("weekly", date(2026, 11, 16))
SUNDAY = Period("daily", date(2026, 11, 22))
TAGANROG, AKSAY = "60737000", "60602000"
NULLS: dict[str, Any] = dict.fromkeys((*query.WEEK, *query.DAY))

WEEK_VALUES = NULLS | {
    "received": 1234,
    "answered": 1100,
    "answered_on_time": 980,
    "became_overdue": 70,
    "open_at_end": 410,
    "overdue_at_end": 87,
    "on_time_share": 0.934,
    "median_first_answer_minutes": 200.0,
    "p90_first_answer_minutes": 905.5,
    "rated": 40,
    "satisfied": 35,
    "satisfied_share": 0.875,
    "received_per_10k": 12.34,
    "received_prev": 1114,
    "received_delta": 120,
    "received_delta_pct": 10.77,
    "zone": "yellow",
}
ZEROS = NULLS | dict.fromkeys(query.COUNTS, 0) | {"closed_unanswered": 0, "rated": 0, "satisfied": 0, "reconsidered": 0}


def common(name: str = "город Таганрог", **values: Any) -> Common:
    exported_at = datetime(2026, 11, 23, 3, tzinfo=UTC)
    parts: dict[str, Any] = {
        "region": "Ростовская область",
        "as_of": exported_at,
        "municipalities": {
            TAGANROG: Row("dim_municipality", (TAGANROG,), {"name": name, "type": "urban_okrug"}),
            AKSAY: Row("dim_municipality", (AKSAY,), {"name": "Аксайский район", "type": "municipal_district"}),
        },
        "sources": [source_row("pos", "ПОС", exported_at)],
        "channels": {"gosuslugi": Row("dim_channel", ("gosuslugi",), {"name_ru": "Госуслуги (ПОС)"})},
        "quality": {
            "pos": Row(
                "rpt_data_quality",
                ("pos",),
                dict.fromkeys(query.QUALITY, 7) | dict.fromkeys(query.NEWEST, date(2026, 11, 22)),
            )
        },
        "by_channel": {OBLAST: [channel_row()]},
        "hotspots": {},
        "overdue": {},
    }
    return Common(**(parts | values))


def source_row(source: str, name: str, exported_at: datetime) -> Row:
    return Row("dim_source", (source,), {"name_ru": name, "newest_exported_at": exported_at})


def channel_row(oktmo: str = ALL, **values: Any) -> Row:
    counts = {"received": 9, "fast_track": 2, "formal_59fz": 1}
    return Row(query.CHANNELS, (WEEK.start.isoformat(), oktmo, "pos", "gosuslugi"), counts | values)


def hotspot_row(oktmo: str, days: int = 2, **values: Any) -> Row:
    signal = {"received": 41, "expected": 3.2, "is_strongest_window": True, "rank_in_day": 1}
    return Row("rpt_hotspot", (SUNDAY.start.isoformat(), oktmo, "ЖКХ", str(days)), signal | values)


def emerging_row(oktmo: str, topic: str = "Прорыв водопровода", **values: Any) -> Row:
    signal = {"received": 12, "expected": 0.5, "is_new": False, "weeks_growing": 3, "rank_in_week": 1}
    return Row("rpt_emerging_topic", (WEEK.start.isoformat(), oktmo, "ЖКХ", topic), signal | values)


def taken_row(authority: str, **values: Any) -> Row:
    taken = {"answered": 40, "rated": 9, "satisfied_share": 0.5, "satisfied_share_high": 0.7, "with_outcome": 30}
    return Row("rpt_answer_quality", (WEEK.start.isoformat(), authority), taken | {"not_solved_share": 0.1} | values)


def week_row(scope: str = OBLAST, week: date = WEEK.start, source: str = ALL, **values: Any) -> Row:
    table, place = ("rpt_weekly_region", ()) if scope == OBLAST else ("rpt_weekly_municipality", (scope,))
    return Row(table, (week.isoformat(), *place, source), WEEK_VALUES | values)


def topic_row(scope: str, topic: str, received: int = 41, **values: Any) -> Row:
    counts = dict.fromkeys(query.COUNTS, 1) | {"received": received, "share_of_received": 0.25}
    change = {"received_prev": 3, "received_delta": received - 3, "received_delta_pct": None}
    key = (WEEK.start.isoformat(), ALL if scope == OBLAST else scope, "ЖКХ", topic)
    return Row("rpt_weekly_topic", key, counts | change | values)


def authority_row(name: str, median: float | None, *, is_ranked: bool = True) -> Row:
    values = NULLS | {"answered": 9, "on_time_share": 0.9, "median_first_answer_minutes": median}
    return Row("rpt_weekly_authority", (WEEK.start.isoformat(), name), values | {"is_ranked": is_ranked})


def weekly(*, topic: str = "Прорыв водопровода", authority: str = "Водоканал", **data: Any) -> WeeklyData:
    """Two weeks of the oblast, Таганрог (where the topic rose) and the Аксайский район (which has nothing)."""
    weeks = {}
    for source in (ALL, "pos"):
        for scope in (OBLAST, TAGANROG):
            before = week_row(scope, WEEK.start - timedelta(weeks=1), source, received=1114, overdue_at_end=60)
            weeks[scope, source] = [before, week_row(scope, source=source)]
        weeks[AKSAY, source] = [week_row(AKSAY, source=source, **ZEROS)]
    topics = {
        OBLAST: [topic_row(OBLAST, topic)],
        TAGANROG: [topic_row(TAGANROG, topic, received=38)],
        AKSAY: [topic_row(AKSAY, topic, received=5)],
    }
    parts: dict[str, Any] = {
        "common": common(),
        "total": ALL,
        "weeks": weeks,
        "topics": topics,
        "authorities": [authority_row(authority, 90.0)],
        "usual": {OBLAST: Row(query.OWN_MEDIAN, (WEEK.start.isoformat(), ALL, ALL), dict.fromkeys(query.USUAL, 3.5))},
        "typical": Row(query.MEDIAN_OF_PLACES, (WEEK.start.isoformat(), ALL), dict.fromkeys(query.TYPICAL, 0.75)),
        "emerging": {TAGANROG: [emerging_row(TAGANROG, topic)]},
        "answer_quality": [taken_row(authority)],
        "heat": [
            Row(query.WEEK_TOPICS, (WEEK.start.isoformat(), TAGANROG, topic), {"received": 4, "received_per_10k": 0.2})
        ],
    }
    return WeeklyData(WEEK, **(parts | data))


def daily(*, topic: str = "Прорыв водопровода", **values: Any) -> DailyData:
    """One day of the oblast with one overdue message."""
    day = SUNDAY.start.isoformat()
    counts = {column: number for number, column in enumerate(query.DAY)}
    days = {
        (OBLAST, source): [Row("rpt_daily_summary", (day, ALL, source), counts | values)] for source in (ALL, "pos")
    }
    moment = datetime(2026, 11, 20, 9, tzinfo=UTC)
    overdue = Row(
        "rpt_daily_overdue",
        (day, "incident:17"),
        dict.fromkeys(query.OVERDUE)
        | {
            "oktmo": TAGANROG,
            "topic": topic,
            "authority": topic,
            "created_at": moment,
            "due_at": moment,
            "overdue_working_minutes": 75,
        },
    )
    group = Row(query.DAY_TOPICS, (day, ALL, topic), dict.fromkeys(query.COUNTS, 4))
    of_day = common(overdue={OBLAST: [overdue]}, hotspots={TAGANROG: [hotspot_row(TAGANROG)]})
    return DailyData(SUNDAY, of_day, ALL, days, {OBLAST: [group]})
