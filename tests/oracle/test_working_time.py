"""The oracle's own ground: working time, deadlines and week edges, each case reckoned by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from tests.oracle.tables import percentile
from tests.oracle.working_time import due_moment, is_working_day, week_of, whole_minutes, working_time


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        ("2025-11-01", True),  # Saturday, worked for Monday the 3rd
        ("2025-11-03", False),
        ("2025-11-04", False),
        ("2025-12-31", False),
        ("2026-01-09", False),
        ("2026-01-12", True),
        ("2026-05-01", False),
        ("2026-05-04", True),
        ("2026-05-11", False),
        ("2026-05-16", False),
        ("2024-04-27", True),  # Saturday, worked for Monday the 29th
        ("2024-12-28", True),  # Saturday, worked for Monday the 30th
    ],
)
def test_production_calendar(day: str, worked: bool) -> None:
    assert is_working_day(date.fromisoformat(day)) is worked


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        ("2025-11-17 23:40:00", "2025-11-18 08:36:00", 6),  # a night post answered first thing
        ("2025-11-17 10:00:00", "2025-11-17 10:00:00", 0),
        ("2025-11-17 12:00:00", "2025-11-17 11:00:00", 0),
        ("2025-11-17 10:00:00", "2025-11-17 10:00:01", 1),  # rounded up
        ("2025-11-17 08:30:00", "2025-11-17 17:30:00", 540),
        ("2025-11-17 08:00:00", "2025-11-17 19:00:00", 540),
        ("2025-11-17 17:30:00", "2025-11-18 17:30:00", 540),
        ("2025-11-17 17:29:59", "2025-11-18 17:30:00", 541),
        ("2025-11-14 17:00:00", "2025-11-17 09:00:00", 60),  # over a week-end
        ("2025-11-15 12:00:00", "2025-11-16 12:00:00", 0),  # within one
        ("2025-10-31 17:00:00", "2025-11-05 09:00:00", 600),  # 30 + the working Saturday + 30; Monday and Tuesday off
        ("2025-12-30 17:00:00", "2026-01-12 08:31:00", 31),  # over the New Year
        ("2026-05-08 17:00:00", "2026-05-12 08:45:00", 45),
    ],
)
def test_working_minutes(start: str, end: str, minutes: int) -> None:
    assert whole_minutes(working_time(at(start), at(end))) == minutes


@pytest.mark.parametrize(
    ("created", "due"),
    [
        ("2025-11-17 08:30:00", "2025-11-17 17:30:00"),  # ends at 17:30: due that day
        ("2025-11-17 00:00:00", "2025-11-17 17:30:00"),
        ("2025-11-17 08:30:01", "2025-11-18 08:30:01"),
        ("2025-11-17 10:00:00", "2025-11-18 10:00:00"),
        ("2025-11-17 17:29:59", "2025-11-18 17:29:59"),
        ("2025-11-17 17:30:00", "2025-11-18 17:30:00"),
        ("2025-11-17 23:59:59", "2025-11-18 17:30:00"),
        ("2025-11-14 17:00:00", "2025-11-17 17:00:00"),
        ("2025-11-15 12:00:00", "2025-11-17 17:30:00"),
        ("2025-10-31 12:00:00", "2025-11-01 12:00:00"),
        ("2025-11-01 12:00:00", "2025-11-05 12:00:00"),
        ("2025-11-02 10:00:00", "2025-11-05 17:30:00"),
        ("2025-12-30 17:30:00", "2026-01-12 17:30:00"),
        ("2026-01-05 10:00:00", "2026-01-12 17:30:00"),
        ("2026-04-30 12:00:00", "2026-05-04 12:00:00"),
        ("2026-05-08 17:29:59", "2026-05-12 17:29:59"),
    ],
)
def test_due_moment(created: str, due: str) -> None:
    assert due_moment(at(created)) == at(due)
    assert working_time(at(created), at(due)) == timedelta(minutes=540)


@pytest.mark.parametrize(
    ("day", "monday"),
    [("2025-11-17", "2025-11-17"), ("2025-11-23", "2025-11-17"), ("2026-01-01", "2025-12-29")],
)
def test_week_of(day: str, monday: str) -> None:
    assert week_of(date.fromisoformat(day)) == date.fromisoformat(monday)


def test_percentile_interpolates() -> None:
    assert percentile([], 0.5) is None
    assert percentile([7.0], 0.9) == 7.0
    assert percentile([10.0, 40.0, 20.0, 30.0], 0.5) == 25.0
    assert percentile([0.0, 10.0, 20.0, 30.0], 0.9) == pytest.approx(27.0)
