"""The calendar seed is what the library says, and covers the years that it claims."""

from __future__ import annotations

import io
from datetime import date

from mcu.settings import PROJECT
from mcu.transform import production_calendar

SEED = PROJECT / "dbt_project" / "seeds" / "production_calendar.csv"


def test_the_seed_is_up_to_date() -> None:
    out = io.StringIO()
    production_calendar.write(out)
    assert SEED.read_text(encoding="utf-8") == out.getvalue()


def test_moved_days_of_the_decrees_are_right() -> None:
    days = dict(production_calendar.exceptions())
    assert days[date(2024, 4, 27)] is True  # Saturday worked instead of 29 April
    assert days[date(2024, 4, 29)] is False
    assert days[date(2025, 11, 1)] is True
    assert days[date(2025, 11, 3)] is False
    assert days[date(2026, 1, 9)] is False
    assert days[date(2026, 12, 31)] is False
    assert date(2026, 7, 6) not in days


def test_every_year_is_there() -> None:
    assert {day.year for day, _ in production_calendar.exceptions()} == set(range(2020, 2028))
