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


def common(name: str = "город Таганрог") -> Common:
    exported_at = datetime(2026, 11, 23, 3, tzinfo=UTC)
    return Common(
        region="Ростовская область",
        as_of=exported_at,
        municipalities={
            TAGANROG: Row("dim_municipality", (TAGANROG,), {"name": name, "type": "urban_okrug"}),
            AKSAY: Row("dim_municipality", (AKSAY,), {"name": "Аксайский район", "type": "municipal_district"}),
        },
        sources=[Row("dim_source", ("pos",), {"name_ru": "ПОС", "newest_exported_at": exported_at})],
        quality={
            "pos": Row(
                "rpt_data_quality",
                ("pos",),
                dict.fromkeys(query.QUALITY, 7) | dict.fromkeys(query.NEWEST, date(2026, 11, 22)),
            )
        },
    )


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
    authorities = [authority_row(authority, 90.0)]
    parts: dict[str, Any] = {"common": common(), "weeks": weeks, "topics": topics, "authorities": authorities}
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
        | {"oktmo": TAGANROG, "topic": topic, "created_at": moment, "due_at": moment, "overdue_working_minutes": 75},
    )
    group = Row("fct_municipality_daily", (day, ALL, topic), dict.fromkeys(query.COUNTS, 4))
    return DailyData(SUNDAY, common(), days, {OBLAST: [group]}, {OBLAST: [overdue]})
