"""The flow: volumes, patterns of day and hour, the two planted stories."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from random import Random

import pytest

from demo.arrivals import Arrival, arrivals
from demo.reference import Reference, load_reference

UNTIL = date(2026, 11, 22)
WEEKS, MONTHLY = 12, 6000
LAST_MONDAY = UNTIL - timedelta(days=6)


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference()


@pytest.fixture(scope="module")
def flow(reference: Reference) -> list[Arrival]:
    return arrivals(reference, WEEKS, MONTHLY, UNTIL, Random(1))


def test_the_flow_is_in_order_and_fills_the_weeks(flow: list[Arrival]) -> None:
    moments = [one.at for one in flow]
    assert moments == sorted(moments)
    assert {one.at.date() for one in flow} == {UNTIL - timedelta(days=n) for n in range(7 * WEEKS)}


def test_a_month_brings_about_what_was_asked_for(flow: list[Arrival]) -> None:
    assert len(flow) / (7 * WEEKS) * 30.4 == pytest.approx(MONTHLY, rel=0.05)
    assert sum(one.source == "incident" for one in flow) / len(flow) == pytest.approx(2 / 3, abs=0.02)


def test_messages_come_by_population(flow: list[Arrival], reference: Reference) -> None:
    people = sum(place.population for place in reference.municipalities)
    usual = [one for one in flow if one.at.date() < LAST_MONDAY]
    counts = Counter(one.place.oktmo for one in usual)
    assert len(reference.municipalities) == 55
    for place in reference.municipalities:
        expected = len(usual) * place.population / people
        assert abs(counts[place.oktmo] - expected) < 4.5 * expected**0.5 + 1


def test_working_days_are_busier_and_nights_are_not_empty(flow: list[Arrival]) -> None:
    days = Counter(one.at.isoweekday() for one in flow)
    assert min(days[n] for n in range(1, 6)) > max(days[6], days[7])
    hours = Counter(one.at.hour for one in flow)
    assert hours[10] > 10 * hours[3] > 0


def of_week(flow: list[Arrival], monday: date, oktmo: str, words: tuple[str, ...]) -> int:
    end = monday + timedelta(days=7)
    here = (one for one in flow if one.place.oktmo == oktmo and monday <= one.at.date() < end)
    return sum(any(word in one.topic.name for word in words) for one in here)


@pytest.mark.parametrize(
    ("oktmo", "words", "least", "most"),
    [
        ("60737000", ("холодной воды", "Прорыв трубы", "слабое давление"), 60, 120),
        ("60602000", ("снега и наледи",), 50, 90),
    ],
    ids=["water main break in Taganrog", "snow clearing in Aksay district"],
)
def test_the_last_week_has_its_stories(
    flow: list[Arrival], oktmo: str, words: tuple[str, ...], least: int, most: int
) -> None:
    usual = [of_week(flow, LAST_MONDAY - timedelta(weeks=n), oktmo, words) for n in range(1, WEEKS)]
    assert least <= of_week(flow, LAST_MONDAY, oktmo, words) <= most
    assert max(usual) < least / 4
