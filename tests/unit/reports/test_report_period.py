from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from mcu.reports.period import Period, Report, due_period

MOSCOW = ZoneInfo("Europe/Moscow")
UTC = ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("report", "moment", "start"),
    [
        ("daily", datetime(2026, 11, 23, 8, tzinfo=MOSCOW), date(2026, 11, 22)),
        ("daily", datetime(2026, 11, 23, 5, tzinfo=UTC), date(2026, 11, 22)),
        ("daily", datetime(2026, 11, 22, 21, 30, tzinfo=UTC), date(2026, 11, 22)),
        ("daily", datetime(2026, 11, 22, 20, 59, tzinfo=UTC), date(2026, 11, 21)),
        ("weekly", datetime(2026, 11, 23, 8, tzinfo=MOSCOW), date(2026, 11, 16)),
        ("weekly", datetime(2026, 11, 29, 23, 59, tzinfo=MOSCOW), date(2026, 11, 16)),
        ("weekly", datetime(2026, 11, 30, 0, 0, tzinfo=MOSCOW), date(2026, 11, 23)),
        ("weekly", datetime(2026, 11, 22, 21, 30, tzinfo=UTC), date(2026, 11, 16)),
    ],
)
def test_last_whole_period_in_local_time(report: Report, moment: datetime, start: date) -> None:
    assert due_period(report, moment, MOSCOW, None) == Period(report, start)


def test_requested_period_wins() -> None:
    moment = datetime(2026, 11, 23, 8, tzinfo=MOSCOW)
    assert due_period("weekly", moment, MOSCOW, "2026-09-07") == Period("weekly", date(2026, 9, 7))


@pytest.mark.parametrize(
    ("requested", "fault"), [("2026-09-08", "Monday"), ("07.09.2026", "isoformat"), ("", "isoformat")]
)
def test_what_is_no_monday_or_no_date_is_refused(requested: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        due_period("weekly", datetime(2026, 11, 23, tzinfo=MOSCOW), MOSCOW, requested)


def test_period_ends_at_local_midnight() -> None:
    assert Period("weekly", date(2026, 11, 16)).ends_at(MOSCOW) == datetime(2026, 11, 22, 21, tzinfo=UTC)
    assert Period("daily", date(2026, 11, 22)).ends_at(MOSCOW) == datetime(2026, 11, 22, 21, tzinfo=UTC)
