"""The production calendar seed: days on which Russia works or rests against the Monday-to-Friday rule.

Moves of days off are decreed each autumn for the next year. When `holidays` knows them, run with PYTHONPATH=plugins
`python -m mcu.transform.production_calendar > dbt_project/seeds/production_calendar.csv`.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from typing import TextIO

import holidays

from mcu.settings import FIRST_YEAR

LAST_YEAR = 2027


def exceptions(first_year: int = FIRST_YEAR, last_year: int = LAST_YEAR) -> Iterator[tuple[date, bool]]:
    """Yield (day, is it worked) for each day that differs from «Monday to Friday is worked», in order."""
    calendar = holidays.country_holidays("RU", years=range(first_year, last_year + 1))
    day = date(first_year, 1, 1)
    while day.year <= last_year:
        is_working_day = calendar.is_working_day(day)
        if is_working_day != (day.weekday() < 5):
            yield day, is_working_day
        day += timedelta(days=1)


def write(out: TextIO) -> None:
    """Write the seed as CSV: date (ISO), is_working_day (true or false)."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["date", "is_working_day"])
    for day, is_working_day in exceptions():
        writer.writerow([day.isoformat(), str(is_working_day).lower()])


if __name__ == "__main__":
    write(sys.stdout)
