"""Working time: 08:30–17:30 on working days of the Russian production calendar."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache

import holidays

OPENS, CLOSES = time(8, 30), time(17, 30)
_CALENDAR = holidays.country_holidays("RU")


@cache
def is_working(day: date) -> bool:
    """Moved days off and working Saturdays included."""
    return bool(_CALENDAR.is_working_day(day))


def after_working(start: datetime, minutes: float) -> datetime:
    """The moment when `minutes` (≥ 0) of working time have passed since `start`."""
    left = timedelta(minutes=minutes)
    day = start.date()
    while True:
        if is_working(day):
            begin = max(start, datetime.combine(day, OPENS))
            rest = datetime.combine(day, CLOSES) - begin
            if left <= rest:
                return begin + left
            left -= max(rest, timedelta())
        day += timedelta(days=1)


def working_time(start: datetime, end: datetime) -> timedelta:
    """Working time between two moments; `start` ≤ `end`."""
    total = timedelta()
    day = start.date()
    while day <= end.date():
        if is_working(day):
            begin = max(start, datetime.combine(day, OPENS))
            total += max(min(end, datetime.combine(day, CLOSES)) - begin, timedelta())
        day += timedelta(days=1)
    return total
