"""Working time of the Russian production calendar, exact to the microsecond. All moments are naive local ones."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache

import holidays

DAY_START = time(8, 30)
DAY_END = time(17, 30)
NORM = timedelta(minutes=540)
ONE_DAY = timedelta(days=1)
DECREED_YEARS = range(2020, 2028)

_CALENDAR = holidays.country_holidays("RU")


@cache
def is_working_day(day: date) -> bool:
    """Whether the day is worked: moved days off and working Saturdays included; Monday to Friday outside 2020–2027."""
    if day.year in DECREED_YEARS:
        return bool(_CALENDAR.is_working_day(day))
    return day.weekday() < 5


def working_time(start: datetime, end: datetime) -> timedelta:
    """Working time between two moments, nothing rounded; zero if `end` is not after `start`."""
    total = timedelta()
    day = start.date()
    while day <= end.date():
        if is_working_day(day):
            begins = max(start, datetime.combine(day, DAY_START))
            ends = min(end, datetime.combine(day, DAY_END))
            total += max(ends - begins, timedelta())
        day += ONE_DAY
    return total


def due_moment(created: datetime, norm: timedelta = NORM) -> datetime:
    """The first moment at which the working time since `created` reaches the norm."""
    left = norm
    day = created.date()
    while True:
        if is_working_day(day):
            begins = max(created, datetime.combine(day, DAY_START))
            available = max(datetime.combine(day, DAY_END) - begins, timedelta())
            if available >= left:
                return begins + left
            left -= available
        day += ONE_DAY


def whole_minutes(duration: timedelta) -> int:
    """Minutes of a duration, rounded up."""
    return -(-duration // timedelta(minutes=1))


def midnight(day: date) -> datetime:
    """The moment at which a local day begins."""
    return datetime.combine(day, time())


def week_of(day: date) -> date:
    """The Monday of the ISO week that a day lies in."""
    return day - timedelta(days=day.weekday())
