"""The data files of the demo agree with the seeds of the warehouse, and the working time with its calendar."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, datetime, timedelta

import pytest

from demo.reference import HERE, SEEDS, load_reference, read_csv
from demo.worktime import after_working, is_working, working_time


def test_all_55_municipalities_are_known_by_their_spelling() -> None:
    names = {row["oktmo"]: row["name"] for row in read_csv(SEEDS / "municipalities.csv") if row["population"]}
    places = load_reference().municipalities
    assert len({place.oktmo for place in places}) == 55
    spelled = {place.oktmo: place.incident_name.replace("ё", "е") for place in places}
    assert {oktmo: re.sub(r"(.*) г\.о\.", r"город \1", name) for oktmo, name in spelled.items()} == names


def test_the_topics_are_those_of_the_seed() -> None:
    demo = [(row["topic_group"], row["topic"]) for row in read_csv(HERE / "topics.csv")]
    seed = [(row["topic_group"], row["topic"]) for row in read_csv(SEEDS / "topics.csv")]
    assert sorted(demo) == sorted(seed)


def test_every_complaint_can_be_filled_in() -> None:
    for topic in load_reference().topics:
        text = topic.complaint.format(street="ул. Мира", house=1, school=2, route=3, n=4)
        assert "{" not in text


def test_organisations_leave_something_to_the_administration() -> None:
    reference = load_reference()
    for place in reference.municipalities:
        for group in {topic.group for topic in reference.topics}:
            shares = [
                one.share
                for one in reference.specialities
                if one.oktmo in (None, place.oktmo) and one.topic_group in (None, group)
            ]
            assert sum(shares) < 1.5
    groups = {one.topic_group for one in reference.specialities} - {None}
    assert groups <= {topic.group for topic in reference.topics}


def test_the_oblast_and_each_control_centre_get_both_reports() -> None:
    centres = {row["oktmo"] for row in read_csv(SEEDS / "municipalities.csv") if row["has_mcu"] == "true"}
    rows = list(read_csv(HERE / "subscriptions.csv"))
    assert len(centres) == 16
    assert Counter((row["scope"], row["report"]) for row in rows) == Counter(
        (scope, report) for scope in centres | {"oblast"} for report in ("daily", "weekly")
    )
    assert all(row["recipient"].endswith("@mcu.example") for row in rows)


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_working_days_are_those_of_the_production_calendar(year: int) -> None:
    named = {row["date"]: row["is_working_day"] == "true" for row in read_csv(SEEDS / "production_calendar.csv")}
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    assert {day: is_working(day) for day in days} == {
        day: named.get(day.isoformat(), day.isoweekday() <= 5) for day in days
    }


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2026-11-20 17:00", 60, "2026-11-23 09:00"),  # over a weekend
        ("2026-11-16 03:00", 6, "2026-11-16 08:36"),  # at night
        ("2026-11-16 08:30", 540, "2026-11-16 17:30"),  # exactly a day
        ("2026-11-16 20:00", 0, "2026-11-17 08:30"),
    ],
)
def test_working_minutes(start: str, minutes: int, end: str) -> None:
    begin, finish = datetime.fromisoformat(start), datetime.fromisoformat(end)
    assert after_working(begin, minutes) == finish
    assert working_time(begin, finish) == timedelta(minutes=minutes)
